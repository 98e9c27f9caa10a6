"""Kernel IR → headerless C for the CPU: scalar loops that gcc vectorizes; one function a phase."""

from __future__ import annotations

from collections.abc import Callable

from jittor_cy.compiler.codegen.c_like import Printer, held_type, indent
from jittor_cy.compiler.codegen.cpu_overlap import OverlapPrinter
from jittor_cy.compiler.codegen.cpu_reduce import ReducePrinter
from jittor_cy.compiler.codegen.cpu_stream import StreamPrinter
from jittor_cy.compiler.codegen.pasted import abi_text, closure, preamble
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.kernel import (
    Array,
    Assign,
    Kernel,
    Loop,
    Partial,
    PhaseBody,
    Recall,
    ReduceLoop,
    Statement,
    Strip,
)
from jittor_cy.compiler.ir.primitives import CTYPE, ITEMSIZE

__all__ = ["KEY", "print_kernel", "scratch_order"]

# Stands for the first 16 digits of the KernelKey until the text is known.
KEY = "@KEY@"


def print_kernel(kernel: Kernel, isa: str) -> str:
    """The whole source, with KEY where the key belongs."""
    body = "\n".join(line for number in range(len(kernel.phases)) for line in CpuPrinter(kernel).phase(number))
    head = f"// jittor_cy kernel {KEY} · {kernel.name} · target cpu ({isa})"
    parts = [head, abi_text(), preamble(), *closure(body), body]
    return "\n\n".join(parts) + "\n"


def scratch_order(arrays: tuple[Array, ...]) -> list[Array]:
    """Widest elements first, so that each array is aligned behind the one before it."""
    return sorted(arrays, key=lambda a: -ITEMSIZE[a.dtype])


class CpuPrinter(Printer):
    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.kernel = kernel
        self.reductions = ReducePrinter(self)
        self.streams = StreamPrinter(self)
        self.overlaps = OverlapPrinter(self)
        self.tile = 0  # of the phase at hand: columns of an iteration
        self.scalars: dict[int, bool] = {}  # those that it names, and whether each is a float
        apart = any(b.aliased for b in kernel.buffers) or any(writes_again(s) for p in kernel.phases for s in p.body)
        self.pragma = ["#pragma GCC ivdep"] if apart else []
        self.pragma += [f"#pragma GCC unroll {kernel.schedule.unroll}"] if kernel.schedule.unroll else []

    def phase(self, number: int) -> list[str]:
        """The functions of one phase. Only a parameter's `restrict` is believed by gcc, so the work has its own."""
        phase = self.kernel.phases[number]
        self.tile = phase.tile
        lines = self.streams.around(self.iterations(phase))
        text = "\n".join(lines)
        given = self.pointers(text)
        name, arguments = (
            f"kernel_{KEY}_phase{number}",
            "const KernelArgs* args, void* local, long long begin, long long end",
        )
        everything = text + "\n".join(value for _, value in given)
        scalars = [
            f"const {'double' if is_float else 'long long'} c{i} = args->scalar[{i}].{'f' if is_float else 'i'};"
            for i, is_float in self.scalars.items()
        ]
        dims = [
            f"const long long d{i} = args->dim[{i}];" for i in range(len(self.kernel.dims)) if uses(everything, f"d{i}")
        ]
        work = ", ".join((arguments, *(pointer for pointer, _ in given)))
        call = ", ".join(("args", "local", "begin", "end", *(value for _, value in given)))
        return [
            "__attribute__((flatten, noinline))",
            f"static void {name}_work({work}) {{",
            *indent(dims + scalars + lines),
            "}",
            f"void {name}({arguments}) {{",
            *indent([*dims, f"{name}_work({call});"]),
            "}",
        ]

    def text(self, expr: Expr) -> str:
        """Scalars are locals: a store through a pointer could otherwise change them."""
        if expr.kind != "scalar":
            return super().text(expr)
        position, is_float = expr.data  # type: ignore[misc]
        self.scalars[position] = is_float
        return f"c{position}"

    def pointers(self, text: str) -> list[tuple[str, str]]:
        """(declaration, value) of the pointers that the body names."""
        out = []
        for position, buffer in enumerate(self.kernel.buffers):
            const, restrict = "" if buffer.is_output else "const ", "" if buffer.aliased else " restrict"
            pointer = f"{const}{CTYPE[buffer.dtype]}*{restrict} {buffer.name}"
            out.append((buffer.name, pointer, f"args->ptr[{position}]"))
        out += self.scratch("local", self.kernel.local) + self.scratch("args->shared", self.kernel.shared)
        return [(pointer, value) for name, pointer, value in out if uses(text, name)]

    def scratch(self, where: str, arrays: tuple[Array, ...]) -> list[tuple[str, str, str]]:
        """Arrays of one length behind each other; see scratch_order()."""
        out: list[tuple[str, str, str]] = []
        nbytes = 0
        for array in scratch_order(arrays):
            at = f"{nbytes} * {self.text(array.length)}" if nbytes else "0"
            kind = held_type(array.dtype)
            out.append((array.name, f"{kind}* restrict {array.name}", f"({kind}*)((char*){where} + {at})"))
            nbytes += ITEMSIZE[array.dtype]
        return out

    def iterations(self, phase: PhaseBody) -> list[str]:
        before, body = self.statements(phase.before), self.statements(phase.body)
        if not phase.axes:
            return before + body
        if len(phase.axes) == 1 and not phase.tile and not phase.spans:
            return [
                *before,
                *self.lanes(phase.axes[0], "begin", "end", phase.body, lambda: self.statements(phase.body)),
            ]
        if phase.spans:
            loop = ["for (long long at = begin; at < end;) {", *indent([*self.span(phase), *body, "at += left;"])]
        else:
            loop = ["for (long long at = begin; at < end; at++) {", *indent([*self.tile_of(phase), *body])]
        loop += [*indent(self.advance(phase)), "}"]
        # An extent of 0 is no divisor.
        return [*before, "if (begin < end) {", *indent([*self.position(phase), *loop]), "}"]

    def counted(self, phase: PhaseBody) -> list[tuple[str, str]]:
        """What counts iterations, with how many there are of each: the axes, the last one in tiles or runs."""
        out = [(str(axis.data), self.text(axis.args[0])) for axis in phase.axes]
        name, extent = out[-1]
        if phase.spans:
            out[-1] = f"{name}_begin", extent
        elif phase.tile:
            out[-1] = f"{name}_tile", f"(({extent} + {phase.tile - 1}) / {phase.tile})"
        return out

    def position(self, phase: PhaseBody) -> list[str]:
        """Where the first iteration stands."""
        out, rest = [], "begin"
        counted = self.counted(phase)
        for number, (name, count) in reversed(list(enumerate(counted))):
            if number == 0:
                out.append(f"long long {name} = {rest};")
            else:
                out.append(f"long long {name} = {rest} % {count};")
                out.append(f"const long long begin{number} = {rest} / {count};")
                rest = f"begin{number}"
        return out

    def advance(self, phase: PhaseBody) -> list[str]:
        """To the next iteration: a division each would cost more than a short row."""
        counted = self.counted(phase)
        if phase.spans:
            counted[-1] = counted[-1][0], ""
            if len(counted) == 1:  # the one run is at its end
                return []
        out = [f"++{counted[0][0]};"]
        for name, count in counted[1:]:
            out = [f"{name} = 0;", *out]
            if count:
                out = [f"if (++{name} == {count}) {{", *indent(out), "}"]
        return out

    def tile_of(self, phase: PhaseBody) -> list[str]:
        """The columns of a tile."""
        if not phase.tile:
            return []
        name, extent = str(phase.axes[-1].data), self.text(phase.axes[-1].args[0])
        first = f"{name}_begin"
        return [
            f"const long long {first} = {name}_tile * {phase.tile};",
            f"const long long {name}_end = {first} + {phase.tile} < {extent} ? {first} + {phase.tile} : {extent};",
        ]

    def span(self, phase: PhaseBody) -> list[str]:
        """How far the run along the last axis goes from where `at` is."""
        name, extent = str(phase.axes[-1].data), self.text(phase.axes[-1].args[0])
        return [
            f"const long long left = {extent} - {name}_begin < end - at ? {extent} - {name}_begin : end - at;",
            f"const long long {name}_end = {name}_begin + left;",
        ]

    # ---- statements ----

    def statements(self, body: tuple[Statement, ...]) -> list[str]:
        out: list[str] = []
        for statement in body:
            match statement:
                case Loop():
                    out += self.loop(statement)
                case Strip():
                    out += self.strip(statement)
                case ReduceLoop():
                    out += self.reductions.whole(statement)
                case Partial():
                    out += self.reductions.partial(statement)
                case Recall():
                    out += self.recall(statement)
                case _:
                    out += self.simple(statement)
        return out

    def recall(self, recall: Recall) -> list[str]:
        kind, name = held_type(recall.target.dtype), recall.target.data
        value = (
            f"{self.text(recall.extent)} > 0 ? {recall.array}[{self.bare(recall.place)}] : {self.text(recall.identity)}"
        )
        if recall.columns is None:
            return [f"const {kind} {name} = {value};"]
        axis = recall.columns.data
        head = f"for (long long {axis} = {axis}_begin; {axis} < {axis}_end; {axis}++)"
        return [f"{kind} {name}[{self.tile}];", f"{head} {self.place(recall.target)} = {value};"]

    def loop(self, loop: Loop) -> list[str]:
        axis, begin, end = str(loop.axis.data), self.text(loop.begin), self.text(loop.end)
        if loop.lanes:
            plain = self.lanes(loop.axis, begin, end, loop.body, lambda: self.statements(loop.body))
            if not self.overlaps.fits(loop) or self.streams.stores(loop.body):
                return plain
            return self.overlaps.loop(loop, begin, end, plain, lambda: self.statements(loop.body))
        step = f"{axis}++" if loop.step == 1 else f"{axis} += {loop.step}"
        head = f"for (long long {axis} = {begin}; {axis} < {end}; {step}) {{"
        return [head, *indent(self.statements(loop.body)), "}"]

    def lanes(
        self, axis: Expr, begin: str, end: str, body: tuple[Statement, ...], lines: Callable[[], list[str]]
    ) -> list[str]:
        """A loop whose iterations are independent; `lines` prints one, whose statements are `body` among others."""
        if self.streams.stores(body):
            return self.streams.loop(axis, begin, end, body, lines)
        head = f"for (long long {axis.data} = {begin}; {axis.data} < {end}; {axis.data}++) {{"
        return [*self.pragma, head, *indent(lines()), "}"]

    def simple(self, statement: Statement) -> list[str]:
        if self.overlaps.into_tail and isinstance(statement, Assign):
            return self.overlaps.stored(statement)
        if self.streams.into_lines and isinstance(statement, Assign) and self.streams.is_streamed(statement.target):
            return [f"{self.streams.line_of(statement.target)} = {self.stored(statement.target, statement.value)};"]
        return super().simple(statement)

    def strip(self, strip: Strip) -> list[str]:
        """A loop over strips; each array has a place an element of the strip."""
        axis, step = str(strip.axis.data), strip.length
        arrays = [f"{held_type(a.dtype)} {a.name}[{step}] __attribute__((aligned(64)));" for a in strip.arrays]
        end = self.text(strip.end)
        to = f"const long long {axis}_to = {axis}_from + {step} < {end} ? {axis}_from + {step} : {end};"
        head = f"for (long long {axis}_from = {self.text(strip.begin)}; {axis}_from < {end}; {axis}_from += {step}) {{"
        return [head, *indent([to, *arrays, *self.statements(strip.body)]), "}"]


def uses(text: str, name: str) -> bool:
    at = text.find(name)
    while at >= 0:
        before = text[at - 1] if at else " "
        after = text[at + len(name) : at + len(name) + 1] or " "
        if not (before.isalnum() or before == "_") and not (after.isalnum() or after == "_"):
            return True
        at = text.find(name, at + 1)
    return False


def writes_again(statement: Statement) -> bool:
    """Whether a loop writes one output at several places, of which gcc does not know that they differ."""
    if not isinstance(statement, Loop):
        return False
    written = [s.target.data for s in statement.body if isinstance(s, Assign) and s.target.kind == "load"]
    return len(set(written)) < len(written) or any(writes_again(s) for s in statement.body)
