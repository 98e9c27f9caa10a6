"""orientation: a group of reductions goes along the memory of what it reads, not as the reduction is written.

The sum over the last axis of a transposed matrix, as written, jumps a row of memory from element to element. A column
group reads the rows as they lie and has the sums side by side; lanes and blocks are those of the reduction as written
(docs/bits.md), so that the bits do not know.
"""

from __future__ import annotations

from typing import NamedTuple

from jittor_cy.compiler.ir.graph import Op, Symbol, Var
from jittor_cy.compiler.schedule.group import Group
from jittor_cy.compiler.schedule.heuristic import SMALL_EXTENT
from jittor_cy.compiler.schedule.labels import Labels, down, real_axes
from jittor_cy.compiler.schedule.reach import POINTWISE, Reaches

__all__ = ["Orientation", "is_turned", "orientation", "stores_along"]


class Orientation(NamedTuple):
    """Of the group that a reduction opens; `kept`: axes of its input that are the group's, in their order there."""

    kind: str
    kept: tuple[int, ...]
    turned: bool


def orientation(reaches: Reaches, op: Op, along_memory: bool, inside: Group | None = None) -> Orientation:
    """`inside`: a group that it might join, whose stores are values and not memory to it."""
    source = reaches.graph.vars[op.inputs[0]]
    first, end = op.structure[1], op.structure[2]
    kept = tuple(a for a in real_axes(source) if not first <= a < end)
    kind = "column" if any(a >= end for a in kept) else "row" if kept else "full"
    as_written = Orientation(kind, kept, False)
    if kind == "full" or not along_memory or reaches.graph.device != "cpu":
        return as_written
    axis = memory_axis(reaches, source.id, inside)
    if axis is None or not is_long(source.shape[axis]):
        return as_written
    if kind == "row" and axis in kept:
        return Orientation("column", (*(a for a in kept if a != axis), axis), True)
    if kind == "column" and axis not in kept:
        return Orientation("row", kept, True)
    return as_written


def is_turned(reaches: Reaches, op: Op, along_memory: bool, group: Group) -> bool:
    """Whether a reduction that might join `group` reads memory otherwise than it is written."""
    return group.kind != "full" and orientation(reaches, op, along_memory, group).turned


def stores_along(reaches: Reaches, group: Group, var: Var, labels: Labels) -> bool:
    """Whether a turned group would write `var` element behind element, if it is more than a value a row."""
    real = real_axes(var)
    return all(labels[a] is not None for a in real) or is_along(group, labels[real[-1]])


def is_along(group: Group, label: int | None) -> bool:
    """Whether the group's innermost loop is that of an axis with this label."""
    return label == len(group.outer) - 1 if group.kind == "column" else label is None


def is_long(extent: Symbol) -> bool:
    return extent.value is None or extent.value > SMALL_EXTENT


def memory_axis(reaches: Reaches, var: int, inside: Group | None) -> int | None:
    """The axis of `var` along which all of its size that it is computed from lies in memory; None: there is no one."""
    graph = reaches.graph
    whole = len(real_axes(graph.vars[var]))
    stack: list[tuple[int, Labels]] = [(var, tuple(range(len(graph.vars[var].shape))))]
    seen: dict[tuple[int, Labels], None] = {}
    found: dict[int | None, None] = {}
    while stack:
        number, axes = one = stack.pop()
        if one in seen:
            continue
        seen[one] = None
        known = graph.vars[number]
        own = inside is not None and reaches.groups.stored_by.get(number) == inside.number
        if reaches.groups.in_memory(number) and not own:
            if len(real_axes(known)) - len(known.repeated) == whole:
                unit = known.unit_axis if known.layout == "strided" else real_axes(known)[-1]
                found[None if unit is None else axes[unit]] = None
            continue
        op = reaches.producer(number)
        if op.family == "reduce" or not op.inputs:
            continue
        below = down(graph, op, axes) if op.family in POINTWISE else None
        if below is None:
            return None
        stack += [(i, below) for i in op.inputs]
    return next(iter(found)) if len(found) == 1 else None
