"""Reductions with axes behind (I > 1) as C loops: a tile of columns side by side, rows in the order of docs/bits.md."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from jittor_cy.compiler.codegen.c_like import INDENT, combine_text, held_type, indent, least
from jittor_cy.compiler.ir.kernel import Partial, ReduceLoop, ReduceResult, Statement, begin_of, end_of
from jittor_cy.compiler.ir.primitives import identity_of

if TYPE_CHECKING:
    from jittor_cy.compiler.codegen.cpu import CpuPrinter

__all__ = ["ColumnReduce"]

# Levels of the pairwise combination: a run has less than 2^48 blocks.
STACK = 48


def is_search(result: ReduceResult) -> bool:
    return result.kind.startswith("Arg")


class ColumnReduce:
    """A tile of columns side by side; results are arrays with a place a column."""

    def __init__(self, printer: CpuPrinter, loop: ReduceLoop) -> None:
        self.printer, self.loop = printer, loop
        columns = loop.columns
        assert columns is not None
        self.tile = printer.tile
        self.axis, self.column = str(loop.axis.data), str(columns.data)
        self.extent = printer.text(loop.extent)
        self.begin, self.end = printer.text(begin_of(columns)), printer.text(end_of(columns))
        self.folds = [r for r in loop.results if not is_search(r)]
        self.searches = [r for r in loop.results if is_search(r)]

    is_half = False

    def declare(self) -> list[str]:
        out = []
        for r in self.loop.results:
            name = r.target.data
            if is_search(r):
                out += [f"{held_type(r.dtype)} {name}_best[{self.tile}];", f"long long {name}[{self.tile}];"]
                out.append(f"for (int l = 0; l < {self.tile}; l++) {{ {name}_best[l] = 0; {name}[l] = 0; }}")
            else:
                out.append(f"{held_type(r.dtype)} {name}[{self.tile}];")
                out.append(f"for (int l = 0; l < {self.tile}; l++) {name}[l] = {self.identity(r)};")
        return out

    def identity(self, r: ReduceResult) -> str:
        return self.printer.text(identity_of(r.kind, r.dtype))

    def stacks(self) -> list[str]:
        stacks = [f"{held_type(r.dtype)} {r.target.data}_stack[{STACK}][{self.tile}];" for r in self.folds]
        return [*stacks, "int depth = 0;"] if stacks else []

    def lines(self) -> list[str]:
        """The whole reduction, by one thread."""
        head = f"for (long long start = 0; start < {self.extent}; start += {self.loop.block}) {{"
        loop = [head, *indent([*self.block(), *self.push("start")]), "}"]
        return [*self.declare(), "{", *indent([*self.stacks(), *loop, *self.fold_stack()]), "}"]

    def first_half(self, partial: Partial) -> list[str]:
        """One block of rows, into the shared arrays."""
        self.is_half = True
        number = str(partial.number.data)
        out = [f"const long long start = {number} * {self.loop.block};"]
        out += [line for r in self.searches for line in self.declare_search(r)] + self.block()
        keeps = []
        for r, arrays in zip(self.loop.results, partial.arrays, strict=True):
            place = self.place(partial, number)
            name = r.target.data
            if is_search(r):
                keeps += [
                    f"{arrays[0]}[{place}] = {name}_best[{self.lane}];",
                    f"{arrays[1]}[{place}] = {name}[{self.lane}];",
                ]
            else:
                keeps.append(f"{arrays[0]}[{place}] = {name}_lane[0][{self.lane}];")
        return out + self.every_column(keeps)

    def second_half(self, partial: Partial) -> list[str]:
        """All blocks pairwise."""
        count = self.printer.text(partial.number.args[0])
        takes, keeps, lanes = [], [], []
        for r, arrays in zip(self.loop.results, partial.arrays, strict=True):
            name, place = r.target.data, self.place(partial, "block")
            if is_search(r):
                takes += self.search_step(r, f"{arrays[0]}[{place}]", "block", f"{arrays[1]}[{place}]", self.lane)
                keeps.append(f"{arrays[1]}[{self.place(partial, None)}] = {name}[{self.lane}];")
            else:
                lanes.append(f"{held_type(r.dtype)} {name}_lane[1][{self.tile}];")
                takes.append(f"{name}_lane[0][{self.lane}] = {self.halved(r, partial, arrays[0])};")
                keeps.append(f"{arrays[0]}[{self.place(partial, None)}] = {name}[{self.lane}];")
        inner = [*lanes, *self.every_column(takes), *self.push(f"block * {self.loop.block}")]
        loop = [f"for (long long block = 0; block < {count}; block++) {{", *indent(inner), "}"]
        return [
            *self.declare(),
            "{",
            *indent([*self.stacks(), *loop, *self.fold_stack()]),
            "}",
            f"if ({count} > 0) {{",
            *indent(self.every_column(keeps)),
            "}",
        ]

    def halved(self, r: ReduceResult, partial: Partial, array: str) -> str:
        """A block's lanes, of which the upper half joins the lower one."""
        if partial.lanes == 1:
            return f"{array}[{self.place(partial, 'block')}]"
        rows = range(partial.lanes)
        held = [f"{array}[{self.place(partial, f'(block * {partial.lanes} + {i})')}]" for i in rows]
        while len(held) > 1:
            half = len(held) // 2
            held = [combine_text(r.kind, r.dtype, held[i], held[i + half]) for i in range(half)]
        return held[0]

    def place(self, partial: Partial, row: str | None) -> str:
        column = self.printer.text(partial.place)
        return column if row is None else f"{row} * {self.printer.text(partial.pitch)} + {column}"

    @property
    def lane(self) -> str:
        return f"{self.column} - {self.begin}"

    def columns(self, statements: tuple[Statement, ...], lines: Callable[[], list[str]]) -> list[str]:
        columns = self.loop.columns
        assert columns is not None
        return self.printer.lanes(columns, self.begin, self.end, statements, lines)

    def every_column(self, lines: list[str]) -> list[str]:
        if not lines:
            return []
        return [
            f"for (long long {self.column} = {self.begin}; {self.column} < {self.end}; {self.column}++) {{",
            *indent(lines),
            "}",
        ]

    def declare_search(self, r: ReduceResult) -> list[str]:
        name = r.target.data
        return [f"{held_type(r.dtype)} {name}_best[{self.tile}];", f"long long {name}[{self.tile}];"]

    def block(self) -> list[str]:
        out = [f"const long long stop = {least(f'start + {self.loop.block}', self.extent)};"]
        lanes = self.loop.lanes
        for r in self.folds:
            identity = self.printer.text(identity_of(r.kind, r.dtype))
            out.append(f"{held_type(r.dtype)} {r.target.data}_lane[{lanes}][{self.tile}];")
            out.append(
                f"for (int k = 0; k < {lanes}; k++) for (int l = 0; l < {self.tile}; l++) "
                f"{r.target.data}_lane[k][l] = {identity};"
            )
        rows = [
            f"{held_type(r.dtype)}* {r.target.data}_row = {r.target.data}_lane[({self.axis} - start) % {lanes}];"
            for r in self.folds
        ]
        out += [f"{held_type(a.dtype)} {a.name}[{self.tile}];" for a in self.loop.arrays]
        body = [x for stage in self.loop.stages for x in self.columns(stage, partial(self.printer.statements, stage))]
        body += self.columns(self.loop.body, self.body)
        out += [
            f"for (long long {self.axis} = start; {self.axis} < stop; {self.axis}++) {{",
            *indent([*rows, *body]),
            "}",
        ]
        if self.folds:
            steps = [
                f"{r.target.data}_lane[k][l] = "
                f"{combine_text(r.kind, r.dtype, f'{r.target.data}_lane[k][l]', f'{r.target.data}_lane[k + w][l]')};"
                for r in self.folds
            ]
            out += [
                f"for (int w = {lanes // 2}; w > 0; w /= 2) {{",
                f"{INDENT}for (int k = 0; k < w; k++) for (int l = 0; l < {self.tile}; l++) {{ {' '.join(steps)} }}",
                "}",
            ]
        return out

    def body(self) -> list[str]:
        out = [f"const long long c = {self.column} - {self.begin};", *self.printer.statements(self.loop.body)]
        for r in self.loop.results:
            value, name = self.printer.text(r.value), r.target.data
            if is_search(r):
                out += self.search(r, value)
            else:
                out.append(f"{name}_row[c] = {combine_text(r.kind, r.dtype, f'{name}_row[c]', value)};")
        return out

    def search(self, r: ReduceResult, value: str) -> list[str]:
        first = "start" if self.is_half else "0"
        return self.search_step(r, value, f"{self.axis} == {first}", self.axis, "c")

    def search_step(self, r: ReduceResult, value: str, first: str, at: str, lane: str) -> list[str]:
        """A NaN beats every number, the first of equals stays. x != x never holds for integers."""
        first = f"{first} == 0" if first == "block" else first
        name, sign = r.target.data, ">" if r.kind == "ArgMax" else "<"
        best = f"{name}_best[{lane}]"
        taken = f"({first}) | ({value} {sign} {best}) | (({value} != {value}) & ({best} == {best}))"
        return [
            f"const int {name}_taken = {taken};",
            f"{best} = {name}_taken ? {value} : {best};",
            f"{name}[{lane}] = {name}_taken ? {at} : {name}[{lane}];",
        ]

    def each(self, lines: list[str]) -> str:
        return f"for (int l = 0; l < {self.tile}; l++) {{ {' '.join(lines)} }}"

    def push(self, start: str) -> list[str]:
        if not self.folds:
            return []
        merges = [
            f"{r.target.data}_lane[0][l] = "
            f"{combine_text(r.kind, r.dtype, f'{r.target.data}_stack[depth][l]', f'{r.target.data}_lane[0][l]')};"
            for r in self.folds
        ]
        keeps = [f"{r.target.data}_stack[depth][l] = {r.target.data}_lane[0][l];" for r in self.folds]
        return [
            f"for (long long number = {start} / {self.loop.block}; number & 1; number >>= 1) {{",
            f"{INDENT}depth--;",
            INDENT + self.each(merges),
            "}",
            self.each(keeps),
            "depth++;",
        ]

    def fold_stack(self) -> list[str]:
        if not self.folds:
            return []
        steps = [
            f"{r.target.data}_stack[depth - 2][l] = "
            + combine_text(
                r.kind, r.dtype, f"{r.target.data}_stack[depth - 2][l]", f"{r.target.data}_stack[depth - 1][l]"
            )
            + ";"
            for r in self.folds
        ]
        takes = [f"{r.target.data}[l] = {r.target.data}_stack[0][l];" for r in self.folds]
        return ["for (; depth > 1; depth--) {", INDENT + self.each(steps), "}", f"if (depth > 0) {self.each(takes)}"]
