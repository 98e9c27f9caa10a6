"""parity: a loop over elements that lie in one of s cells becomes one over cells, with s elements in each iteration.

before:  lanes p1 from 0 to d1: out0[p1] <- buffer0[(p1 + c0) // 2] where (p1 + c1) % 2 == 0
after:   cells0 = d1 / 2
         lanes p1_cell from 0 to cells0:               quotients grow by one, and remainders stay as they are
           out0[2*p1_cell] <- buffer0[p1_cell + (c0 // 2)] where c1 % 2 == 0
           out0[2*p1_cell + 1] <- buffer0[p1_cell + (c0 + 1) // 2] where (c1 + 1) % 2 == 0
         lanes p1 from 2*cells0 to d1: as before       what is left

The gradient of pooling and of what has a stride, upsampling, repeats: gcc vectorizes the loop over cells.
"""

from __future__ import annotations

from dataclasses import replace

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.kernel import Assign, Define, Kernel, Loop, PhaseBody, Statement, begin_of, end_of
from jittor_cy.compiler.ir.statements import roots_of

__all__ = ["parity"]

# A cell's elements are printed one after the other.
MOST_ELEMENTS = 8
MAX_NODES = 600
DIVISIONS = ("IndexFloorDiv", "IndexMod")


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
        """The loop, or the number of cells, the loop over them and what is left."""
        nodes = list(e.postorder(roots_of(loop)))
        size = cell_size(nodes, loop.axis) if all(isinstance(s, Assign) for s in loop.body) else 0
        if size == 0 or size * len(nodes) > MAX_NODES:
            return [loop]
        cells = e.variable(f"cells{self.count}", "int64")
        self.count += 1
        cell = e.axis(f"{loop.axis.data}_cell", cells)
        found = e.op(
            "IndexMax", "int64", e.op("IndexFloorDiv", "int64", ix.sub(loop.end, loop.begin), ix.const(size)), ix.ZERO
        )
        body = []
        for part in range(size):
            first = ix.add(loop.begin, ix.const(part))
            for s in loop.body:
                index, value = at_cell([s.target.args[0], s.value], loop.axis, first, cell, size)
                body.append(Assign(e.load(int(str(s.target.data)), s.target.dtype, index), value))
        behind = ix.add(loop.begin, ix.mul(ix.const(size), cells))
        return [
            Define(cells, found),
            Loop(cell, ix.ZERO, cells, True, tuple(body)),
            replace(loop, begin=behind),
        ]


def cell_size(nodes: list[Expr], axis: Expr) -> int:
    """What all quotients and remainders along the axis divide by; 0 where they are not the same, or there are none."""
    sizes = set()
    for node in nodes:
        if str(axis.data) not in node.free or not divides(node):
            continue
        divisor = ix.value_of(node.args[1])
        if divisor is None or slope(node.args[0], axis) is None:
            return 0
        sizes.add(divisor)
    size = sizes.pop() if len(sizes) == 1 else 0
    return size if 1 < size <= MOST_ELEMENTS else 0


def divides(node: Expr) -> bool:
    return node.kind == "div" or (node.kind == "op" and node.data in DIVISIONS)


def slope(index: Expr, axis: Expr) -> int | None:
    """How much an index grows with the axis; None where it does so in another way."""
    grows = 0
    for coefficient, atoms in ix.terms_of(index):
        if atoms == (axis,):
            grows += coefficient
        elif any(str(axis.data) in a.free for a in atoms):
            return None
    return grows


def at_cell(roots: list[Expr], axis: Expr, first: Expr, cell: Expr, size: int) -> list[Expr]:
    """The expressions at first + size * cell, with quotients that grow with the cell and remainders that do not."""
    place = ix.add(first, ix.mul(ix.const(size), cell))
    done: dict[Expr, Expr] = {axis: place}
    for node in e.postorder(roots):
        if node in done or str(axis.data) not in node.free:
            done.setdefault(node, node)
        elif divides(node):
            index, divisor = node.args
            (start,) = e.substitute([index], {axis: first})
            if node.kind == "op" and node.data == "IndexMod":
                done[node] = e.op("IndexMod", "int64", start, divisor)
                continue
            grown = ix.mul(ix.const(slope(index, axis)), cell)  # type: ignore[arg-type]
            quotient = (
                ix.floor_div(start, divisor) if node.kind == "div" else e.op("IndexFloorDiv", "int64", start, divisor)
            )
            done[node] = ix.add(grown, quotient)
        else:
            (done[node],) = e.substitute([node], {a: done[a] for a in node.args if done[a] is not a})
    return [done[r] for r in roots]
