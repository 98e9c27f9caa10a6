"""Differential runs of random programs: fused = unfused = interpreter = eager to the bit, and = NumPy within tolerance.

Each program runs on one of the machine's instruction sets in turn, also with a random schedule that keeps the bits, and
with one that does not, which is compared with NumPy.

python -m jittor_cy.testing.fuzz --count 10000 --first-seed 0
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from jittor_cy.testing.programs import Program, random_program
from jittor_cy.testing.schedules import random_choices, random_order
from jittor_cy.testing.tolerance import assert_bits_equal, assert_close

__all__ = ["MODES", "Coverage", "check_gradients", "check_program", "check_schedules", "main"]

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
    """Which op family met which dtype, layout of the leaves and instruction set; which choices were made."""

    def __init__(self) -> None:
        self.dtypes: collections.Counter[tuple[str, str]] = collections.Counter()
        self.layouts: collections.Counter[tuple[str, str]] = collections.Counter()
        self.isas: collections.Counter[tuple[str, str]] = collections.Counter()
        self.choices: collections.Counter[tuple[str, str]] = collections.Counter()

    def add(self, program: Program, isa: str, choices: dict[str, Any]) -> None:
        layouts = {leaf.layout for leaf in program.leaves}
        for step in program.steps:
            self.isas[step.op.family, isa] += 1
            self.dtypes[step.op.family, program.kinds[step.operands[0]].dtype] += 1
            for layout in sorted(layouts):
                self.layouts[step.op.family, layout] += 1
        for name, value in choices.items():
            self.choices[name, str(value)] += 1

    def table(self) -> str:
        grids = [grid(counter) for counter in (self.dtypes, self.layouts, self.isas)]
        return "\n\n".join([*grids, *self.schedules()])

    def schedules(self) -> list[str]:
        """A line a choice: how often it was made, and with how many values."""
        names = dict.fromkeys(name for name, _ in sorted(self.choices))
        counts = {name: [n for (other, _), n in self.choices.items() if other == name] for name in names}
        return ["\n".join(f"{name:16}{sum(c):12} schedules, {len(c)} values" for name, c in counts.items())]


def grid(counter: collections.Counter[tuple[str, str]]) -> str:
    rows, columns = sorted({r for r, _ in counter}), sorted({c for _, c in counter})
    lines = [f"{'':16}" + "".join(f"{c:>12}" for c in columns)]
    return "\n".join([*lines, *(f"{r:16}" + "".join(f"{counter[r, c]:12}" for c in columns) for r in rows)])


def check_program(program: Program, modes: Iterable[str] = tuple(MODES)) -> list[np.ndarray]:
    """The results. Raises AssertionError, with the program's text, where two answers differ."""
    import jittor_cy as jt

    reference = program.run_numpy()
    first: list[np.ndarray] | None = None
    for mode in modes:
        with jt.flags(**MODES[mode]):
            results = run(program, mode)
        if first is None:
            assert_like_numpy(program, results, reference, mode)
            first = results
        else:
            assert_same_bits(program, results, first, mode)
    assert first is not None
    return first


def check_schedules(program: Program, expected: list[np.ndarray], seed: int) -> dict[str, Any]:
    """The choices drawn. Raises AssertionError where one that keeps the bits does not, or where an order is wrong."""
    import jittor_cy as jt

    generator = random.Random(seed)
    choices, order = random_choices(generator), random_order(generator)
    with jt.flags(wait_for_kernels=True):
        with jt.schedule(**choices):
            kept = run(program, f"schedule {choices}")
        with jt.schedule(**order, **random_choices(generator)):
            changed = run(program, f"schedule {order}")
    assert_same_bits(program, kept, expected, f"schedule {choices}")
    assert_like_numpy(program, changed, program.run_numpy(), f"schedule {order}")
    return choices | order


def run(program: Program, mode: str) -> list[np.ndarray]:
    import jittor_cy as jt

    try:
        return program.run(jt)
    except Exception as error:
        raise AssertionError(f"{mode}: {type(error).__name__}: {error}\n{program}") from error


def assert_like_numpy(program: Program, results: list[np.ndarray], reference: list[np.ndarray], mode: str) -> None:
    for index, result in zip(program.results, results, strict=True):
        kind = program.kinds[index]
        roundings = ROUNDINGS_PER_DEPTH * (1 + kind.depth)
        try:
            assert result.dtype == kind.dtype, f"dtype {result.dtype}, expected {kind.dtype}"
            assert_close(result, reference[index], kind.dtype, roundings, f"v{index} {mode} against NumPy")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{program}") from None


def assert_same_bits(program: Program, results: list[np.ndarray], first: list[np.ndarray], mode: str) -> None:
    for index, result, expected in zip(program.results, results, first, strict=True):
        try:
            assert_bits_equal(result, expected, f"v{index} {mode} against fused")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{program}") from None


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
    import jittor_cy as jt
    from jittor_cy._plan import instruction_sets

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--max-ops", type=int, default=12)
    parser.add_argument("--gradients", action="store_true", help="check gradients too")
    parser.add_argument("--stop", type=int, default=5, help="mismatches after which to stop (default %(default)s)")
    parser.add_argument("--isa", default="", help="this instruction set alone (default: each that the machine has)")
    options = parser.parse_args()
    coverage, wrong = Coverage(), 0
    isas = [options.isa] if options.isa else instruction_sets()
    for seed in range(options.first_seed, options.first_seed + options.count):
        program = random_program(seed, options.max_ops)
        isa = isas[seed % len(isas)]
        try:
            with jt.flags(isa=isa):
                choices = check_schedules(program, check_program(program), seed)
                if options.gradients:
                    check_gradients(program)
            coverage.add(program, isa, choices)
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
