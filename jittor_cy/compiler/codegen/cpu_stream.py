"""Loops of the CPU that write whole cache lines past the caches, where the output is too large to stay in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jittor_cy.compiler.codegen.c_like import CACHE_LINE, INDENT, indent
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.kernel import Assign, Statement
from jittor_cy.compiler.ir.primitives import CTYPE, ITEMSIZE

if TYPE_CHECKING:
    from jittor_cy.compiler.codegen.cpu import CpuPrinter

__all__ = ["StreamPrinter"]

# A smaller output may still be in the last cache when it is read again.
STREAMED_NBYTES = 16 << 20


class StreamPrinter:
    """The loop over a kernel's streamed output; without one, takes() is false."""

    def __init__(self, printer: CpuPrinter) -> None:
        self.printer, buffers = printer, printer.kernel.buffers
        self.output = next((i for i, b in enumerate(buffers) if b.streamed), None)
        self.used = False  # by the phase at hand
        self.itemsize = ITEMSIZE[buffers[self.output].dtype] if self.output is not None else 1

    def takes(self, body: tuple[Statement, ...]) -> bool:
        """Whether a loop with this body writes the streamed output."""
        return self.output is not None and any(self.is_store(s) for s in body)

    def is_store(self, statement: Statement) -> bool:
        target = statement.target if isinstance(statement, Assign) else None
        return target is not None and target.kind == "load" and target.data == self.output

    def around(self, lines: list[str]) -> list[str]:
        """The phase's lines behind the decision, and before the fence that puts streamed lines in order."""
        if not self.used:
            return lines
        self.used = False
        buffers = self.printer.kernel.buffers
        output = buffers[self.output]  # type: ignore[index]
        tests = [f"args->output_nbytes >= {STREAMED_NBYTES}"]
        if output.aliased:  # a line that was just read is in the cache
            tests += [f"(const void*){output.name} != {b.name}" for b in buffers if b.aliased and not b.is_output]
        return [f"const int streams = {' && '.join(tests)};", *lines, "if (streams) __builtin_ia32_sfence();"]

    def loop(self, axis: Expr, begin: str, end: str, body: tuple[Statement, ...]) -> list[str]:
        """Elements up to the first whole line, whole lines, and what is left of the last one."""
        self.used = True
        name, store = str(axis.data), next(s for s in body if self.is_store(s))
        assert isinstance(store, Assign)
        place, per_line = self.printer.place(store.target), CACHE_LINE // self.itemsize
        kind = CTYPE[self.printer.kernel.buffers[self.output].dtype]  # type: ignore[index]
        inner = [f"const long long {name} = {name}_line + l;", *self.into_line(body)]
        return [
            f"long long {name}_head = {end}, {name}_tail = {end};",
            f"if (streams && {begin} < {end}) {{",
            f"{INDENT}const long long {name} = {begin};",
            f"{INDENT}{name}_head = {name} + (-(long long)&{place} & {CACHE_LINE - 1}) / {self.itemsize};",
            f"{INDENT}if ({name}_head > {end}) {name}_head = {end};",
            f"{INDENT}{name}_tail = {end} - ({end} - {name}_head) % {per_line};",
            "}",
            f"for (long long {name}_line = {name}_head; {name}_line < {name}_tail; {name}_line += {per_line}) {{",
            f"{INDENT}{kind} line[{per_line}];",
            *indent([f"for (long long l = 0; l < {per_line}; l++) {{", *indent(inner), "}"]),
            *indent([f"const long long {name} = {name}_line;", f"jt_stream_line(&{place}, line);"]),
            "}",
            "for (int edge = 0; edge < 2; edge++) {",
            f"{INDENT}const long long stop = edge ? {end} : {name}_head;",
            *indent(self.printer.pragma),
            f"{INDENT}for (long long {name} = edge ? {name}_tail : {begin}; {name} < stop; {name}++) {{",
            *indent(indent(self.printer.statements(body))),
            f"{INDENT}}}",
            "}",
        ]

    def into_line(self, body: tuple[Statement, ...]) -> list[str]:
        out: list[str] = []
        for statement in body:
            if self.is_store(statement):
                assert isinstance(statement, Assign)
                out.append(f"line[l] = {self.printer.stored(statement.target, statement.value)};")
            else:
                out += self.printer.statements((statement,))
        return out
