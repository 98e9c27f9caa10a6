"""interior: a loop over guarded elements runs without guards where all of them hold, and with them at its ends.

before:  lanes p1 from 0 to d1: out0[p1] <- Where(Within(p1 - c0, 0, d2), buffer0[p1 - c0 if ..], fill)
after:   low0 = .., high0 = ..                                where every condition along p1 holds
         lanes p1 from low0 to high0: out0[p1] <- buffer0[p1 - c0]        gcc can vectorize this one
         loop edge from 0 to 2: the same loop as before, over what is left on either side

Rows that windows share are no condition: where one is outside, the nearest one is read, and the fill value chosen.
Parts that lie behind each other (Concat) have a loop each: one where the first condition holds, one where it does not.
"""

from __future__ import annotations

from dataclasses import replace

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.conditions import FALSE, TRUE, settled
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.kernel import Assign, Define, Kernel, Loop, PhaseBody, Statement, begin_of, end_of
from jittor_cy.compiler.ir.primitives import is_floating
from jittor_cy.compiler.ir.statements import roots_of

__all__ = ["interior"]

# A loop is printed twice; beyond this it takes longer to compile than it gains.
MAX_NODES = 600
# Parts of parts double the loops: those of a phase are printed with so many nodes more in all.
MAX_COPIED = 2000


def interior(kernel: Kernel) -> Kernel:
    return replace(kernel, phases=tuple(Interior().phase(p) for p in kernel.phases))


class Interior:
    """One phase; names of limits are numbered."""

    def __init__(self) -> None:
        self.count = 0
        self.copied = 0

    def phase(self, phase: PhaseBody) -> PhaseBody:
        flat = len(phase.axes) == 1 and not phase.tile and not phase.spans
        if flat and all(isinstance(s, Assign) for s in phase.body):
            axis = phase.axes[0]
            cut = self.loop(Loop(axis, begin_of(axis), end_of(axis), True, phase.body))
            return phase if len(cut) == 1 else replace(phase, body=tuple(cut), spans=True)
        return replace(phase, body=tuple(s for statement in phase.body for s in self.statement(statement)))

    def statement(self, statement: Statement) -> list[Statement]:
        if not isinstance(statement, Loop) or (not statement.lanes and str(statement.axis.data) == "edge"):
            return [statement]
        if not statement.lanes:
            body = tuple(s for inner in statement.body for s in self.statement(inner))
            return [replace(statement, body=body)]
        return self.loop(statement)

    def loop(self, loop: Loop, least: Expr = ix.ZERO) -> list[Statement]:
        """The loop, or its limits, its interior and its ends. `least`: of what conditions on parts ask."""
        roots = roots_of(loop)
        nodes = list(e.postorder(roots))
        plain = all(isinstance(s, Assign) for s in loop.body) and not any(
            n.kind in ("reduce", "checked") for n in nodes
        )
        guarded = any(n.kind == "load" and len(n.args) > 1 for n in nodes)
        every = conditions(roots) if plain and guarded else []
        rows = {n for n in every if is_row(n, loop.axis)}
        rows |= window_rows([n for n in every if n not in rows], nodes, loop.axis)
        found = [n for n in every if n not in rows and runs_along(n, loop.axis)]
        if not found or len(nodes) > MAX_NODES:
            return [loop]
        parted = next((n for n in found if parts(n, roots, loop.axis, least)), None)
        if parted is not None and self.copied + len(nodes) <= MAX_COPIED:
            self.copied += len(nodes)
            return self.parts(loop, parted)
        names = [e.variable(f"{which}{self.count}", "int64") for which in ("low", "high")]
        self.count += 1
        low, high = limits(found, loop)
        for bound in dict.fromkeys(
            n.args[2] for n in every if n in rows
        ):  # an axis without elements has no nearest one
            some = e.op("Within", "bool", ix.ZERO, ix.ZERO, bound)
            high = smaller(high, e.op("Where", "int64", some, loop.end, loop.begin))
        holds = {n: TRUE for n in found}
        body = tuple(Assign(s.target, without(s.value, holds, rows)) for s in loop.body if isinstance(s, Assign))
        edge = e.axis("edge", ix.const(2))
        last = e.op("IndexEq", "bool", edge, ix.ONE)
        begin, end = (e.op("Where", "int64", last, a, b) for a, b in ((names[1], loop.begin), (loop.end, names[0])))
        return [
            Define(names[0], low),
            Define(names[1], e.op("IndexMax", "int64", high, names[0])),
            replace(loop, begin=names[0], end=names[1], body=body),
            Loop(edge, ix.ZERO, ix.const(2), False, (replace(loop, begin=begin, end=end),)),
        ]

    def parts(self, loop: Loop, condition: Expr) -> list[Statement]:
        """A loop where the condition holds, and one behind it."""
        name = e.variable(f"part{self.count}", "int64")
        self.count += 1
        _, high = limits([condition], loop)
        out: list[Statement] = [Define(name, e.op("IndexMax", "int64", high, loop.begin))]
        values = [s.value for s in loop.body if isinstance(s, Assign)]
        ways = (
            ({condition: TRUE}, ix.ZERO, loop.begin, name),
            ({condition: FALSE, **last_part(condition, values)}, condition.args[2], name, loop.end),
        )
        for answers, least, begin, end in ways:
            body = tuple(Assign(s.target, settled(s.value, answers)) for s in loop.body if isinstance(s, Assign))
            out += self.loop(replace(loop, begin=begin, end=end, body=body), least)
        return out


def parts(condition: Expr, roots: list[Expr], axis: Expr, known: Expr) -> bool:
    """Whether it holds from the loop's begin on, and chooses between two values that are both read."""
    index, least, _ = condition.args
    if least is not known or slope(index, axis) not in (0, 1) or not plain(index):
        return False
    choices = [n for n in e.postorder(roots) if n.kind == "op" and n.data == "Where" and n.args[0] is condition]
    return any(all(reads(a) for a in n.args[1:]) for n in choices)


def last_part(condition: Expr, roots: list[Expr]) -> dict[Expr, Expr]:
    """What guards the last part behind this one is no choice: the part begins where this one ends, and is the rest."""
    index, _, bound = condition.args
    nodes = list(e.postorder(roots))
    behind = [n for n in nodes if n.kind == "op" and n.data == "Within" and n.args[:2] == (index, bound)]
    asked = {c for n in nodes if n.kind == "op" and n.data == "Where" for c in asked_of(n.args[0])}
    return {n: TRUE for n in behind if n not in asked}


def plain(index: Expr) -> bool:
    """Whether nothing is taken off: what then is negative lies outside of everything, and another condition says so."""
    return all(c > 0 and all(a.kind in ("axis", "dim", "scalar") for a in t) for c, t in ix.terms_of(index))


def reads(value: Expr) -> bool:
    return any(n.kind == "load" for n in e.postorder([value]))


def conditions(roots: list[Expr]) -> list[Expr]:
    """Every Within that decides about a value, where those before it hold."""
    found: dict[Expr, None] = {}
    seen: set[Expr] = set(roots)
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node.kind == "op" and node.data == "Within":
            found[node] = None
        below = node.args[:2] if chooses(node) else node.args
        stack += [a for a in below if a not in seen]
        seen.update(below)
    return list(found)


def chooses(node: Expr) -> bool:
    """Whether a node has its second operand where conditions on an index hold."""
    if node.kind != "op" or node.data != "Where":
        return False
    stack = [node.args[0]]
    while stack:
        condition = stack.pop()
        if condition.kind != "op" or condition.data not in ("Both", "Within"):
            return False
        stack += condition.args if condition.data == "Both" else ()
    return True


def runs_along(condition: Expr, axis: Expr) -> bool:
    """Whether the condition holds in one range along the axis."""
    return is_certain(condition) or slope(undivided(condition)[0], axis) is not None


def is_row(condition: Expr, axis: Expr) -> bool:
    """Whether it is about rows, of which some hold it and others do not, wherever they are."""
    index, least, _ = condition.args
    exact = index.kind == "op" and index.data == "IndexDivExact"
    return exact and least is ix.ZERO and str(axis.data) not in condition.free


def is_certain(condition: Expr) -> bool:
    """Whether a remainder is asked whether it is one."""
    index, least, bound = condition.args
    divisor = ix.value_of(index.args[1]) if index.kind == "op" and index.data == "IndexMod" else None
    first, behind = ix.value_of(least), ix.value_of(bound)
    return None not in (divisor, first, behind) and first <= 0 < divisor <= behind  # type: ignore[operator]


def undivided(condition: Expr) -> tuple[Expr, Expr, Expr]:
    """(index, least, bound) with the same answer, where the index was a quotient."""
    index, least, bound = condition.args
    divisor = ix.value_of(index.args[1]) if index.kind == "op" and index.data == "IndexFloorDiv" else None
    if divisor is None or divisor <= 0:
        return index, least, bound
    return index.args[0], ix.mul(least, index.args[1]), ix.mul(bound, index.args[1])


def slope(index: Expr, axis: Expr) -> int | None:
    """How much an index grows with the axis; None where it does so in another way."""
    grows = 0
    for coefficient, atoms in ix.terms_of(index):
        if atoms == (axis,):
            grows += coefficient
        elif any(str(axis.data) in a.free or a.pinned for a in atoms):
            return None
    return grows


def limits(found: list[Expr], loop: Loop) -> tuple[Expr, Expr]:
    """Where along the axis all conditions hold, inside the loop's range."""
    low, high = loop.begin, loop.end
    for condition in found:
        if is_certain(condition):
            continue
        index, least, bound = undivided(condition)
        grows = slope(index, loop.axis)
        rest = ix.sub(index, ix.mul(ix.const(grows), loop.axis))  # type: ignore[arg-type]
        if grows == 0:
            high = smaller(high, e.op("Where", "int64", condition, loop.end, loop.begin))
            continue
        first, behind = (
            (ix.sub(least, rest), ix.sub(bound, rest)) if grows > 0 else (ix.sub(rest, bound), ix.sub(rest, least))
        )  # type: ignore[operator]
        up = ix.const(grows - 1 if grows > 0 else -grows)  # type: ignore[operator]
        low = larger(low, quotient(ix.add(first, up), abs(grows)))  # type: ignore[arg-type]
        high = smaller(high, quotient(ix.add(behind, up), abs(grows)))  # type: ignore[arg-type]
    return smaller(low, loop.end), high


def quotient(a: Expr, b: int) -> Expr:
    return a if b == 1 else e.op("IndexFloorDiv", "int64", a, ix.const(b))


def larger(a: Expr, b: Expr) -> Expr:
    return e.op("IndexMax", "int64", a, b)


def smaller(a: Expr, b: Expr) -> Expr:
    return e.op("IndexMin", "int64", a, b)


def without(root: Expr, holds: dict[Expr, Expr], rows: set[Expr]) -> Expr:
    """The value where the conditions hold; of a row that does not, the nearest one is read, and not used."""
    done = dict(holds)
    for node in e.postorder([root], into=lambda n: n not in holds):
        if node in done:
            continue
        if node.kind == "op" and node.data == "Both":
            a, b = (done[x] for x in node.args)
            done[node] = b if a is TRUE else a if b is TRUE else e.op("Both", "bool", a, b)
        elif node.kind == "op" and node.data == "Where" and done[node.args[0]] is TRUE:
            done[node] = done[node.args[1]]
        elif node.kind == "load" and len(node.args) > 1 and done[node.args[1]] is TRUE:
            done[node] = e.load(int(str(node.data)), node.dtype, done[node.args[0]])
        elif node.kind == "load" and len(node.args) > 1 and (asked := asked_of(done[node.args[1]])) <= rows:
            done[node] = e.load(int(str(node.data)), node.dtype, nearest(done[node.args[0]], asked))
        elif is_blend(node) and asked_of(done[node.args[0]]) <= rows:
            condition, *values = (done[a] for a in node.args)
            # Named outside of the loop: of a condition in it gcc makes no vectors.
            chosen = e.op("AllBits", "uint64" if node.dtype == "float64" else "uint32", condition)
            done[node] = e.op("Blend", node.dtype, chosen, *values)
        else:
            (done[node],) = e.substitute([node], {a: done[a] for a in node.args if done[a] is not a})
    return done[root]


def is_blend(node: Expr) -> bool:
    """Whether it may choose by bits: gcc makes no vectors of a choice that is the same for all of a loop."""
    return node.kind == "op" and node.data == "Where" and is_floating(node.dtype)


def nearest(place: Expr, asked: set[Expr]) -> Expr:
    """A place in rows for which the conditions hold, and the one meant where they do."""
    for index, _, bound in (n.args for n in asked):
        near = e.op("IndexClamp", "int64", index, bound)
        stride = stride_of(index, place)
        if stride is None:
            (place,) = e.substitute([place], {index: near})
        else:
            place = ix.add(place, ix.mul(stride, ix.sub(near, index)))
    return place


def window_rows(every: list[Expr], nodes: list[Expr], axis: Expr) -> set[Expr]:
    """Conditions on the rows of windows, which are several: those of an image's first row do not all hold."""
    groups: dict[tuple[Expr, Expr], list[Expr]] = {}
    for condition in every:
        index, least, bound = condition.args
        if least is ix.ZERO and str(axis.data) not in condition.free:
            known = ix.const(sum(c for c, atoms in ix.terms_of(index) if not atoms))
            groups.setdefault((ix.sub(index, known), bound), []).append(condition)
    rows = {n for group in groups.values() if len(group) > 1 for n in group}
    for node in nodes:
        asked = asked_of(node.args[-1 if node.kind == "load" else 0]) & rows if is_guarded(node) else set()
        if node.kind == "load" and any(stride_of(n.args[0], node.args[0]) is None for n in asked):
            return set()
        if asked and node.kind == "op" and not is_blend(node):
            return set()
    return rows


def is_guarded(node: Expr) -> bool:
    return (node.kind == "load" and len(node.args) > 1) or (node.kind == "op" and node.data == "Where")


def stride_of(index: Expr, place: Expr) -> Expr | None:
    """How much a place grows with an index (axis - padding + number) in it; None where that is not seen."""
    terms = [(c, atoms) for c, atoms in ix.terms_of(index) if atoms]
    axes = [(c, atoms[0]) for c, atoms in terms if len(atoms) == 1 and atoms[0].kind == "axis"]
    padding = [atoms[0] for _, atoms in terms if len(atoms) == 1 and atoms[0].kind == "scalar"]
    if len(terms) != 2 or len(axes) != 1 or len(padding) != 1:
        return None
    ((grows, axis),) = axes
    along = [(c, list(atoms)) for c, atoms in ix.terms_of(place) if axis in atoms]
    if len(along) != 1 or along[0][0] % grows:
        return None
    ((coefficient, atoms),) = along
    atoms.remove(axis)
    stride = ix.product([ix.const(coefficient // grows), *atoms])
    rest = ix.sub(place, ix.mul(stride, index))
    return None if {str(axis.data)} & rest.free or padding[0] in set(e.postorder([rest])) else stride


def asked_of(condition: Expr) -> set[Expr]:
    """What a condition is made of."""
    if condition.kind == "op" and condition.data == "Both":
        return asked_of(condition.args[0]) | asked_of(condition.args[1])
    return {condition}
