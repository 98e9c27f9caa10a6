"""unroll: a reduction of the few elements of a window is computed like an elementwise op.

    before:  Reduce of (N, C, H, W, 2, 2) over the last two axes     one loop of four iterations an element
    after:   the same op of family "window"                           max(max(a, c), max(b, d)), beside its neighbours

Pooling and its gradient are then kernels over their outputs, with what comes before and after them.
"""

from __future__ import annotations

import math
from dataclasses import replace

from jittor_cy.compiler.ir.graph import Graph, Op

__all__ = ["unroll"]

# Elements of a window: 7 x 7. Longer expressions spill registers.
MAX_ELEMENTS = 49


def unroll(graph: Graph) -> Graph:
    """The graph with such reductions marked."""
    return replace(graph, ops=tuple(replace(op, family="window") if is_window(graph, op) else op for op in graph.ops))


def is_window(graph: Graph, op: Op) -> bool:
    """A Reduce of few elements, known in number, that a Reindex laid side by side."""
    if op.family != "reduce":
        return False
    extents = [s.value for s in graph.vars[op.inputs[0]].shape[op.structure[1] : op.structure[2]]]
    if None in extents or not 1 <= math.prod(extents) <= MAX_ELEMENTS:  # type: ignore[type-var]
        return False
    producer = graph.vars[op.inputs[0]].producer
    while producer is not None and graph.ops[producer].kind == "Reshape":
        producer = graph.vars[graph.ops[producer].inputs[0]].producer
    return producer is not None and graph.ops[producer].kind == "Reindex"
