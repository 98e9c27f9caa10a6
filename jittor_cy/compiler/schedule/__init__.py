"""Which ops share a kernel, and by which loops it computes them."""
