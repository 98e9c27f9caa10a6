"""split: a loop that computes several costly functions behind each other becomes a loop for each, over strips in L1.

before:  lanes p0: out0[p0] <- Exp(Tanh(Exp(Tanh(in0[p0]))))       one element waits for four functions in turn
after:   strips of p0 by 512
           lanes p0: strip0[p0 - p0_from] <- Exp(Tanh(in0[p0]))      the processor has several elements in flight
           lanes p0: out0[p0] <- Exp(Tanh(strip0[p0 - p0_from]))
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.kernel import (
    Array,
    Assign,
    Kernel,
    Loop,
    Partial,
    PhaseBody,
    ReduceLoop,
    Statement,
    Strip,
    begin_of,
    end_of,
    from_of,
    in_lanes,
    to_of,
)
from jittor_cy.compiler.ir.primitives import cost_of, is_half

__all__ = ["split"]

# A function of this cost (primitives.COSTS) is a polynomial with a long chain of dependent operations.
COSTLY = 12
# Cost of the functions of one loop (4 x tanh and exp of 16 Mi floats: 24 31 ms, 36 35 ms, 48 41 ms, one loop 78 ms).
LOOP_COST = 24
# A value that costs no more is computed again in each loop that needs it: a store and a load cost as much.
CHEAP = 4
MAX_STRIPS = 12


def split(kernel: Kernel) -> Kernel:
    length = kernel.schedule.strip
    aliased = frozenset(i for i, b in enumerate(kernel.buffers) if b.aliased)
    return replace(kernel, phases=tuple(split_phase(p, aliased, length) for p in kernel.phases)) if length else kernel


def split_phase(phase: PhaseBody, aliased: frozenset[int], length: int) -> PhaseBody:
    if len(phase.axes) == 1 and not phase.tile and not phase.spans and all(isinstance(s, Assign) for s in phase.body):
        axis = phase.axes[0]
        flat = split_loop(Loop(axis, begin_of(axis), end_of(axis), True, phase.body), aliased, length)
        return phase if isinstance(flat, Loop) else replace(phase, body=(flat,), spans=True)
    return replace(phase, body=tuple(split_statement(s, aliased, length) for s in phase.body))


def split_statement(statement: Statement, aliased: frozenset[int], length: int) -> Statement:
    match statement:
        case Loop(lanes=True):
            return split_loop(statement, aliased, length)
        case Loop(body=body):
            return replace(statement, body=tuple(split_statement(s, aliased, length) for s in body))
        case ReduceLoop():
            return split_reduce(statement, length)
        case Partial(loop=loop, first=True):
            return replace(statement, loop=split_reduce(loop, length))
    return statement


def split_loop(loop: Loop, aliased: frozenset[int], length: int) -> Loop | Strip:
    if not all(isinstance(s, Assign) for s in loop.body):
        return loop
    place = ix.sub(loop.axis, from_of(loop.axis))
    cut = Cut.of(loop.body, (), place, aliased, length)  # type: ignore[arg-type]
    if cut is None:
        return loop
    loops = tuple(Loop(loop.axis, from_of(loop.axis), to_of(loop.axis), True, b) for b in (*cut.stages, cut.last))
    return Strip(loop.axis, loop.begin, loop.end, length, cut.arrays, loops)


def split_reduce(loop: ReduceLoop, length: int) -> ReduceLoop:
    """Stages beside the reduction: over its columns, or over the lanes of a row."""
    if not all(isinstance(s, Assign) for s in loop.body):
        return loop
    if loop.columns is None:
        if not in_lanes(loop):
            return loop
        place = ix.sub(loop.axis, e.variable("at", "int64"))
    else:
        place = ix.sub(loop.columns, begin_of(loop.columns))
    values = tuple(r.value for r in loop.results)
    cut = Cut.of(loop.body, values, place, frozenset(), length)  # type: ignore[arg-type]
    if cut is None:
        return loop
    results = tuple(replace(r, value=v) for r, v in zip(loop.results, cut.values, strict=True))
    return replace(loop, results=results, body=cut.last, stages=cut.stages, arrays=cut.arrays)


def cost(node: Expr) -> int:
    wide = 2 if node.dtype == "float64" else 1
    if node.kind == "random":
        return cost_of("Random")
    return wide * cost_of(str(node.data)) if node.kind == "op" else 0


@dataclass(frozen=True, slots=True)
class Cut:
    """The loops that one loop becomes: `stages`, and `last` with `values` beside it."""

    stages: tuple[tuple[Assign, ...], ...]
    last: tuple[Assign, ...]
    values: tuple[Expr, ...]
    arrays: tuple[Array, ...]

    @staticmethod
    def of(
        body: tuple[Assign, ...], values: tuple[Expr, ...], place: Expr, aliased: frozenset[int], length: int
    ) -> Cut | None:
        """None where one loop is enough, or where a value needs more than computing."""
        nodes = list(e.postorder([*(s.value for s in body), *values]))
        costly = sum(c for c in map(cost, nodes) if c >= COSTLY)
        if costly <= LOOP_COST or not all(map(may_move, nodes)):
            return None
        cutter = Cutter(nodes, body, values, aliased)
        return cutter.cut(place, length) if cutter.last and len(cutter.kept) <= MAX_STRIPS else None


class Cutter:
    """Gives each value a stage, and finds what is kept from one stage for a later one."""

    def __init__(
        self, nodes: list[Expr], body: tuple[Assign, ...], values: tuple[Expr, ...], aliased: frozenset[int]
    ) -> None:
        self.body, self.values, self.aliased = body, values, aliased
        self.stage = stages_of(nodes)
        self.last = max(self.stage.values())
        self.again: dict[Expr, int] = {}
        for node in nodes:
            self.again[node] = cost(node) + (node.kind == "load") + sum(self.again[a] for a in node.args)
        self.roots: list[list[Expr]] = [[] for _ in range(self.last + 1)]
        for assign in body:
            self.roots[self.stage_of(assign)].append(assign.value)
        self.roots[self.last] += values
        self.kept: dict[Expr, None] = {}
        for number in range(self.last, -1, -1):
            for root in self.roots[number]:
                self.need(root, number)

    def stage_of(self, assign: Assign) -> int:
        """What takes over an input's memory is written when nothing reads that any more."""
        shares = assign.target.kind == "load" and assign.target.data in self.aliased
        return self.last if shares else self.stage[assign.value]

    def need(self, root: Expr, number: int) -> None:
        """Keeps what stage `number` needs of earlier ones."""
        seen, stack = {root}, [root]
        while stack:
            node = stack.pop()
            if self.is_kept(node, number):
                if node not in self.kept:
                    self.kept[node] = None
                    self.roots[self.stage[node]].append(node)
                continue
            stack += [a for a in node.args if a not in seen]
            seen.update(node.args)

    def is_kept(self, node: Expr, number: int) -> bool:
        if self.stage[node] == number:
            return False
        if node.kind == "load" and node.data in self.aliased and number == self.last:
            return True  # other stores of this stage may write there first
        return node.kind in ("op", "random") and self.again[node] > CHEAP

    def cut(self, place: Expr, length: int) -> Cut:
        places = {n: e.element(f"strip{i}", n.dtype, place) for i, n in enumerate(self.kept)}
        arrays = tuple(Array(str(p.data), held_dtype(p.dtype), ix.const(length)) for p in places.values())
        stages = [self.statements(number, places) for number in range(self.last + 1)]
        values = tuple(e.substitute(self.values, self.before(self.last, places)))
        return Cut(tuple(stages[:-1]), stages[-1], values, arrays)

    def before(self, number: int, places: dict[Expr, Expr]) -> dict[Expr, Expr]:
        return {n: p for n, p in places.items() if self.stage[n] < number}

    def statements(self, number: int, places: dict[Expr, Expr]) -> tuple[Assign, ...]:
        own = [Assign(p, n) for n, p in places.items() if self.stage[n] == number]
        own += [s for s in self.body if self.stage_of(s) == number]
        known = self.before(number, places)
        return tuple(Assign(s.target, *e.substitute([s.value], known)) for s in own)


def held_dtype(dtype: str) -> str:
    return "float32" if is_half(dtype) else dtype


def may_move(node: Expr) -> bool:
    return node.kind not in ("reduce", "checked")


def stages_of(nodes: list[Expr]) -> dict[Expr, int]:
    """The loop of each value: behind those of its operands, with room for its cost."""
    stage: dict[Expr, int] = {}
    used: dict[int, int] = {}
    for node in nodes:
        at = max((stage[a] for a in node.args), default=0)
        own = cost(node)
        if own >= COSTLY:
            while used.get(at, 0) and used[at] + own > LOOP_COST:
                at += 1
            used[at] = used.get(at, 0) + own
        stage[node] = at
    return stage
