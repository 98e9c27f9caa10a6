"""A ReindexReduce as expressions: which sources count, where they go, and what must hold; for a kernel of its own."""

from __future__ import annotations

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.graph import Graph, Op, Var
from jittor_cy.compiler.ir.primitives import REDUCE_KINDS
from jittor_cy.compiler.ir.program import DimRef
from jittor_cy.compiler.ir.scatter import Scatter
from jittor_cy.compiler.schedule import index_programs
from jittor_cy.compiler.schedule.values import Values, canonical_axes

__all__ = ["build_scatter"]

AXIS_TOKEN = 0  # IndexToken::kAxis


def build_scatter(graph: Graph, op: Op) -> Scatter:
    """The Scatter of a ReindexReduce."""
    source, target = graph.vars[op.inputs[0]], graph.vars[op.outputs[0]]
    values = Values(graph, canonical_axes(graph), frozenset(), {op.id: 0})
    for var in dict.fromkeys(op.inputs):
        values.buffer(graph.vars[var])
    axes = tuple(e.axis(f"i{a}", extent) for a, extent in enumerate(values.extents(source)))
    modes, programs = index_programs.split(op.structure[1:])
    conditions, checks, to = [], [], []
    for mode, program, extent in zip(modes, programs, values.extents(target), strict=True):
        i = index_programs.evaluate(values, op, program, axes, None)
        if mode != index_programs.FREE:
            conditions.append(values.within(i, ix.ZERO, extent))
        if mode == index_programs.CHECKED:
            checks.append((conditions[-1], i, extent))
        to.append(i)
    place, value = values.flatten(to, values.extents(target)), values.value(source.id, axes)
    leading = leading_axes(source, target, programs)
    runs = (
        DimRef("count", source.id, 0, leading),
        DimRef("count", source.id, leading, len(axes)),
        DimRef("count", target.id, 0, len(target.shape)),
    )
    counts = tuple(int(str(values.dim(run).data)) for run in runs)
    return Scatter(
        op,
        REDUCE_KINDS[op.structure[0]],
        target,
        axes,
        leading,
        values.all_of(*conditions),
        place,
        value,
        tuple(checks),
        tuple(values.buffers),
        tuple(values.dims),
        tuple(values.scalars),
        counts,
    )  # type: ignore[arg-type]


def leading_axes(source: Var, target: Var, programs: list[list[tuple[int, int]]]) -> int:
    """Axes at the front that go through unchanged: blocks of threads can have them to themselves."""
    count = 0
    while count < min(len(programs), len(source.shape)):
        if programs[count] != [(AXIS_TOKEN, count)] or source.shape[count] != target.shape[count]:
            break
        count += 1
    return count
