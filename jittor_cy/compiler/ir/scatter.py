"""Scatter: a ReindexReduce as expressions, between schedule and codegen."""

from __future__ import annotations

from dataclasses import dataclass

from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.graph import Op, Var
from jittor_cy.compiler.ir.program import DimRef

__all__ = ["Scatter"]


@dataclass(frozen=True, slots=True)
class Scatter:
    """target[place] = kind(target[place], value) for every source index for which `inside` holds (None: all).

    `leading`: how many axes at the front go through unchanged. `counts`: positions in `dims` of the number of elements
    of those axes, of the source's other axes, and of the target. `checks`: (condition, index, limit) of what must hold.
    """

    op: Op
    kind: str
    target: Var
    axes: tuple[Expr, ...]  # the source's index
    leading: int
    inside: Expr | None
    place: Expr
    value: Expr
    checks: tuple[tuple[Expr, Expr, Expr], ...]
    inputs: tuple[int, ...]
    dims: tuple[DimRef, ...]
    scalars: tuple[tuple[int, int], ...]
    counts: tuple[int, int, int]
