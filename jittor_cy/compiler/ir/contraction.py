"""The index map of a Contraction, as runtime/graph/contraction.h lays it down in the op's structure."""

from __future__ import annotations

from dataclasses import dataclass

from jittor_cy.compiler.ir.graph import Graph, Op

__all__ = ["Dim", "operand_dims", "places_of_axes", "summed_extents"]

HEADER, DIM_NUMBERS = 4, 5
ALONE = -2


@dataclass(frozen=True, slots=True)
class Dim:
    """(coef1 * axis1 + coef2 * axis2 + offset) / divisor; the offset is a scalar of the op."""

    axis1: int
    coef1: int
    axis2: int
    coef2: int
    divisor: int
    scalar: int  # position of the offset among the op's scalars

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
    dims = [Dim(*op.structure[HEADER + DIM_NUMBERS * n :][:DIM_NUMBERS], n) for n in range(a_ndim + b_ndim)]
    return dims[:a_ndim], dims[a_ndim:]


def places_of_axes(op: Op) -> dict[int, tuple[int, int]]:
    """Where axes stand alone: axis → (operand, dim), which tells its extent; a summed one is always there."""
    return {
        dim.axis1: (operand, number)
        for operand, dims in enumerate(operand_dims(op))
        for number, dim in enumerate(dims)
        if dim.is_alone
    }


def summed_extents(graph: Graph, op: Op) -> list[int] | None:
    """The extents of the summed axes in order; None where one is not known."""
    out_ndim, count = op.structure[:2]
    places, extents = places_of_axes(op), []
    for axis in range(out_ndim, out_ndim + count):
        operand, number = places[axis]
        extent = graph.vars[op.inputs[operand]].shape[number].value
        if extent is None:
            return None
        extents.append(extent)
    return extents
