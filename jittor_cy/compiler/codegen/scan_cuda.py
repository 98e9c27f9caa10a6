"""A Scan as one CUDA kernel: a thread a line; of sums a thread a block of a line, whose totals are added up first.

The order is that of Note [Bits of a scan] in runtime/exec/scan.h, so the bits are those of the CPU.
"""

from __future__ import annotations

from jittor_cy.compiler.codegen.c_like import indent
from jittor_cy.compiler.codegen.cuda_reduce import THREADS
from jittor_cy.compiler.codegen.cuda_text import KernelShape
from jittor_cy.compiler.ir.graph import Graph, Op
from jittor_cy.compiler.ir.primitives import CTYPE, SUFFIX
from jittor_cy.compiler.ir.program import DimRef, Launch, Phase, Product

__all__ = ["ScanKernel"]

BLOCK = 512  # kScanBlock in runtime/exec/scan_loops.h
SUM, PRODUCT, LINEAR = range(3)  # ScanKind
NANOSECONDS = 5
HELD_NBYTES = 8


class ScanKernel:
    """The text and the Launch of one Scan."""

    def __init__(self, graph: Graph, op: Op) -> None:
        self.graph, self.op = graph, op
        self.kind, self.axis, self.reverse = op.structure
        self.output = op.outputs[0]
        self.dtype = graph.vars[self.output].dtype
        self.is_integer = self.dtype == "int64"
        self.held = "unsigned long long" if self.is_integer else "double"  # signed ones may not wrap
        self.buffers = (*dict.fromkeys(op.inputs), self.output)
        self.ndim = len(graph.vars[self.output].shape)
        self.dims = [
            DimRef("count", self.output, 0, self.axis),
            DimRef("extent", self.output, self.axis),
            DimRef("count", self.output, self.axis + 1, self.ndim),
        ]
        self.setup = [line for number, var in enumerate(op.inputs) for line in self.place(f"x{number}", var)]

    def body(self, name: str) -> tuple[str, tuple[KernelShape, ...]]:
        """The functions <name>_phase0, ...: totals of blocks, what is before each, and the scan; or the scan alone."""
        phases = [self.totals(), self.before(), self.sums()] if self.kind == SUM else [self.lines()]
        text = "".join(self.function(f"{name}_phase{i}", phase) for i, phase in enumerate(phases))
        shape = KernelShape(len(self.buffers), len(self.dims), 0, THREADS, False)
        return text, (shape,) * len(phases)

    def launch(self, key: str) -> Launch:
        """The Launch that goes with body()."""
        lines = ((0, 1), (2, 1))
        blocks = (*lines, (1, BLOCK))
        long = Product(((1, 1),), NANOSECONDS)
        of_lines, of_blocks = Phase(Product(lines), long), Phase(Product(blocks), Product(factor=NANOSECONDS * BLOCK))
        is_sum = self.kind == SUM
        return Launch(
            kernel=key,
            ops=(self.op.id,),
            buffers=self.buffers,
            output_count=1,
            dims=tuple(self.dims),
            phases=(of_blocks, of_lines, of_blocks) if is_sum else (of_lines,),
            shared_nbytes=Product(blocks, HELD_NBYTES) if is_sum else Product(factor=0),
        )

    def dim(self, ref: DimRef) -> str:
        if ref not in self.dims:
            self.dims.append(ref)
        return f"args->dim[{self.dims.index(ref)}]"

    def place(self, name: str, var: int) -> list[str]:
        """Statements for an input's pointer at the line, and the step along it."""
        kind = CTYPE[self.dtype]
        lines = [f"const {kind}* {name} = (const {kind}*)args->ptr[{self.buffers.index(var)}];"]
        if self.graph.vars[var].layout != "strided":
            return [*lines, f"{name} += outer * length * inner + column;", f"const long long {name}_step = inner;"]
        for rest, axes in (("outer", range(self.axis)), ("column", range(self.axis + 1, self.ndim))):
            lines.append(f"long long {name}_{rest} = {rest};")
            for axis in reversed(axes):
                extent, stride = self.dim(DimRef("extent", var, axis)), self.dim(DimRef("stride", var, axis))
                lines.append(f"{name} += {name}_{rest} % {extent} * {stride}; {name}_{rest} /= {extent};")
        return [*lines, f"const long long {name}_step = {self.dim(DimRef('stride', var, self.axis))};"]

    def function(self, name: str, lines: list[str]) -> str:
        bounds = f"__launch_bounds__({THREADS}, 1)"
        head = [
            f'extern "C" __global__ void {bounds} {name}(const __grid_constant__ Args parameter, long long end) {{',
            "  const Args* args = &parameter;",
            "  const long long length = args->dim[1], inner = args->dim[2];",
            f"  const long long blocks = (length + {BLOCK - 1}) / {BLOCK};",
            f"  {self.held}* const held = ({self.held}*)args->shared;",
            "  for (long long at = blockIdx.x * (long long)blockDim.x + threadIdx.x; at < end;",
            "       at += gridDim.x * (long long)blockDim.x) {",
        ]
        return "\n".join([*head, *indent(indent(lines)), "  }", "}"]) + "\n"

    def start(self, line: str) -> list[str]:
        kind = CTYPE[self.dtype]
        out = [f"{kind}* y = ({kind}*)args->ptr[{len(self.buffers) - 1}] + outer * length * inner + column;"]
        return [f"const long long outer = {line} / inner, column = {line} % inner;", *self.setup, *out]

    def load(self, name: str, place: str) -> str:
        text = f"{name}[({place}) * {name}_step]"
        if self.dtype in ("float16", "bfloat16"):
            text = f"jt_cast_{SUFFIX[self.dtype]}_f32({text})"
        return f"({self.held}){text}"

    def store(self, value: str) -> str:
        cast = f"({CTYPE[self.dtype]})({value})" if self.is_integer else f"jt_cast_f64_{SUFFIX[self.dtype]}({value})"
        return f"y[place * inner] = {value if self.dtype == 'float64' else cast};"

    def loop(self, first: str, last: str, inside: list[str]) -> list[str]:
        place = "length - 1 - i" if self.reverse else "i"
        head = [
            f"for (long long i = {first}; i < {last}; ++i) {{",
            f"  const long long place = {place};",
            f"  const {self.held} own = {self.load('x0', 'place')};",
        ]
        return [*head, *indent(inside), "}"]

    def nothing(self) -> str:
        """What may be added to anything, a negative zero too."""
        return "0" if self.is_integer else "-0.0"

    def block(self, inside: list[str]) -> list[str]:
        lines = [*self.start("(at / blocks)"), f"const long long first = at % blocks * {BLOCK};"]
        lines.append(f"{self.held} sum = {self.nothing()};")
        return lines + self.loop("first", f"jt_least(first + {BLOCK}, length)", ["sum = sum + own;", *inside])

    def totals(self) -> list[str]:
        return [*self.block([]), "held[at] = sum;"]

    def sums(self) -> list[str]:
        return self.block([self.store("held[at] + sum")])

    def before(self) -> list[str]:
        return [
            f"{self.held} sum = {self.nothing()};",
            "for (long long block = at * blocks; block < (at + 1) * blocks; ++block) {",
            f"  const {self.held} own = held[block];",
            "  held[block] = sum;",
            "  sum = sum + own;",
            "}",
        ]

    def lines(self) -> list[str]:
        """Whole lines of products or recurrences; the first element has no factor."""
        if self.kind == PRODUCT:
            return [*self.start("at"), f"{self.held} value = 1;", *self.loop("0", "length", self.multiplied())]
        factor = self.load(f"x{len(self.op.inputs) - 1}", "place + 1" if self.reverse else "place")
        step = f"value = value == 0 ? own : own + {factor} * value;"
        return [*self.start("at"), f"{self.held} value = 0;", *self.loop("0", "length", [step, self.store("value")])]

    def multiplied(self) -> list[str]:
        return ["value = value * own;", self.store("value")]
