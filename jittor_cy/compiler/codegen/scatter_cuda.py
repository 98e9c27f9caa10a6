"""A ReindexReduce as one CUDA kernel: every destination has one owner, who sees the sources in their order.

Leading axes that pass through unchanged are the grid; a block of threads walks over the rest of the source, and each thread
takes what falls on its own destinations. So no atomics decide the order of a sum (docs/bits.md).
"""
from __future__ import annotations

from jittor_cy.compiler.codegen.c_like import Printer, combine_text
from jittor_cy.compiler.codegen.cuda_reduce import THREADS
from jittor_cy.compiler.codegen.cuda_text import KernelShape
from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.graph import Graph, Op
from jittor_cy.compiler.ir.kernel import Buffer, Kernel
from jittor_cy.compiler.ir.primitives import ACCUMULATOR, CTYPE, ITEMSIZE, REDUCE_KINDS, SUFFIX, identity_of, is_half
from jittor_cy.compiler.ir.program import DimRef, Launch, Phase, Product
from jittor_cy.compiler.schedule import index_programs
from jittor_cy.compiler.schedule.values import Values, canonical_axes

__all__ = ["ScatterKernel"]

AXIS_TOKEN = 0  # IndexToken::kAxis
NANOSECONDS = 20


class ScatterKernel:
    """The text and the Launch of one op."""

    def __init__(self, graph: Graph, op: Op) -> None:
        self.graph, self.op = graph, op
        self.source, self.target = graph.vars[op.inputs[0]], graph.vars[op.outputs[0]]
        self.kind = REDUCE_KINDS[op.structure[0]]
        self.held = ACCUMULATOR[self.target.dtype]
        self.values = Values(graph, canonical_axes(graph), frozenset(range(len(graph.vars))), {op.id: 0})
        for var in dict.fromkeys(op.inputs):
            self.values.buffer(graph.vars[var])
        self.modes, self.programs = index_programs.split(op.structure[1:])
        self.index = tuple(e.axis(f"i{a}", extent) for a, extent in enumerate(self.values.extents(self.source)))
        self.leading = self.leading_axes()
        self.counts = [self.dim(DimRef("count", self.source.id, 0, self.leading)),
                       self.dim(DimRef("count", self.source.id, self.leading, len(self.index))),
                       self.dim(DimRef("count", self.target.id, 0, len(self.target.shape)))]

    def dim(self, ref: DimRef) -> int:
        return int(str(self.values.dim(ref).data))

    def leading_axes(self) -> int:
        """How many axes at the front go through unchanged: blocks of threads can have them to themselves."""
        count = 0
        while count < min(len(self.programs), len(self.index)):
            if self.programs[count] != [(AXIS_TOKEN, count)] or self.source.shape[count] != self.target.shape[count]:
                break
            count += 1
        return count

    def body(self, name: str) -> tuple[str, tuple[KernelShape, ...]]:
        """The functions <name>_phase0 (identity), _phase1 (sums) and, for 16-bit floats, _phase2 (rounding)."""
        inside, place, value, checks = self.expressions()
        buffers = [Buffer(f"in{i}", self.graph.vars[v].dtype, v, False) for i, v in enumerate(self.values.buffers)]
        buffers.append(Buffer("out0", self.target.dtype, self.target.id, True))
        printer = Printer(Kernel("scatter", tuple(buffers), (), (), ()))
        phases = [self.fill_phase(printer), self.sum_phase(printer, inside, place, value, checks)]
        if is_half(self.target.dtype):
            phases.append(self.round_phase())
        text = "".join(self.function(f"{name}_phase{i}", buffers, phase) for i, phase in enumerate(phases))
        shape = KernelShape(len(buffers), len(self.values.dims), len(self.values.scalars), THREADS, False)
        together = KernelShape(shape.pointers, shape.dims, shape.scalars, THREADS, True)
        return text, (shape, together, shape)[:len(phases)]

    def expressions(self) -> tuple[Expr | None, Expr, Expr, list[tuple[Expr, Expr, Expr]]]:
        """Whether a source counts, where it goes, its value, and (condition, index, limit) of what must hold."""
        conditions, checks, to = [], [], []
        for mode, program, extent in zip(self.modes, self.programs, self.values.extents(self.target), strict=True):
            i = index_programs.evaluate(self.values, self.op, program, self.index, None)
            if mode != index_programs.FREE:
                condition = self.values.within(i, ix.ZERO, extent)
                conditions.append(condition)
                if mode == index_programs.CHECKED:
                    checks.append((condition, i, extent))
            to.append(i)
        place = self.values.flatten(to, self.values.extents(self.target))
        return self.values.all_of(*conditions), place, self.values.value(self.source.id, self.index), checks

    def accumulator(self) -> str:
        return "((float*)args->shared)" if is_half(self.target.dtype) else "out0"

    def function(self, name: str, buffers: list[Buffer], lines: list[str]) -> str:
        head = [f'extern "C" __global__ void __launch_bounds__({THREADS}, 1) {name}'
                "(const __grid_constant__ Args parameter, long long end) {", "  const Args* args = &parameter;"]
        for i, buffer in enumerate(buffers):
            kind = f"{'' if buffer.is_output else 'const '}{CTYPE[buffer.dtype]}*"
            head.append(f"  {kind} {buffer.name} = ({kind})args->ptr[{i}];")
        head += [f"  const long long d{i} = args->dim[{i}];" for i in range(len(self.values.dims))]
        return "\n".join([*head, *(f"  {line}" for line in lines), "}"]) + "\n"

    def each(self, statement: str) -> list[str]:
        return [f"for (long long at = blockIdx.x * {THREADS}ll + threadIdx.x; at < end; at += gridDim.x * {THREADS}ll) {{",
                f"  {statement}", "}"]

    def fill_phase(self, printer: Printer) -> list[str]:
        return self.each(f"{self.accumulator()}[at] = {printer.text(identity_of(self.kind, self.held))};")

    def round_phase(self) -> list[str]:
        return self.each(f"out0[at] = jt_cast_f32_{SUFFIX[self.target.dtype]}({self.accumulator()}[at]);")

    def sum_phase(self, printer: Printer, inside: Expr | None, place: Expr, value: Expr,
                  checks: list[tuple[Expr, Expr, Expr]]) -> list[str]:
        inner = self.unflatten(printer, "each", list(range(self.leading, len(self.index))))
        for condition, i, limit in checks:
            inner.append(f"if (threadIdx.x == 0 && !{printer.text(condition)}) "
                         f"jt_report(args->error, 0, {printer.text(i)}, {printer.text(limit)});")
        if inside is not None:
            inner.append(f"if (!{printer.text(inside)}) continue;")
        target = f"{self.accumulator()}[to]"
        inner += [f"const long long to = {printer.text(place)};", f"if (to % {THREADS} != threadIdx.x) continue;",
                  f"{target} = {combine_text(self.kind, self.held, target, printer.text(value))};"]
        outer = self.unflatten(printer, "at", list(range(self.leading)))
        return ["for (long long at = blockIdx.x; at < end; at += gridDim.x) {", *(f"  {line}" for line in outer),
                f"  for (long long each = 0; each < d{self.counts[1]}; ++each) {{", *(f"    {line}" for line in inner), "  }", "}"]

    def unflatten(self, printer: Printer, number: str, axes: list[int]) -> list[str]:
        lines, rest = [], number
        for axis in reversed(axes):
            extent = printer.text(self.index[axis].args[0])
            if axis == axes[0]:
                lines.append(f"const long long i{axis} = {rest};")
            else:
                lines.append(f"const long long i{axis} = {rest} % {extent}, rest{axis} = {rest} / {extent};")
                rest = f"rest{axis}"
        return lines

    def launch(self, key: str) -> Launch:
        """The Launch that goes with body()."""
        batch, inner, target = self.counts
        whole = Phase(Product(((target, 1),)), Product())
        sums = Phase(Product(((batch, 1),)), Product(((inner, 1),), NANOSECONDS), block_per_iteration=True)
        half = is_half(self.target.dtype)
        shared = Product(((target, 1),), ITEMSIZE["float32"]) if half else Product(factor=0)
        return Launch(kernel=key, ops=(self.op.id,), buffers=(*self.values.buffers, self.target.id), output_count=1,
                      dims=tuple(self.values.dims), scalars=tuple(self.values.scalars),
                      phases=(whole, sums, whole) if half else (whole, sums), shared_nbytes=shared)
