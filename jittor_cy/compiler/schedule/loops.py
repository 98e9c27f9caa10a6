"""From a Group to loops: the phases, loops and reductions of its kernel."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.graph import Graph, Var
from jittor_cy.compiler.ir.kernel import (
    Array,
    Assign,
    Buffer,
    Kernel,
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
from jittor_cy.compiler.ir.primitives import cost_of, function_name, identity_of, is_half
from jittor_cy.compiler.schedule.collapse import collapse
from jittor_cy.compiler.schedule.group import Group
from jittor_cy.compiler.schedule.heuristic import CHUNK, COLUMN_TILE, SMALL_EXTENT, TRANSPOSE_TILE
from jittor_cy.compiler.schedule.values import Values, run_name

__all__ = ["build_kernel"]

NAMED_OPS = 4


@dataclass
class Store:
    """A var that the kernel writes: its value at the index, and the loops around."""

    var: Var
    index: tuple[Expr, ...]
    target: Expr
    value: Expr
    level: int = 0

    @property
    def loops(self) -> tuple[Expr, ...]:
        """Axes inside one iteration, outermost first."""
        axes = {str(a.data): a for i in self.index for a in e.postorder([i]) if a.kind == "axis"}
        return tuple(axes[name] for name in sorted(axes) if name.startswith("r"))


@dataclass
class Stage:
    """Reductions of one level that run in one loop, and the stores that ride along."""

    level: int
    loop: ReduceLoop
    stores: list[Store] = field(default_factory=list)


def build_kernel(graph: Graph, canonical: dict[int, tuple[int, int]], group: Group) -> Kernel:
    """The kernel of a group that is not single."""
    builder = Builder(graph, canonical, group)
    phases = builder.phases()
    return builder.kernel(phases)


class Builder:
    def __init__(self, graph: Graph, canonical: dict[int, tuple[int, int]], group: Group) -> None:
        self.graph, self.group = graph, group
        computed = {out for o in group.ops for out in graph.ops[o].outputs}
        inputs = frozenset(v.id for v in graph.vars if v.id not in computed)
        self.ops = tuple(sorted(group.ops))
        self.values = Values(graph, canonical, inputs, {o: i for i, o in enumerate(self.ops)})
        self.outer = tuple(e.axis(f"p{i}", self.values.extent(s)) for i, s in enumerate(group.outer))
        self.arrays: list[Array] = []
        self.early: set[int] = set()

    # ---- what is stored ----

    def stores(self) -> list[Store]:
        flat = [self.store(var, joined=True) for var in self.group.stores]
        return [s if self.stays_flat(s) else self.store(s.var.id, joined=False) for s in flat]

    def store(self, number: int, joined: bool) -> Store:
        var = self.graph.vars[number]
        root = self.graph.vars[self.group.roots.get(number, number)]
        index = self.index_of(root, joined)
        value = self.values.value(root.id, index)
        target = e.load(-1 - number, var.dtype, self.values.flatten(index, self.values.extents(root)))
        return Store(var, index, target, value)

    def index_of(self, var: Var, joined: bool) -> tuple[Expr, ...]:
        """Outer axes where labelled; runs of the others are one loop each (joined) or a loop an axis."""
        labels = self.group.labels[var.id]
        index: list[Expr] = [ix.ZERO] * len(var.shape)
        runs: list[list[int]] = []
        open_run = False
        for axis, symbol in enumerate(var.shape):
            if labels[axis] is not None:
                index[axis] = self.outer[labels[axis]]
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
        stores = self.collapse_outer(stores)
        if self.group.kind == "map":
            return (self.map_phase(stores),)
        columns = self.outer[-1] if self.group.kind == "column" else None
        stages = self.stages(stores, columns)
        if self.group.kind == "full":
            return tuple(self.full_phases(stores, stages))
        return (self.rows_phase(stores, stages, columns),)

    def collapse_outer(self, stores: list[Store]) -> list[Store]:
        self.outer, roots = collapse(self.outer, [x for s in stores for x in (s.target, s.value)])
        return [Store(s.var, s.index, roots[2 * i], roots[2 * i + 1]) for i, s in enumerate(stores)]

    def map_phase(self, stores: list[Store]) -> PhaseBody:
        body: tuple[Statement, ...] = tuple(Assign(s.target, s.value) for s in stores)
        cost = self.cost()
        if len(self.outer) <= 1:
            return PhaseBody(self.outer, body, work=(max(1, cost // 8), ()))
        last = self.outer[-1]
        across = transposed_axis(self.outer, [s.value for s in stores])
        if across is not None:
            loop = Loop(across, begin_of(across), end_of(across), True, body)
            nest = Loop(last, ix.ZERO, last.args[0], False, (loop,))
            axes = (*(a for a in self.outer[:-1] if a is not across), across)
            return PhaseBody(axes, (nest,), tile=TRANSPOSE_TILE, work=(max(1, TRANSPOSE_TILE * cost // 4), (last.args[0],)))
        extent = ix.value_of(last.args[0])
        if extent is not None and extent <= SMALL_EXTENT:
            loop = Loop(last, ix.ZERO, last.args[0], True, body)
            return PhaseBody(self.outer[:-1], (loop,), work=(max(1, extent * cost // 8), ()))
        loop = Loop(last, begin_of(last), end_of(last), True, body)
        return PhaseBody(self.outer, (loop,), tile=CHUNK, work=(max(1, cost // 8), (last.args[0],)))

    def cost(self) -> int:
        return 2 + sum(cost_of(self.graph.ops[o].kind) for o in self.ops)

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
        stages = [Stage(key[0], ReduceLoop(key[1], key[1].args[0], key[2], key[3], tuple(results), columns))
                  for key, results in sorted(found.items(), key=lambda item: item[0][0])]
        return stages

    def add_result(self, node: Expr, level: int, columns: Expr | None, replaced: dict[Expr, Expr],
                   found: dict[tuple[int, Expr, int, int], list[ReduceResult]]) -> None:
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

    def rows_phase(self, stores: list[Store], stages: list[Stage], columns: Expr | None) -> PhaseBody:
        waiting = list(stores)
        for stage in stages:
            for s in [s for s in waiting if s.loops == (stage.loop.axis,) and s.level < stage.level]:
                stage.stores.append(s)
                waiting.remove(s)
                if stage is not stages[-1] or waiting:
                    self.early.add(s.var.id)
        statements: list[Statement] = []
        for stage in stages:
            body = tuple(Assign(s.target, s.value) for s in stage.stores)
            statements.append(replace(stage.loop, body=body))
        statements += self.store_loops(waiting, columns)
        if columns is None:
            statements = self.keep_costly(statements)
        inner = self.inner_extents(stages, stores)
        cost = max(1, self.cost() // 8)
        tile = COLUMN_TILE if columns is not None else 0
        return PhaseBody(self.outer, tuple(statements), tile, (cost * (tile or 1), inner), together=True)

    def inner_extents(self, stages: list[Stage], stores: list[Store]) -> tuple[Expr, ...]:
        loops = [(s.loop.axis,) for s in stages] + [s.loops for s in stores]
        return tuple(a.args[0] for a in max(loops, key=len))

    def store_loops(self, stores: list[Store], columns: Expr | None) -> list[Statement]:
        """Stores with the same loops share them."""
        nests: dict[tuple[Expr, ...], list[Statement]] = {}
        for s in stores:
            nests.setdefault(s.loops, []).append(Assign(s.target, s.value))
        out: list[Statement] = []
        for number, (axes, body) in enumerate(sorted(nests.items(), key=lambda item: len(item[0]))):
            inner = tuple(body)
            if columns is not None:
                inner = (Loop(columns, begin_of(columns), end_of(columns), True, inner),)
            for position, axis in enumerate(reversed(axes)):
                inner = (Loop(axis, ix.ZERO, axis.args[0], columns is None and position == 0, inner),)
            if number < len(nests) - 1:
                self.early.update(s.var.id for s in stores if s.loops == axes)
            out += inner
        return out

    def keep_costly(self, statements: list[Statement]) -> list[Statement]:
        """A costly value of a row that a later loop needs again is kept in a row buffer."""
        users: dict[Expr, list[int]] = {}
        axes = [self.only_axis(s) for s in statements]
        for number, statement in enumerate(statements):
            if axes[number] is None:
                continue
            for node in e.postorder(roots_of(statement), into=lambda n: n.kind != "reduce"):
                if self.worth_keeping(node, axes[number]):
                    users.setdefault(node, []).append(number)
        for node, numbers in users.items():
            same = [n for n in numbers if axes[n] is axes[numbers[0]]]
            if len(same) > 1 and len(self.arrays) < MAX_ROW_BUFFERS:
                self.keep(node, same, axes[numbers[0]], statements)
        return statements

    @staticmethod
    def worth_keeping(node: Expr, axis: Expr | None) -> bool:
        costly = node.kind == "random" or (node.kind == "op" and cost_of(str(node.data)) > WORTH_KEEPING)
        return costly and str(axis.data) in node.free and not node.pinned  # type: ignore[union-attr]

    def keep(self, node: Expr, users: list[int], axis: Expr, statements: list[Statement]) -> None:
        held = "float32" if is_half(node.dtype) else node.dtype
        array = Array(f"row{len(self.arrays)}", held, axis.args[0])
        self.arrays.append(array)
        kept = e.element(array.name, node.dtype, axis)
        first, *later = users
        statements[first] = add_to_body(statements[first], Assign(kept, node))
        for number in later:
            statements[number] = replace_in(statements[number], {node: kept})

    @staticmethod
    def only_axis(statement: Statement) -> Expr | None:
        match statement:
            case ReduceLoop(axis=axis):
                return axis
            case Loop(axis=axis, body=body) if not any(isinstance(s, Loop) for s in body):
                return axis
        return None

    # ---- reductions of everything ----

    def full_phases(self, stores: list[Store], stages: list[Stage]) -> Iterable[PhaseBody]:
        """Each level: blocks side by side, then one iteration that combines them and stores what is known."""
        recalled: list[Recall] = []
        for number, stage in enumerate(stages):
            loop = stage.loop
            count = e.node("div", "int64", None, (ix.add(loop.extent, e.const(loop.block - 1)), e.const(loop.block)))
            block = e.axis("b", count)
            arrays = tuple(self.shared_arrays(r, count) for r in loop.results)
            cost = max(1, self.cost() * loop.block // 16)
            yield PhaseBody((block,), (*recalled, Partial(loop, True, block, arrays)), work=(cost, ()), together=True)
            last = number == len(stages) - 1
            done = [s for s in stores if s.level == stage.level or (last and s.level < stages[0].level)]
            assigned = tuple(Assign(s.target, s.value) for s in done)
            combine = Partial(loop, False, block, arrays)
            yield PhaseBody((), (*recalled, combine, *assigned), work=(1, (count,)), together=True)
            recalled += [Recall(r.target, names[-1], self.empty_value(r), loop.extent)
                         for r, names in zip(loop.results, arrays, strict=True)]

    @staticmethod
    def empty_value(result: ReduceResult) -> Expr:
        return e.const(0) if result.kind.startswith("Arg") else identity_of(result.kind, result.dtype)

    def shared_arrays(self, result: ReduceResult, count: Expr) -> tuple[str, ...]:
        name = str(result.target.data)
        arrays = [Array(f"{name}_part", result.dtype, count)]
        if result.kind.startswith("Arg"):
            arrays.append(Array(f"{name}_index", "int64", count))
        self.arrays += arrays
        return tuple(a.name for a in arrays)

    # ---- the whole ----

    def kernel(self, phases: tuple[PhaseBody, ...]) -> Kernel:
        loaded = list(self.values.buffers)
        read = [v for v in loaded if v not in self.group.stores]
        order = read + self.group.stores
        buffers = []
        for position, number in enumerate(order):
            is_output = position >= len(read)
            name = f"out{position - len(read)}" if is_output else f"in{position}"
            buffers.append(Buffer(name, self.graph.vars[number].dtype, number, is_output))
        places = {self.values.buffers[v]: position for position, v in enumerate(read)}
        places |= {-1 - v: len(read) + position for position, v in enumerate(self.group.stores)}
        phases = tuple(renumber(p, places) for p in phases)
        full = self.group.kind == "full"
        return Kernel(self.name(), tuple(buffers), tuple(self.values.dims), tuple(self.values.scalars), phases,
                      () if full else tuple(self.arrays), tuple(self.arrays) if full else (), self.ops,
                      frozenset(self.early))

    def name(self) -> str:
        kinds = [function_name(self.graph.ops[o].kind) for o in self.ops]
        named = [k for k in kinds if k not in ("broadcast", "cast", "reshape", "full")] or kinds
        named = [k if k != "reduce" else self.reduce_name(o) for k, o in zip(kinds, self.ops, strict=True) if k in named]
        extra = [str(len(named))] if len(named) > NAMED_OPS else []
        dtype = self.graph.vars[self.group.stores[0]].dtype
        return "_".join([*named[:NAMED_OPS], *extra, dtype])

    def reduce_name(self, op: int) -> str:
        return ("sum", "prod", "max", "min", "argmax", "argmin")[self.graph.ops[op].structure[0]]


# A value above this cost (primitives.COSTS) is worth a store and a load of a cache line a row.
WORTH_KEEPING = 8
# Row buffers of a kernel: more would leave the first level of cache.
MAX_ROW_BUFFERS = 4


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


def roots_of(statement: Statement) -> list[Expr]:
    """Expressions of a statement and of those inside it."""
    match statement:
        case Assign(target=target, value=value):
            return [*target.args, value]
        case Loop(body=body):
            return [x for s in body for x in roots_of(s)]
        case ReduceLoop(results=results, body=body):
            return [r.value for r in results] + [x for s in body for x in roots_of(s)]
        case Partial(loop=loop):
            return roots_of(loop)
    return []


def map_statement(statement: Statement, change: object) -> Statement:
    """The statement with `change` (list of expressions → list) applied to the expressions of its leaves."""
    match statement:
        case Assign(target=target, value=value):
            new_target, new_value = change([target, value])  # type: ignore[operator]
            return Assign(new_target, new_value)
        case Loop(body=body):
            return replace(statement, body=tuple(map_statement(s, change) for s in body))
        case ReduceLoop(results=results, body=body):
            values = change([r.value for r in results])  # type: ignore[operator]
            changed = tuple(replace(r, value=v) for r, v in zip(results, values, strict=True))
            return replace(statement, results=changed, body=tuple(map_statement(s, change) for s in body))
        case Partial(loop=loop):
            return replace(statement, loop=map_statement(loop, change))
    return statement


def replace_in(statement: Statement, replaced: dict[Expr, Expr]) -> Statement:
    return map_statement(statement, lambda roots: e.substitute(roots, replaced))


def add_to_body(statement: Statement, added: Statement) -> Statement:
    return replace(statement, body=(added, *statement.body))  # type: ignore[union-attr,arg-type,call-arg]


def renumber(phase: PhaseBody, places: dict[int, int]) -> PhaseBody:
    """Loads by position in KernelArgs.ptr instead of by order of use."""

    def change(roots: list[Expr]) -> list[Expr]:
        replaced: dict[Expr, Expr] = {}
        for node in e.postorder(roots):
            if node.kind == "load":
                args = tuple(e.substitute(node.args, replaced))
                replaced[node] = e.node("load", node.dtype, places[node.data], args)  # type: ignore[index]
        return e.substitute(roots, replaced)

    return replace(phase, body=tuple(map_statement(s, change) for s in phase.body))
