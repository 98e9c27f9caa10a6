"""The compiler: a GraphSnapshot in, a Program with kernel sources out; needs no extension and no live Var."""
