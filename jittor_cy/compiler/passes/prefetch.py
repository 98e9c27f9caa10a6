"""prefetch: while a row is worked on a second time, the next row is fetched.

before:  reduce r1: max of in0[p0, r1]; reduce r1: sum of exp(in0[p0, r1] - max)
after:   the second loop asks for in0[p0 + 1, r1]: memory is at work while the processor computes

The same for reductions within reductions (batch norm's), behind hoist, which makes loops of them: prefetch_within.
"""

from __future__ import annotations

from dataclasses import replace

from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr, load, plain_index, postorder, substitute
from jittor_cy.compiler.ir.kernel import Define, Kernel, Loop, PhaseBody, ReduceLoop, Statement, in_lanes
from jittor_cy.compiler.ir.primitives import ITEMSIZE
from jittor_cy.compiler.ir.statements import roots_of

__all__ = ["prefetch", "prefetch_within"]


def prefetch(kernel: Kernel) -> Kernel:
    rows = kernel.schedule.prefetch
    return replace(kernel, phases=tuple(fetch_ahead(p, rows) for p in kernel.phases)) if rows else kernel


def fetch_ahead(phase: PhaseBody, rows: int) -> PhaseBody:
    if not phase.axes or phase.tile or phase.spans:
        return phase
    return replace(phase, body=rows_ahead(phase.body, phase.axes[-1], rows))


def rows_ahead(statements: tuple[Statement, ...], row: Expr, rows: int) -> tuple[Statement, ...]:
    """Gives each buffer's row to the first reduction that reads it again."""
    seen: set[Expr] = set()
    done: set[Expr] = set()
    body: list[Statement] = []
    for statement in statements:
        if isinstance(statement, Loop) and not statement.lanes:
            body.append(replace(statement, body=rows_ahead(statement.body, statement.axis, rows * statement.step)))
            continue
        loads = dict.fromkeys(n for n in postorder(roots_of(statement)) if n.kind == "load")
        if isinstance(statement, ReduceLoop) and statement.columns is None:
            again = [n for n in loads if n in seen and n not in done and runs_along(n, statement.axis, row)]
            done.update(again)
            statement = replace(statement, ahead=tuple(of_row_ahead(n, row, rows) for n in again))
        seen.update(loads)
        body.append(statement)
    return tuple(body)


def runs_along(node: Expr, axis: Expr, row: Expr) -> bool:
    """Whether a load reads neighbouring elements along `axis`, others in the next row, and cannot be left out."""
    index = node.args[0]
    return (
        len(node.args) == 1
        and plain_index(index)
        and str(row.data) in index.free
        and [t for t in ix.terms_of(index) if axis in t[1]] == [(1, (axis,))]
    )


def of_row_ahead(node: Expr, row: Expr, rows: int) -> Expr:
    (index,) = substitute([node.args[0]], {row: ix.add(row, ix.const(rows))})
    return load(int(str(node.data)), node.dtype, index)


def prefetch_within(kernel: Kernel) -> Kernel:
    rows = kernel.schedule.prefetch
    return replace(kernel, phases=tuple(fetch_ahead_within(p, rows) for p in kernel.phases)) if rows else kernel


def fetch_ahead_within(phase: PhaseBody, rows: int) -> PhaseBody:
    if not phase.axes or phase.tile or phase.spans:
        return phase
    seen: dict[Expr, None] = {}
    done: dict[Expr, None] = {}
    body: list[Statement] = []
    for statement in phase.body:
        loads = loads_in(statement)
        if isinstance(statement, ReduceLoop):
            again = [n for n in loads if n in seen and n not in done]
            inner = tuple(with_ahead(s, statement, again, phase.axes[-1], rows, done) for s in statement.body)
            statement = replace(statement, body=inner)
        seen.update(loads)
        body.append(statement)
    return replace(phase, body=tuple(body))


def loads_in(statement: Statement) -> dict[Expr, None]:
    """Of named values too, in the statement and those inside it."""
    inside = statement.body if isinstance(statement, (Loop, ReduceLoop)) else ()
    roots = [statement.value] if isinstance(statement, Define) else roots_of(statement)
    found = dict.fromkeys(n for n in postorder(roots) if n.kind == "load")
    for inner in inside:
        found.update(loads_in(inner))
    return found


def with_ahead(
    inner: Statement, outer: ReduceLoop, again: list[Expr], row: Expr, rows: int, done: dict[Expr, None]
) -> Statement:
    """A reduction over lanes that reads a row again asks for that of a later iteration; `done` grows by its loads."""
    if not isinstance(inner, ReduceLoop) or not in_lanes(inner):
        return inner
    own = loads_in(inner)
    ahead = [n for n in again if n in own and n not in done and runs_along(n, inner.axis, row)]
    if not ahead:
        return inner
    done.update(dict.fromkeys(ahead))
    itemsizes = ix.const(sum(ITEMSIZE[n.dtype] for n in ahead))
    nbytes = ix.product([outer.extent, inner.extent, itemsizes])
    return replace(inner, ahead=tuple(of_row_ahead(n, row, rows) for n in ahead), ahead_nbytes=nbytes)
