"""What the compiler works on: the graph, the expressions and the loops of a kernel, and the Program it gives back."""
