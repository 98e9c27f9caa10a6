"""Walks over kernel IR's statements: the expressions in them, and the same statements with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from jittor_cy.compiler.ir.expr import Expr, node, postorder, substitute
from jittor_cy.compiler.ir.kernel import Assign, Loop, Partial, PhaseBody, ReduceLoop, Statement, Strip

__all__ = ["map_expressions", "replace_in", "roots_of", "with_positions"]

Change = Callable[[list[Expr]], list[Expr]]


def roots_of(statement: Statement) -> list[Expr]:
    """Expressions of a statement and of those inside it."""
    match statement:
        case Assign(target=target, value=value):
            return [*target.args, value]
        case Loop(body=body) | Strip(body=body):
            return [x for s in body for x in roots_of(s)]
        case ReduceLoop(results=results, body=body, stages=stages):
            before = [x for stage in stages for s in stage for x in roots_of(s)]
            return before + [r.value for r in results] + [x for s in body for x in roots_of(s)]
        case Partial(loop=loop, first=True):
            return roots_of(loop)
    return []


def map_expressions(statement: Statement, change: Change) -> Statement:
    """The statement with `change` applied to the expressions of everything inside it."""
    match statement:
        case Assign(target=target, value=value):
            return Assign(*change([target, value]))
        case Loop(body=body) | Strip(body=body):
            return replace(statement, body=tuple(map_expressions(s, change) for s in body))
        case ReduceLoop(results=results, body=body):
            values = change([r.value for r in results])
            changed = tuple(replace(r, value=v) for r, v in zip(results, values, strict=True))
            return replace(statement, results=changed, body=tuple(map_expressions(s, change) for s in body))
        case Partial(loop=loop):
            return replace(statement, loop=map_expressions(loop, change))
    return statement


def replace_in(statement: Statement, replaced: dict[Expr, Expr]) -> Statement:
    return map_expressions(statement, lambda roots: substitute(roots, replaced))


def with_positions(phase: PhaseBody, kind: str, places: dict[object, int]) -> PhaseBody:
    """The phase with the number of every load (or dim, or scalar) exchanged."""

    def change(roots: list[Expr]) -> list[Expr]:
        replaced: dict[Expr, Expr] = {}
        for found in postorder(roots):
            if found.kind == kind:
                args = tuple(substitute(found.args, replaced))
                replaced[found] = node(kind, found.dtype, places[found.data], args)
        return substitute(roots, replaced)

    return replace(phase, body=tuple(map_expressions(s, change) for s in phase.body))
