"""Differential runs of random programs: fused = unfused = interpreter = eager to the bit, and = NumPy within tolerance.

python -m jittor_cy.testing.fuzz --count 10000 --first-seed 0
"""

from __future__ import annotations

import argparse
import collections
import os
import sys
from collections.abc import Iterable

import numpy as np

from jittor_cy.testing.programs import Program, random_program
from jittor_cy.testing.tolerance import assert_bits_equal, assert_close

__all__ = ["MODES", "Coverage", "check_gradients", "check_program", "main"]

# Each is a set of flags; all must give the bits of the first.
MODES: dict[str, dict[str, object]] = {
    "fused": {"wait_for_kernels": True},
    "found plan": {"wait_for_kernels": True},  # the same once more: kernels and plan are known by now
    "unfused": {"fuse": False, "wait_for_kernels": True},
    "interpreter": {"interpret": True},
    "eager": {"eager": True},
    "one thread": {"wait_for_kernels": True, "threads": 1},
    "three threads": {"wait_for_kernels": True, "threads": 3},
}
# One NumPy rounding and one of ours differ by two; the depth of a value counts how many there were.
ROUNDINGS_PER_DEPTH = 4.0


class Coverage:
    """Which op family met which dtype and which layout of the leaves."""

    def __init__(self) -> None:
        self.dtypes: collections.Counter[tuple[str, str]] = collections.Counter()
        self.layouts: collections.Counter[tuple[str, str]] = collections.Counter()

    def add(self, program: Program) -> None:
        layouts = {leaf.layout for leaf in program.leaves}
        for step in program.steps:
            self.dtypes[step.op.family, program.kinds[step.operands[0]].dtype] += 1
            for layout in sorted(layouts):
                self.layouts[step.op.family, layout] += 1

    def table(self) -> str:
        return "\n\n".join(grid(counter) for counter in (self.dtypes, self.layouts))


def grid(counter: collections.Counter[tuple[str, str]]) -> str:
    rows, columns = sorted({r for r, _ in counter}), sorted({c for _, c in counter})
    lines = [f"{'':16}" + "".join(f"{c:>12}" for c in columns)]
    return "\n".join([*lines, *(f"{r:16}" + "".join(f"{counter[r, c]:12}" for c in columns) for r in rows)])


def check_program(program: Program, modes: Iterable[str] = tuple(MODES)) -> None:
    """Raises AssertionError, with the program's text, where two answers differ."""
    import jittor_cy as jt

    reference = program.run_numpy()
    first: list[np.ndarray] | None = None
    for mode in modes:
        with jt.flags(**MODES[mode]):
            try:
                results = program.run(jt)
            except Exception as error:
                raise AssertionError(f"{mode}: {type(error).__name__}: {error}\n{program}") from error
        for index, result in zip(program.results, results, strict=True):
            kind = program.kinds[index]
            try:
                if first is None:
                    assert result.dtype == kind.dtype, f"dtype {result.dtype}, expected {kind.dtype}"
                    roundings = ROUNDINGS_PER_DEPTH * (1 + kind.depth)
                    assert_close(result, reference[index], kind.dtype, roundings, f"v{index} {mode} against NumPy")
                else:
                    assert_bits_equal(result, first[program.results.index(index)], f"v{index} {mode} against fused")
            except AssertionError as error:
                raise AssertionError(f"{error}\n{program}") from None
        first = results if first is None else first


def check_gradients(program: Program, modes: Iterable[str] = ("fused", "unfused", "interpreter")) -> None:
    """Raises AssertionError where two modes give different bits for the gradients of the program's leaves."""
    import jittor_cy as jt

    first: list[np.ndarray] | None = None
    for mode in modes:
        with jt.flags(**MODES[mode]):
            try:
                gradients = program.run_gradients(jt)
            except Exception as error:
                raise AssertionError(f"gradients, {mode}: {type(error).__name__}: {error}\n{program}") from error
        for number, gradient in enumerate(gradients if first is not None else ()):
            try:
                assert_bits_equal(gradient, first[number], f"gradient {number}, {mode} against the first mode")
            except AssertionError as error:
                raise AssertionError(f"{error}\n{program}") from None
        first = gradients if first is None else first


def main() -> int:
    """Runs seeds one after the other; prints every mismatch, then the coverage reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--max-ops", type=int, default=12)
    parser.add_argument("--gradients", action="store_true", help="check gradients too")
    parser.add_argument("--stop", type=int, default=5, help="mismatches after which to stop (default %(default)s)")
    options = parser.parse_args()
    coverage, wrong = Coverage(), 0
    for seed in range(options.first_seed, options.first_seed + options.count):
        program = random_program(seed, options.max_ops)
        coverage.add(program)
        try:
            check_program(program)
            if options.gradients:
                check_gradients(program)
        except AssertionError as error:
            wrong += 1
            print(f"seed {seed}: {error}\n", flush=True)
            if wrong >= options.stop:
                break
        if sys.stderr.isatty() or os.environ.get("JTCY_FUZZ_PROGRESS"):
            print(f"\rseed {seed}", end="", file=sys.stderr, flush=True)
    print(coverage.table())
    print(f"fuzz: seeds {options.first_seed} to {seed}, {wrong} mismatches")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
