"""Are the results right? Element by element against float64, by another framework where there is one."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jittor_cy.bench.case import Case
from jittor_cy.bench.contender import Process, peer
from jittor_cy.bench.runner import Figures, outputs_of, private
from jittor_cy.errors import ArgumentError

__all__ = ["Reference", "check", "largest_error", "same_bits"]


class Reference:
    """Where float64 answers come from: torch, where it is installed; else jittor_cy's own, each operation by itself."""

    def __init__(self, pythons: dict[str, str]) -> None:
        self.pythons = pythons
        self.names = ["torch_float64", "jittor_cy_float64"]

    def outputs(self, case: Case, threads: int) -> list[np.ndarray]:
        try:
            return self.ask(case, threads)
        except ArgumentError:
            if len(self.names) == 1:
                raise
            del self.names[0]
            return self.ask(case, threads)

    def ask(self, case: Case, threads: int) -> list[np.ndarray]:
        with tempfile.TemporaryDirectory(prefix="jittor_cy-bench-") as folder:
            cache = private(Path(folder) / "cache")
            with Process(peer(self.names[0], self.pythons), case.name, threads, cache) as process:
                process.ask("first")
                return outputs_of(process, Path(folder) / "outputs.npz")


def check(case: Case, found: Sequence[Figures], reference: Sequence[np.ndarray]) -> None:
    """Writes `error` and `right` into each of the figures."""
    for figures in found:
        figures.error = largest_error(figures.outputs, reference)
        figures.right = figures.error <= case.tolerance


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
