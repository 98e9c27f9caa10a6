"""A Scatter as one CUDA kernel: every destination has one owner, who sees the sources in their order.

Leading axes that pass through unchanged are the grid; a block of threads walks over the rest of the source, and each
thread takes what falls on its own destinations. So no atomics decide the order of a sum (docs/bits.md).
"""

from __future__ import annotations

from jittor_cy.compiler.codegen.c_like import Printer, combine_text
from jittor_cy.compiler.codegen.cuda_reduce import THREADS
from jittor_cy.compiler.codegen.cuda_text import KernelShape
from jittor_cy.compiler.ir.graph import Graph
from jittor_cy.compiler.ir.kernel import Buffer, Kernel
from jittor_cy.compiler.ir.primitives import ACCUMULATOR, CTYPE, ITEMSIZE, SUFFIX, identity_of, is_half
from jittor_cy.compiler.ir.program import Launch, Phase, Product
from jittor_cy.compiler.ir.scatter import Scatter

__all__ = ["ScatterKernel"]

NANOSECONDS = 20


class ScatterKernel:
    """The text and the Launch of one Scatter. The graph gives the dtypes of its inputs."""

    def __init__(self, graph: Graph, scatter: Scatter) -> None:
        self.graph, self.scatter = graph, scatter
        self.dtype = scatter.target.dtype
        self.held = ACCUMULATOR[self.dtype]

    def body(self, name: str) -> tuple[str, tuple[KernelShape, ...]]:
        """The functions <name>_phase0 (identity), _phase1 (sums) and, for 16-bit floats, _phase2 (rounding)."""
        buffers = [Buffer(f"in{i}", self.graph.vars[v].dtype, v, False) for i, v in enumerate(self.scatter.inputs)]
        buffers.append(Buffer("out0", self.dtype, self.scatter.target.id, True))
        printer = Printer(Kernel("scatter", tuple(buffers), (), (), ()))
        phases = [self.fill_phase(printer), self.sum_phase(printer)]
        if is_half(self.dtype):
            phases.append(self.round_phase())
        text = "".join(self.function(f"{name}_phase{i}", buffers, phase) for i, phase in enumerate(phases))
        shape = KernelShape(len(buffers), len(self.scatter.dims), len(self.scatter.scalars), THREADS, False)
        together = KernelShape(shape.pointers, shape.dims, shape.scalars, THREADS, True)
        return text, (shape, together, shape)[: len(phases)]

    def accumulator(self) -> str:
        return "((float*)args->shared)" if is_half(self.dtype) else "out0"

    def function(self, name: str, buffers: list[Buffer], lines: list[str]) -> str:
        bounds = f"__launch_bounds__({THREADS}, 1)"
        head = [
            f'extern "C" __global__ void {bounds} {name}(const __grid_constant__ Args parameter, long long end) {{',
            "  const Args* args = &parameter;",
        ]
        for i, buffer in enumerate(buffers):
            kind = f"{'' if buffer.is_output else 'const '}{CTYPE[buffer.dtype]}*"
            head.append(f"  {kind} {buffer.name} = ({kind})args->ptr[{i}];")
        head += [f"  const long long d{i} = args->dim[{i}];" for i in range(len(self.scatter.dims))]
        return "\n".join([*head, *(f"  {line}" for line in lines), "}"]) + "\n"

    def each(self, statement: str) -> list[str]:
        return [
            f"for (long long at = blockIdx.x * {THREADS}ll + threadIdx.x; at < end; at += gridDim.x * {THREADS}ll) {{",
            f"  {statement}",
            "}",
        ]

    def fill_phase(self, printer: Printer) -> list[str]:
        return self.each(f"{self.accumulator()}[at] = {printer.text(identity_of(self.scatter.kind, self.held))};")

    def round_phase(self) -> list[str]:
        return self.each(f"out0[at] = jt_cast_f32_{SUFFIX[self.dtype]}({self.accumulator()}[at]);")

    def sum_phase(self, printer: Printer) -> list[str]:
        scatter = self.scatter
        inner = self.unflatten(printer, "each", list(range(scatter.leading, len(scatter.axes))))
        for condition, i, limit in scatter.checks:
            inner.append(
                f"if (threadIdx.x == 0 && !{printer.text(condition)}) "
                f"jt_report(args->error, 0, {printer.text(i)}, {printer.text(limit)});"
            )
        if scatter.inside is not None:
            inner.append(f"if (!{printer.text(scatter.inside)}) continue;")
        target = f"{self.accumulator()}[to]"
        inner += [
            f"const long long to = {printer.text(scatter.place)};",
            f"if (to % {THREADS} != threadIdx.x) continue;",
            f"{target} = {combine_text(scatter.kind, self.held, target, printer.text(scatter.value))};",
        ]
        outer = self.unflatten(printer, "at", list(range(scatter.leading)))
        return [
            "for (long long at = blockIdx.x; at < end; at += gridDim.x) {",
            *(f"  {line}" for line in outer),
            f"  for (long long each = 0; each < d{scatter.counts[1]}; ++each) {{",
            *(f"    {line}" for line in inner),
            "  }",
            "}",
        ]

    def unflatten(self, printer: Printer, number: str, axes: list[int]) -> list[str]:
        lines, rest = [], number
        for axis in reversed(axes):
            extent = printer.text(self.scatter.axes[axis].args[0])
            if axis == axes[0]:
                lines.append(f"const long long i{axis} = {rest};")
            else:
                lines.append(f"const long long i{axis} = {rest} % {extent}, rest{axis} = {rest} / {extent};")
                rest = f"rest{axis}"
        return lines

    def launch(self, key: str) -> Launch:
        """The Launch that goes with body()."""
        scatter = self.scatter
        batch, inner, target = scatter.counts
        whole = Phase(Product(((target, 1),)), Product())
        sums = Phase(Product(((batch, 1),)), Product(((inner, 1),), NANOSECONDS), block_per_iteration=True)
        half = is_half(self.dtype)
        shared = Product(((target, 1),), ITEMSIZE["float32"]) if half else Product(factor=0)
        return Launch(
            kernel=key,
            ops=(scatter.op.id,),
            buffers=(*scatter.inputs, scatter.target.id),
            output_count=1,
            dims=scatter.dims,
            scalars=scatter.scalars,
            phases=(whole, sums, whole) if half else (whole, sums),
            shared_nbytes=shared,
        )
