"""Reductions that one iteration would do alone, cut into blocks: a phase for the blocks and one that combines them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.kernel import (
    Array,
    Assign,
    Loop,
    Partial,
    PhaseBody,
    Recall,
    ReduceLoop,
    ReduceResult,
    Statement,
    begin_of,
    end_of,
)
from jittor_cy.compiler.ir.primitives import identity_of
from jittor_cy.compiler.schedule.heuristic import COLUMN_BLOCK, WHOLE_RUN
from jittor_cy.compiler.schedule.stage import Stage, Store, store_loops

__all__ = ["TwoPhases", "is_one_block"]


@dataclass
class TwoPhases:
    """`outer`: the axes of the columns; none for a reduction of everything. `cost`: of an element, in eighths of ns.

    `tile`, `wide`: columns of one iteration, where blocks are combined and where rows are read; 0 without columns.
    """

    outer: tuple[Expr, ...]
    columns: Expr | None
    cost: int
    tile: int
    wide: int

    def __post_init__(self) -> None:
        self.arrays: list[Array] = []
        self.pitch = ix.product([a.args[0] for a in self.outer])

    def phases(self, stores: list[Store], stages: list[Stage]) -> Iterator[PhaseBody]:
        """Stores ride along where their loop runs anyway, and are done as soon as what they need is known."""
        recalled: list[Statement] = []
        waiting = list(stores)
        for stage in stages:
            loop, block = stage.loop, self.block_axis(stage.loop.extent, stage.loop.block)
            arrays = tuple(self.shared_arrays(r, block) for r in loop.results)
            work = max(1, self.cost * loop.block * (self.wide or 1) // 16)
            first = Partial(loop, True, block, arrays, self.place(), self.pitch)
            yield self.phase((block, *self.outer), (*recalled, first), (work, ()), self.wide)
            waiting = [s for s in waiting if s not in stage.stores]
            last = stage is stages[-1]
            done = [s for s in waiting if not s.loops and (s.level == stage.level or last)]
            waiting = [s for s in waiting if s not in done]
            combine = Partial(loop, False, block, arrays, self.place(), self.pitch)
            assigned = tuple(store_loops(done, self.columns))
            work = self.tile or 1
            yield self.phase(self.outer, (*recalled, combine, *assigned), (work, (block.args[0],)), self.tile)
            recalled += [
                Recall(r.target, names[-1], empty_value(r), loop.extent, self.columns, self.place())
                for r, names in zip(loop.results, arrays, strict=True)
            ]
        yield from self.rest(waiting, recalled)

    def rest(self, stores: list[Store], recalled: list[Statement]) -> Iterator[PhaseBody]:
        """Stores with loops: rows in blocks, too, where one loop is all."""
        nests: dict[tuple[Expr, ...], list[Store]] = {}
        for s in stores:
            nests.setdefault(s.loops, []).append(s)
        for axes, members in nests.items():
            inner = tuple(Assign(s.target, s.value) for s in members)
            columns = self.columns
            assert columns is not None, "internal error: a reduction of everything stores single elements"
            body: tuple[Statement, ...] = (Loop(columns, begin_of(columns), end_of(columns), True, inner),)
            if len(axes) > 1:
                extents = tuple(a.args[0] for a in axes)
                nest = store_loops(members, columns)
                yield self.phase(self.outer, (*recalled, *nest), (self.tile, extents), self.tile)
                continue
            (axis,) = axes
            block = self.block_axis(axis.args[0], COLUMN_BLOCK)
            begin = ix.mul(block, e.const(COLUMN_BLOCK))
            end = e.op("IndexMin", "int64", ix.add(begin, e.const(COLUMN_BLOCK)), axis.args[0])
            work = max(1, self.cost * COLUMN_BLOCK * self.wide // 16)
            rows = Loop(axis, begin, end, False, body)
            yield self.phase((block, *self.outer), (*recalled, rows), (work, ()), self.wide)

    def phase(
        self, axes: tuple[Expr, ...], body: tuple[Statement, ...], work: tuple[int, tuple[Expr, ...]], tile: int
    ) -> PhaseBody:
        return PhaseBody(axes, body, tile, work, together=True)

    def place(self) -> Expr:
        """The number of the column."""
        position = ix.ZERO
        for axis in self.outer:
            position = ix.add(ix.mul(position, axis.args[0]), axis)
        return position

    @staticmethod
    def block_axis(extent: Expr, block: int) -> Expr:
        return e.axis("b", e.node("div", "int64", None, (ix.add(extent, e.const(block - 1)), e.const(block))))

    def shared_arrays(self, result: ReduceResult, block: Expr) -> tuple[str, ...]:
        name, length = str(result.target.data), ix.mul(block.args[0], self.pitch)
        arrays = [Array(f"{name}_part", result.dtype, length)]
        if result.kind.startswith("Arg"):
            arrays.append(Array(f"{name}_index", "int64", length))
        self.arrays += arrays
        return tuple(a.name for a in arrays)


def empty_value(result: ReduceResult) -> Expr:
    return e.const(0) if result.kind.startswith("Arg") else identity_of(result.kind, result.dtype)


def is_one_block(loop: ReduceLoop) -> bool:
    """Whether one block is all there can be."""
    extent = ix.value_of(loop.extent)
    return loop.block >= WHOLE_RUN or (extent is not None and extent <= loop.block)
