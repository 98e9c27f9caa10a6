"""From a Group to loops: the phases, loops and reductions of its kernel."""

from __future__ import annotations

from dataclasses import replace

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.graph import Graph, Op, Var
from jittor_cy.compiler.ir.kernel import (
    Array,
    Assign,
    Buffer,
    Kernel,
    Loop,
    PhaseBody,
    ReduceLoop,
    ReduceResult,
    Statement,
    begin_of,
    end_of,
)
from jittor_cy.compiler.ir.primitives import REDUCE_KINDS, cost_of, function_name
from jittor_cy.compiler.ir.schedule import Schedule
from jittor_cy.compiler.ir.statements import with_positions
from jittor_cy.compiler.schedule.beside import Accumulator, Lanes, accumulators, labels_over
from jittor_cy.compiler.schedule.collapse import collapse
from jittor_cy.compiler.schedule.finer import finer, quotients
from jittor_cy.compiler.schedule.group import Group
from jittor_cy.compiler.schedule.heuristic import SMALL_EXTENT, WHOLE_RUN, default_schedule
from jittor_cy.compiler.schedule.labels import Labels
from jittor_cy.compiler.schedule.row_buffers import keep_costly
from jittor_cy.compiler.schedule.side_by_side import side_by_side
from jittor_cy.compiler.schedule.stage import Stage, Store, store_loops
from jittor_cy.compiler.schedule.two_phases import TwoPhases, is_one_block
from jittor_cy.compiler.schedule.values import Values, run_name
from jittor_cy.compiler.schedule.written_down import written_down

__all__ = ["build_kernel"]

NAMED_OPS = 4


def build_kernel(
    graph: Graph,
    canonical: dict[int, tuple[int, int]],
    chain: tuple[Group, ...],
    schedule: Schedule | None = None,
    refine: bool = True,
) -> Kernel:
    """The kernel of groups that run as phases one after the other; none of them is single.

    refine: maps run over axes that their Reshapes joined
    """
    schedule = schedule or default_schedule(graph, chain)
    ops = tuple(sorted({o for group in chain for o in group.ops}))
    values = Values(graph, canonical, frozenset(), {o: i for i, o in enumerate(ops)})
    beside = tuple(group for group in chain[1:] if group.kind == "column")
    builders = [
        Builder(graph, chain[0], values, schedule, refine, beside),
        *(Builder(graph, group, values, schedule, refine) for group in chain[1:]),
    ]
    phases = list(builders[0].phases())
    for builder in builders[1:]:
        lanes = builders[0].lanes
        phases += builder.phases() if lanes is None else [builder.combination(lanes)]
    stores = [v for group in chain for v in group.stores]
    read = [v for v in values.buffers if v not in stores]
    buffers = []
    for position, number in enumerate((*read, *stores)):
        is_output = position >= len(read)
        name = f"out{position - len(read)}" if is_output else f"in{position}"
        buffers.append(Buffer(name, graph.vars[number].dtype, number, is_output))
    position_of = {number: position for position, number in enumerate((*read, *stores))}
    places = {place: position_of[v] for v, place in values.buffers.items()} | {-1 - v: position_of[v] for v in stores}
    return Kernel(
        kernel_name(graph, ops, stores),
        tuple(buffers),
        tuple(values.dims),
        tuple(values.scalars),
        tuple(with_positions(p, "load", places) for p in phases),
        tuple(a for b in builders for a in b.local),
        tuple(a for b in builders for a in b.shared),
        ops,
        schedule,
    )


def kernel_name(graph: Graph, ops: tuple[int, ...], stores: list[int]) -> str:
    """Readable and a C identifier: exp_sum_div_float32."""
    names = [reduce_name(graph.ops[o]) or function_name(graph.ops[o].kind) for o in ops]
    telling = [n for n in names if n not in ("broadcast", "cast", "reshape", "full")] or names
    more = [str(len(telling))] if len(telling) > NAMED_OPS else []
    return "_".join([*telling[:NAMED_OPS], *more, graph.vars[stores[0]].dtype])


def reduce_name(op: Op) -> str | None:
    return REDUCE_KINDS[op.structure[0]].lower() if op.kind == "Reduce" else None


class Builder:
    """One group's phases. `shared_values` has the buffers, dims and scalars of the whole kernel.

    `beside`: groups whose reductions over all rows grow while the rows pass.
    """

    def __init__(
        self,
        graph: Graph,
        group: Group,
        shared_values: Values,
        schedule: Schedule,
        refine: bool,
        beside: tuple[Group, ...] = (),
    ) -> None:
        self.graph, self.group, self.schedule, self.refine = graph, group, schedule, refine
        reduced = {o for other in beside for o in other.reduces}
        computed = {out for g in (group, *beside) for o in g.ops if o not in reduced for out in graph.ops[o].outputs}
        self.values = replace(shared_values, computed=frozenset(computed), memo={}, joined={})
        self.outer = tuple(e.axis(f"p{i}", self.values.extent(s)) for i, s in enumerate(group.outer))
        self.places: tuple[Expr, ...] = self.outer  # of the group's outer axes, in terms of self.outer
        self.local: list[Array] = []
        self.shared: list[Array] = []
        self.lanes = self.lanes_of(beside) if beside else None

    # ---- what is stored ----

    def stores(self) -> list[Store]:
        flat = [self.store(var, joined=True) for var in self.group.stores]
        return [s if self.stays_flat(s) else self.store(s.var.id, joined=False) for s in flat]

    def store(self, number: int, joined: bool) -> Store:
        var = self.graph.vars[number]
        root = self.graph.vars[self.group.roots.get(number, number)]
        index = self.index_of(root, self.group.labels[root.id], joined)
        value = self.values.value(root.id, index)
        target = e.load(-1 - number, var.dtype, self.values.flatten(index, self.values.extents(root)))
        return Store(var, index, target, value)

    def index_of(self, var: Var, labels: Labels, joined: bool) -> tuple[Expr, ...]:
        """Outer axes where labelled; runs of the others are one loop each (joined) or a loop an axis."""
        index: list[Expr] = [ix.ZERO] * len(var.shape)
        runs: list[list[int]] = []
        open_run = False
        for axis, symbol in enumerate(var.shape):
            if labels[axis] is not None:
                index[axis] = self.places[labels[axis]]
                open_run = False
            elif symbol.value != 1:
                if open_run and joined:
                    runs[-1].append(axis)
                else:
                    runs.append([axis])
                open_run = True
        for depth, run in enumerate(runs, 1):
            extents = [self.values.extent(var.shape[a]) for a in run]
            linear = e.axis(run_name(depth), ix.product(extents))
            for axis, part in zip(run, self.split(linear, extents), strict=True):
                index[axis] = part
        return tuple(index)

    @staticmethod
    def split(linear: Expr, extents: list[Expr]) -> list[Expr]:
        out, rest = [], linear
        for extent in reversed(extents[1:]):
            out.append(ix.mod(rest, extent))
            rest = ix.floor_div(rest, extent)
        return [rest, *reversed(out)]

    @staticmethod
    def stays_flat(store: Store) -> bool:
        """Whether joining axes into one loop left no division by run-time extents."""
        nodes = e.postorder([store.target, store.value], into=lambda n: n.kind != "reduce")
        return not any(n.kind == "div" and any(name.startswith("r") for name in n.free) for n in nodes)

    # ---- phases ----

    def phases(self) -> tuple[PhaseBody, ...]:
        stores = self.stores()
        if self.group.kind == "map" and self.refine:
            stores = self.over_finer_axes(stores)
        if self.lanes is not None:
            stores += [self.addition(a, self.lanes) for a in self.lanes.accumulators]
        stores = self.collapse_outer(stores)
        if self.group.kind == "map":
            if self.refine:
                self.outer, stores = written_down(self.outer, stores)
            return (self.map_phase(stores),)
        columns = self.outer[-1] if self.group.kind == "column" else None
        stages = self.stages(stores, columns)
        if self.is_split(stages):
            return self.halves(stores, stages, columns)
        rows = self.rows_phase(stores, stages, columns)
        return (rows if self.lanes is None else self.lanes.phase(rows),)

    def over_finer_axes(self, stores: list[Store]) -> list[Store]:
        """The stores over axes that a Reshape joined, one after the other, where that leaves fewer quotients."""
        tried: set[tuple[Expr, ...]] = set()
        while joined := next((j for j in self.values.joined.items() if j[0] not in tried), None):
            tried.add(joined[0])
            before = self.outer, self.places
            found = finer(*before, *joined)
            if found is None:
                continue
            self.outer, self.places = found
            self.values.memo.clear()
            changed = self.stores()
            if quotients(changed) < quotients(stores):
                stores = changed
            else:
                self.outer, self.places = before
        return stores

    def collapse_outer(self, stores: list[Store]) -> list[Store]:
        self.outer, roots = collapse(self.outer, [x for s in stores for x in (s.target, s.value)])
        return [Store(s.var, s.index, roots[2 * i], roots[2 * i + 1]) for i, s in enumerate(stores)]

    def map_phase(self, stores: list[Store]) -> PhaseBody:
        body: tuple[Statement, ...] = tuple(Assign(s.target, s.value) for s in stores)
        cost = self.cost()
        if len(self.outer) <= 1:
            return PhaseBody(self.outer, body, work=(max(1, cost // 8), ()))
        last = self.outer[-1]
        written = side_by_side(self.outer, stores) if self.refine else ()
        if written:
            axis = self.outer[-2]
            loop = Loop(axis, begin_of(axis), end_of(axis), True, written)
            return PhaseBody(self.outer[:-1], (loop,), work=(max(1, len(written) * cost // 8), ()), spans=True)
        across = transposed_axis(self.outer, [s.value for s in stores])
        if across is not None:
            loop = Loop(across, begin_of(across), end_of(across), True, body)
            nest = Loop(last, ix.ZERO, last.args[0], False, (loop,))
            axes = (*(a for a in self.outer[:-1] if a is not across), across)
            tile = self.schedule.transpose_tile
            return PhaseBody(axes, (nest,), tile=tile, work=(max(1, tile * cost // 4), (last.args[0],)))
        extent = ix.value_of(last.args[0])
        if extent is not None and extent <= SMALL_EXTENT:
            loop = Loop(last, ix.ZERO, last.args[0], True, body)
            return PhaseBody(self.outer[:-1], (loop,), work=(max(1, extent * cost // 8), ()))
        loop = Loop(last, begin_of(last), end_of(last), True, body)
        return PhaseBody(self.outer, (loop,), work=(max(1, cost // 8), ()), spans=True)

    def cost(self) -> int:
        return 2 + sum(cost_of(self.graph.ops[o].kind) for o in self.group.ops)

    # ---- reductions over all rows, beside them ----

    def lanes_of(self, beside: tuple[Group, ...]) -> Lanes:
        columns = [self.values.extent(s) for s in beside[0].outer]
        found = accumulators(self.graph, beside)
        lanes = Lanes(ix.product([a.args[0] for a in self.outer]), ix.product(columns), found)
        self.shared = lanes.arrays()
        return lanes

    def addition(self, accumulator: Accumulator, lanes: Lanes) -> Store:
        flat = self.added(accumulator, lanes, joined=True)
        return flat if self.stays_flat(flat) else self.added(accumulator, lanes, joined=False)

    def added(self, accumulator: Accumulator, lanes: Lanes, joined: bool) -> Store:
        op = accumulator.op
        source, end = self.graph.vars[op.inputs[0]], op.structure[2]
        index = self.index_of(source, labels_over(self.graph, op), joined)
        column = self.values.flatten(index[end:], self.values.extents(source)[end:])
        return lanes.store(accumulator, source, index, column, self.values.value(source.id, index))

    def combination(self, lanes: Lanes) -> PhaseBody:
        """The second phase of this group, whose reductions ran beside another group's rows."""
        own = [a for a in lanes.accumulators if a.op.id in self.group.reduces]
        sums = [self.sum_of(a.op) for a in own]
        stores = self.collapse_outer([*self.stores(), *sums])
        (stage,) = self.stages(stores, self.outer[-1])
        arrays = {self.name_of(s.value): a.array for a, s in zip(own, stores[-len(own) :], strict=True)}
        names = [arrays[str(r.target.data)] for r in stage.loop.results]
        return lanes.combine(self.outer, stage.loop, names, stores[: -len(own)], self.schedule.column_tile)

    def sum_of(self, op: Op) -> Store:
        """A reduction as if it were stored, to find the name that it gets."""
        var = self.graph.vars[op.outputs[0]]
        index = self.index_of(var, self.group.labels[var.id], joined=False)
        return Store(var, index, ix.ZERO, self.values.value(var.id, index))

    @staticmethod
    def name_of(value: Expr) -> str:
        while value.kind == "op":
            (value,) = value.args
        return str(value.data)

    # ---- reductions ----

    def stages(self, stores: list[Store], columns: Expr | None) -> list[Stage]:
        """Reductions of the whole iteration, in levels; replaces them in the stores' values by what they define."""
        levels: dict[Expr, int] = {}
        replaced: dict[Expr, Expr] = {}
        found: dict[tuple[int, Expr, int, int], list[ReduceResult]] = {}
        for node in e.postorder([s.value for s in stores]):
            level = max((levels[a] for a in node.args), default=0)
            if node.kind == "reduce" and not any(name.startswith("r") for name in node.free):
                level += 1
                self.add_result(node, level, columns, replaced, found)
            levels[node] = level
        for s in stores:
            s.level = levels[s.value]
            (s.value,) = e.substitute([s.value], replaced)
        stages = [
            Stage(key[0], ReduceLoop(key[1], key[1].args[0], key[2], key[3], tuple(results), columns))
            for key, results in sorted(found.items(), key=lambda item: item[0][0])
        ]
        return stages

    def add_result(
        self,
        node: Expr,
        level: int,
        columns: Expr | None,
        replaced: dict[Expr, Expr],
        found: dict[tuple[int, Expr, int, int], list[ReduceResult]],
    ) -> None:
        kind, lanes, block = node.data  # type: ignore[misc]
        over, _, body = node.args
        name = f"s{len(replaced)}"
        if columns is None:
            target = e.variable(name, node.dtype)
        else:
            target = e.element(name, node.dtype, ix.sub(columns, begin_of(columns)))
        (body,) = e.substitute([body], replaced)
        dtype = body.dtype if kind.startswith("Arg") else node.dtype
        replaced[node] = target
        found.setdefault((level, over, lanes, block), []).append(ReduceResult(target, kind, dtype, body))

    def ride_along(self, stores: list[Store], stages: list[Stage]) -> list[Store]:
        """Gives stores to the first loop that runs over their elements anyway; returns the others."""
        waiting = list(stores)
        for stage in stages:
            riders = [s for s in waiting if s.loops == (stage.loop.axis,) and s.level < stage.level]
            stage.stores += riders
            stage.loop = replace(stage.loop, body=tuple(Assign(s.target, s.value) for s in riders))
            waiting = [s for s in waiting if s not in riders]
        return waiting

    def rows_phase(self, stores: list[Store], stages: list[Stage], columns: Expr | None) -> PhaseBody:
        waiting = self.ride_along(stores, stages)
        statements: list[Statement] = [s.loop for s in stages] + store_loops(waiting, columns)
        if columns is None:
            statements, self.local = keep_costly(statements, self.schedule.row_buffer)
        inner = self.inner_extents(stages, stores)
        cost = max(1, self.cost() // 8)
        tile = self.schedule.column_tile if columns is not None else 0
        return PhaseBody(self.outer, tuple(statements), tile, (cost * (tile or 1), inner), together=True)

    def halves(self, stores: list[Store], stages: list[Stage], columns: Expr | None) -> tuple[PhaseBody, ...]:
        tiles = (self.schedule.column_tile, self.schedule.wide_tile) if columns is not None else (0, 0)
        two = TwoPhases(self.outer, columns, self.cost(), *tiles)
        self.ride_along(stores, stages)
        phases = tuple(two.phases(stores, stages))
        self.shared = two.arrays
        return phases

    def is_split(self, stages: list[Stage]) -> bool:
        """Whether blocks are worked on side by side: there may be many, and equally many for each reduction."""
        if not self.schedule.second_pass or self.group.kind == "row":
            return False
        if any(s.loop.block >= WHOLE_RUN for s in stages):
            return False
        if self.group.kind == "full":
            return True
        runs = {(s.loop.extent, s.loop.block) for s in stages}
        return len(runs) == 1 and not all(is_one_block(s.loop) for s in stages)

    def inner_extents(self, stages: list[Stage], stores: list[Store]) -> tuple[Expr, ...]:
        loops = [(s.loop.axis,) for s in stages] + [s.loops for s in stores]
        return tuple(a.args[0] for a in max(loops, key=len))


def transposed_axis(axes: tuple[Expr, ...], roots: list[Expr]) -> Expr | None:
    """An axis along which a load is contiguous while it jumps along the last one, as in a transposition."""
    last = axes[-1]
    for node in e.postorder(roots):
        if node.kind != "load":
            continue
        terms = ix.terms_of(node.args[0])
        if (1, (last,)) in terms or not any(last in atoms for _, atoms in terms):
            continue
        for axis in axes[:-1]:
            if (1, (axis,)) in terms:
                return axis
    return None
