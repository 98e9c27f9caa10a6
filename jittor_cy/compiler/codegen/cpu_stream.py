"""Loops of the CPU that write whole cache lines past the caches, where the output is too large to stay in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jittor_cy.compiler.codegen.c_like import CACHE_LINE, INDENT, indent
from jittor_cy.compiler.ir.expr import Expr, postorder
from jittor_cy.compiler.ir.kernel import Assign, Buffer, Define, Statement
from jittor_cy.compiler.ir.primitives import CTYPE, ITEMSIZE

if TYPE_CHECKING:
    from jittor_cy.compiler.codegen.cpu import CpuPrinter

__all__ = ["StreamPrinter"]

# A smaller output may still be in the last cache when it is read again.
STREAMED_NBYTES = 16 << 20


class StreamPrinter:
    """Loops over streamed outputs: their elements go to lines of the stack, and full lines to memory."""

    def __init__(self, printer: CpuPrinter) -> None:
        self.printer, self.buffers = printer, printer.kernel.buffers
        self.used: dict[int, None] = {}  # outputs that the phase at hand streams
        self.into_lines = False  # whether stores of streamed outputs are printed as stores into lines

    def stores(self, body: tuple[Statement, ...]) -> list[Assign]:
        """The statements of a body that write a streamed output."""
        return [s for s in body if isinstance(s, Assign) and self.is_streamed(s.target)]

    def is_streamed(self, target: Expr) -> bool:
        return target.kind == "load" and self.buffers[int(str(target.data))].streamed

    def output(self, store: Assign) -> Buffer:
        return self.buffers[int(str(store.target.data))]

    def around(self, lines: list[str]) -> list[str]:
        """The phase's lines behind the decision, and before the fence that puts streamed lines in order."""
        if not self.used:
            return lines
        fence = "1" if self.printer.kernel.schedule.stream == "always" else f"args->output_nbytes >= {STREAMED_NBYTES}"
        decisions = [f"const int {self.buffers[i].name}_streams = {self.decision(self.buffers[i])};" for i in self.used]
        self.used = {}
        return [*decisions, *lines, f"if ({fence}) __builtin_ia32_sfence();"]

    def decision(self, output: Buffer) -> str:
        always = self.printer.kernel.schedule.stream == "always"
        tests = ["1" if always else f"args->output_nbytes >= {STREAMED_NBYTES}"]
        if output.aliased:  # a line that was just read is in the cache
            tests += [f"(const void*){output.name} != {b.name}" for b in self.buffers if b.aliased and not b.is_output]
        return " && ".join(tests)

    def line_of(self, target: Expr) -> str:
        """Where the store of an element goes inside a loop over lines."""
        return f"{self.buffers[int(str(target.data))].name}_line[l]"

    def printed_into_lines(self, lines: Callable[[], list[str]]) -> list[str]:
        self.into_lines = True
        out = lines()
        self.into_lines = False
        return out

    def declared(self, stores: list[Assign], count: int) -> list[str]:
        """A line (or several) of each output on the stack."""
        out = []
        for store in stores:
            output = self.output(store)
            self.used[int(str(store.target.data))] = None
            out.append(f"{CTYPE[output.dtype]} {output.name}_line[{count}] __attribute__((aligned({CACHE_LINE})));")
        return out

    def put(self, axis: str, first: str, stores: list[Assign], count: int) -> list[str]:
        """Sends `count` elements of each output's lines to where element `first` of the axis lies."""
        out = [f"const long long {axis} = {first};"]
        for store in stores:
            output = self.output(store)
            place, nbytes = self.printer.place(store.target), count * ITEMSIZE[output.dtype]
            out.append(f"jt_put_lines(&{place}, {output.name}_line, {nbytes}, {output.name}_streams);")
        return ["{", *indent(out), "}"]

    def loop(
        self, axis: Expr, begin: str, end: str, body: tuple[Statement, ...], lines: Callable[[], list[str]]
    ) -> list[str]:
        """Elements up to the first whole line, whole lines, and what is left; `lines`: prints an iteration."""
        stores = self.stores(body)
        first, name = stores[0], str(axis.data)
        count = CACHE_LINE // narrowest(body)
        place, itemsize = self.printer.place(first.target), ITEMSIZE[self.output(first).dtype]
        declared = self.declared(stores, count)
        inner = [f"const long long {name} = {name}_line + l;", *self.printed_into_lines(lines)]
        plain = [
            *self.printer.pragma,
            f"for (long long {name} = edge ? {name}_tail : {begin}; {name} < stop; {name}++) {{",
        ]
        whole_lines = [
            f"long long {name}_head = {end}, {name}_tail = {end};",
            f"if ({self.output(first).name}_streams && {begin} < {end}) {{",
            f"{INDENT}const long long {name} = {begin};",
            f"{INDENT}{name}_head = {name} + (-(long long)&{place} & {CACHE_LINE - 1}) / {itemsize};",
            f"{INDENT}if ({name}_head > {end}) {name}_head = {end};",
            f"{INDENT}{name}_tail = {end} - ({end} - {name}_head) % {count};",
            "}",
            f"for (long long {name}_line = {name}_head; {name}_line < {name}_tail; {name}_line += {count}) {{",
            *indent([*declared, f"for (long long l = 0; l < {count}; l++) {{", *indent(inner), "}"]),
            *indent(self.put(name, f"{name}_line", stores, count)),
            "}",
        ]
        edges = [
            "for (int edge = 0; edge < 2; edge++) {",
            f"{INDENT}const long long stop = edge ? {end} : {name}_head;",
            *indent([*plain, *indent(lines()), "}"]),
            "}",
        ]
        return ["{", *indent([*whole_lines, *edges]), "}"]  # a scope: a strip may be written by several such loops


def narrowest(body: tuple[Statement, ...]) -> int:
    """Bytes of the narrowest element that is read or written: gcc makes vectors of as many as fit into one of these."""
    simple = [s for s in body if isinstance(s, (Assign, Define))]
    nodes = postorder([root for s in simple for root in (s.target, s.value)])
    return min(ITEMSIZE[n.dtype] for n in nodes if n.kind in ("load", "element"))
