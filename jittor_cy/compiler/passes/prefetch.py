"""prefetch: while a row is worked on a second time, the next row is fetched.

before:  reduce r1: max of in0[p0, r1]; reduce r1: sum of exp(in0[p0, r1] - max)
after:   the second loop asks for in0[p0 + 1, r1]: memory is at work while the processor computes

The same for reductions within reductions (batch norm's), behind hoist, which makes loops of them: prefetch_within.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr, load, plain_index, postorder, substitute
from jittor_cy.compiler.ir.kernel import Define, Kernel, Loop, PhaseBody, ReduceLoop, Statement, in_lanes
from jittor_cy.compiler.ir.primitives import ITEMSIZE
from jittor_cy.compiler.ir.statements import roots_of

__all__ = ["prefetch", "prefetch_within"]


# The statements of a row, its axis, and how many rows ahead is fetched → the statements that fetch them.
FetchAhead = Callable[[tuple[Statement, ...], Expr, int], tuple[Statement, ...]]


def prefetch(kernel: Kernel) -> Kernel:
    return over_rows(kernel, rows_ahead)


def prefetch_within(kernel: Kernel) -> Kernel:
    return over_rows(kernel, rows_ahead_within)


def over_rows(kernel: Kernel, fetch_ahead: FetchAhead) -> Kernel:
    """`fetch_ahead` over each phase whose iterations are rows."""
    rows = kernel.schedule.prefetch
    if not rows:
        return kernel

    def of_phase(phase: PhaseBody) -> PhaseBody:
        if not phase.axes or phase.tile or phase.spans:
            return phase
        return replace(phase, body=fetch_ahead(phase.body, phase.axes[-1], rows))

    return replace(kernel, phases=tuple(of_phase(p) for p in kernel.phases))


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


def rows_ahead_within(statements: tuple[Statement, ...], row: Expr, rows: int) -> tuple[Statement, ...]:
    """Gives each buffer's row to the first reduction within a reduction that reads it again."""
    seen: set[Expr] = set()
    done: set[Expr] = set()
    body: list[Statement] = []
    for statement in statements:
        loads = loads_in(statement)
        if isinstance(statement, ReduceLoop):
            again = [n for n in loads if n in seen and n not in done]
            inner = tuple(with_ahead(s, statement, again, row, rows, done) for s in statement.body)
            statement = replace(statement, body=inner)
        seen.update(loads)
        body.append(statement)
    return tuple(body)


def loads_in(statement: Statement) -> dict[Expr, None]:
    """Of named values too, in the statement and those inside it."""
    inside = statement.body if isinstance(statement, (Loop, ReduceLoop)) else ()
    roots = [statement.value] if isinstance(statement, Define) else roots_of(statement)
    found = dict.fromkeys(n for n in postorder(roots) if n.kind == "load")
    for inner in inside:
        found.update(loads_in(inner))
    return found


def with_ahead(
    inner: Statement, outer: ReduceLoop, again: list[Expr], row: Expr, rows: int, done: set[Expr]
) -> Statement:
    """A reduction over lanes that reads a row again asks for that of a later iteration; `done` grows by its loads."""
    if not isinstance(inner, ReduceLoop) or not in_lanes(inner):
        return inner
    own = loads_in(inner)
    ahead = [n for n in again if n in own and n not in done and runs_along(n, inner.axis, row)]
    if not ahead:
        return inner
    done.update(ahead)
    itemsizes = ix.const(sum(ITEMSIZE[n.dtype] for n in ahead))
    nbytes = ix.product([outer.extent, inner.extent, itemsizes])
    return replace(inner, ahead=tuple(of_row_ahead(n, row, rows) for n in ahead), ahead_nbytes=nbytes)
