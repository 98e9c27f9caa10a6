"""Loops of the CPU over short rows: whole vectors, the last of which overlaps the one before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jittor_cy.compiler.codegen.c_like import indent
from jittor_cy.compiler.ir.kernel import Assign, Define, Loop
from jittor_cy.compiler.ir.primitives import CTYPE

if TYPE_CHECKING:
    from jittor_cy.compiler.codegen.cpu import CpuPrinter

__all__ = ["OverlapPrinter"]

# Elements side by side, for rows of at least so many. The gradient of max pooling 28 x 28 maps (rows of 14): vectors of
# 16 and single elements behind them 610 us, of 8 180 us, of 4 215 us.
WIDTHS = (16, 8, 4)
# In a longer row the few elements behind whole vectors do not matter.
LONG_ROW = 64


class OverlapPrinter:
    """Where outputs may lie in an input's memory, the last vector is computed before anything is stored."""

    def __init__(self, printer: CpuPrinter) -> None:
        self.printer = printer
        self.into_tail = False  # whether stores are printed as stores to the last vector

    def fits(self, loop: Loop) -> bool:
        """Whether the places of the stores can be named outside of the body."""
        inside = {str(s.target.data) for s in loop.body if isinstance(s, Define)}
        return loop.overlap and not any(s.target.args[0].free & inside for s in stores(loop))

    def loop(self, loop: Loop, begin: str, end: str, plain: list[str], lines: Callable[[], list[str]]) -> list[str]:
        """`plain`: the loop as it is otherwise; `lines`: prints an iteration."""
        name = str(loop.axis.data)
        vectors = self.behind_tail if any(b.aliased for b in self.printer.kernel.buffers) else self.clamped
        widths = WIDTHS
        out = [
            f"const long long {name}_count = {end} - {begin};",
            f"if ({name}_count < {widths[-1]} || {name}_count >= {LONG_ROW}) {{",
            *indent(plain),
        ]
        for width in widths:
            head = f"}} else if ({name}_count >= {width}) {{" if width != widths[-1] else "} else {"
            out += [head, *indent(vectors(loop, begin, end, width, lines))]
        return ["{", *indent([*out, "}"]), "}"]  # a scope: several such loops may run along one axis

    def clamped(self, loop: Loop, begin: str, end: str, width: int, lines: Callable[[], list[str]]) -> list[str]:
        name = str(loop.axis.data)
        last = f"{end} - {width}"
        return [
            f"for (long long {name}_at = {begin}; {name}_at < {end}; {name}_at += {width}) {{",
            *indent([f"const long long {name}_from = {name}_at < {last} ? {name}_at : {last};"]),
            *indent(self.vector(name, f"{name}_from", width, lines())),
            "}",
        ]

    def behind_tail(self, loop: Loop, begin: str, end: str, width: int, lines: Callable[[], list[str]]) -> list[str]:
        name = str(loop.axis.data)
        tails = [f"{CTYPE[s.target.dtype]} {name}_tail{i}[{width}];" for i, s in enumerate(stores(loop))]
        self.into_tail = True
        self.tail = {id(s): f"{name}_tail{i}[l]" for i, s in enumerate(stores(loop))}
        first = self.vector(name, f"{end} - {width}", width, lines())
        self.into_tail = False
        put = [f"{self.printer.place(s.target)} = {name}_tail{i}[l];" for i, s in enumerate(stores(loop))]
        return [
            *tails,
            *first,
            f"for (long long {name}_at = {begin}; {name}_at + {width} <= {end}; {name}_at += {width}) {{",
            *indent(self.vector(name, f"{name}_at", width, lines())),
            "}",
            *self.vector(name, f"{end} - {width}", width, put),
        ]

    def vector(self, name: str, first: str, width: int, lines: list[str]) -> list[str]:
        body = [f"const long long {name} = {first} + l;", *lines]
        return [*self.printer.pragma, f"for (long long l = 0; l < {width}; l++) {{", *indent(body), "}"]

    def stored(self, statement: Assign) -> list[str]:
        """A store to the last vector."""
        return [f"{self.tail[id(statement)]} = {self.printer.stored(statement.target, statement.value)};"]


def stores(loop: Loop) -> list[Assign]:
    return [s for s in loop.body if isinstance(s, Assign)]
