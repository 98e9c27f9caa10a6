"""Reductions of a window's elements as one expression, in the order that docs/bits.md fixes."""

from __future__ import annotations

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.primitives import REDUCE_OPS, cast, identity_of, is_floating

__all__ = ["fold", "search"]


def fold(kind: str, dtype: str, elements: list[Expr], lanes: int) -> Expr:
    """Lane l takes the elements l, l + lanes, ...; then the upper half of the lanes joins the lower one."""

    def step(a: Expr, b: Expr) -> Expr:
        return e.op(REDUCE_OPS[kind], dtype, a, b)

    # The identity changes nothing but the sign of a zero.
    starts = kind == "Sum" and is_floating(dtype)
    held = [step(identity_of(kind, dtype), x) if starts else x for x in elements[:lanes]]
    for position, x in enumerate(elements[lanes:]):
        held[position % lanes] = step(held[position % lanes], x)
    half = lanes // 2
    while half > 0:
        held = [step(x, held[i + half]) if i + half < len(held) else x for i, x in enumerate(held[:half])]
        half //= 2
    return held[0]


def search(kind: str, elements: list[Expr]) -> Expr:
    """The position of the first extreme; a NaN beats every number. Counted in int32: as wide as most elements."""
    worse = "Le" if kind == "ArgMax" else "Ge"
    best, place = elements[0], e.const(0, "int32")
    for position, x in enumerate(elements[1:], 1):
        taken = e.op("BitNot", "bool", e.op(worse, "bool", x, best))  # of a NaN too
        if is_floating(x.dtype):
            taken = e.op("BitAnd", "bool", taken, e.op("Eq", "bool", best, best))
        best = e.op("Where", x.dtype, taken, x, best)
        place = e.op("Where", "int32", taken, e.const(position, "int32"), place)
    return cast(place, "int64")
