"""rows: a reduction over several axes as one, whose values do not lie in a line, goes row by row.

before:  reduce r1: s0 = sum of in0[r1] + in1[r1 - r1 / d1 * d1]      a quotient an element, and no vectors
after:   rows r1_row0 = r1 / d1 of length d1
         reduce r1: s0 = sum of in0[r1] + in1[r1 - r1_row0 * d1]      known for a whole row

Values are computed a row (or a part of one) at a time, kept in the first level of cache, and folded in the same order.
Runs behind hoist, which makes loops of reductions within reductions.
"""

from __future__ import annotations

from dataclasses import replace

from jittor_cy.compiler.ir.expr import Expr, node, postorder, substitute, variable
from jittor_cy.compiler.ir.kernel import Assign, Check, Define, Kernel, Loop, Partial, ReduceLoop, Statement, in_lanes
from jittor_cy.compiler.passes.interior import slope

__all__ = ["rows"]


def rows(kernel: Kernel) -> Kernel:
    return replace(kernel, phases=tuple(replace(p, body=tuple(map(by_rows, p.body))) for p in kernel.phases))


def by_rows(statement: Statement) -> Statement:
    match statement:
        case Loop(body=body):
            return replace(statement, body=tuple(map(by_rows, body)))
        case Partial(loop=loop, first=True):
            return replace(statement, loop=cut(loop))
        case ReduceLoop():
            return cut(statement)
    return statement


def cut(loop: ReduceLoop) -> ReduceLoop:
    """The loop with its rows, where it has any."""
    if not in_lanes(loop) or loop.stages:
        return replace(loop, body=tuple(map(by_rows, loop.body)))
    quotients: dict[Expr, None] = {}
    for root in [*(x for s in loop.body for x in expressions(s)), *(r.value for r in loop.results)]:
        for found in postorder([root]):
            if found.kind == "div" and found.args[0] is loop.axis and not found.args[1].free:
                quotients[found] = None
    names = {q: variable(f"{loop.axis.data}_row{i}", q.dtype) for i, q in enumerate(quotients)}
    results = tuple(replace(r, value=substitute([r.value], names)[0]) for r in loop.results)
    body = tuple(named(s, names) for s in loop.body)
    roots = [*(x for s in body for x in expressions(s)), *(r.value for r in results)]
    if not names or not any_in_line(roots, loop.axis):
        return loop
    return replace(loop, results=results, body=body, rows=tuple((name, q.args[1]) for q, name in names.items()))


def any_in_line(roots: list[Expr], axis: Expr) -> bool:
    """Whether some input is read along a row, or none moves: of elements far apart vectors are put together slowly."""
    loads = [n for n in postorder(roots) if n.kind == "load" and str(axis.data) in n.free]
    return not loads or any(slope(n.args[0], axis) is not None for n in loads)


def expressions(statement: Statement) -> list[Expr]:
    """Expressions of a statement without an inner loop."""
    match statement:
        case Assign(target=target, value=value):
            return [*target.args, value]
        case Define(value=value):
            return [value]
        case Check(index=index, limit=limit, inside=inside, guard=guard):
            return [index, limit, inside, *([] if guard is None else [guard])]
    return []


def named(statement: Statement, names: dict[Expr, Expr]) -> Statement:
    match statement:
        case Assign(target=target, value=value):
            args = substitute([*target.args, value], names)
            return Assign(node(target.kind, target.dtype, target.data, tuple(args[:-1])), args[-1])
        case Define(value=value):
            return replace(statement, value=substitute([value], names)[0])
        case Check():
            index, limit, inside, *guards = substitute(expressions(statement), names)
            return Check(statement.op, index, limit, inside, guards[0] if guards else None)
    return statement
