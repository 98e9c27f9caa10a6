"""parity: a loop over elements that lie in one of s cells becomes one over cells, with s elements in each iteration.

before:  lanes p1 from 0 to d1: out0[p1] <- buffer0[(p1 + c0) // 2] where (p1 + c1) % 2 == 0
after:   first0 = 0, cells0 = d1 / 2
         lanes p1_cell from 0 to cells0:               quotients grow by one, and remainders stay as they are
           out0[2*p1_cell] <- buffer0[p1_cell + (c0 // 2)] where c1 % 2 == 0
           out0[2*p1_cell + 1] <- buffer0[p1_cell + (c0 + 1) // 2] where (c1 + 1) % 2 == 0
         loop edge from 0 to 2: the same loop as before, over what is left on either side

Where quotients must be exact (the gradient of overlapping windows), first0 is such that it is known which ones are.

The gradient of pooling and of what has a stride, upsampling, repeats: gcc vectorizes the loop over cells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.kernel import Assign, Define, Kernel, Loop, PhaseBody, Statement, begin_of, end_of
from jittor_cy.compiler.ir.primitives import is_floating
from jittor_cy.compiler.ir.statements import roots_of

__all__ = ["parity"]

# A cell's elements are printed one after the other.
MOST_ELEMENTS = 8
MAX_NODES = 600
DIVISIONS = ("IndexFloorDiv", "IndexMod", "IndexDivExact")


def parity(kernel: Kernel) -> Kernel:
    return replace(kernel, phases=tuple(Parity().phase(p) for p in kernel.phases))


class Parity:
    """One phase; names of counts are numbered."""

    def __init__(self) -> None:
        self.count = 0

    def phase(self, phase: PhaseBody) -> PhaseBody:
        flat = len(phase.axes) == 1 and not phase.tile and not phase.spans
        if flat and all(isinstance(s, Assign) for s in phase.body):
            axis = phase.axes[0]
            cut = self.loop(Loop(axis, begin_of(axis), end_of(axis), True, phase.body))
            return phase if len(cut) == 1 else replace(phase, body=tuple(cut), spans=True)
        return replace(phase, body=self.statements(phase.body))

    def statements(self, body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        return tuple(s for statement in body for s in self.statement(statement))

    def statement(self, statement: Statement) -> list[Statement]:
        if not isinstance(statement, Loop) or (not statement.lanes and str(statement.axis.data) == "edge"):
            return [statement]
        if not statement.lanes:
            return [replace(statement, body=self.statements(statement.body))]
        return self.loop(statement)

    def loop(self, loop: Loop) -> list[Statement]:
        """The loop; or where cells begin and how many there are, the loop over them, and what lies on either side."""
        nodes = list(e.postorder(roots_of(loop)))
        size = cell_size(nodes, loop.axis) if all(isinstance(s, Assign) for s in loop.body) else 0
        if size == 0 or size * len(nodes) > MAX_NODES:
            return [loop]
        first, cells = (e.variable(f"{name}{self.count}", "int64") for name in ("first", "cells"))
        self.count += 1
        shift = shift_of(nodes, loop.axis)
        begin = loop.begin
        if shift is not None:  # a cell's first element is one whose quotient is exact
            into = e.op("IndexMod", "int64", ix.sub(ix.ZERO, ix.add(loop.begin, shift)), ix.const(size))
            begin = e.op("IndexMin", "int64", ix.add(loop.begin, into), loop.end)
        length = e.op("IndexFloorDiv", "int64", ix.sub(loop.end, first), ix.const(size))
        cell = e.axis(f"{loop.axis.data}_cell", cells)
        elements = Cell(loop.axis, first, cell, size, shift)
        body = tuple(s for part in range(size) for s in elements.statements(loop.body, part))
        behind = ix.add(first, ix.mul(ix.const(size), cells))
        edge = e.axis("edge", ix.const(2))
        last = e.op("IndexEq", "bool", edge, ix.ONE)
        sides = (e.op("Where", "int64", last, a, b) for a, b in ((behind, loop.begin), (loop.end, first)))
        return [
            Define(first, begin),
            Define(cells, e.op("IndexMax", "int64", length, ix.ZERO)),
            Loop(cell, ix.ZERO, cells, True, body),
            Loop(edge, ix.ZERO, ix.const(2), False, (replace(loop, begin=next(sides), end=next(sides)),)),
        ]


def cell_size(nodes: list[Expr], axis: Expr) -> int:
    """What all quotients and remainders along the axis divide by; 0 where they are not the same, or there are none."""
    sizes, shifts = set(), set()
    for node in nodes:
        if str(axis.data) not in node.free or not divides(node):
            continue
        divisor = ix.value_of(node.args[1])
        grows = slope(node.args[0], axis)
        if divisor is None or grows is None or (is_exact(node) and grows != 1):
            return 0
        sizes.add(divisor)
        shifts |= {split_shift(node, axis)[0]} if is_exact(node) else set()
    size = sizes.pop() if len(sizes) == 1 and len(shifts) <= 1 else 0
    return size if 1 < size <= MOST_ELEMENTS else 0


def divides(node: Expr) -> bool:
    return node.kind == "div" or (node.kind == "op" and node.data in DIVISIONS)


def is_exact(node: Expr) -> bool:
    return node.kind == "op" and node.data == "IndexDivExact"


def shift_of(nodes: list[Expr], axis: Expr) -> Expr | None:
    """What the axis is shifted by where exact quotients are taken; None where none are."""
    exact = (n for n in nodes if is_exact(n) and str(axis.data) in n.free)
    return next((split_shift(n, axis)[0] for n in exact), None)


def split_shift(node: Expr, axis: Expr) -> tuple[Expr, int]:
    """The quotient's index less the axis, as (what is not known, number)."""
    rest = ix.sub(node.args[0], axis)
    number = sum(c for c, atoms in ix.terms_of(rest) if not atoms)
    return ix.sub(rest, ix.const(number)), number


def slope(index: Expr, axis: Expr) -> int | None:
    """How much an index grows with the axis; None where it does so in another way."""
    grows = 0
    for coefficient, atoms in ix.terms_of(index):
        if atoms == (axis,):
            grows += coefficient
        elif any(str(axis.data) in a.free for a in atoms):
            return None
    return grows


FALSE = e.const(0, "bool")


@dataclass(frozen=True, slots=True)
class Cell:
    """Expressions at first + size * cell + part: quotients grow with the cell, and remainders do not.

    shift: first + shift is a multiple of size, so that it is known which quotients are exact; None: there are none.
    """

    axis: Expr
    first: Expr
    cell: Expr
    size: int
    shift: Expr | None

    def statements(self, body: tuple[Statement, ...], part: int) -> list[Assign]:
        found = [s for s in body if isinstance(s, Assign)]
        values = self.at([x for s in found for x in (s.target.args[0], s.value)], part)
        pairs = zip(found, values[::2], values[1::2], strict=True)
        return [Assign(e.load(int(str(s.target.data)), s.target.dtype, i), v) for s, i, v in pairs]

    def at(self, roots: list[Expr], part: int) -> list[Expr]:
        start = ix.add(self.first, ix.const(part))
        done: dict[Expr, Expr] = {self.axis: ix.add(start, ix.mul(ix.const(self.size), self.cell))}
        for node in e.postorder(roots):
            if node in done or str(self.axis.data) not in node.free:
                done.setdefault(node, node)
            elif divides(node):
                done[node] = self.quotient(node, start, part)
            else:
                (found,) = e.substitute([node], {a: done[a] for a in node.args if done[a] is not a})
                done[node] = decided(found)
        return [done[r] for r in roots]

    def quotient(self, node: Expr, start: Expr, part: int) -> Expr:
        index, divisor = node.args
        if is_exact(node):
            unknown, number = split_shift(node, self.axis)
            if (part + number) % self.size:
                return ix.const(-1)
            whole = e.op("IndexFloorDiv", "int64", ix.add(self.first, unknown), divisor)
            return ix.add(whole, self.cell, ix.const((part + number) // self.size))
        (at_start,) = e.substitute([index], {self.axis: start})
        if node.data == "IndexMod":
            return e.op("IndexMod", "int64", at_start, divisor)
        grown = ix.mul(ix.const(slope(index, self.axis)), self.cell)  # type: ignore[arg-type]
        # A quotient of what is never negative may be one of less at the first cell: padding begins there.
        may_be_less = node.kind == "op" or any(coefficient < 0 for coefficient, _ in ix.terms_of(at_start))
        whole = e.op("IndexFloorDiv", "int64", at_start, divisor) if may_be_less else ix.floor_div(at_start, divisor)
        return ix.add(grown, whole)


def decided(node: Expr) -> Expr:
    """What is left of a condition on a quotient that is not exact, and of what depends on it."""
    if node.kind == "load" and len(node.args) > 1 and node.args[1] is FALSE:
        return e.const(0.0 if is_floating(node.dtype) else 0, node.dtype)
    if node.kind != "op":
        return node
    if node.data == "Within" and (ix.value_of(node.args[0]) or 0) < 0 and (ix.value_of(node.args[1]) or 0) >= 0:
        return FALSE
    if node.data == "Both" and FALSE in node.args:
        return FALSE
    return node.args[2] if node.data == "Where" and node.args[0] is FALSE else node
