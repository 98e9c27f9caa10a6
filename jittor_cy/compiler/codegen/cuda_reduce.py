"""Reductions of a CUDA kernel: by one thread, a block of threads, or a column a thread; ordered as in docs/bits.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jittor_cy.compiler.codegen.c_like import INDENT, held_type
from jittor_cy.compiler.ir.index import value_of
from jittor_cy.compiler.ir.kernel import Partial, ReduceLoop, ReduceResult
from jittor_cy.compiler.ir.primitives import REDUCE_OPS, SUFFIX, function_name, is_floating, is_half

if TYPE_CHECKING:
    from jittor_cy.compiler.codegen.cuda import CudaPrinter

__all__ = ["PAIRWISE", "THREADS", "Fold", "ReducePrinter", "fold_text"]

# Two groups of the 64 lanes that a row reduction has; small blocks keep many rows in flight.
THREADS = 128

# Blocks are combined pairwise by index with a binary counter: the stack holds one partial result a bit of `count`.
PAIRWISE = """\
template <class T, class Fold>
struct Pairwise {
  T stack[40];
  int top = 0;
  long long count = 0;
  __device__ void push(T x) {
    for (long long carry = count++; carry & 1; carry >>= 1) x = Fold::of(stack[--top], x);
    stack[top++] = x;
  }
  __device__ T total() const {
    if (top == 0) return Fold::identity();
    T x = stack[top - 1];
    for (int i = top - 2; i >= 0; --i) x = Fold::of(stack[i], x);
    return x;
  }
};
"""

EXTREME = """\
struct {name} {{
  struct T {{
    {ctype} value;
    long long index; /* -1: nothing yet */
  }};
  __device__ static T identity() {{ return {{0, -1}}; }}
  __device__ static T at({ctype} value, long long index) {{ return {{value, index}}; }}
  __device__ static bool first(T a, T b) {{
    if (a.index < 0 || b.index < 0) return b.index < 0;
    {nan}if (a.value == b.value) return a.index < b.index;
    return a.value {sign} b.value;
  }}
  __device__ static T of(T a, T b) {{ return first(a, b) ? a : b; }}
  __device__ static long long result(T x) {{ return x.index < 0 ? 0 : x.index; }}
}};
"""
# A NaN counts as the extreme, and the first NaN wins.
NAN = """if (a.value != a.value || b.value != b.value) {
      return a.value != a.value && (b.value == b.value || a.index < b.index);
    }
    """

PLAIN = """\
struct {name} {{
  typedef {ctype} T;
  __device__ static T identity() {{ return {identity}; }}
  __device__ static T at({ctype} value, long long) {{ return value; }}
  __device__ static T of(T a, T b) {{ return {function}(a, b); }}
  __device__ static {ctype} result(T x) {{ return x; }}
}};
"""

LOWEST = {
    "bool": "0",
    "uint8": "0",
    "uint16": "0",
    "uint32": "0",
    "uint64": "0",
    "int8": "-128",
    "int16": "-32768",
    "int32": "-2147483647 - 1",
    "int64": "-9223372036854775807ll - 1",
    "float32": "-__builtin_inff()",
    "float64": "-__builtin_inf()",
}
HIGHEST = {
    "bool": "1",
    "uint8": "255",
    "uint16": "65535",
    "uint32": "4294967295u",
    "uint64": "18446744073709551615ull",
    "int8": "127",
    "int16": "32767",
    "int32": "2147483647",
    "int64": "9223372036854775807ll",
    "float32": "__builtin_inff()",
    "float64": "__builtin_inf()",
}


@dataclass(frozen=True, slots=True)
class Fold:
    """How two partial results become one: a struct of this name; `dtype` is that of what is folded."""

    kind: str
    dtype: str

    @staticmethod
    def of(result: ReduceResult) -> Fold:
        dtype = result.value.dtype if result.kind.startswith("Arg") else result.dtype
        return Fold(result.kind, "float32" if is_half(dtype) else dtype)

    @property
    def name(self) -> str:
        return f"Fold{self.kind}_{SUFFIX[self.dtype]}"


def fold_text(fold: Fold) -> str:
    """The definition of a Fold's struct."""
    ctype = held_type(fold.dtype)
    if fold.kind.startswith("Arg"):
        return EXTREME.format(
            name=fold.name,
            ctype=ctype,
            nan=NAN if is_floating(fold.dtype) else "",
            sign=">" if fold.kind == "ArgMax" else "<",
        )
    function = f"jt_{function_name(REDUCE_OPS[fold.kind])}_{SUFFIX[fold.dtype]}"
    return PLAIN.format(name=fold.name, ctype=ctype, function=function, identity=identity_text(fold.kind, fold.dtype))


def identity_text(kind: str, dtype: str) -> str:
    match kind:
        case "Sum":
            return "0"
        case "Prod":
            return "1"
        case "Max":
            return LOWEST[dtype]
    return HIGHEST[dtype]


def indent(lines: list[str]) -> list[str]:
    return [INDENT + line for line in lines]


Finish = Callable[[list[str]], list[str]]


class ReducePrinter:
    """Prints the reductions of one phase; every piece is numbered, so that names do not meet."""

    def __init__(self, printer: CudaPrinter) -> None:
        self.printer = printer
        self.folds: dict[Fold, None] = {}
        self.count = 0

    def fold(self, result: ReduceResult) -> str:
        fold = Fold.of(result)
        self.folds[fold] = None
        return fold.name

    def whole(self, loop: ReduceLoop, together: bool) -> list[str]:
        """A reduction from start to end; its targets are defined behind it, in every thread of a block."""
        extent = self.printer.text(loop.extent)
        if loop.columns is not None:
            return self.columns(loop, extent, together)
        declared = [f"{held_type(r.target.dtype)} {r.target.data};" for r in loop.results]

        def finish(totals: list[str]) -> list[str]:
            return [
                f"{r.target.data} = {self.fold(r)}::result({total});"
                for r, total in zip(loop.results, totals, strict=True)
            ]

        return declared + (
            self.by_block(loop, "0", extent, finish) if together else self.by_thread(loop, extent, finish)
        )

    def columns(self, loop: ReduceLoop, extent: str, together: bool) -> list[str]:
        """Reductions side by side: a column a thread."""
        name = str(loop.columns.data)  # type: ignore[union-attr]
        start, step = (f"{name}_begin + threadIdx.x", THREADS) if together else (f"{name}_begin", 1)

        def finish(totals: list[str]) -> list[str]:
            return [
                f"{self.printer.place(r.target)} = {self.fold(r)}::result({total});"
                for r, total in zip(loop.results, totals, strict=True)
            ]

        head = f"for (long long {name} = {start}; {name} < {name}_end; {name} += {step}) {{"
        return [head, *indent(self.by_thread(loop, extent, finish)), "}", *(["__syncthreads();"] if together else [])]

    def elements(self, loop: ReduceLoop, accumulators: list[str]) -> list[str]:
        """One element into each accumulator."""
        out = self.printer.statements(loop.body, False)
        for r, to in zip(loop.results, accumulators, strict=True):
            fold = self.fold(r)
            out.append(f"{to} = {fold}::of({to}, {fold}::at({self.printer.text(r.value)}, {loop.axis.data}));")
        return out

    def by_thread(self, loop: ReduceLoop, end: str, finish: Finish) -> list[str]:
        """Lanes in an array of this thread."""
        known = value_of(loop.extent)
        if known is not None and known <= loop.lanes:
            return self.by_thread_short(loop, known, finish)
        self.count += 1
        n, axis, lanes = self.count, loop.axis.data, loop.lanes
        folds = list(enumerate(self.fold(r) for r in loop.results))
        block = [f"const long long last{n} = jt_least(first{n} + {loop.block}, {end});"]
        for k, fold in folds:
            block.append(f"{fold}::T lane{n}_{k}[{lanes}];")
            block.append(f"for (int l = 0; l < {lanes}; ++l) lane{n}_{k}[l] = {fold}::identity();")
        inside = [
            f"const int at{n} = (int)({axis} - first{n}) % {lanes};",
            *self.elements(loop, [f"lane{n}_{k}[at{n}]" for k, _ in folds]),
        ]
        block += [f"for (long long {axis} = first{n}; {axis} < last{n}; ++{axis}) {{", *indent(inside), "}"]
        for k, fold in folds:
            block += [*self.halve_array(f"lane{n}_{k}", lanes, fold), f"blocks{n}_{k}.push(lane{n}_{k}[0]);"]
        out = [f"Pairwise<{fold}::T, {fold}> blocks{n}_{k};" for k, fold in folds]
        out += [f"for (long long first{n} = 0; first{n} < {end}; first{n} += {loop.block}) {{", *indent(block), "}"]
        return ["{", *indent(out + finish([f"blocks{n}_{k}.total()" for k, _ in folds])), "}"]

    def by_thread_short(self, loop: ReduceLoop, extent: int, finish: Finish) -> list[str]:
        """At most an element a lane: lanes that get none are left out, which changes nothing."""
        self.count += 1
        n, axis = self.count, loop.axis.data
        lanes = 1 << max(0, extent - 1).bit_length()
        folds = list(enumerate(self.fold(r) for r in loop.results))
        out = []
        for k, fold in folds:
            out.append(f"{fold}::T lane{n}_{k}[{lanes}];")
            out.append(f"for (int l = 0; l < {lanes}; ++l) lane{n}_{k}[l] = {fold}::identity();")
        elements = self.elements(loop, [f"lane{n}_{k}[{axis}]" for k, _ in folds])
        out += [f"for (long long {axis} = 0; {axis} < {extent}; ++{axis}) {{", *indent(elements), "}"]
        out += [line for k, fold in folds for line in self.halve_array(f"lane{n}_{k}", lanes, fold)]
        return ["{", *indent(out + finish([f"lane{n}_{k}[0]" for k, _ in folds])), "}"]

    @staticmethod
    def halve_array(name: str, lanes: int, fold: str) -> list[str]:
        return [
            f"for (int w = {lanes // 2}; w > 0; w /= 2) {{",
            f"{INDENT}for (int l = 0; l < w; ++l) {name}[l] = {fold}::of({name}[l], {name}[l + w]);",
            "}",
        ]

    def by_block(self, loop: ReduceLoop, begin: str, end: str, finish: Finish) -> list[str]:
        """A lane a thread; lanes are halved in shared memory, the first thread combines the blocks."""
        self.count += 1
        n, axis, lanes, groups = self.count, loop.axis.data, loop.lanes, THREADS // loop.lanes
        folds = list(enumerate(self.fold(r) for r in loop.results))
        out = []
        for k, fold in folds:
            out.append(f"__shared__ {fold}::T part{n}_{k}[{THREADS}];")
            out.append(f"Pairwise<{fold}::T, {fold}> blocks{n}_{k};")
        out.append(f"const int lane{n} = threadIdx.x % {lanes};")
        block = [
            f"const long long own{n} = first{n} + threadIdx.x / {lanes} * {loop.block};",
            f"const long long last{n} = jt_least(own{n} + {loop.block}, {end});",
        ]
        block += [f"{fold}::T sum{n}_{k} = {fold}::identity();" for k, fold in folds]
        block += [
            f"for (long long {axis} = own{n} + lane{n}; {axis} < last{n}; {axis} += {lanes}) {{",
            *indent(self.elements(loop, [f"sum{n}_{k}" for k, _ in folds])),
            "}",
        ]
        block += [f"part{n}_{k}[threadIdx.x] = sum{n}_{k};" for k, _ in folds]
        block += ["__syncthreads();", *self.halve(n, lanes, folds)]
        push = [f"blocks{n}_{k}.push(part{n}_{k}[g * {lanes}]);" for k, _ in folds]
        more = f"g < {groups} && threadIdx.x == 0 && first{n} + g * {loop.block}ll < {end}"
        block += [f"for (int g = 0; {more}; ++g) {{", *indent(push), "}", "__syncthreads();"]
        step = loop.block * groups
        out += [f"for (long long first{n} = {begin}; first{n} < {end}; first{n} += {step}) {{", *indent(block), "}"]
        out += [f"if (threadIdx.x == 0) part{n}_{k}[0] = blocks{n}_{k}.total();" for k, _ in folds]
        out += ["__syncthreads();", *finish([f"part{n}_{k}[0]" for k, _ in folds]), "__syncthreads();"]
        return ["{", *indent(out), "}"]

    @staticmethod
    def halve(n: int, lanes: int, folds: list[tuple[int, str]]) -> list[str]:
        step = [
            f"part{n}_{k}[threadIdx.x] = {fold}::of(part{n}_{k}[threadIdx.x], part{n}_{k}[threadIdx.x + w]);"
            for k, fold in folds
        ]
        return [
            f"for (int w = {lanes // 2}; w > 0; w /= 2) {{",
            f"{INDENT}if (lane{n} < w) {{",
            *indent(indent(step)),
            f"{INDENT}}}",
            f"{INDENT}__syncthreads();",
            "}",
        ]

    # ---- reductions of everything ----

    def partial(self, partial: Partial) -> list[str]:
        return self.first_half(partial) if partial.first else self.second_half(partial)

    def first_half(self, partial: Partial) -> list[str]:
        """One block of the run, into its place of the shared arrays."""
        loop, number = partial.loop, self.printer.text(partial.number)
        begin = f"{number} * {loop.block}ll"
        end = f"jt_least({begin} + {loop.block}, {self.printer.text(loop.extent)})"
        return self.by_block(loop, begin, end, lambda totals: self.keep(partial, totals, number))

    def second_half(self, partial: Partial) -> list[str]:
        """The first thread combines all blocks; every thread gets the results."""
        self.count += 1
        n, loop = self.count, partial.loop
        extent = self.printer.text(loop.extent)
        inside = []
        for k, (r, arrays) in enumerate(zip(loop.results, partial.arrays, strict=True)):
            fold = self.fold(r)
            found = ", ".join(f"{array}[block]" for array in arrays)
            made = f"{fold}::T{{{found}}}" if len(arrays) > 1 else found
            inside += [
                f"Pairwise<{fold}::T, {fold}> blocks{n}_{k};",
                f"for (long long block = 0; block * {loop.block} < {extent}; ++block) blocks{n}_{k}.push({made});",
            ]
        inside += self.keep(partial, [f"blocks{n}_{k}.total()" for k in range(len(loop.results))], "0")
        out = [f"if (threadIdx.x == 0 && {extent} > 0) {{", *indent(inside), "}", "__syncthreads();"]
        for r, arrays in zip(loop.results, partial.arrays, strict=True):
            empty = f"{self.fold(r)}::result({self.fold(r)}::identity())"
            out.append(f"const {held_type(r.target.dtype)} {r.target.data} = {extent} > 0 ? {arrays[-1]}[0] : {empty};")
        return out

    def keep(self, partial: Partial, totals: list[str], place: str) -> list[str]:
        out = []
        for r, arrays, total in zip(partial.loop.results, partial.arrays, totals, strict=True):
            members = ("x.value", "x.index") if len(arrays) > 1 else ("x",)
            stores = " ".join(f"{array}[{place}] = {member};" for array, member in zip(arrays, members, strict=True))
            out.append(f"{{ const {self.fold(r)}::T x = {total}; {stores} }}")
        return out
