"""finer: a map runs over the axes that a Reshape joined, so that positions before it need no quotients.

before:  (p0 < d0, p1 < d1)                 out0[p0*d1 + p1] <- in0[.. (p0*d1 + p1) / 2 ..]
after:   (p0 < d2, p1 < d3, p2 < 2)         out0[p0*2*d3 + p1*2 + p2] <- in0[.. p0*d3 + p1 ..]

What needs the joined axes one by one has quotients then; the caller counts which way has fewer.
"""

from __future__ import annotations

from collections.abc import Sequence

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.schedule.stage import Store

__all__ = ["finer", "quotients"]

Axes = tuple[Expr, ...]


def finer(outer: Axes, places: Axes, joined: Axes, extents: Sequence[Expr]) -> tuple[Axes, Axes] | None:
    """Outer axes with new ones of `extents` in the place of the neighbours `joined`, and `places` in terms of them.

    None where these do not stand next to each other.
    """
    if joined[0] not in outer:
        return None
    at = outer.index(joined[0])
    if outer[at : at + len(joined)] != joined:
        return None
    fresh = [e.axis(f"{joined[0].data}x{i}", extent) for i, extent in enumerate(extents)]
    rest = ix.ZERO
    for axis in fresh:
        rest = ix.add(ix.mul(rest, axis.args[0]), axis)
    found: dict[Expr, Expr] = {}
    for axis in reversed(joined[1:]):
        found[axis] = ix.mod(rest, axis.args[0])
        rest = ix.floor_div(rest, axis.args[0])
    found[joined[0]] = rest
    changed = tuple(e.substitute(list(places), {a: b for a, b in found.items() if a is not b}))
    return (*outer[:at], *fresh, *outer[at + len(joined) :]), changed


def quotients(stores: list[Store]) -> int:
    """How many quotients an element needs."""
    roots = [x for s in stores for x in (s.target, s.value)]
    return sum(n.kind == "div" for n in e.postorder(roots))
