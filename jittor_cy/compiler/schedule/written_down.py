"""written_down: a short axis of a map along which elements read the same is written down, so that each is read once.

before:  (p0 < 6, p1 < d0): out0[p0*d0 + p1] <- the sum of in0[6*p0 + k] * in1[k*d0 + p1] over six k
after:   (p1 < d0): six sums of the same six elements of in1, one store each

That is the product of a small matrix with many columns, as in the transforms of a convolution's tiles.
"""

from __future__ import annotations

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.conditions import settled
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.schedule.stage import Store

__all__ = ["written_down"]

# Streams of results that memory serves side by side.
FEW = 8
# Nodes of all elements: longer loops take long to compile.
MAX_NODES = 600


def written_down(outer: tuple[Expr, ...], stores: list[Store]) -> tuple[tuple[Expr, ...], list[Store]]:
    """The axes that are left, and the stores for each place of those that are not."""
    if len(outer) < 2:
        return outer, stores
    last = ix.value_of(outer[-1].args[0])
    along = outer[-1 if last is None or last > FEW else -2]  # side_by_side writes very short rows down
    for axis in outer[:-1]:
        count = ix.value_of(axis.args[0])
        if count is None or count > FEW or axis is along:
            continue
        found = [place for number in range(count) for place in at_place(stores, axis, number)]
        roots = [x for s in found for x in (s.target, s.value)]
        fewer = 2 * reads(found, along) <= count * reads(stores, along)
        if fewer and sum(1 for _ in e.postorder(roots)) <= MAX_NODES:
            outer, stores = tuple(a for a in outer if a is not axis), found
    return outer, stores


def at_place(stores: list[Store], axis: Expr, number: int) -> list[Store]:
    roots = e.substitute([x for s in stores for x in (s.target, s.value)], {axis: e.const(number)})
    found = [settled(x, {}) for x in roots]
    return [Store(s.var, s.index, *found[2 * i : 2 * i + 2]) for i, s in enumerate(stores)]


def reads(stores: list[Store], along: Expr) -> int:
    """How many elements are read that differ along an axis."""
    nodes = e.postorder([s.value for s in stores])
    return sum(n.kind == "load" and str(along.data) in n.free for n in nodes)
