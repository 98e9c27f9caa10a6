"""The CUDA dialect of the kernel IR: a thread an element, or a whole block of threads an iteration of the grid.

A phase that is `together` gives a block of threads one iteration: independent loops run strided over its threads,
reductions go through shared memory, everything else is done in every thread alike with the stores done by the first;
barriers stand behind what others read. Other phases have a thread an element: their loop is flattened into the grid.
Reductions keep the order of docs/bits.md in both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from jittor_cy.compiler.codegen.c_like import INDENT, Printer, held_type
from jittor_cy.compiler.codegen.contraction_cuda import contraction_body, contraction_launch
from jittor_cy.compiler.codegen.cpu import KEY, scratch_order
from jittor_cy.compiler.codegen.cuda_reduce import PAIRWISE, THREADS, Fold, ReducePrinter, fold_text
from jittor_cy.compiler.codegen.cuda_text import PRELUDE, KernelShape, cuda_math, parameter_struct, shape_line
from jittor_cy.compiler.codegen.pasted import closure, preamble
from jittor_cy.compiler.codegen.scan_cuda import ScanKernel
from jittor_cy.compiler.codegen.scatter_cuda import ScatterKernel
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.graph import Graph, Op
from jittor_cy.compiler.ir.index import value_of
from jittor_cy.compiler.ir.kernel import (
    Array,
    Assign,
    Check,
    Define,
    Kernel,
    Loop,
    Partial,
    PhaseBody,
    Recall,
    ReduceLoop,
    Statement,
)
from jittor_cy.compiler.ir.primitives import CTYPE, ITEMSIZE
from jittor_cy.compiler.ir.program import KernelSource, Launch
from jittor_cy.compiler.ir.scatter import Scatter

__all__ = ["print_kernel", "single_kernel", "source_of"]

# Written for a GPU in PRELUDE.
OWN = ("jt_report",)
# Elements of a reduction that one thread takes: a barrier of a block costs about as much.
SHORT = 32


def source_of(kernel: Kernel, options: object) -> KernelSource:
    """The kernel's source under its key; the toolchain adds the architecture to the key of the binary."""
    return keyed(kernel.name, print_kernel(kernel), len(kernel.phases))


def single_kernel(
    graph: Graph, op: Op, scatter_of: Callable[[Graph, Op], Scatter]
) -> tuple[Launch, KernelSource] | None:
    """Kernel and Launch of an op that fuses with no other; None: the runtime runs it on the host."""
    dtype = graph.vars[op.outputs[0]].dtype
    if op.kind == "Contraction":
        body, shape = contraction_body(graph, op, f"kernel_{KEY}_phase0")
        source = keyed(f"contraction_{dtype}", cuda_text(f"contraction_{dtype}", body, (shape,)), 1)
        return contraction_launch(graph, op, source.key), source
    if op.kind == "ReindexReduce":
        scatter = ScatterKernel(graph, scatter_of(graph, op))
        body, shapes = scatter.body(f"kernel_{KEY}")
        source = keyed(f"reindex_reduce_{dtype}", cuda_text(f"reindex_reduce_{dtype}", body, shapes), len(shapes))
        return scatter.launch(source.key), source
    if op.kind == "Scan":
        scan = ScanKernel(graph, op)
        body, shapes = scan.body(f"kernel_{KEY}")
        source = keyed(f"scan_{dtype}", cuda_text(f"scan_{dtype}", body, shapes), len(shapes))
        return scan.launch(source.key), source
    return None


def keyed(name: str, text: str, phases: int) -> KernelSource:
    key = hashlib.sha256(f"cuda\n{text}".encode()).hexdigest()
    return KernelSource(key, name, text.replace(KEY, key[:16]), phases)


def print_kernel(kernel: Kernel) -> str:
    """The whole source of a kernel, with KEY where the key belongs."""
    bodies, folds, shapes = [], {}, []
    for number, phase in enumerate(kernel.phases):
        printer = CudaPrinter(kernel)
        bodies += printer.phase(number)
        folds |= printer.reductions.folds
        # A tile of a flattened loop is worth a block, too.
        blocks = by_block(kernel, phase) or (phase.tile > 0 and flat_loop(phase) is not None)
        shapes.append(KernelShape(len(kernel.buffers), len(kernel.dims), len(kernel.scalars), THREADS, blocks))
    return cuda_text(kernel.name, "\n".join(bodies) + "\n", tuple(shapes), tuple(folds))


def cuda_text(name: str, body: str, shapes: tuple[KernelShape, ...], folds: tuple[Fold, ...] = ()) -> str:
    """Everything that a kernel's functions `body` need, in front of them. `Args` is the parameter of all phases."""
    structs = (PAIRWISE + "".join(fold_text(fold) for fold in folds)) if folds else ""
    functions = [text for text in closure(structs + body) if not any(f" {own}(" in text.splitlines()[0] for own in OWN)]
    parts = [
        f"// jittor_cy kernel {KEY} · {name} · target cuda\n",
        *(shape_line(i, s) for i, s in enumerate(shapes)),
        PRELUDE,
        preamble() + "\n",
        cuda_math("\n".join(functions)) + "\n",
        structs,
        parameter_struct("Args", shapes[0]),
        body,
    ]
    return "".join(parts)


def cooperates(statements: tuple[Statement, ...]) -> bool:
    """Whether threads of a block share the work of these statements."""
    for s in statements:
        match s:
            case ReduceLoop() | Partial():
                return True
            case Loop() if s.lanes or cooperates(s.body):
                return True
    return False


def is_short(statements: tuple[Statement, ...]) -> bool:
    """Whether every loop and reduction is known to be short: windows of a pooling, for example."""
    for s in statements:
        match s:
            case Partial():
                return False
            case Loop() | ReduceLoop():
                extent = value_of(s.axis.args[0])
                columns = isinstance(s, ReduceLoop) and s.columns is not None
                if columns or extent is None or extent > SHORT or not is_short(s.body):
                    return False
    return True


def by_block(kernel: Kernel, phase: PhaseBody) -> bool:
    """Whether a block of threads shares an iteration: not where one thread is done sooner than a block has met."""
    return phase.together and (bool(kernel.local) or phase.tile > 0 or not is_short(phase.body))


def flat_loop(phase: PhaseBody) -> Loop | None:
    """The independent loop that ends a phase of one thread an iteration; it becomes part of the grid."""
    last = phase.body[-1]
    before = all(isinstance(s, Define | Check) for s in phase.body[:-1])
    return last if isinstance(last, Loop) and last.lanes and before and not phase.together else None


def indent(lines: list[str]) -> list[str]:
    return [INDENT + line for line in lines]


class CudaPrinter(Printer):
    """Prints one phase of a kernel."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.kernel = kernel
        self.reductions = ReducePrinter(self)

    def phase(self, number: int) -> list[str]:
        """The function of one phase."""
        phase = self.kernel.phases[number]
        head = (
            f'extern "C" __global__ void __launch_bounds__({THREADS}, 1) kernel_{KEY}_phase{number}'
            "(const __grid_constant__ Args parameter, long long end) {"
        )
        lines = [*self.parameters(), *self.column_arrays(phase), *self.statements(phase.before, False)]
        return [head, *indent(lines + self.iterations(phase)), "}"]

    def parameters(self) -> list[str]:
        out = ["const Args* args = &parameter;"]
        for i, buffer in enumerate(self.kernel.buffers):
            kind = f"{'' if buffer.is_output else 'const '}{CTYPE[buffer.dtype]}*"
            out.append(f"{kind} {buffer.name} = ({kind})args->ptr[{i}];  // {buffer.dtype}")
        out += [f"const long long d{i} = args->dim[{i}];" for i in range(len(self.kernel.dims))]
        local = self.scratch("args->local + blockIdx.x * args->local_nbytes", self.kernel.local)
        return out + local + self.scratch("(char*)args->shared", self.kernel.shared)

    def scratch(self, where: str, arrays: tuple[Array, ...]) -> list[str]:
        """Arrays of one length behind each other, as scratch_order() says."""
        out, nbytes = [], 0
        for array in scratch_order(arrays):
            kind = held_type(array.dtype)
            out.append(f"{kind}* {array.name} = ({kind}*)({where} + {nbytes} * {self.text(array.length)});")
            nbytes += ITEMSIZE[array.dtype]
        return out

    def column_arrays(self, phase: PhaseBody) -> list[str]:
        """Results of reductions over rows: a place a column of the tile."""
        return [
            f"__shared__ {held_type(r.target.dtype)} {r.target.data}[{phase.tile}];"
            for s in phase.body
            if isinstance(s, ReduceLoop) and s.columns is not None
            for r in s.results
        ]

    def iterations(self, phase: PhaseBody) -> list[str]:
        if by_block(self.kernel, phase):
            body = self.position(list(phase.axes), phase.tile) + self.statements(phase.body, True)
            barrier = ["__syncthreads();"] if cooperates(phase.body) else []
            head = "for (long long at = blockIdx.x; at < end; at += gridDim.x) {"
            return [head, *indent(body + barrier), "}"]
        flat = flat_loop(phase)
        axes, tile, body = list(phase.axes), phase.tile, phase.body
        if flat is not None:
            axes, body = axes if tile or phase.spans else [*axes, flat.axis], (*body[:-1], *flat.body)
            tile = 0
        count = " * ".join(self.counts(axes, tile)) or "1"
        head = (
            f"for (long long at = blockIdx.x * {THREADS}ll + threadIdx.x; at < count; at += gridDim.x * {THREADS}ll) {{"
        )
        inside = self.position(axes, tile) + self.statements(body, False)
        return [f"const long long count = {count};", head, *indent(inside), "}"]

    def counts(self, axes: list[Expr], tile: int) -> list[str]:
        """Iterations of each axis; the last one may be cut into tiles."""
        out = [f"({text})" if " " in text else text for text in (self.text(axis.args[0]) for axis in axes)]
        return [*out[:-1], f"(({out[-1]} + {tile - 1}) / {tile})"] if tile else out

    def position(self, axes: list[Expr], tile: int) -> list[str]:
        """The index of each axis, from the number of the iteration in row-major order."""
        out, rest = [], "at"
        for number, (axis, count) in reversed(list(enumerate(zip(axes, self.counts(axes, tile), strict=True)))):
            name = f"{axis.data}_tile" if tile and number == len(axes) - 1 else str(axis.data)
            if number == 0:
                out.append(f"const long long {name} = {rest};")
                continue
            out.append(f"const long long {name} = {rest} % {count};")
            out.append(f"const long long at{number} = {rest} / {count};")
            rest = f"at{number}"
        if tile:
            name, extent = str(axes[-1].data), self.text(axes[-1].args[0])
            out.append(f"const long long {name}_begin = {name}_tile * {tile};")
            out.append(f"const long long {name}_end = jt_least({name}_begin + {tile}, {extent});")
        return out

    # ---- statements ----

    def statements(self, body: tuple[Statement, ...], together: bool) -> list[str]:
        out: list[str] = []
        for s in body:
            match s:
                case Assign() if together:
                    out += ["if (threadIdx.x == 0) {", *indent(self.simple(s)), "}", "__syncthreads();"]
                case Loop():
                    out += self.loop(s, together)
                case ReduceLoop():
                    out += self.reductions.whole(s, together)
                case Partial():
                    out += self.reductions.partial(s)
                case Recall(target=target, array=array, identity=identity, extent=extent):
                    value = f"{self.text(extent)} > 0 ? {array}[0] : {self.text(identity)}"
                    out.append(f"const {held_type(target.dtype)} {target.data} = {value};")
                case _:
                    out += self.simple(s)
        return out

    def loop(self, loop: Loop, together: bool) -> list[str]:
        name, end = str(loop.axis.data), self.text(loop.end)
        shared = together and loop.lanes
        by_first = together and not loop.lanes and not cooperates(loop.body)
        start, step = (f"{self.text(loop.begin)} + threadIdx.x", THREADS) if shared else (self.text(loop.begin), 1)
        inside = self.statements(loop.body, together and not loop.lanes and not by_first)
        out = [f"for (long long {name} = {start}; {name} < {end}; {name} += {step}) {{", *indent(inside), "}"]
        if by_first:
            out = ["if (threadIdx.x == 0) {", *indent(out), "}"]
        return [*out, "__syncthreads();"] if shared or by_first else out
