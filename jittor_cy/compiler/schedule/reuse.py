"""Kernels are built once a form: what groups of equal form differ in are the numbers of ops, vars and symbols."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jittor_cy.compiler.ir.graph import Graph, Symbol
from jittor_cy.compiler.ir.program import DimRef, KernelSource, Launch
from jittor_cy.compiler.schedule.group import Group
from jittor_cy.compiler.schedule.numbers import Runs

__all__ = ["Built", "Form", "KernelMemo"]

# Forms that a process keeps: a large model has some hundred.
MAX_FORMS = 4096


class Form:
    """A kernel's groups with ops, vars and symbols numbered by first use. Equal keys: kernels of equal text."""

    def __init__(self, graph: Graph, chain: tuple[Group, ...]) -> None:
        self.graph = graph
        self.vars: dict[int, int] = {}
        self.symbols: dict[int, int] = {}
        self.ops = tuple(sorted({o for group in chain for o in group.ops}))
        self.key = (
            graph.device,
            tuple([self.op(number) for number in self.ops]),
            tuple([self.group(group) for group in chain]),
        )

    def symbol(self, symbol: Symbol) -> tuple[int, int | None]:
        return self.symbols.setdefault(symbol.id, len(self.symbols)), symbol.value

    def var(self, number: int) -> object:
        """Its number, and at first sight what it is."""
        known = self.vars.get(number)
        if known is not None:
            return known
        self.vars[number] = len(self.vars)
        var = self.graph.vars[number]
        return var.dtype, tuple([self.symbol(s) for s in var.shape]), var.layout, var.repeated, var.unit_axis

    def op(self, number: int) -> tuple:
        op = self.graph.ops[number]
        operands = tuple([self.var(v) for v in op.inputs]), tuple([self.var(v) for v in op.outputs])
        return op.kind, op.family, op.structure, op.scalar_is_float, op.given, operands

    def group(self, group: Group) -> tuple:
        positions = {o: i for i, o in enumerate(self.ops)}
        roots = [group.roots.get(v, v) for v in group.stores]
        return (
            group.kind,
            tuple([self.symbol(s) for s in group.outer]),
            tuple([(self.var(v), self.var(root)) for v, root in zip(group.stores, roots, strict=True)]),
            tuple([group.labels[root] for root in roots]),
            tuple(sorted([positions[o] for o in group.ops])),
            tuple([positions[o] for o in group.reduces]),
        )


@dataclass(frozen=True, slots=True)
class Built:
    """A launch with the form's numbers in place of a graph's: buffers, the ops of scalars, and what dims stand for."""

    launch: Launch
    source: KernelSource
    sizes: tuple[tuple, ...]

    @staticmethod
    def of(form: Form, launch: Launch, source: KernelSource) -> Built:
        positions = {o: i for i, o in enumerate(form.ops)}
        plain = replace(
            launch,
            ops=(),
            buffers=tuple([form.vars[v] for v in launch.buffers]),
            scalars=tuple([(positions[op], number) for op, number in launch.scalars]),
            dims=(),
        )
        return Built(plain, source, tuple([size_of(form, ref) for ref in launch.dims]))

    def launch_for(self, form: Form, canonical: dict[int, tuple[int, int]], runs: Runs) -> Launch:
        """The launch of groups of the same form."""
        variables, symbols = list(form.vars), list(form.symbols)

        def dim(size: tuple) -> DimRef:
            match size:
                case ("extent", symbol):
                    return DimRef("extent", *canonical[symbols[symbol]])
                case ("stride", var, axis):
                    return DimRef("stride", variables[var], axis)
                case (_, factor, *parts):
                    return runs.first(sorted(symbols[s] for s in parts), factor)
            raise AssertionError(f"internal error: reuse: {size} is no size")

        return replace(
            self.launch,
            ops=form.ops,
            buffers=tuple([variables[v] for v in self.launch.buffers]),
            dims=tuple([dim(size) for size in self.sizes]),
            scalars=tuple([(form.ops[op], number) for op, number in self.launch.scalars]),
        )


def size_of(form: Form, ref: DimRef) -> tuple:
    """What a dim stands for, in the form's numbers."""
    if ref.what == "stride":
        return "stride", form.vars[ref.var], ref.axis
    shape = form.graph.vars[ref.var].shape
    if ref.what == "extent":
        return "extent", form.symbols[shape[ref.axis].id]
    symbols, factor = Runs.content(shape[ref.axis : ref.value])
    return "count", factor, *[form.symbols[s] for s in symbols]


class KernelMemo:
    """Form and options → what was built for it, in this process."""

    def __init__(self) -> None:
        self.built: dict[tuple, Built] = {}

    def find(self, key: tuple) -> Built | None:
        return self.built.get(key)

    def keep(self, key: tuple, built: Built) -> None:
        if len(self.built) >= MAX_FORMS:
            self.built.clear()
        self.built[key] = built
