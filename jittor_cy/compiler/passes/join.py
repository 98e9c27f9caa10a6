"""join: reductions over the same row, inside a loop over rows, are one loop where none needs what another found.

before:  reduce r2: v6 = sum of dy[r1, r2]; reduce r2: v12 = sum of dy[r1, r2] * x[r1, r2]
after:   reduce r2: both, and dy[r1, r2] is read and computed once (the gradient of batch norm)

Runs behind hoist, which makes loops of reductions within reductions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

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
        found = partner(out, statement) if is_plain(statement) else None
        if found is None:
            out.append(statement)
        else:
            place, loop = found
            out[place] = joined(loop, statement)
    return tuple(out)


def is_plain(statement: Statement) -> TypeGuard[ReduceLoop]:
    """A reduction of one row at a time whose body only gives names to values."""
    return (
        isinstance(statement, ReduceLoop)
        and statement.columns is None
        and not statement.stages
        and all(isinstance(s, Define) for s in statement.body)
        and not any(r.kind.startswith("Arg") for r in statement.results)
    )


def partner(before: list[Statement], loop: ReduceLoop) -> tuple[int, ReduceLoop] | None:
    """The last loop over the same row and where it is, unless something from there on defines what `loop` needs."""
    wanted = needs(loop)
    for place in reversed(range(len(before))):
        other = before[place]
        if wanted & defines(other):
            return None
        if (
            is_plain(other)
            and (other.axis, other.extent, other.lanes, other.block) == (loop.axis, loop.extent, loop.lanes, loop.block)
            and len(other.results) + len(loop.results) <= MAX_RESULTS
        ):
            return place, other
    return None


def needs(loop: ReduceLoop) -> frozenset[str]:
    named = names_in(loop)
    roots = [loop.extent, *(r.value for r in loop.results), *(s.value for s in named)]
    own = {str(s.target.data) for s in named} | {str(loop.axis.data)}
    return frozenset().union(*(x.free for x in roots)) - own


def names_in(loop: ReduceLoop) -> list[Define]:
    """The body of a loop that is_plain."""
    return [s for s in loop.body if isinstance(s, Define)]


def defines(statement: Statement) -> frozenset[str]:
    match statement:
        case Define(target=target) | Recall(target=target):
            return frozenset((str(target.data),))
        case ReduceLoop(results=results) | Partial(loop=ReduceLoop(results=results)):
            return frozenset(str(r.target.data) for r in results)
    return frozenset()


def joined(loop: ReduceLoop, other: ReduceLoop) -> ReduceLoop:
    """What both compute has one name."""
    body = names_in(loop)
    names: dict[Expr, Expr] = {s.value: s.target for s in body}
    renamed: dict[Expr, Expr] = {}
    for statement in names_in(other):
        (value,) = substitute([statement.value], renamed)
        if value in names:
            renamed[statement.target] = names[value]
        else:
            names[value] = statement.target
            body.append(Define(statement.target, value))
    values = substitute([r.value for r in other.results], renamed)
    results = tuple(replace(r, value=v) for r, v in zip(other.results, values, strict=True))
    ahead = tuple(dict.fromkeys((*loop.ahead, *other.ahead)))
    return replace(loop, results=(*loop.results, *results), body=tuple(body), ahead=ahead)
