"""Group: ops that share a kernel; and the set of all Groups with what depends on what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from jittor_cy.compiler.ir.graph import Graph, Op, Symbol
from jittor_cy.compiler.ir.schedule import Choices
from jittor_cy.compiler.schedule.labels import Labels

__all__ = ["CHOOSES", "MAX_NESTED", "Group", "GroupSet", "gathers", "stays_apart"]

# Families whose ops calculate an index for each element that they read.
GATHERS = ("reindex", "window")
# Each element is one of several inputs', by its index.
CHOOSES = ("Concat", "Insert")
# Values chosen from parts of values chosen from parts: each level has every loop of the levels below it.
MAX_NESTED = 2


@dataclass
class Group:
    """What one kernel makes.

    kind    outer (parallel) axes                     inside one iteration
    map     every axis                                 one element of each store
    row     those in front of the reductions           whole rows: reductions (I = 1) and loops between them
    column  those in front and behind                  reductions over rows (I > 1), columns side by side
    full    none                                       reductions of everything, in two phases each
    single  -                                          one op that the runtime runs itself
    merged  -                                          part of another group by now
    """

    number: int
    kind: str
    outer: tuple[Symbol, ...]
    update: int = 0
    given: Choices = ()  # by hand, for its schedule
    labels: dict[int, Labels] = field(default_factory=dict)
    stores: list[int] = field(default_factory=list)
    reduces: list[int] = field(default_factory=list)  # op ids
    ops: dict[int, None] = field(default_factory=dict)  # ids of all ops computed here
    sources: dict[int, None] = field(default_factory=dict)  # vars read from memory
    roots: dict[int, int] = field(default_factory=dict)  # store → the var whose shape and labels it is computed in
    single: int | None = None  # op id
    turned: bool = False  # of the other kind than the reductions as written: orientation.py


class GroupSet:
    """Groups, who stores which var, and the transitive closure of dependences as bit masks."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.groups: list[Group] = []
        self.stored_by: dict[int, int] = {}  # var → group; leaves are not here
        self.home: dict[int, int] = {}  # var of a Reduce → the group that computes it
        self.closure: list[int] = []
        self.needed: set[int] = set()  # groups that others depend on
        self.full: list[Group] = []  # of that kind, which they keep
        self.changes = 0  # of what is in memory, where it is computed and which labels it has
        self.touching: dict[int, list[int]] = {}  # var → groups that label it

    def new(self, kind: str, outer: tuple[Symbol, ...], update: int = 0, given: Choices = ()) -> Group:
        group = Group(len(self.groups), kind, outer, update, given)
        self.groups.append(group)
        self.closure.append(0)
        if kind == "full":
            self.full.append(group)
        return group

    def in_memory(self, var: int) -> bool:
        return var < self.graph.leaf_count or var in self.stored_by

    def gathers(self, group: Group) -> bool:
        """Whether the group calculates where its values lie."""
        return gathers([self.graph.ops[o] for o in group.ops])

    def depends(self, group: int, on: int) -> bool:
        return bool(self.closure[group] >> on & 1)

    def would_cycle(self, group: Group, sources: list[int]) -> bool:
        """Whether reading `sources` would make `group` wait for itself."""
        if group.number not in self.needed:
            return False
        makers = {self.stored_by[s] for s in sources if s in self.stored_by}
        return any(self.depends(m, group.number) for m in makers if m != group.number)

    def add_sources(self, group: Group, sources: list[int]) -> None:
        for source in sources:
            maker = self.stored_by.get(source)
            if maker == group.number:
                continue
            group.sources[source] = None
            if maker is not None:
                self.add_dependence(group.number, maker)

    def add_dependence(self, group: int, on: int) -> None:
        gained = self.closure[on] | 1 << on
        if gained & ~self.closure[group] == 0:
            return
        gained |= self.closure[group]
        self.closure[group] = gained
        self.needed.add(on)
        if group not in self.needed:
            return
        for other, mask in enumerate(self.closure):
            if mask >> group & 1:
                self.closure[other] = mask | gained

    def label(self, group: Group, var: int, labels: Labels) -> None:
        if var not in group.labels:
            group.labels[var] = labels
            self.touching.setdefault(var, []).append(group.number)

    def merge(self, into: Group, other: Group) -> None:
        """Everything of `other` becomes part of `into`; neither may depend on the other."""
        for name in ("ops", "roots"):
            getattr(into, name).update(getattr(other, name))
        into.stores += other.stores
        into.reduces += other.reduces
        for var in other.stores:
            self.stored_by[var] = into.number
        for op in other.reduces:
            self.place(self.graph.ops[op].outputs[0], into)
        into.sources = {s: None for s in (*into.sources, *other.sources) if self.stored_by.get(s) != into.number}
        for var, labels in other.labels.items():
            self.label(into, var, labels)
        if other.number in self.needed:
            self.needed.add(into.number)
        gained = self.closure[into.number] | self.closure[other.number]
        for number, mask in enumerate(self.closure):
            if number == into.number or mask >> into.number & 1:
                self.closure[number] = mask | gained
            elif mask >> other.number & 1:
                self.closure[number] = mask | 1 << into.number | gained
        other.kind = "merged"
        self.changes += 1

    def store(self, group: Group, var: int) -> None:
        group.stores.append(var)
        self.stored_by[var] = group.number
        group.sources.pop(var, None)
        self.changes += 1

    def place(self, var: int, group: Group) -> None:
        """`group` computes this reduction."""
        self.home[var] = group.number
        self.changes += 1


def gathers(ops: Iterable[Op]) -> bool:
    """Whether the ops calculate where each element lies, or choose parts of parts."""
    found = list(ops)
    return any(op.family in GATHERS for op in found) or sum(op.kind in CHOOSES for op in found) >= MAX_NESTED


def stays_apart(given: Choices, other: Choices) -> bool:
    """Whether schedules by hand forbid one kernel."""
    return given != other or ("fuse", False) in given
