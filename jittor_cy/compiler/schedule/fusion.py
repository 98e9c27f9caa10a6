"""fuse: partition a Graph into Groups, one kernel each; every refusal has words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jittor_cy.compiler.ir.graph import Graph, Op
from jittor_cy.compiler.ir.schedule import Choices
from jittor_cy.compiler.schedule.chain import Refusal, chains, still_apart
from jittor_cy.compiler.schedule.group import CHOOSES, MAX_NESTED, Group, GroupSet, stays_apart
from jittor_cy.compiler.schedule.heuristic import CHEAP, MAX_BUFFERS, MAX_CONCAT, MAX_OPS, MAX_REDUCTIONS
from jittor_cy.compiler.schedule.labels import MISALIGNED, Labels, covers, down, real_axes
from jittor_cy.compiler.schedule.orientation import is_turned, orientation, stores_along
from jittor_cy.compiler.schedule.reach import POINTWISE, Reach, Reaches
from jittor_cy.compiler.schedule.second_look import computed_again
from jittor_cy.debug.trace import is_on, trace

__all__ = ["KEEP_APART", "fuse"]

# Ops that read an input elsewhere than at the element that they make, or more often than once.
READS_AGAIN = ("Broadcast", "Reindex", "Concat", "Insert", "Pad", "Contraction")


@dataclass(frozen=True, slots=True)
class Proposal:
    """To compute `var` in a group; `labels`: of the var there (of the input for a Reduce)."""

    var: int
    update: int
    reach: Reach
    labels: Labels | None
    reduces: bool
    given: Choices


# The first rule that objects wins; its words are what JTCY_DEBUG=3 and jt.debug.explain print.
KEEP_APART: tuple[tuple[str, Callable[[GroupSet, Group, Proposal], bool]], ...] = (
    ("the runtime runs this op itself", lambda groups, g, p: g.kind == "single"),
    ("another schedule", lambda groups, g, p: stays_apart(g.given, p.given)),
    ("another optimizer update", lambda groups, g, p: g.update != p.update),
    ("an update stays apart from reductions", lambda groups, g, p: p.update != 0 and g.kind != "map"),
    ("outer axes differ", lambda groups, g, p: p.labels is MISALIGNED),
    ("would make a cycle", lambda groups, g, p: groups.would_cycle(g, list(p.reach.sources))),
    (
        "gathered values would be computed twice",
        lambda groups, g, p: p.reduces and g.kind == "map" and groups.gathers(g),
    ),
    ("too many reductions", lambda groups, g, p: p.reduces and len(g.reduces) >= MAX_REDUCTIONS),
    ("too many ops", lambda groups, g, p: len(g.ops.keys() | set(p.reach.ops)) + 1 > MAX_OPS),
    (
        "too many buffers",
        lambda groups, g, p: len(g.sources.keys() | set(p.reach.sources)) + len(g.stores) + 1 > MAX_BUFFERS,
    ),
)

# How many groups a reduction of everything looks at for company.
LOOK_BACK = 8

# A costly value that several kernels would compute is stored instead; each round may find more of them.
MAX_ROUNDS = 4


def fuse(
    graph: Graph, enabled: bool = True, beside: bool = True, along_memory: bool = True
) -> tuple[list[tuple[Group, ...]], list[str]]:
    """Groups, those of one kernel together, in an order in which they can run; and why ops were kept apart.

    Every op that is needed is in a group.
    """
    stored: dict[int, None] = {}
    for _ in range(MAX_ROUNDS):
        fusion = Fusion(graph, enabled, stored, along_memory)
        fusion.run()
        found = computed_again(fusion, fusion.readers, stored) if enabled else []
        if not found:
            break
        stored.update(dict.fromkeys(found))
    kernels = chains(fusion, beside) if enabled else [(g,) for g in fusion.groups.groups]
    return kernels, still_apart(fusion.refusals, kernels)


class Fusion(Reaches):
    """One pass over the ops: pointwise values stay expressions until something needs them in memory."""

    def __init__(self, graph: Graph, enabled: bool, stored: dict[int, None], along_memory: bool = True) -> None:
        super().__init__(graph, GroupSet(graph))
        self.enabled, self.stored, self.along_memory = enabled, stored, along_memory
        self.refusals: list[Refusal] = []
        self.readers: list[list[Op]] = [[] for _ in graph.vars]
        for op in graph.ops:
            for number in op.inputs if op.family != "dead" else ():
                self.readers[number].append(op)

    def run(self) -> None:
        for op in self.graph.ops:
            if op.family != "dead":
                self.visit(op)
        # Last, so that an output becomes one more store of the kernel that computes it for others anyway.
        for var in self.graph.vars:
            if var.output:
                self.ensure_stored(var.id)

    def visit(self, op: Op) -> None:
        enabled = self.enabled and ("fuse", False) not in op.given
        if not enabled or self.runs_alone(op):
            for number in op.inputs:
                self.ensure_stored(number)
        if self.runs_alone(op):
            return self.run_alone(op)
        if op.family == "reduce":
            self.place_reduce(op)
        else:
            self.keep_small(op)
        if op.outputs[0] in self.stored or not enabled:
            self.ensure_stored(op.outputs[0])
        return None

    @staticmethod
    def runs_alone(op: Op) -> bool:
        if op.kind == "Concat":
            return len(op.inputs) > MAX_CONCAT
        return op.family not in (*POINTWISE, "reduce")

    def run_alone(self, op: Op) -> None:
        group = self.groups.new("single", ())
        group.single = op.id
        group.ops[op.id] = None
        self.groups.add_sources(group, list(op.inputs))
        for out in op.outputs:
            self.groups.store(group, out)

    def spread_labels(self, group: Group, var: int, labels: Labels) -> None:
        """Labels `var` and what it is read from at the same index."""
        stack = [(var, labels)]
        while stack:
            number, known = stack.pop()
            if number in group.labels:
                continue
            self.groups.label(group, number, known)
            if self.groups.in_memory(number) and self.groups.stored_by.get(number) != group.number:
                continue
            op = self.producer(number)
            below = down(self.graph, op, known) if op.family in POINTWISE else None
            if below is not None:
                stack.extend((i, below) for i in op.inputs)

    def keep_small(self, op: Op) -> None:
        """Stores inputs that would be computed too often, or that would make the expression too long."""
        for number in op.inputs:
            if self.groups.in_memory(number):
                continue
            foreign = self.producer(number).update_group not in (0, op.update_group)
            again = op.kind in READS_AGAIN or self.cuts(op, number)
            deep = op.kind in CHOOSES and self.nested(number) >= MAX_NESTED
            if foreign or deep or (again and self.is_costly(number)) or self.mixes(op, number):
                self.ensure_stored(number)
        if self.is_within(op.outputs[0], MAX_OPS - 1, MAX_BUFFERS - 2) and not self.is_long(op.outputs[0]):
            return
        reach = self.reach(op.outputs[0])
        while len(reach.ops) > MAX_OPS - 1 or len(reach.sources) > MAX_BUFFERS - 2 or self.is_long(op.outputs[0]):
            inputs = [i for i in op.inputs if not self.groups.in_memory(i)]
            if not inputs:
                return
            self.ensure_stored(max(inputs, key=lambda i: (self.terms(i), len(self.reach(i).ops), -i)))
            reach = self.reach(op.outputs[0])

    # ---- where a value is stored ----

    def ensure_stored(self, var: int) -> None:
        if self.groups.in_memory(var):
            return
        reach = self.reach(var)
        candidates = self.candidates(reach, self.producer(var).update_group)
        reach = self.reach(var)
        if any(self.try_store(self.groups.groups[g], var, reach) for g in candidates):
            return
        for home in reach.homes:
            self.export(var, home)
        if self.groups.in_memory(var):  # what is needed of the last home was the value itself
            return
        root = self.root_of(var)
        shape = self.graph.vars[root].shape
        axes = real_axes(self.graph.vars[root])
        op = self.producer(var)
        group = self.groups.new("map", tuple(shape[a] for a in axes), op.update_group, op.given)
        numbers = {a: i for i, a in enumerate(axes)}
        labels = tuple(numbers.get(a) for a in range(len(shape)))
        self.put(group, var, self.reach(var), labels)

    def candidates(self, reach: Reach, update: int = 0) -> list[int]:
        """Groups that might take a value: whose results it needs first, then those that read the same vars.

        Updates of several parameters stay apart where they share no more than a number: they are one launch anyway, and
        memory serves fewer streams at a time better.
        """
        if self.enabled and len(reach.homes) > 1:
            reach = self.join_homes(reach)
        sharing: dict[int, None] = dict.fromkeys(reach.homes)
        if not self.enabled:
            return list(sharing)
        makers = [self.groups.stored_by[s] for s in reach.sources if s in self.groups.stored_by]
        sharing.update(dict.fromkeys(sorted(makers, reverse=True)))
        for var in (*reach.sources, *(self.graph.ops[o].outputs[0] for o in reach.ops)):
            if not update or not self.is_one_number(var):
                sharing.update(dict.fromkeys(reversed(self.groups.touching.get(var, ()))))
        return [number for number in sharing if self.groups.groups[number].kind != "merged"]

    def join_homes(self, reach: Reach) -> Reach:
        """Merges groups over the same axes whose reductions one value needs together."""
        first, *others = (self.groups.groups[h] for h in reach.homes)
        for other in others:
            if self.may_merge(first, other):
                self.groups.merge(first, other)
        return Reach(reach.ops, reach.sources, tuple(h for h in reach.homes if self.groups.groups[h].kind != "merged"))

    def may_merge(self, a: Group, b: Group) -> bool:
        depend = self.groups.depends(a.number, b.number) or self.groups.depends(b.number, a.number)
        alike = (a.kind, a.turned, a.outer, a.update) == (b.kind, b.turned, b.outer, b.update)
        alike = alike and a.kind in ("row", "column") and not stays_apart(a.given, b.given)
        labels = all(a.labels.get(v, held) == held for v, held in b.labels.items())
        small = len(a.ops.keys() | b.ops.keys()) <= MAX_OPS and len(a.reduces) + len(b.reduces) <= MAX_REDUCTIONS
        few = len(a.sources.keys() | b.sources.keys()) + len(a.stores) + len(b.stores) <= MAX_BUFFERS
        return alike and not depend and labels and small and few

    def objection(self, group: Group, proposal: Proposal) -> str | None:
        why = next((words for words, objects in KEEP_APART if objects(self.groups, group, proposal)), None)
        if why is not None or is_on(3, "fuse"):
            edge = f"{self.describe(group)}->{self.producer(proposal.var).kind}#{proposal.var}"
            trace(3, "fuse", edge=edge, kept_apart=why)
            if why is not None:
                self.refusals.append(Refusal(tuple(group.ops), self.producer(proposal.var).id, f"{edge}: {why}"))
        return why

    def describe(self, group: Group) -> str:
        last = group.stores[-1] if group.stores else None
        return f"{group.kind}{group.number}" + ("" if last is None else f":{self.producer(last).kind}#{last}")

    def try_store(self, group: Group, var: int, reach: Reach, may_export: bool = True) -> bool:
        root = self.root_of(var)
        labels = self.labels_of(root, group)
        whole = group.kind in ("map", "full")  # nothing is left to loop over inside an iteration
        if not covers(labels, len(group.outer)) or (whole and not self.is_once_a_row(root, group)):
            labels = MISALIGNED
        foreign = [h for h in reach.homes if h != group.number]
        if labels is MISALIGNED and group.number not in reach.homes:
            return False
        if group.turned and not stores_along(self, group, self.graph.vars[root], labels):
            return False
        op = self.producer(var)
        proposal = Proposal(var, op.update_group, reach, labels, False, op.given)
        if self.objection(group, proposal) is not None:
            return False
        if any(self.groups.depends(h, group.number) or not may_export for h in foreign):
            return False
        for home in foreign:
            self.export(var, home)
        if self.groups.in_memory(var):
            return True
        reach = self.reach(var)
        if self.groups.would_cycle(group, list(reach.sources)):
            return False
        self.put(group, var, reach, labels)
        return True

    def put(self, group: Group, var: int, reach: Reach, labels: Labels) -> None:
        self.groups.add_sources(group, list(reach.sources))
        group.ops.update(dict.fromkeys(reach.ops))
        root = self.root_of(var)
        self.spread_labels(group, root, labels)
        if root != var:
            group.roots[var] = root
        self.groups.store(group, var)

    def export(self, var: int, home: int) -> None:
        """Makes group `home` store what `var` needs of it: values of one a row where they are cheap to go on from."""
        if self.groups.in_memory(var) or home not in self.reach(var).homes:
            return
        group = self.groups.groups[home]
        op = self.producer(var)
        labels = self.labels_of(var, group)
        aligned = covers(labels, len(group.outer))
        once_a_row = self.is_once_a_row(var, group)
        if op.family == "reduce" and self.groups.home[var] == home:
            return self.put(group, var, self.reach(var), labels)
        fits = aligned and group.kind != "full" or once_a_row
        # A value of two homes would be handed back and forth between them.
        fits = fits and self.reach(var).homes == (home,)
        if (
            fits
            and (once_a_row or self.cost_in_row(var, group) > CHEAP)
            and self.try_store(group, var, self.reach(var), False)
        ):
            return None
        for number in op.inputs:
            self.export(number, home)
        return None

    # ---- where a reduction goes ----

    def is_gathered_again(self, var: int, reduce: Op) -> bool:
        """Whether a value with index calculations of its own is needed beside `reduce`, or at all indices of it."""
        needed = len(self.readers[var]) > 1 or self.graph.vars[var].output or self.joins_parts(reduce, var)
        return self.enabled and needed and self.is_gathered(var)

    def place_reduce(self, op: Op) -> None:
        gathered = self.root_of(op.inputs[0])
        if self.is_gathered_again(gathered, op):
            self.ensure_stored(gathered)
        reach = self.reach(op.inputs[0])
        candidates = self.candidates(reach)
        reach = self.reach(op.inputs[0])
        if any(self.try_reduce(self.groups.groups[g], op, reach) for g in candidates):
            return
        for home in reach.homes:
            self.export(op.inputs[0], home)
        # What other groups had to hand over is in memory now: a group that it kept out may go on.
        again = self.candidates(self.reach(op.inputs[0])) if reach.homes else []
        reach = self.reach(op.inputs[0])
        if any(self.try_reduce(self.groups.groups[g], op, reach) for g in again):
            return
        if self.enabled and any(self.try_reduce(g, op, reach) for g in self.full_groups()):
            return
        source = self.graph.vars[op.inputs[0]]
        kind, kept, turned = orientation(self, op, self.along_memory)
        group = self.groups.new(kind, tuple(source.shape[a] for a in kept), given=op.given)
        group.turned = turned
        numbers = {a: i for i, a in enumerate(kept)}
        labels = tuple(numbers.get(a) for a in range(len(source.shape)))
        self.put_reduce(group, op, self.reach(op.inputs[0]), labels)

    def full_groups(self) -> list[Group]:
        """The newest ones: reductions of everything over runs of one length share a kernel, whatever they read."""
        return self.groups.full[: -1 - LOOK_BACK : -1]

    def put_reduce(self, group: Group, op: Op, reach: Reach, labels: Labels) -> None:
        first, end = op.structure[1], op.structure[2]
        self.groups.add_sources(group, list(reach.sources))
        group.ops.update(dict.fromkeys((*reach.ops, op.id)))
        group.reduces.append(op.id)
        self.spread_labels(group, op.inputs[0], labels)
        self.groups.label(group, op.outputs[0], (*labels[:first], *labels[end:]))
        self.groups.place(op.outputs[0], group)

    def try_reduce(self, group: Group, op: Op, reach: Reach) -> bool:
        labels = self.labels_of(op.inputs[0], group)
        shrunk = self.shrunk(group, op, labels)
        if shrunk is None and group.number not in reach.homes:
            return False
        foreign = [h for h in reach.homes if h != group.number]
        found = labels if shrunk is not None else MISALIGNED
        proposal = Proposal(op.outputs[0], op.update_group, reach, found, True, op.given)
        if self.objection(group, proposal) is not None or foreign:
            return False
        if shrunk:
            labels = self.shrink(group, shrunk, labels)
        group.kind = "row" if group.kind == "map" else group.kind
        self.put_reduce(group, op, reach, labels)
        return True

    def shrunk(self, group: Group, op: Op, labels: Labels | None) -> list[int] | None:
        """Outer axes that the group must give up to hold this reduction: none ([]), some, or impossible (None)."""
        source = self.graph.vars[op.inputs[0]]
        first, end = op.structure[1], op.structure[2]
        if not covers(labels, len(group.outer)) or is_turned(self, op, self.along_memory, group) != group.turned:
            return None
        real = real_axes(source)
        behind = [a for a in real if a >= end]
        lost = [labels[a] for a in real if first <= a < end and labels[a] is not None]
        kept = [a for a in real if not first <= a < end]
        match group.kind:
            case "full":
                return [] if not kept and self.same_run(group, op) else None
            case "column":
                return (
                    [] if (behind or group.turned) and not lost and all(labels[a] is not None for a in kept) else None
                )
            case "row" if not lost:
                return [] if not behind or all(labels[a] is not None for a in kept) else None
            case "row":
                once_a_row = all(labels[a] is not None for a in real)
                return lost if once_a_row and len(lost) < len(group.outer) else None
            case "map":
                return lost if lost and not behind and len(lost) < len(group.outer) and not group.update else None
        return None

    def same_run(self, group: Group, op: Op) -> bool:
        return all(self.run_of(self.graph.ops[r]) == self.run_of(op) for r in group.reduces)

    def run_of(self, op: Op) -> list[int]:
        shape = self.graph.vars[op.inputs[0]].shape
        return [s.id for s in shape if s.value != 1]

    def shrink(self, group: Group, lost: list[int], labels: Labels) -> Labels:
        kept = [i for i in range(len(group.outer)) if i not in lost]
        renumbered: dict[int | None, int | None] = {old: new for new, old in enumerate(kept)}
        group.outer = tuple(group.outer[i] for i in kept)
        group.labels = {v: tuple(renumbered.get(x) for x in held) for v, held in group.labels.items()}
        return tuple(renumbered.get(x) for x in labels)
