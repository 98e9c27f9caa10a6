"""The index map of a Contraction, as runtime/graph/contraction.h lays it down in the op's structure."""

from __future__ import annotations

from dataclasses import dataclass

from jittor_cy.compiler.ir.graph import Graph, Op, Symbol

__all__ = ["Dim", "operand_dims", "summed_extents"]

HEADER, DIM_NUMBERS = 4, 5
ALONE = -2


@dataclass(frozen=True, slots=True)
class Dim:
    """(coef1 * axis1 + coef2 * axis2 + offset) / divisor."""

    axis1: int
    coef1: int
    axis2: int
    coef2: int
    divisor: int

    @property
    def is_alone(self) -> bool:
        """Whether it is one axis, of which no index is outside."""
        return self.axis2 == ALONE

    @property
    def axes(self) -> tuple[int, ...]:
        return (self.axis1,) if self.axis2 < 0 else (self.axis1, self.axis2)


def operand_dims(op: Op) -> tuple[list[Dim], list[Dim]]:
    """The dims of both operands."""
    _, _, a_ndim, b_ndim = op.structure[:HEADER]
    dims = [Dim(*op.structure[HEADER + DIM_NUMBERS * n :][:DIM_NUMBERS]) for n in range(a_ndim + b_ndim)]
    return dims[:a_ndim], dims[a_ndim:]


def summed_extents(graph: Graph, op: Op) -> list[int] | None:
    """The extents of the summed axes in order; None where one is not known."""
    out_ndim, count = op.structure[:2]
    found: dict[int, Symbol] = {}
    for dims, number in zip(operand_dims(op), op.inputs, strict=True):
        for dim, symbol in zip(dims, graph.vars[number].shape, strict=True):
            if dim.is_alone:
                found[dim.axis1] = symbol
    extents = [found[axis].value if axis in found else None for axis in range(out_ndim, out_ndim + count)]
    return None if None in extents else extents  # type: ignore[return-value]
