"""What a value is computed from, as seen by the groups made so far: ops, memory, reductions, cost and alignment."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from jittor_cy.compiler.ir.contraction import summed_extents
from jittor_cy.compiler.ir.graph import Graph, Op
from jittor_cy.compiler.ir.primitives import cost_of
from jittor_cy.compiler.schedule.group import CHOOSES, MAX_NESTED, Group, GroupSet, gathers
from jittor_cy.compiler.schedule.heuristic import CHEAP, LOAD_COST, MAX_TERMS, WINDOW_COST
from jittor_cy.compiler.schedule.labels import MISALIGNED, Labels, covers, real_axes, up

__all__ = ["POINTWISE", "Memo", "Reach", "Reaches"]

# Answers about one group, valid until something changes.
Memo = dict[int, tuple[Labels | None, bool]]
# So many movements behind each other leave an expression short.
FEW_MOVES = 2
POINTWISE = ("elementwise", "movement", "source", "random", "reindex", "window")


@dataclass(frozen=True, slots=True)
class Reach:
    """What a value is computed from: ops in order of use, vars in memory, groups whose reductions it needs."""

    ops: tuple[int, ...]
    sources: tuple[int, ...]
    homes: tuple[int, ...]


def elements_of(graph: Graph, op: Op) -> int:
    """How many elements a reduction of known extents, or a contraction of few terms, folds."""
    if op.kind == "Contraction":
        return math.prod(summed_extents(graph, op) or ())
    run = graph.vars[op.inputs[0]].shape[op.structure[1] : op.structure[2]]
    return math.prod(s.value for s in run)  # type: ignore[misc]


def moves_elements(op: Op) -> bool:
    return op.family not in ("elementwise", "source", "random", "reduce")


def chooses_parts(op: Op) -> bool:
    return op.kind in CHOOSES


class Reaches:
    """Questions that fusion asks; the answers change with every store."""

    def __init__(self, graph: Graph, groups: GroupSet) -> None:
        self.graph, self.groups = graph, groups
        self.reaches: dict[int, tuple[int, Reach]] = {}
        self.bounds: dict[int, tuple[int, int]] = {}
        self.most_moves: dict[int, int] = {}
        self.most_nested: dict[int, int] = {}
        self.memos: dict[int, tuple[int, Memo]] = {}

    def producer(self, var: int) -> Op:
        return self.graph.ops[self.graph.vars[var].producer]  # type: ignore[index]

    def reach(self, var: int) -> Reach:
        """What `var` is computed from now; walked again only after something changed."""
        known = self.reaches.get(var)
        if known is not None and known[0] == self.groups.changes:
            return known[1]
        found = self.walk(var)
        self.reaches[var] = self.groups.changes, found
        self.bounds[var] = len(found.ops), len(found.sources)
        return found

    def is_within(self, var: int, ops: int, sources: int) -> bool:
        """Whether its reach has surely no more of either; found without a walk."""
        most_ops, most_sources = self.bound(var)
        return most_ops <= ops and most_sources <= sources

    def bound(self, var: int) -> tuple[int, int]:
        """At least as many (ops, sources) as its reach has; stores only ever make a reach smaller."""
        if self.groups.in_memory(var):
            return 0, 1
        known = self.bounds.get(var)
        if known is None:
            op = self.producer(var)
            below = [self.bound(i) for i in op.inputs] if op.family != "reduce" else []
            known = self.bounds[var] = 1 + sum(b[0] for b in below), sum(b[1] for b in below)
        return known

    def walk(self, var: int) -> Reach:
        """Back to what is in memory and to reductions."""
        ops: dict[int, None] = {}
        sources: dict[int, None] = {}
        homes: dict[int, None] = {}
        stack = [var]
        seen = {var}
        leaf_count, stored, producer = self.graph.leaf_count, self.groups.stored_by, self.producer
        while stack:
            number = stack.pop()
            if number < leaf_count or number in stored:
                sources[number] = None
                continue
            op = producer(number)
            ops[op.id] = None
            if op.family == "reduce":
                homes[self.groups.home[number]] = None
                continue
            for i in reversed(op.inputs):
                if i not in seen:
                    seen.add(i)
                    stack.append(i)
        return Reach(tuple(ops), tuple(sources), tuple(homes))

    def is_long(self, var: int) -> bool:
        """Whether its expression names too many values."""
        return self.moves(var) > FEW_MOVES and self.terms(var) > MAX_TERMS

    def moves(self, var: int) -> int:
        """Movements on the longest way down, or a few more: each may double what is named."""
        return self.most_on_the_way(var, self.most_moves, moves_elements)

    def nested(self, var: int) -> int:
        """Choices between parts on the longest way down, or a few more."""
        return self.most_on_the_way(var, self.most_nested, chooses_parts)

    def most_on_the_way(self, var: int, known: dict[int, int], counts: Callable[[Op], bool]) -> int:
        """Ops that count on the longest way down to memory and reductions; more where some was stored since."""
        if self.groups.in_memory(var):
            return 0
        if var not in known:
            op = self.producer(var)
            below = op.inputs if op.family != "reduce" else ()
            known[var] = counts(op) + max((self.most_on_the_way(i, known, counts) for i in below), default=0)
        return known[var]

    def is_gathered(self, var: int) -> bool:
        return not self.groups.in_memory(var) and gathers(self.graph.ops[o] for o in self.reach(var).ops)

    def joins_parts(self, reduce: Op, var: int) -> bool:
        """Whether a run of several axes goes over parts of parts: each element would ask anew which ones."""
        real = real_axes(self.graph.vars[reduce.inputs[0]])
        return self.nested(var) >= MAX_NESTED and sum(reduce.structure[1] <= a < reduce.structure[2] for a in real) > 1

    def terms(self, var: int) -> int:
        """Values that its expression names, up to MAX_TERMS + 1: one that is read at two indices counts twice.

        An index is known by the movements on the way to it.
        """
        ways: dict[tuple[int, int, int], int] = {}
        seen = {(var, 0)}
        stack = [(var, 0)]
        while stack and len(seen) <= MAX_TERMS:
            number, way = stack.pop()
            if self.groups.in_memory(number):
                continue
            op = self.producer(number)
            if op.family == "reduce":
                continue
            moved = [way]
            if op.family not in ("elementwise", "source", "random"):
                copies = elements_of(self.graph, op) if op.family == "window" else 1
                moved = [ways.setdefault((way, op.id, i), len(ways) + 1) for i in range(copies)]
            for step in ((i, w) for i in op.inputs for w in moved):
                if step not in seen:
                    seen.add(step)
                    stack.append(step)
        return len(seen)

    def cost(self, var: int) -> int:
        """Of computing one element from what is in memory or reduced."""
        reach = self.reach(var)
        return sum(self.own_cost(self.graph.ops[o]) for o in reach.ops) + LOAD_COST * max(0, len(reach.sources) - 1)

    @staticmethod
    def own_cost(op: Op) -> int:
        return WINDOW_COST if op.family == "window" else cost_of(op.kind)

    def labels_of(self, var: int, group: Group) -> Labels | None:
        return self.alignment(var, group, self.memo(group))[0]

    def memo(self, group: Group) -> Memo:
        """What is known of `group`; forgotten where anything changed."""
        known = self.memos.get(group.number)
        if known is not None and known[0] == self.groups.changes:
            return known[1]
        fresh: Memo = {}
        self.memos[group.number] = self.groups.changes, fresh
        return fresh

    def alignment(self, var: int, group: Group, memo: Memo) -> tuple[Labels | None, bool]:
        """(labels in `group`, whether the value is computed there: by one of its reductions, or as a store)."""
        known = memo.get(var)
        if known is not None:
            return known
        maker = self.groups.stored_by.get(var)
        op = None if maker is not None or var < self.graph.leaf_count else self.producer(var)
        if op is None or op.family == "reduce":
            bound = (maker if op is None else self.groups.home[var]) == group.number
            labels = group.labels[var] if var in group.labels else (None,) * len(self.graph.vars[var].shape)
        else:
            found = [memo.get(i) or self.alignment(i, group, memo) for i in op.inputs]
            bound = any([own for _, own in found])
            labels = group.labels[var] if var in group.labels else up(self.graph, op, found)
        known = memo[var] = labels, bound
        return known

    def is_one_number(self, var: int) -> bool:
        """Whether all elements are one value that costs no reading: a constant, or made of single numbers alone."""
        if not real_axes(self.graph.vars[var]):
            return True
        if self.groups.in_memory(var) or self.producer(var).kind not in ("Full", "Broadcast", "Reshape"):
            return False
        return all(self.is_one_number(i) for i in self.producer(var).inputs)

    def is_costly(self, var: int) -> bool:
        """Costly, and not computed once for a whole row anyway."""
        if self.cost(var) <= CHEAP:
            return False
        real = real_axes(self.graph.vars[var])
        for home in self.reach(var).homes:
            labels = self.labels_of(var, self.groups.groups[home])
            if labels is not MISALIGNED and all(labels[a] is not None for a in real):
                return False
        return True

    def mixes(self, op: Op, number: int) -> bool:
        """Whether a sum of products would run beside bools, with which gcc makes vectors of few elements."""
        root = self.root_of(number)
        if op.family != "elementwise" or self.groups.in_memory(root) or self.producer(root).kind != "Contraction":
            return False
        return any(self.graph.vars[i].dtype == "bool" for i in op.inputs)

    def cuts(self, op: Op, number: int) -> bool:
        """Whether a part is taken of axes that a Reshape joined, which then is no loop over those before."""
        return op.kind == "Slice" and self.producer(number).kind == "Reshape"

    def root_of(self, var: int) -> int:
        """The value that a chain of Reshapes gives another shape: it lies in memory in the same order."""
        number = var
        while not self.groups.in_memory(number) and self.producer(number).kind == "Reshape":
            number = self.producer(number).inputs[0]
        return var if number < self.graph.leaf_count else number

    def is_once_a_row(self, var: int, group: Group) -> bool:
        labels = self.labels_of(var, group)
        if not covers(labels, len(group.outer)):
            return False
        return all(labels[a] is not None for a in real_axes(self.graph.vars[var]))

    def cost_in_row(self, var: int, group: Group) -> int:
        """Of one element, from values that are there once a row."""
        seen, stack, cost = {var}, [var], 0
        while stack:
            number = stack.pop()
            if self.groups.in_memory(number) or self.is_once_a_row(number, group):
                continue
            op = self.producer(number)
            cost += self.own_cost(op)
            for i in op.inputs if op.family in POINTWISE else ():
                if i not in seen:
                    seen.add(i)
                    stack.append(i)
        return cost
