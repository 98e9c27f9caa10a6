"""Reductions as C loops for the CPU, in the order that docs/bits.md fixes: lanes, halving, blocks pairwise."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from jittor_cy.compiler.codegen.c_like import CACHE_LINE, INDENT, combine_text, held_type, indent, least
from jittor_cy.compiler.codegen.cpu_columns import ColumnReduce
from jittor_cy.compiler.ir.index import value_of
from jittor_cy.compiler.ir.kernel import Loop, Partial, ReduceLoop, ReduceResult, Statement, in_lanes
from jittor_cy.compiler.ir.primitives import ITEMSIZE, identity_of

if TYPE_CHECKING:
    from jittor_cy.compiler.codegen.cpu import CpuPrinter

__all__ = ["ReducePrinter"]

# Levels of the pairwise combination: a run has less than 2^48 blocks.
STACK = 48
# Values computed before they are folded: a multiple of all numbers of lanes, and no more than the first cache takes.
RUN = 2048
# Of a later iteration: as much as this iteration reads stays in a second-level cache of 1 MiB besides.
FETCHED_NBYTES = 448 << 10


class ReducePrinter:
    def __init__(self, printer: CpuPrinter) -> None:
        self.printer = printer

    def whole(self, loop: ReduceLoop) -> list[str]:
        """Defines the results of a reduction that one thread does from start to end."""
        if loop.columns is not None:
            return ColumnReduce(self.printer, loop).lines()
        return RowReduce(self.printer, loop).lines()

    def partial(self, partial: Partial) -> list[str]:
        kind = RowReduce if partial.loop.columns is None else ColumnReduce
        reduce = kind(self.printer, partial.loop)
        return reduce.first_half(partial) if partial.first else reduce.second_half(partial)


def is_search(result: ReduceResult) -> bool:
    return result.kind.startswith("Arg")


def is_nested(body: tuple[Statement, ...]) -> bool:
    return any(isinstance(s, (Loop, ReduceLoop)) for s in body)


class RowReduce:
    """One result a ReduceLoop result: lanes in arrays, so that their loop vectorizes."""

    def __init__(self, printer: CpuPrinter, loop: ReduceLoop) -> None:
        self.printer, self.loop = printer, loop
        self.axis = str(loop.axis.data)
        self.extent = printer.text(loop.extent)
        self.folds = [r for r in loop.results if not is_search(r)]
        self.searches = [r for r in loop.results if is_search(r)]
        known = value_of(loop.extent)
        self.short = known is not None and known <= loop.lanes
        # A short row's lanes become registers.
        self.unroll = [f"#pragma GCC unroll {loop.lanes}"] if self.short and not is_nested(loop.body) else []
        self.lanes = 1 << max(0, known - 1).bit_length() if self.short else loop.lanes  # type: ignore[operator]

    def name(self, result: ReduceResult) -> str:
        return str(result.target.data)

    def identity(self, result: ReduceResult) -> str:
        return self.printer.text(identity_of(result.kind, result.dtype))

    def declare(self) -> list[str]:
        out = []
        for r in self.folds:
            out.append(f"{held_type(r.dtype)} {self.name(r)} = {self.identity(r)};")
        for r in self.searches:
            out.append(f"{held_type(r.dtype)} {self.name(r)}_best = 0;")
            out.append(f"long long {self.name(r)} = 0;")
        return out

    def lines(self) -> list[str]:
        out = self.declare()
        if self.short:
            return [*out, "{", *indent([*self.block("0", self.extent), *self.take_lanes()]), "}"]
        stacks = [f"{held_type(r.dtype)} {self.name(r)}_stack[{STACK}];" for r in self.folds]
        stacks += ["int depth = 0;"] if self.folds else []
        inner = [
            f"const long long stop = {least(f'start + {self.loop.block}', self.extent)};",
            *self.block("start", "stop"),
            *self.push("start"),
        ]
        head = f"for (long long start = 0; start < {self.extent}; start += {self.loop.block}) {{"
        return [*out, "{", *indent([*stacks, head, *indent(inner), "}", *self.fold_stack()]), "}"]

    def take_lanes(self) -> list[str]:
        known = value_of(self.loop.extent)
        return [f"{self.name(r)} = {self.name(r)}_lane[0];" for r in self.folds] if known else []

    # ---- one block ----

    def block(self, start: str, stop: str) -> list[str]:
        """Fills <name>_lane[0] with the block's value; searches go on from what they found before."""
        out = []
        for r in self.folds:
            out.append(f"{held_type(r.dtype)} {self.name(r)}_lane[{self.lanes}];")
        if self.folds:
            fill = " ".join(f"{self.name(r)}_lane[l] = {self.identity(r)};" for r in self.folds)
            out += self.unroll
            out.append(f"for (int l = 0; l < {self.lanes}; l++) {{ {fill} }}")
        out += self.elements(start, stop)
        return out + (self.halve() if self.folds else [])

    def halve(self) -> list[str]:
        """One loop a step: of a known length each, they become vectors without being unrolled first."""
        out, width = [], self.lanes // 2
        while width > 0:
            steps = " ".join(f"{self.name(r)}_lane[l] = {self.step(r, 'l', f'l + {width}')};" for r in self.folds)
            out += self.unroll
            out.append(f"for (int l = 0; l < {width}; l++) {{ {steps} }}")
            width //= 2
        return out

    def step(self, r: ReduceResult, a: str, b: str) -> str:
        return combine_text(r.kind, r.dtype, f"{self.name(r)}_lane[{a}]", f"{self.name(r)}_lane[{b}]")

    def elements(self, start: str, stop: str) -> list[str]:
        if not in_lanes(self.loop):
            lane = f"{self.axis} - {start}" if start != "0" else self.axis
            lane = lane if self.short else f"({lane}) % {self.lanes}"
            body = self.body(lane, start)
            return [
                *self.unroll,
                f"for (long long {self.axis} = {start}; {self.axis} < {stop}; {self.axis}++) {{",
                *indent(body),
                "}",
            ]
        if self.loop.rows:
            return self.elements_by_rows(start, stop)
        bodies = [(stage, partial(self.printer.statements, stage)) for stage in self.loop.stages]
        full = [
            x
            for stage, lines in (*bodies, (self.loop.body, lambda: self.body("l", start)))
            for x in self.over_lanes(stage, lines)
        ]
        rest = [lines() for _, lines in bodies] + [self.body(f"{self.axis} - at", start)]
        arrays = [f"{held_type(a.dtype)} {a.name}[{self.lanes}];" for a in self.loop.arrays]
        return [
            f"long long at = {start};",
            *arrays,
            f"for (; at + {self.lanes} <= {stop}; at += {self.lanes}) {{",
            *indent([*self.fetches(), *full]),
            "}",
            *[x for lines in rest for x in self.over_rest(lines, stop)],
        ]

    def elements_by_rows(self, start: str, stop: str) -> list[str]:
        """Values of a run of elements, a row at a time, and then lanes over them."""
        axis, values = self.axis, [f"{held_type(r.value.dtype)} {self.name(r)}_value[{RUN}];" for r in self.folds]
        rows = [(str(row.data), self.printer.text(length)) for row, length in self.loop.rows]
        ends = [f"if (({row} + 1) * {length} < row_end) row_end = ({row} + 1) * {length};" for row, length in rows]
        keeps = [f"{self.name(r)}_value[{axis} - run] = {self.printer.text(r.value)};" for r in self.folds]
        one_row = [
            *[f"const long long {row} = row_begin / {length};" for row, length in rows],
            "long long row_end = run_end;",
            *ends,
            *self.printer.pragma,
            f"for (long long {axis} = row_begin; {axis} < row_end; {axis}++) {{",
            *indent([*self.printer.statements(self.loop.body), *keeps]),
            "}",
            "row_begin = row_end;",
        ]
        folds = [self.fold(r, "l", "at - run + l") for r in self.folds]
        inner = [
            f"const long long run_end = {least(f'run + {RUN}', stop)};",
            *values,
            "for (long long row_begin = run; row_begin < run_end;) {",
            *indent(one_row),
            "}",
            "long long at = run;",
            f"for (; at + {self.lanes} <= run_end; at += {self.lanes}) {{",
            *indent([f"for (long long l = 0; l < {self.lanes}; l++) {{", *indent(folds), "}"]),
            "}",
            "for (long long l = 0; l < run_end - at; l++) {",
            *indent(folds),
            "}",
        ]
        return [f"for (long long run = {start}; run < {stop}; run += {RUN}) {{", *indent(inner), "}"]

    def fold(self, r: ReduceResult, lane: str, place: str) -> str:
        to = f"{self.name(r)}_lane[{lane}]"
        return f"{to} = {combine_text(r.kind, r.dtype, to, f'{self.name(r)}_value[{place}]')};"

    def over_lanes(self, statements: tuple[Statement, ...], lines: Callable[[], list[str]]) -> list[str]:
        streams = self.printer.streams
        stores = streams.stores(statements)
        body = [f"const long long {self.axis} = at + l;", *(streams.printed_into_lines(lines) if stores else lines())]
        loop = [*self.printer.pragma, f"for (long long l = 0; l < {self.lanes}; l++) {{", *indent(body), "}"]
        if not stores:
            return loop
        declared = streams.declared(stores, self.lanes)
        return ["{", *indent([*declared, *loop, *streams.put(self.axis, "at", stores, self.lanes)]), "}"]

    def over_rest(self, body: list[str], stop: str) -> list[str]:
        head = f"for (long long {self.axis} = at; {self.axis} < {stop}; {self.axis}++) {{"
        return [*self.printer.pragma, head, *indent(body), "}"]

    def fetches(self) -> list[str]:
        """Asks for the lines of a later iteration that lie where these lanes are."""
        out = []
        for ahead in self.loop.ahead:
            line = max(1, CACHE_LINE // ITEMSIZE[ahead.dtype])
            head = f"for (long long {self.axis} = at; {self.axis} < at + {self.lanes}; {self.axis} += {line})"
            out.append(f"{head} __builtin_prefetch(&{self.printer.place(ahead)});")
        if self.loop.ahead_nbytes is None or not out:
            return out
        return [f"if ({self.printer.text(self.loop.ahead_nbytes)} <= {FETCHED_NBYTES}) {{", *indent(out), "}"]

    def body(self, lane: str, start: str) -> list[str]:
        out = self.printer.statements(self.loop.body)
        for r in self.folds:
            value = self.printer.text(r.value)
            place = f"{self.name(r)}_lane[{lane}]"
            out.append(f"{place} = {combine_text(r.kind, r.dtype, place, value)};")
        for r in self.searches:
            out += self.search(r, f"{self.name(r)}_best", self.name(r), self.axis, f"{self.axis} == {start}")
        return out

    def search(self, r: ReduceResult, best: str, index: str, at: str, first: str) -> list[str]:
        """A NaN beats every number, the first of equals stays. x != x never holds for integers."""
        value = self.printer.text(r.value)
        sign = ">" if r.kind == "ArgMax" else "<"
        first = f"{self.axis} == 0" if first.endswith("start") and not self.is_partial else first
        taken = f"({first}) | ({value} {sign} {best}) | (({value} != {value}) & ({best} == {best}))"
        name = f"{self.name(r)}_taken"
        return [
            f"const int {name} = {taken};",
            f"{best} = {name} ? {value} : {best};",
            f"{index} = {name} ? {at} : {index};",
        ]

    is_partial = False

    # ---- blocks pairwise ----

    def push(self, start: str) -> list[str]:
        if not self.folds:
            return []
        out = [
            "int merged = depth;  // as many as the block's number has ones at its end",
            f"for (long long number = {start} / {self.loop.block}; number & 1; number >>= 1) {{",
            f"{INDENT}merged--;",
        ]
        for r in self.folds:
            out.append(
                f"{INDENT}{self.name(r)}_lane[0] = "
                f"{combine_text(r.kind, r.dtype, f'{self.name(r)}_stack[merged]', f'{self.name(r)}_lane[0]')};"
            )
        out.append("}")
        out += [f"{self.name(r)}_stack[merged] = {self.name(r)}_lane[0];" for r in self.folds]
        return [*out, "depth = merged + 1;"]

    def fold_stack(self) -> list[str]:
        if not self.folds:
            return []
        steps = [
            f"{self.name(r)}_stack[depth - 2] = "
            f"{combine_text(r.kind, r.dtype, f'{self.name(r)}_stack[depth - 2]', f'{self.name(r)}_stack[depth - 1]')};"
            for r in self.folds
        ]
        takes = " ".join(f"{self.name(r)} = {self.name(r)}_stack[0];" for r in self.folds)
        return ["for (; depth > 1; depth--) {", *indent(steps), "}", f"if (depth > 0) {{ {takes} }}"]

    # ---- in two phases ----

    def first_half(self, partial: Partial) -> list[str]:
        self.is_partial = True
        number = str(partial.number.data)
        out = [
            f"const long long start = {number} * {self.loop.block};",
            f"const long long stop = {least(f'start + {self.loop.block}', self.extent)};",
        ]
        for r in self.searches:
            out += [f"{held_type(r.dtype)} {self.name(r)}_best = 0;", f"long long {self.name(r)} = 0;"]
        out += self.block("start", "stop")
        for r, arrays in zip(self.loop.results, partial.arrays, strict=True):
            if is_search(r):
                out += [f"{arrays[0]}[{number}] = {self.name(r)}_best;", f"{arrays[1]}[{number}] = {self.name(r)};"]
            else:
                out.append(f"{arrays[0]}[{number}] = {self.name(r)}_lane[0];")
        return out

    def second_half(self, partial: Partial) -> list[str]:
        out = self.declare()
        count = self.printer.text(partial.number.args[0])
        stacks = [f"{held_type(r.dtype)} {self.name(r)}_stack[{STACK}];" for r in self.folds]
        stacks += ["int depth = 0;"] if self.folds else []
        takes, keeps = [], []
        for r, arrays in zip(self.loop.results, partial.arrays, strict=True):
            if is_search(r):
                takes += self.search_blocks(r, arrays)
                keeps.append(f"{arrays[1]}[0] = {self.name(r)};")
            else:
                takes.append(f"{held_type(r.dtype)} {self.name(r)}_lane[1] = {{{arrays[0]}[block]}};")
                keeps.append(f"{arrays[0]}[0] = {self.name(r)};")
        inner = [*takes, *self.push(f"block * {self.loop.block}")]
        loop = [f"for (long long block = 0; block < {count}; block++) {{", *indent(inner), "}"]
        return [
            *out,
            "{",
            *indent([*stacks, *loop, *self.fold_stack()]),
            "}",
            f"if ({count} > 0) {{",
            *indent(keeps),
            "}",
        ]

    def search_blocks(self, r: ReduceResult, arrays: tuple[str, ...]) -> list[str]:
        best, value = f"{self.name(r)}_best", f"{arrays[0]}[block]"
        sign = ">" if r.kind == "ArgMax" else "<"
        taken = f"(block == 0) | ({value} {sign} {best}) | (({value} != {value}) & ({best} == {best}))"
        return [
            f"const int {self.name(r)}_taken = {taken};",
            f"{best} = {self.name(r)}_taken ? {value} : {best};",
            f"{self.name(r)} = {self.name(r)}_taken ? {arrays[1]}[block] : {self.name(r)};",
        ]
