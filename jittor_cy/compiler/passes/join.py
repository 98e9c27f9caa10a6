"""join: reductions over the same row, inside a loop over rows, are one loop where none needs what another found.

before:  reduce r2: v6 = sum of dy[r1, r2]; reduce r2: v12 = sum of dy[r1, r2] * x[r1, r2]
after:   reduce r2: both, and dy[r1, r2] is read and computed once (the gradient of batch norm)

Runs behind hoist, which makes loops of reductions within reductions.
"""

from __future__ import annotations

from dataclasses import replace

from jittor_cy.compiler.ir.expr import Expr, substitute
from jittor_cy.compiler.ir.kernel import Define, Kernel, Loop, Partial, Recall, ReduceLoop, Statement

__all__ = ["join"]

# Lanes of a result are held in registers: four vectors each.
MAX_RESULTS = 4


def join(kernel: Kernel) -> Kernel:
    return replace(kernel, phases=tuple(replace(p, body=join_in(p.body)) for p in kernel.phases))


def join_in(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    out: list[Statement] = []
    for statement in statements:
        if isinstance(statement, (Loop, ReduceLoop)):
            statement = replace(statement, body=join_in(statement.body))
        place = partner(out, statement) if is_plain(statement) else None
        if place is None:
            out.append(statement)
        else:
            out[place] = joined(out[place], statement)  # type: ignore[arg-type]
    return tuple(out)


def is_plain(statement: Statement) -> bool:
    return (
        isinstance(statement, ReduceLoop)
        and statement.columns is None
        and not statement.stages
        and all(isinstance(s, Define) for s in statement.body)
        and not any(r.kind.startswith("Arg") for r in statement.results)
    )


def partner(before: list[Statement], loop: ReduceLoop) -> int | None:
    """The last loop over the same row, unless something from there on defines what `loop` needs."""
    wanted = needs(loop)
    for place in reversed(range(len(before))):
        other = before[place]
        if wanted & defines(other):
            return None
        if (
            is_plain(other)
            and (other.axis, other.extent, other.lanes, other.block)  # type: ignore[union-attr]
            == (loop.axis, loop.extent, loop.lanes, loop.block)
            and len(other.results) + len(loop.results) <= MAX_RESULTS  # type: ignore[union-attr]
        ):
            return place
    return None


def needs(loop: ReduceLoop) -> frozenset[str]:
    roots = [loop.extent, *(r.value for r in loop.results), *(s.value for s in loop.body)]
    own = {str(s.target.data) for s in loop.body} | {str(loop.axis.data)}
    return frozenset().union(*(x.free for x in roots)) - own


def defines(statement: Statement) -> frozenset[str]:
    match statement:
        case Define(target=target) | Recall(target=target):
            return frozenset((str(target.data),))
        case ReduceLoop(results=results) | Partial(loop=ReduceLoop(results=results)):
            return frozenset(str(r.target.data) for r in results)
    return frozenset()


def joined(loop: ReduceLoop, other: ReduceLoop) -> ReduceLoop:
    """What both compute has one name."""
    names: dict[Expr, Expr] = {s.value: s.target for s in loop.body}  # type: ignore[union-attr]
    renamed: dict[Expr, Expr] = {}
    body = list(loop.body)
    for statement in other.body:
        (value,) = substitute([statement.value], renamed)  # type: ignore[union-attr]
        if value in names:
            renamed[statement.target] = names[value]  # type: ignore[union-attr]
        else:
            names[value] = statement.target  # type: ignore[union-attr]
            body.append(Define(statement.target, value))  # type: ignore[union-attr]
    values = substitute([r.value for r in other.results], renamed)
    results = tuple(replace(r, value=v) for r, v in zip(other.results, values, strict=True))
    ahead = tuple(dict.fromkeys((*loop.ahead, *other.ahead)))
    return replace(loop, results=(*loop.results, *results), body=tuple(body), ahead=ahead)
