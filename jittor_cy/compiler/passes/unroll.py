"""unroll: a reduction of the few elements of a window is computed like an elementwise op.

    before:  Reduce of (N, C, H, W, 2, 2) over the last two axes     one loop of four iterations an element
    after:   the same op of family "window"                           max(max(a, c), max(b, d)), beside its neighbours

Pooling and its gradient are then kernels over their outputs, with what comes before and after them. So is a Contraction
of few terms one operand of which has every axis of the output (the channels of images times a number each): nothing is
read often enough to be packed. So is one with a small matrix along one axis, and, of 16-bit floats, a convolution of
each channel with a filter of its own of up to 3 x 3: for float32 and float64 the runtime's own way is faster.
"""

from __future__ import annotations

import math
from dataclasses import replace

from jittor_cy.compiler.ir.contraction import operand_dims, summed_extents
from jittor_cy.compiler.ir.graph import Graph, Op, Var
from jittor_cy.compiler.ir.primitives import is_floating

__all__ = ["unroll"]

# Elements of a window: 7 x 7. Longer expressions spill registers.
MAX_ELEMENTS = 49
# Taps of a convolution of each channel with a filter of its own: 3 x 3. Rows of a map are cut at each tap.
MAX_TAPS = 9
# runtime/exec/planes.h: 0.2 to 0.5 of the time of such a map.
OF_THE_RUNTIME = ("float32", "float64")


def unroll(graph: Graph) -> Graph:
    """The graph with such ops marked."""
    return replace(
        graph,
        ops=tuple(
            replace(op, family="window") if is_window(graph, op) or has_few_terms(graph, op) else op for op in graph.ops
        ),
    )


def has_few_terms(graph: Graph, op: Op) -> bool:
    """A Contraction whose sum is short, one operand of which has every axis of the output."""
    if op.kind != "Contraction" or graph.device != "cpu" or not is_floating(graph.vars[op.outputs[0]].dtype):
        return False
    extents, operands = summed_extents(graph, op), operand_dims(op)
    if extents is None or not 1 <= math.prod(extents) <= MAX_ELEMENTS:
        return False
    if any(is_small(graph.vars[number]) for number in op.inputs):
        return len(extents) == 1 and all(dim.divisor == 1 for dims in operands for dim in dims)
    found = [dim for dims in operands for dim in dims if not dim.is_alone]
    if found and (graph.vars[op.outputs[0]].dtype in OF_THE_RUNTIME or math.prod(extents) > MAX_TAPS):
        return False
    if any(dim.divisor != 1 for dim in found):
        return False
    needed = {a for a, s in enumerate(graph.vars[op.outputs[0]].shape) if s.value != 1}
    return any(needed <= {axis for dim in dims for axis in dim.axes} for dims in operands)


def is_small(var: Var) -> bool:
    """Whether it has few elements, known in number."""
    extents = [s.value for s in var.shape]
    return None not in extents and math.prod(extents) <= MAX_ELEMENTS  # type: ignore[type-var]


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
