"""side_by_side: the very few elements along a last axis are written down, in a loop along the axis before it.

before:  (p0 < d0): lanes p1 from 0 to 2: out0[2*p0 + p1] <- in0[p0 + d1*p1]      no vectors in a loop of two
after:   lanes p0: out0[2*p0] <- in0[p0], out0[2*p0 + 1] <- in0[p0 + d1]          vectors that gcc interleaves
"""

from __future__ import annotations

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.conditions import settled
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.kernel import Assign
from jittor_cy.compiler.schedule.stage import Store

__all__ = ["side_by_side"]

# gcc interleaves two, three or four vectors.
FEW = 4
# Nodes of all elements: longer loops take long to compile.
MAX_NODES = 400


def side_by_side(outer: tuple[Expr, ...], stores: list[Store]) -> tuple[Assign, ...]:
    """The statements for a loop along outer[-2]; empty where outer[-1] is not that short, or both are that short."""
    count, rows = (ix.value_of(a.args[0]) for a in (outer[-1], outer[-2]))
    if count is None or count > FEW or (rows is not None and rows <= FEW):
        return ()
    roots = [x for s in stores for x in (s.target, s.value)]
    nodes = list(e.postorder(roots))
    if count * len(nodes) > MAX_NODES or any(n.kind == "checked" for n in nodes):
        return ()
    body: list[Assign] = []
    for number in range(count):
        found = [settled(x, {}) for x in e.substitute(roots, {outer[-1]: e.const(number)})]
        body += [Assign(target, value) for target, value in zip(found[::2], found[1::2], strict=True)]
    return tuple(body)
