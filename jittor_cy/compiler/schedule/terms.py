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
    """A fused multiply-add a term, ascending from 0; there are fewer than a block of them, and no index is outside."""
    dtype = ACCUMULATOR[var.dtype]
    total = e.const(0.0, dtype)
    for run in itertools.product(*(range(n) for n in summed_extents(values.graph, op) or ())):
        axes = (*index, *(e.const(i) for i in run))
        factors = [
            cast(factor(values, number, dims, axes, guard), dtype)
            for number, dims in zip(op.inputs, operand_dims(op), strict=True)
        ]
        total = e.op("Fma", dtype, *factors, total)
    return cast(total, var.dtype)


def factor(values: Values, number: int, dims: list[Dim], axes: tuple[Expr, ...], guard: Expr | None) -> Expr:
    """An operand's element at an iteration."""
    shape = values.graph.vars[number].shape
    index = [ix.ZERO if s.value == 1 else axes[dim.axis1] for dim, s in zip(dims, shape, strict=True)]
    return values.value(number, tuple(index), guard)
