"""simplify_graph: equal ops become one, identities and dead ops go; never looks at a scalar's value."""

from __future__ import annotations

from dataclasses import replace

from jittor_cy.compiler.ir.graph import Graph, Op

__all__ = ["simplify_graph"]

# Two of these with equal inputs and structure may still differ in their scalars, which are not known here.
WITHOUT_SCALARS = ("elementwise", "reduce")
MOVES = ("Broadcast", "Transpose", "Reshape")


def simplify_graph(graph: Graph) -> Graph:
    """The same outputs from fewer ops. Vars and ops keep their numbers."""
    same: dict[int, int] = {}
    first: dict[tuple, int] = {}
    kept: list[Op] = []
    for op in graph.ops:
        if any([i in same for i in op.inputs]):
            op = replace(op, inputs=tuple([same.get(i, i) for i in op.inputs]))
        other = equal_value(graph, op, first)
        if other is not None and not graph.vars[op.outputs[0]].output:
            same[op.outputs[0]] = other
        kept.append(op)
    needed = {v.id for v in graph.vars if v.output}
    alive = []
    for op in reversed(kept):
        if any(out in needed for out in op.outputs) or op.kind == "Code":
            needed.update(op.inputs)
            alive.append(op.id)
    living = frozenset(alive)
    return replace(graph, ops=tuple(op if op.id in living else replace(op, family="dead") for op in kept))


def equal_value(graph: Graph, op: Op, first: dict[tuple, int]) -> int | None:
    """A var with the same value as this op's output."""
    if len(op.outputs) != 1 or op.update_group:
        return None
    out = graph.vars[op.outputs[0]]
    if is_identity(graph, op):
        return op.inputs[0]
    if op.family not in WITHOUT_SCALARS and op.kind not in MOVES:
        return None
    key = (op.kind, op.inputs, op.structure, out.dtype, out.shape, op.given)
    found = first.setdefault(key, out.id)
    return None if found == out.id else found


def is_identity(graph: Graph, op: Op) -> bool:
    """A Copy, a cast to the same dtype, or a movement that moves nothing."""
    if len(op.inputs) != 1:
        return False
    source, out = graph.vars[op.inputs[0]], graph.vars[op.outputs[0]]
    if (source.dtype, source.shape) != (out.dtype, out.shape):
        return False
    in_place = tuple(range(len(out.shape)))
    return (op.kind in ("Copy", "Cast", "Reshape")) or (
        op.kind in ("Transpose", "Broadcast") and op.structure == in_place
    )
