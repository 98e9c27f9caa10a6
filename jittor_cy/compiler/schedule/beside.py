"""Sums over all rows that run beside the rows' own kernel: which groups may, and the loops of both.

Layer norm with its gradients reads each row once: the gradients of weight and bias grow while the rows pass. A thread
takes every fourth row of a block, which is one lane of the reduction (docs/bits.md); what a lane holds lies in the
launch's shared memory, and a second phase combines lanes and blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.graph import Graph, Op, Symbol, Var
from jittor_cy.compiler.ir.kernel import Array, Assign, Loop, Partial, PhaseBody, ReduceLoop
from jittor_cy.compiler.ir.primitives import ACCUMULATOR, REDUCE_KINDS, REDUCE_OPS, cast, identity_of
from jittor_cy.compiler.ir.statements import replace_in
from jittor_cy.compiler.schedule.group import Group, stays_apart
from jittor_cy.compiler.schedule.heuristic import COLUMN_BLOCK, COLUMN_LANES, MAX_BUFFERS, MAX_OPS
from jittor_cy.compiler.schedule.labels import MISALIGNED, real_axes
from jittor_cy.compiler.schedule.reach import Reaches
from jittor_cy.compiler.schedule.stage import Store, store_loops
from jittor_cy.compiler.schedule.two_phases import TwoPhases
from jittor_cy.compiler.schedule.values import unflatten

__all__ = ["Accumulator", "Lanes", "accumulators", "beside_leader", "labels_over"]

# For the rough time of an iteration: a lane of a full block has 64, of a last one fewer.
ROWS_A_LANE = 16


# ---- which groups ----


def beside_leader(reaches: Reaches, group: Group, followers: dict[int, list[Group]]) -> Group | None:
    """The row group that passes over what a column group reduces, if both can run at once."""
    groups = reaches.groups
    asked = dict(group.given)
    possible = reaches.graph.device == "cpu" and asked.get("beside", True) and "reduction" not in asked
    run = run_of(reaches.graph, group) if possible else None
    if run is None:
        return None
    makers = sorted({groups.stored_by[s] for s in group.sources if s in groups.stored_by})
    near = {n for v in group.sources for n in groups.touching.get(v, ())} | set(makers)
    for number in sorted(near):
        leader = groups.groups[number]
        others = [m for m in makers if m != number]
        if (
            stays_apart(leader.given, group.given)
            or leader.kind != "row"
            or leader.outer != run
            or groups.depends(number, group.number)
        ):
            continue
        if any(f.kind != "column" for f in followers.get(number, ())) or any(groups.depends(m, number) for m in others):
            continue
        if (
            shares_rows(reaches.graph, leader, group)
            and fits(leader, group, followers)
            and goes_along(reaches, leader, group)
        ):
            for other in others:
                groups.add_dependence(number, other)
            return leader
    return None


def run_of(graph: Graph, group: Group) -> tuple[Symbol, ...] | None:
    """Extents of the reduced axes, where plain reductions over the first axes are all that a group does."""
    runs = set()
    for number in group.reduces:
        op = graph.ops[number]
        source = graph.vars[op.inputs[0]]
        first, end = op.structure[1], op.structure[2]
        real = real_axes(source)
        if REDUCE_KINDS[op.structure[0]].startswith("Arg") or any(a < first for a in real):
            return None
        runs.add(tuple(source.shape[a] for a in real if a < end))
        if tuple(source.shape[a] for a in real if a >= end) != group.outer:
            return None
    stored = [graph.vars[group.roots.get(v, v)] for v in group.stores]
    once = all(len(real_axes(v)) == len(group.outer) for v in stored)
    return runs.pop() if group.kind == "column" and len(runs) == 1 and once and not group.update else None


def shares_rows(graph: Graph, leader: Group, group: Group) -> bool:
    """Whether both read (or one makes) the same whole rows."""
    whole = len(leader.outer) + 1
    return any(
        len(real_axes(graph.vars[v])) >= whole and (v in leader.sources or v in leader.stores) for v in group.sources
    )


def fits(leader: Group, group: Group, followers: dict[int, list[Group]]) -> bool:
    members = [leader, *followers.get(leader.number, ()), group]
    buffers = {v for member in members for v in (*member.sources, *member.stores)}
    return len(buffers) <= MAX_BUFFERS and len({o for member in members for o in member.ops}) <= MAX_OPS


def goes_along(reaches: Reaches, leader: Group, group: Group) -> bool:
    """Whether each reduced value belongs to the leader's iteration over its row, and needs no reduction of `group`."""
    for number in group.reduces:
        op = reaches.graph.ops[number]
        source = op.inputs[0]
        if group.number in reaches.reach(source).homes:
            return False
        labels = reaches.labels_of(source, leader)
        if labels is MISALIGNED:
            return False
        wanted = labels_over(reaches.graph, op)
        if any(found is not None and found != want for found, want in zip(labels, wanted, strict=True)):
            return False
    return True


def labels_over(graph: Graph, op: Op) -> tuple[int | None, ...]:
    """The reduced axes as the leader's outer axes."""
    source = graph.vars[op.inputs[0]]
    rows = [a for a in real_axes(source) if a < op.structure[2]]
    return tuple(rows.index(a) if a in rows else None for a in range(len(source.shape)))


# ---- their loops ----


@dataclass(frozen=True, slots=True)
class Accumulator:
    """A reduction over rows, and the array of the values that its lanes hold."""

    op: Op
    kind: str
    dtype: str
    array: str


def accumulators(graph: Graph, groups: tuple[Group, ...]) -> list[Accumulator]:
    out = []
    for number in (o for group in groups for o in group.reduces):
        op = graph.ops[number]
        dtype = ACCUMULATOR[graph.vars[op.inputs[0]].dtype]
        out.append(Accumulator(op, REDUCE_KINDS[op.structure[0]], dtype, f"lanes{len(out)}"))
    return out


@dataclass
class Lanes:
    """The rows of a kernel cut into lanes: iteration (lane, block) takes every fourth row of a block."""

    rows: Expr  # how many
    pitch: Expr  # columns
    accumulators: list[Accumulator]

    def __post_init__(self) -> None:
        self.block = TwoPhases.block_axis(self.rows, COLUMN_BLOCK)
        self.lane = e.axis("lane", e.const(COLUMN_LANES))

    def store(self, accumulator: Accumulator, source: Var, index: tuple[Expr, ...], column: Expr, value: Expr) -> Store:
        """A row's addition to what the lane holds of a column."""
        target = e.element(accumulator.array, accumulator.dtype, self.place(column))
        added = e.op(REDUCE_OPS[accumulator.kind], accumulator.dtype, target, cast(value, accumulator.dtype))
        return Store(source, index, target, added)

    def place(self, column: Expr) -> Expr:
        row = ix.add(ix.mul(self.block, e.const(COLUMN_LANES)), self.lane)
        return ix.add(ix.mul(row, self.pitch), column)

    def phase(self, rows: PhaseBody) -> PhaseBody:
        """A phase over rows as one over lanes."""
        axis, body = rows.axes[0], rows.body
        if len(rows.axes) > 1:
            axis = e.axis("row", self.rows)
            parts = unflatten(axis, [a.args[0] for a in rows.axes])
            body = tuple(replace_in(s, dict(zip(rows.axes, parts, strict=True))) for s in body)
        start = ix.mul(self.block, e.const(COLUMN_BLOCK))
        stop = e.op("IndexMin", "int64", ix.add(start, e.const(COLUMN_BLOCK)), self.rows)
        nest = Loop(axis, ix.add(start, self.lane), stop, False, body, step=COLUMN_LANES)
        factor, extents = rows.work
        return PhaseBody(
            (self.lane, self.block), (self.empty(), nest), 0, (factor * ROWS_A_LANE, extents), together=True
        )

    def empty(self) -> Loop:
        """Fills the lane with identities."""
        column = e.axis("c", self.pitch)
        fills = [
            Assign(e.element(a.array, a.dtype, self.place(column)), identity_of(a.kind, a.dtype))
            for a in self.accumulators
        ]
        return Loop(column, ix.ZERO, self.pitch, True, tuple(fills))

    def arrays(self) -> list[Array]:
        length = ix.mul(ix.mul(self.block.args[0], e.const(COLUMN_LANES)), self.pitch)
        return [Array(a.array, a.dtype, length) for a in self.accumulators]

    def combine(
        self, outer: tuple[Expr, ...], loop: ReduceLoop, arrays: list[str], stores: list[Store], tile: int
    ) -> PhaseBody:
        """The phase that makes lanes and blocks one value a column, and what is stored of it."""
        column = ix.ZERO
        for axis in outer:
            column = ix.add(ix.mul(column, axis.args[0]), axis)
        names = tuple((name,) for name in arrays)
        whole = Partial(loop, False, self.block, names, column, self.pitch, COLUMN_LANES)
        statements = (whole, *store_loops(stores, outer[-1]))
        work = COLUMN_LANES * tile, (self.block.args[0],)
        return PhaseBody(outer, statements, tile, work, together=True)
