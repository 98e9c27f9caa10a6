"""overlap: short rows are done in whole vectors, the last of which begins early enough to end with the row.

before:  lanes p1 from low0 to high0: out0[p1] <- ...      a row of 14 is one vector of 8 and 6 single elements
after:   the same, overlap                                 two vectors of 8; two elements are computed twice

Only rows inside of a kernel over several axes, or inside of an iteration, that other passes cut (windows, slices,
padding): others are long.
"""

from __future__ import annotations

from dataclasses import replace

from jittor_cy.compiler.ir.expr import Expr, postorder
from jittor_cy.compiler.ir.index import const, sub, terms_of
from jittor_cy.compiler.ir.kernel import Assign, Kernel, Loop, PhaseBody, Statement
from jittor_cy.compiler.ir.statements import roots_of

__all__ = ["overlap"]

# The body is printed up to four times.
MAX_NODES = 300


def overlap(kernel: Kernel) -> Kernel:
    return replace(kernel, phases=tuple(mark_phase(p) for p in kernel.phases))


def mark_phase(phase: PhaseBody) -> PhaseBody:
    rows = len(phase.axes) > 1 or not phase.spans
    return replace(phase, body=tuple(map(mark, phase.body))) if rows else phase


def mark(statement: Statement) -> Statement:
    if not isinstance(statement, Loop):
        return statement
    if not statement.lanes:
        return replace(statement, body=tuple(map(mark, statement.body)))
    simple = all(isinstance(s, Assign) and s.target.kind == "load" for s in statement.body)
    nodes = list(postorder(roots_of(statement)))
    plain = not any(n.kind in ("reduce", "checked") for n in nodes) and len(nodes) <= MAX_NODES
    plain = plain and not leaves_gaps([n.args[0] for n in nodes if n.kind == "load"], statement.axis)
    # A limit that a pass found is a local, and what another loop left is shorter than a vector.
    cut = statement.end.kind == "var" and statement.begin.kind != "sum"
    return replace(statement, overlap=simple and plain and cut and statement.step == 1)


def leaves_gaps(places: list[Expr], axis: Expr) -> bool:
    """Whether places lie further apart than what is read between them: gcc loads what is there too, and leaves the last
    ones of a vector, behind which there may be nothing, to a loop of single elements."""
    offsets: dict[tuple[int, Expr], set[int]] = {}
    for place in places:
        apart = next((abs(c) for c, atoms in terms_of(place) if atoms == (axis,)), 1)
        if apart > 1:
            number = sum(c for c, atoms in terms_of(place) if not atoms)
            offsets.setdefault((apart, sub(place, const(number))), set()).add(number)
    return any((max(read) - min(read) + 1) % apart for (apart, _), read in offsets.items())
