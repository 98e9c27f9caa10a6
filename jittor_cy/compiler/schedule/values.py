"""The value of a Var at an index, as an expression: walks from what a Group stores back to what it loads."""

from __future__ import annotations

from dataclasses import dataclass, field

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.graph import Graph, Op, Symbol, Var
from jittor_cy.compiler.ir.primitives import (
    ACCUMULATOR,
    REDUCE_KINDS,
    cast,
    elementwise,
    is_floating,
    is_half,
)
from jittor_cy.compiler.ir.program import DimRef
from jittor_cy.compiler.schedule import index_programs
from jittor_cy.compiler.schedule.heuristic import reduction_order
from jittor_cy.compiler.schedule.terms import sum_of_terms
from jittor_cy.compiler.schedule.windows import fold, search

__all__ = ["Values", "canonical_axes", "run_name"]

Index = tuple[Expr, ...]


def canonical_axes(graph: Graph) -> dict[int, tuple[int, int]]:
    """Symbol id → the first (var, axis) that has it: where a kernel's dim is taken from."""
    found: dict[int, tuple[int, int]] = {}
    for var in graph.vars:
        for position, symbol in enumerate(var.shape):
            found.setdefault(symbol.id, (var.id, position))
    return found


def run_name(depth: int) -> str:
    return f"r{depth}"


def unflatten(linear: Expr, extents: list[Expr]) -> list[Expr]:
    """The index of each axis, from the position in row-major order."""
    out: list[Expr] = []
    rest = linear
    for position, extent in enumerate(reversed(extents)):
        last = position == len(extents) - 1
        out.append(rest if last else ix.mod(rest, extent))
        if not last:
            rest = ix.floor_div(rest, extent)
    return out[::-1]


@dataclass
class Values:
    """One kernel's buffers, dims and scalars, in the order of their first use, and the expressions over them."""

    graph: Graph
    canonical: dict[int, tuple[int, int]]
    computed: frozenset[int]  # vars that are computed here, the others are loaded
    op_positions: dict[int, int]  # op id → position in Launch.ops
    buffers: dict[int, int] = field(default_factory=dict)
    dims: dict[DimRef, int] = field(default_factory=dict)
    scalars: dict[tuple[int, int], int] = field(default_factory=dict)
    memo: dict[tuple[int, Index, Expr | None], Expr] = field(default_factory=dict)
    joined: dict[Index, tuple[Expr, ...]] = field(default_factory=dict)  # axes that a Reshape joined → extents before

    def extent(self, symbol: Symbol) -> Expr:
        if symbol.value is not None:
            return e.const(symbol.value)
        var, position = self.canonical[symbol.id]
        return self.dim(DimRef("extent", var, position))

    def dim(self, ref: DimRef) -> Expr:
        return e.dim(self.dims.setdefault(ref, len(self.dims)))

    def scalar(self, op: Op, number: int) -> Expr:
        position = self.scalars.setdefault((op.id, number), len(self.scalars))
        return e.scalar(position, op.scalar_is_float[number])

    def extents(self, var: Var) -> list[Expr]:
        return [self.extent(s) for s in var.shape]

    def place(self, var: Var, index: Index) -> Expr:
        """Where the element lies, in elements."""
        if var.layout == "strided":
            parts = [
                i if position == var.unit_axis else ix.mul(i, self.dim(DimRef("stride", var.id, position)))
                for position, i in enumerate(index)
                if var.shape[position].value != 1 and position not in var.repeated
            ]
            return ix.add(*parts) if parts else ix.ZERO
        return self.flatten(index, self.extents(var))

    @staticmethod
    def flatten(index: Index | list[Expr], extents: list[Expr]) -> Expr:
        position = ix.ZERO
        for i, extent in zip(index, extents, strict=True):
            position = ix.add(ix.mul(position, extent), i)
        return position

    def buffer(self, var: Var) -> int:
        return self.buffers.setdefault(var.id, len(self.buffers))

    def load(self, var: Var, index: Index, guard: Expr | None) -> Expr:
        held = "float32" if is_half(var.dtype) else var.dtype
        stored = e.load(self.buffer(var), var.dtype, self.place(var, index), guard)
        return stored if held == var.dtype else e.op("Widen16", var.dtype, stored)

    def value(self, number: int, index: Index, guard: Expr | None = None) -> Expr:
        """16-bit floats are held as the float32 that equals them; their nodes keep the 16-bit dtype."""
        key = (number, index, guard)
        found = self.memo.get(key)
        if found is None:
            var = self.graph.vars[number]
            if number in self.computed:
                found = self.compute(self.graph.ops[var.producer], var, index, guard)  # type: ignore[index]
            else:
                found = self.load(var, index, guard)
            self.memo[key] = found
        return found

    def compute(self, op: Op, var: Var, index: Index, guard: Expr | None) -> Expr:
        if op.family == "elementwise":
            operands = [self.value(i, index, guard) for i in op.inputs]
            return elementwise(op.kind, var.dtype, operands)
        return getattr(self, f"compute_{op.kind.lower()}")(op, var, index, guard)

    # ---- sources ----

    def compute_full(self, op: Op, var: Var, index: Index, guard: Expr | None) -> Expr:
        return cast(self.scalar(op, 0), var.dtype)

    def compute_iota(self, op: Op, var: Var, index: Index, guard: Expr | None) -> Expr:
        dtype = "float64" if is_floating(var.dtype) else "int64"
        start, step = (cast(self.scalar(op, n), dtype) for n in (0, 1))
        position = cast(e.op("Index", "int64", index[op.structure[0]]), dtype)
        return cast(e.op("Add", dtype, start, e.op("Mul", dtype, step, position)), var.dtype)

    def compute_random(self, op: Op, var: Var, index: Index, guard: Expr | None) -> Expr:
        place = self.flatten(index, self.extents(var))
        return e.node("random", var.dtype, None, (place, self.scalar(op, 0), self.scalar(op, 1)))

    # ---- movement ----

    def compute_broadcast(self, op: Op, var: Var, index: Index, guard: Expr | None) -> Expr:
        source = self.graph.vars[op.inputs[0]]
        inner = [ix.ZERO] * len(source.shape)
        for position, axis in enumerate(op.structure):
            if axis >= 0 and source.shape[axis].value != 1:
                inner[axis] = index[position]
        return self.value(source.id, tuple(inner), guard)

    def compute_transpose(self, op: Op, var: Var, index: Index, guard: Expr | None) -> Expr:
        inner = [ix.ZERO] * len(index)
        for position, axis in enumerate(op.structure):
            inner[axis] = index[position]
        return self.value(op.inputs[0], tuple(inner), guard)

    def compute_reshape(self, op: Op, var: Var, index: Index, guard: Expr | None) -> Expr:
        """Equal axes at both ends pass through; what is between goes by its position in row-major order."""
        source = self.graph.vars[op.inputs[0]]
        to = [a for a, s in enumerate(source.shape) if s.value != 1]
        given = [a for a, s in enumerate(var.shape) if s.value != 1]
        inner = [ix.ZERO] * len(source.shape)
        while to and given and source.shape[to[0]] == var.shape[given[0]]:
            inner[to.pop(0)] = index[given.pop(0)]
        while to and given and source.shape[to[-1]] == var.shape[given[-1]]:
            inner[to.pop()] = index[given.pop()]
        axes, lengths = tuple(index[a] for a in given), [self.extent(var.shape[a]) for a in given]
        extents = [self.extent(source.shape[a]) for a in to]
        # An axis may go further than the var does, which is a part of what is joined then.
        if all(i.kind == "axis" and i.args[0] == n for i, n in zip(axes, lengths, strict=True)) and len(extents) > 1:
            self.joined.setdefault(axes, tuple(extents))
        linear = self.flatten(list(axes), lengths)
        parts = unflatten(linear, extents)
        for axis, part in zip(to, parts, strict=True):
            inner[axis] = part
        return self.value(source.id, tuple(inner), guard)

    def compute_slice(self, op: Op, var: Var, index: Index, guard: Expr | None) -> Expr:
        inner = tuple(ix.add(self.scalar(op, a), ix.mul(e.const(op.structure[a]), i)) for a, i in enumerate(index))
        return self.value(op.inputs[0], inner, guard)

    def compute_pad(self, op: Op, var: Var, index: Index, guard: Expr | None) -> Expr:
        source = self.graph.vars[op.inputs[0]]
        inner = tuple(ix.sub(i, self.scalar(op, a)) for a, i in enumerate(index))
        inside = [self.within(i, ix.ZERO, self.extent(s)) for i, s in zip(inner, source.shape, strict=True)]
        condition = self.all_of(*inside)
        fill = cast(self.scalar(op, len(index)), var.dtype)
        if condition is None:
            return self.value(source.id, inner, guard)
        return e.select(condition, self.value(source.id, inner, self.all_of(guard, condition)), fill)

    def compute_concat(self, op: Op, var: Var, index: Index, guard: Expr | None) -> Expr:
        axis = op.structure[0]
        begin, parts = ix.ZERO, []
        for number in op.inputs:
            end = ix.add(begin, self.extent(self.graph.vars[number].shape[axis]))
            inner = (*index[:axis], ix.sub(index[axis], begin), *index[axis + 1 :])
            condition = self.within(index[axis], begin, end)
            parts.append((condition, self.value(number, inner, self.all_of(guard, condition))))
            begin = end
        result = parts[-1][1]
        for condition, part in reversed(parts[:-1]):
            result = e.select(condition, part, result)
        return result

    def compute_insert(self, op: Op, var: Var, index: Index, guard: Expr | None) -> Expr:
        base, region = op.inputs
        inner, conditions = [], []
        for a, i in enumerate(index):
            step = op.structure[a]
            start = self.scalar(op, a)
            offset = ix.sub(i, start) if step > 0 else ix.sub(start, i)
            extent = self.extent(self.graph.vars[region].shape[a])
            conditions.append(self.within(offset, ix.ZERO, ix.mul(extent, e.const(abs(step)))))
            if abs(step) > 1:
                rest = e.op("IndexMod", "int64", offset, e.const(abs(step)))
                conditions.append(e.op("IndexEq", "bool", rest, ix.ZERO))
                offset = e.op("IndexFloorDiv", "int64", offset, e.const(abs(step)))
            inner.append(offset)
        condition = self.all_of(*conditions)
        inside = self.value(region, tuple(inner), self.all_of(guard, condition))
        if condition is None:
            return inside
        return e.select(condition, inside, self.value(base, index, guard))

    @staticmethod
    def within(i: Expr, begin: Expr, end: Expr) -> Expr:
        return e.op("Within", "bool", i, begin, end)

    @staticmethod
    def all_of(*conditions: Expr | None) -> Expr | None:
        kept = [c for c in conditions if c is not None]
        result: Expr | None = None
        for condition in dict.fromkeys(kept):
            result = condition if result is None else e.op("Both", "bool", result, condition)
        return result

    # ---- index maps and reductions ----

    def compute_reindex(self, op: Op, var: Var, index: Index, guard: Expr | None) -> Expr:
        source = self.graph.vars[op.inputs[0]]
        inner, conditions, inside = [], [], guard
        for mode, program, extent in zip(*index_programs.split(op.structure), self.extents(source), strict=True):
            i = index_programs.evaluate(self, op, program, index, guard)
            if mode != index_programs.FREE:
                condition = self.within(i, ix.ZERO, extent)
                if mode == index_programs.CHECKED:
                    condition = e.checked(self.op_positions[op.id], condition, i, extent, inside)
                conditions.append(condition)
                inside = self.all_of(inside, condition)
            inner.append(i)
        condition = self.all_of(*conditions)
        value = self.value(source.id, tuple(inner), inside)
        if condition is None:
            return value
        return e.select(condition, value, cast(self.scalar(op, len(op.scalar_is_float) - 1), var.dtype))

    def compute_reduce(self, op: Op, var: Var, index: Index, guard: Expr | None) -> Expr:
        source = self.graph.vars[op.inputs[0]]
        kind, first, end = REDUCE_KINDS[op.structure[0]], op.structure[1], op.structure[2]
        if op.family == "window":
            return self.unrolled(kind, source, first, end, var, index, guard, self.order_of(op))
        depth = 1 + max((int(n[1:]) for i in index for n in i.free if n.startswith("r")), default=0)
        extents = self.extents(source)[first:end]
        extent = ix.product(extents)
        axis = e.axis(run_name(depth), extent)
        run = unflatten(axis, extents) if extents else []
        inner = (*index[:first], *run, *index[first:])
        lanes, block = reduction_order(self.order_of(op), is_row(source, end))
        body = self.value(source.id, inner, guard)
        accumulator = ACCUMULATOR[source.dtype]
        if kind.startswith("Arg"):
            body = e.op("Cast", "float32", body) if is_half(body.dtype) else body
            return e.reduction(kind, lanes, block, "int64", axis, extent, body)
        folded = e.reduction(kind, lanes, block, accumulator, axis, extent, cast(body, accumulator))
        return cast(folded, var.dtype)

    def compute_contraction(self, op: Op, var: Var, index: Index, guard: Expr | None) -> Expr:
        return sum_of_terms(self, op, var, index, guard)

    def order_of(self, op: Op) -> str:
        """Schedule.reduction: the op's own, so that its bits do not depend on the kernel that computes it."""
        return dict(op.given).get("reduction", "blocks") if self.graph.device == "cpu" else "blocks"

    def unrolled(
        self, kind: str, source: Var, first: int, end: int, var: Var, index: Index, guard: Expr | None, order: str
    ) -> Expr:
        """A reduction of few elements, each written down."""
        extents = self.extents(source)[first:end]
        count = ix.value_of(ix.product(extents))
        runs = [unflatten(e.const(i), extents) if extents else [] for i in range(count)]  # type: ignore[arg-type]
        elements = [self.value(source.id, (*index[:first], *run, *index[first:]), guard) for run in runs]
        if kind.startswith("Arg"):
            wide = "float32" if is_half(source.dtype) else source.dtype
            return search(kind, [cast(x, wide) for x in elements])
        accumulator = ACCUMULATOR[source.dtype]
        lanes, _ = reduction_order(order, is_row(source, end))
        return cast(fold(kind, accumulator, [cast(x, accumulator) for x in elements], lanes), var.dtype)


def is_row(source: Var, end: int) -> bool:
    """Whether nothing lies behind the reduced axes (docs/bits.md)."""
    return all(s.value == 1 for s in source.shape[end:])
