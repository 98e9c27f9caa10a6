"""collapse: join neighbouring parallel axes where every index goes through both as through one."""

from __future__ import annotations

from collections.abc import Sequence

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr

__all__ = ["collapse"]


def collapse(axes: Sequence[Expr], roots: list[Expr]) -> tuple[tuple[Expr, ...], list[Expr]]:
    """The axes that remain, and `roots` over them. A contiguous elementwise kernel becomes one flat loop."""
    left = list(axes)
    position = 0
    while position + 1 < len(left):
        joined, changed = join(left[position], left[position + 1], roots)
        if changed is None:
            position += 1
            continue
        roots = changed
        left[position : position + 2] = [joined]
    # Names by position: kernels over other ranks then have the same text.
    renamed = {a: e.axis(f"p{i}", a.args[0]) for i, a in enumerate(left)}
    return tuple(renamed[a] for a in left), e.substitute(roots, {a: b for a, b in renamed.items() if a is not b})


def join(outer: Expr, inner: Expr, roots: list[Expr]) -> tuple[Expr, list[Expr] | None]:
    """The joined axis, and `roots` over it; None where a quotient or remainder would be left."""
    extent = inner.args[0]
    axis = e.axis(f"{outer.data}_{str(inner.data)[1:]}", ix.mul(outer.args[0], extent))
    replaced = {outer: ix.floor_div(axis, extent), inner: ix.mod(axis, extent)}
    changed = e.substitute(roots, replaced)
    name = str(axis.data)
    divides = any(n.kind == "div" and name in n.free for n in e.postorder(changed))
    return axis, None if divides else changed
