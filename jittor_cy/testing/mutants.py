"""Planted mistakes of the compiler, and how many random programs it takes to find each: a test of the tests.

    python -m jittor_cy.testing.mutants --limit 2000

A mutant lives in this process alone: its kernels have other texts or flags and so other KernelKeys, and they go to a
cache folder of their own. Random programs are compared between the mutated compiler, the interpreter and NumPy.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from jittor_cy.testing.fuzz import check_program, check_schedules
from jittor_cy.testing.programs import Program, random_program

__all__ = ["MUTANTS", "Mutant", "find", "main", "planted"]

MODES = ("fused", "interpreter")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake, and the patch that makes it."""

    name: str
    patch: Callable[[], AbstractContextManager[Any]]
    scheduled: bool = False  # it shows under schedules by hand


# ---- how mistakes are made ----


def text_edit(pattern: str, replacement: str) -> Callable[[], AbstractContextManager[Any]]:
    """Edits the C text of every kernel."""

    def patch() -> AbstractContextManager[Any]:
        from jittor_cy.compiler.codegen import cpu

        true = cpu.print_kernel
        return mock.patch.object(cpu, "print_kernel", lambda *args: re.sub(pattern, replacement, true(*args)))

    return patch


def wrapped(module: str, owner: str, change: Callable[..., Any]) -> Callable[[], AbstractContextManager[Any]]:
    """Replaces `owner` ("function" or "Class.method") of a module of the compiler by `change(true function, *args)`."""

    def patch() -> AbstractContextManager[Any]:
        *path, name = owner.split(".")
        place = functools.reduce(getattr, path, compiler_module(module))
        static = isinstance(vars(place)[name], staticmethod)
        true = getattr(place, name)

        def mutated(*args: Any, **kwargs: Any) -> Any:
            return change(true, *args, **kwargs)

        return mock.patch.object(place, name, staticmethod(mutated) if static else mutated)

    return patch


def constant(module: str, name: str, value: Any) -> Callable[[], AbstractContextManager[Any]]:
    return lambda: mock.patch.object(compiler_module(module), name, value)


def compiler_module(name: str) -> Any:
    import importlib

    return importlib.import_module(f"jittor_cy.compiler.{name}")


# ---- the mistakes ----


def unrounded(true: Callable[..., str], expr: Any, name: str, args: list[str]) -> str:
    return args[0] if name == "Round16" else true(expr, name, args)


def swapped_sub(true: Callable[..., str], expr: Any, name: str, args: list[str]) -> str:
    return true(expr, name, args[::-1] if name == "Sub" else args)


def late_slice(true: Callable[..., Any], values: Any, op: Any, var: Any, index: tuple, guard: Any) -> Any:
    """One element before the start, held at 0 so that nothing outside is read."""
    from jittor_cy.compiler.ir import expr as e
    from jittor_cy.compiler.ir import index as ix

    moved = []
    for axis, i in enumerate(index):
        start, step = values.scalar(op, axis), op.structure[axis]
        start = e.op("IndexMax", "int64", ix.sub(start, ix.ONE), ix.ZERO) if step > 0 else start
        moved.append(ix.add(start, ix.mul(e.const(step), i)))
    return values.value(op.inputs[0], tuple(moved), guard)


def late_pad(true: Callable[..., Any], values: Any, op: Any, var: Any, index: tuple, guard: Any) -> Any:
    """The source starts one element early in the first axis; its guard moves along."""
    from jittor_cy.compiler.ir import index as ix

    return true(values, op, var, (ix.add(index[0], ix.ONE), *index[1:]), guard)


def unguarded_pad(true: Callable[..., Any], values: Any, op: Any, var: Any, index: tuple, guard: Any) -> Any:
    """Outside the source the value that a zero gives is taken for the fill."""
    found = true(values, op, var, index, guard)
    return found.args[1] if found.kind == "op" and found.data == "Where" else found


def forgotten_stride(true: Callable[..., Any], values: Any, var: Any, index: tuple) -> Any:
    """The last axis of a view is read as if it were broadcast."""
    from jittor_cy.compiler.ir import index as ix

    return true(values, var, (*index[:-1], ix.ZERO) if var.layout == "strided" and index else index)


def careless_donation(true: Callable[..., bool], kernel: Any, store: Any, position: int, loads: list) -> bool:
    """An input's memory is given to the output though other elements of it are still to be read."""
    from jittor_cy.compiler.ir.primitives import ITEMSIZE

    return ITEMSIZE[kernel.buffers[position].dtype] == ITEMSIZE[store.target.dtype]


def one_level(true: Callable[..., None], builder: Any, node: Any, level: int, *rest: Any) -> None:
    """A reduction that needs another one runs in the same loop, before that is complete."""
    true(builder, node, 1, *rest)


def column_major(true: Callable[..., list], linear: Any, extents: list) -> list:
    """A position is taken apart with the first axis the fastest."""
    return true(linear, extents[::-1])[::-1]


def unfilled_buffers(true: Callable[..., tuple], statements: list, most: int) -> tuple:
    """Without row buffers later loops read them all the same, and nobody fills them."""
    from dataclasses import replace

    if most:
        return true(statements, most)
    changed, arrays = true(statements, len(statements))
    names = {a.name for a in arrays}
    kept = [
        replace(s, body=tuple(x for x in s.body if x.target.kind != "element" or x.target.data not in names))
        if any(getattr(x, "target", None) is not None and x.target.data in names for x in getattr(s, "body", ()))
        else s
        for s in changed
    ]
    return kept, arrays


MUTANTS = (
    Mutant("32 lanes in a row reduction", constant("schedule.heuristic", "ORDERS", {"blocks": ((32, 4096), (4, 256))})),
    Mutant(
        "tail of a row loses its last element",
        text_edit(r"for \(long long (\w+) = at; \1 < stop;", r"for (long long \1 = at; \1 < stop - 1;"),
    ),
    Mutant(
        "lanes combined one after the other instead of by halving",
        text_edit(
            r"for \(int w = (\d+); w > 0; w /= 2\) \{(\s*)for \(int (\w) = 0; \3 < w; \3\+\+\)",
            r"for (int w = 1; w < 2 * \1; w++) {\2for (int \3 = 0; \3 < 1; \3++)",
        ),
    ),
    Mutant(
        "tiles of another length than the default's overlap",
        text_edit(r"_tile \* (?!8;|64;|1024;)(\d+);", r"_tile * (\1 - 1);"),
        scheduled=True,
    ),
    Mutant(
        "row buffers that were refused are read",
        wrapped("schedule.loops", "keep_costly", unfilled_buffers),
        scheduled=True,
    ),
    Mutant(
        "an unrolled loop leaves out every second element",
        text_edit(r"#pragma GCC unroll \d+\n(\s*for \(long long (\w+) = [^;]+; \2 < [^;]+; )\2\+\+", r"\1\2 += 2"),
        scheduled=True,
    ),
    Mutant("blocks combined from the last to the first instead of pairwise", text_edit(r"number & 1;", "number & 0;")),
    Mutant("16-bit rounding skipped inside a kernel", wrapped("codegen.c_like", "Printer.value_operation", unrounded)),
    Mutant("operands of sub swapped", wrapped("codegen.c_like", "Printer.value_operation", swapped_sub)),
    Mutant("slice starts one element early", wrapped("schedule.values", "Values.compute_slice", late_slice)),
    Mutant("pad is one element short in front", wrapped("schedule.values", "Values.compute_pad", late_pad)),
    Mutant("pad without its condition", wrapped("schedule.values", "Values.compute_pad", unguarded_pad)),
    Mutant("stride of a view's last axis forgotten", wrapped("schedule.values", "Values.place", forgotten_stride)),
    Mutant("donated memory read after it was overwritten", wrapped("passes.donate", "may_share", careless_donation)),
    Mutant("a reduction used before it is complete", wrapped("schedule.loops", "Builder.add_result", one_level)),
    Mutant(
        "constants merged though their values differ",
        constant("passes.simplify_graph", "WITHOUT_SCALARS", ("elementwise", "reduce", "source")),
    ),
    Mutant("reshape counts column-major", wrapped("schedule.values", "unflatten", column_major)),
    Mutant(
        "multiply and add contracted",
        constant(
            "toolchain.gcc",
            "EXACT",
            # gcc contracts in a pass that -O1 leaves out.
            (
                "-ffp-contract=fast",
                "-fexpensive-optimizations",
                "-fno-math-errno",
                "-fno-trapping-math",
                "-fwrapv",
                "-fno-strict-aliasing",
            ),
        ),
    ),
)


# ---- looking for them ----


@contextlib.contextmanager
def planted(mutant: Mutant, folder: str) -> Iterator[None]:
    """The process with the mistake in it, kernels in `folder`; put right on exit, when every kernel is forgotten."""
    import jittor_cy as jt
    from jittor_cy import _plan

    jt.sync_all()
    _plan.forget_kernels()
    try:
        with jt.flags(cache_dir=folder, verify=False), mutant.patch():
            yield
    finally:
        jt.sync_all()
        _plan.wait_for_compiles()
        _plan.forget_kernels()


def is_wrong(program: Program, seed: int, scheduled: bool) -> bool:
    try:
        results = check_program(program, MODES)
        if scheduled:
            check_schedules(program, results, seed)
    except AssertionError:
        return True
    return False


def find(mutant: Mutant, limit: int, first_seed: int = 0) -> int | None:
    """How many random programs it took, None if `limit` were not enough; what is wrong anyway does not count."""
    count = 0
    with tempfile.TemporaryDirectory(prefix="jittor_cy-mutant-") as folder:
        while count < limit:
            with planted(mutant, folder):
                while count < limit:
                    seed = first_seed + count
                    program = random_program(seed)
                    count += 1
                    if is_wrong(program, seed, mutant.scheduled):
                        break
                else:
                    return None
            if not is_wrong(program, seed, mutant.scheduled):
                return count
    return None


def main() -> int:
    """One line a mutant; 1 where one was not found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=2000, help="programs for each mutant (default %(default)s)")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--only", default="", help="mutants with this in their name")
    options = parser.parse_args()
    missed = 0
    for mutant in [m for m in MUTANTS if options.only in m.name]:
        count = find(mutant, options.limit, options.first_seed)
        missed += count is None
        print(
            f"{mutant.name:64} {f'found by program {count}' if count else f'NOT found by {options.limit} programs'}",
            flush=True,
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
