"""Numbers of a Launch: grids, work and scratch sizes as products of dims."""

from __future__ import annotations

import math

from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.graph import Graph, Symbol
from jittor_cy.compiler.ir.index import terms_of, value_of
from jittor_cy.compiler.ir.kernel import Array, Kernel, PhaseBody
from jittor_cy.compiler.ir.primitives import ITEMSIZE
from jittor_cy.compiler.ir.program import DimRef, Phase, Product

__all__ = ["Numbers", "Runs"]


class Runs:
    """Neighbouring axes of a graph's vars, by what their extents multiply up to."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.found: dict[tuple, DimRef] | None = None

    @staticmethod
    def content(run: tuple[Symbol, ...]) -> tuple[list[int], int]:
        """(ids of the symbols that are no constants, sorted; the product of the constants)."""
        return sorted(s.id for s in run if s.value is None), math.prod(s.value for s in run if s.value is not None)

    def first(self, symbols: list[int], factor: int) -> DimRef:
        """The first var's axes that multiply up to this."""
        if self.found is None:
            self.found = self.all_runs()
        found = self.found.get((tuple(symbols), factor))
        assert found is not None, f"internal error: numbers: no var has neighbouring axes {symbols} times {factor}"
        return found

    def all_runs(self) -> dict[tuple, DimRef]:
        found: dict[tuple, DimRef] = {}
        shapes: dict[tuple[int, ...], None] = {}
        for var in self.graph.vars:
            shape = tuple([s.id for s in var.shape])
            if shape in shapes:
                continue
            shapes[shape] = None
            for begin in range(len(shape)):
                for end in range(begin + 1, len(shape) + 1):
                    symbols, factor = self.content(var.shape[begin:end])
                    found.setdefault((tuple(symbols), factor), DimRef("count", var.id, begin, end))
        return found


class Numbers:
    """Turns extents into Products; adds a dim where an extent that is cut is itself a product."""

    def __init__(self, graph: Graph, kernel: Kernel, runs: Runs) -> None:
        self.graph, self.runs, self.grain = graph, runs, kernel.schedule.grain
        self.dims = list(kernel.dims)

    def phase(self, phase: PhaseBody) -> Phase:
        axes = list(phase.axes)
        terms: list[tuple[int, int]] = []
        factor = 1
        for number, axis in enumerate(axes):
            divisor = phase.tile if phase.tile and number == len(axes) - 1 else 1
            part = self.product(axis.args[0], divisor)
            terms += part.terms
            factor *= part.factor
        work_factor, extents = phase.work
        work_terms: list[tuple[int, int]] = []
        for extent in extents:
            part = self.product(extent)
            work_terms += part.terms
            work_factor *= part.factor
        work = Product(tuple(work_terms), max(1, work_factor))
        return Phase(Product(tuple(terms), factor), work, phase.together, self.grain)

    def product(self, extent: Expr, divisor: int = 1) -> Product:
        """ceil(extent / divisor)."""
        if extent.kind == "div":
            below = value_of(extent.args[1])
            whole = ix.add(extent.args[0], ix.const(1 - below))  # type: ignore[operator]
            return self.product(whole, below)  # type: ignore[arg-type]
        constant = value_of(extent)
        if constant is not None:
            return Product((), -(-constant // divisor))
        ((factor, atoms),) = terms_of(extent)
        quotients = [a for a in atoms if a.kind == "div"]
        if quotients:
            parts = [self.product(a) for a in atoms]
            terms = tuple(t for p in parts for t in p.terms)
            return Product(terms, factor * math.prod(p.factor for p in parts))
        if divisor == 1:
            return Product(tuple((int(str(a.data)), 1) for a in atoms), factor)
        if len(atoms) == 1 and factor == 1:
            return Product(((int(str(atoms[0].data)), divisor),))
        return Product(((self.count(extent), divisor),))

    def count(self, extent: Expr) -> int:
        """A dim that is the product of neighbouring axes of some var."""
        wanted = [self.dims[int(str(a.data))] for a in terms_of(extent)[0][1]]
        symbols = sorted(self.graph.vars[w.var].shape[w.axis].id for w in wanted)
        return self.dim(self.runs.first(symbols, terms_of(extent)[0][0]))

    def dim(self, ref: DimRef) -> int:
        if ref not in self.dims:
            self.dims.append(ref)
        return self.dims.index(ref)

    def nbytes(self, arrays: tuple[Array, ...]) -> Product:
        """Arrays of one length behind each other."""
        if not arrays:
            return Product(factor=0)
        part = self.product(arrays[0].length)
        return Product(part.terms, part.factor * sum(ITEMSIZE[a.dtype] for a in arrays))
