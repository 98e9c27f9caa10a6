"""overlap: short rows are done in whole vectors, the last of which begins early enough to end with the row.

before:  lanes p1 from low0 to high0: out0[p1] <- ...      a row of 14 is one vector of 8 and 6 single elements
after:   the same, overlap                                 two vectors of 8; two elements are computed twice

Only rows inside of a kernel over several axes that other passes cut (windows, slices, padding): others are long.
"""

from __future__ import annotations

from dataclasses import replace

from jittor_cy.compiler.ir.expr import postorder
from jittor_cy.compiler.ir.kernel import Assign, Kernel, Loop, PhaseBody, Statement
from jittor_cy.compiler.ir.statements import roots_of

__all__ = ["overlap"]

# The body is printed up to four times.
MAX_NODES = 300


def overlap(kernel: Kernel) -> Kernel:
    return replace(kernel, phases=tuple(mark_phase(p) for p in kernel.phases))


def mark_phase(phase: PhaseBody) -> PhaseBody:
    return replace(phase, body=tuple(map(mark, phase.body))) if len(phase.axes) > 1 else phase


def mark(statement: Statement) -> Statement:
    if not isinstance(statement, Loop):
        return statement
    if not statement.lanes:
        return replace(statement, body=tuple(map(mark, statement.body)))
    simple = all(isinstance(s, Assign) and s.target.kind == "load" for s in statement.body)
    nodes = list(postorder(roots_of(statement)))
    plain = not any(n.kind in ("reduce", "checked") for n in nodes) and len(nodes) <= MAX_NODES
    # A limit that a pass found is a local, and what another loop left is shorter than a vector.
    cut = statement.end.kind == "var" and statement.begin.kind != "sum"
    return replace(statement, overlap=simple and plain and cut and statement.step == 1)
