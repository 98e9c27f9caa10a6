"""A Contraction of few terms as one expression, in the order of its bits."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.contraction import Dim, operand_dims, summed_extents
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.graph import Op, Var
from jittor_cy.compiler.ir.primitives import ACCUMULATOR, cast

if TYPE_CHECKING:
    from jittor_cy.compiler.schedule.values import Values

__all__ = ["sum_of_terms"]


def sum_of_terms(values: Values, op: Op, var: Var, index: tuple[Expr, ...], guard: Expr | None) -> Expr:
    """A fused multiply-add a term, ascending from 0; there are fewer than a block of them."""
    dtype = ACCUMULATOR[var.dtype]
    total = e.const(0.0, dtype)
    for run in itertools.product(*(range(n) for n in summed_extents(values.graph, op) or ())):
        axes = (*index, *(e.const(i) for i in run))
        factors = [
            cast(factor(values, op, number, dims, axes, guard), dtype)
            for number, dims in zip(op.inputs, operand_dims(op), strict=True)
        ]
        total = e.op("Fma", dtype, *factors, total)
    return cast(total, var.dtype)


def factor(values: Values, op: Op, number: int, dims: list[Dim], axes: tuple[Expr, ...], guard: Expr | None) -> Expr:
    """An operand's element at an iteration; 0 where that is outside."""
    var = values.graph.vars[number]
    index, conditions = [], []
    for dim, symbol in zip(dims, var.shape, strict=True):
        if dim.is_alone:
            index.append(ix.ZERO if symbol.value == 1 else axes[dim.axis1])
        else:
            index.append(place(values, op, dim, axes))
            conditions.append(values.within(index[-1], ix.ZERO, values.extent(symbol)))
    inside = values.all_of(*conditions)
    if inside is None:
        known = all(is_below(i, values.extent(s)) for i, s in zip(index, var.shape, strict=True))
        return values.value(number, tuple(index), None if known else guard)
    zero = cast(e.const(0.0, "float32"), var.dtype)
    return e.select(inside, values.value(number, tuple(index), values.all_of(guard, inside)), zero)


def place(values: Values, op: Op, dim: Dim, axes: tuple[Expr, ...]) -> Expr:
    """An index of two axes; is_map sees to it that nothing is divided."""
    found = ix.mul(e.const(dim.coef1), axes[dim.axis1])
    if dim.axis2 >= 0:
        found = ix.add(found, ix.mul(e.const(dim.coef2), axes[dim.axis2]))
    return ix.add(found, values.scalar(op, dim.scalar))


def is_below(index: Expr, extent: Expr) -> bool:
    """Whether an index is inside of an extent, whatever a guard says."""
    place, bound = ix.value_of(index), ix.value_of(extent)
    if place is not None and bound is not None:
        return 0 <= place < bound
    return index.kind == "axis" and index.args[0] is extent
