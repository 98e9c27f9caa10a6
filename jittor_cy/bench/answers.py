"""Are the results right? Element by element against float64, by another framework where there is one."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jittor_cy.bench.case import Case
from jittor_cy.bench.contender import Process, peer
from jittor_cy.bench.runner import Figures, outputs_of, private
from jittor_cy.errors import ArgumentError

__all__ = ["Answer", "Reference", "check", "largest_error", "same_bits"]

# Where gradients jump, float64 answers for so many nudged inputs are compared, and a result may be off by so many times
# what they are: one activation on the other side of a kink moves a gradient by as much as it happens to weigh.
NUDGED = 4
JUMPS = 4.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a case computes in float64, and how far each array may be off, as a share of its largest element."""

    outputs: list[np.ndarray]
    allowed: list[float]

    def is_met_by(self, outputs: Sequence[np.ndarray]) -> bool:
        errors = [error_of(a, b) for a, b in zip(outputs, self.outputs, strict=False)]
        return len(outputs) == len(self.outputs) and all(e <= a for e, a in zip(errors, self.allowed, strict=True))


class Reference:
    """Where float64 answers come from: torch, where it is installed; else jittor_cy's own, each operation by itself."""

    def __init__(self, pythons: dict[str, str]) -> None:
        self.pythons = pythons
        self.names = ["torch_float64", "jittor_cy_float64"]

    def answer(self, case: Case, threads: int) -> Answer:
        try:
            return self.ask(case, threads)
        except ArgumentError:
            if len(self.names) == 1:
                raise
            del self.names[0]
            return self.ask(case, threads)

    def ask(self, case: Case, threads: int) -> Answer:
        with tempfile.TemporaryDirectory(prefix="jittor_cy-bench-") as folder:
            cache = private(Path(folder) / "cache")
            with Process(peer(self.names[0], self.pythons), case.name, threads, cache) as process:
                process.ask("first")
                path = Path(folder) / "outputs.npz"
                outputs = outputs_of(process, path)
                allowed = [case.tolerance] * len(outputs)
                for number in range(1, NUDGED + 1) if case.kinks else ():
                    moved = outputs_of(process, path, number)
                    allowed = [
                        max(most, JUMPS * error_of(a, b)) for most, a, b in zip(allowed, moved, outputs, strict=True)
                    ]
                return Answer(outputs, allowed)


def check(found: Sequence[Figures], answer: Answer) -> None:
    """Writes `error` and `right` into each of the figures."""
    for figures in found:
        figures.error = largest_error(figures.outputs, answer.outputs)
        figures.right = answer.is_met_by(figures.outputs)


def largest_error(outputs: Sequence[np.ndarray], reference: Sequence[np.ndarray]) -> float:
    """The largest difference, as a share of the largest element of its array; infinite where shapes differ."""
    if len(outputs) != len(reference):
        return float("inf")
    return max((error_of(a, b) for a, b in zip(outputs, reference, strict=True)), default=0.0)


def error_of(found: np.ndarray, expected: np.ndarray) -> float:
    if found.shape != expected.shape:
        return float("inf")
    if found.size == 0:
        return 0.0
    wide = expected.astype(np.float64)
    difference = np.abs(found.astype(np.float64) - wide).max()
    largest = np.abs(wide).max()
    error = difference / largest if largest > 0 else difference
    return float(error) if np.isfinite(error) else float("inf")


def same_bits(a: Sequence[np.ndarray], b: Sequence[np.ndarray]) -> bool:
    """Whether two runs gave the same arrays to the bit; a NaN equals any NaN."""
    return len(a) == len(b) and all(
        x.dtype == y.dtype and x.shape == y.shape and np.array_equal(x, y, equal_nan=x.dtype.kind == "f")
        for x, y in zip(a, b, strict=True)
    )
