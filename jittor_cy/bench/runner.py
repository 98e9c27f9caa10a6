"""Measures cases: all contenders of a case are started together, and take turns, so that drift falls on all of them."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from jittor_cy.bench.case import Case
from jittor_cy.bench.contender import Contender, Process

__all__ = ["Figures", "Settings", "measure", "outputs_of", "private"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a case is measured: `rounds` turns of `seconds` each, on `threads` cores."""

    rounds: int = 3
    seconds: float = 0.3
    threads: int = 1


@dataclass(slots=True)
class Figures:
    """What was measured of one contender and one case. `outputs`: as a step of the case computes them."""

    contender: str
    case: str
    first_s: float
    warm_first_s: float | None = None
    version: str = ""
    rounds_s: list[float] = field(default_factory=list)  # the median of each turn
    peak_nbytes: int = 0
    note: str = ""  # why some kernel could not be compiled: then the interpreter was measured
    host_s: float | None = None
    error: float | None = None  # the largest, as a share of the largest element; None: nothing to compare with
    right: bool = True
    outputs: list[np.ndarray] = field(default_factory=list, repr=False)

    @property
    def median_s(self) -> float:
        return statistics.median(self.rounds_s)

    @property
    def spread(self) -> float:
        """Half of what lies between the fastest and the slowest turn, as a share of the median."""
        return (max(self.rounds_s) - min(self.rounds_s)) / 2 / self.median_s

    def as_json(self) -> dict[str, Any]:
        names = (
            "first_s",
            "warm_first_s",
            "version",
            "rounds_s",
            "peak_nbytes",
            "note",
            "host_s",
            "error",
            "right",
        )
        return {"median_s": self.median_s, "spread": self.spread} | {name: getattr(self, name) for name in names}


def measure(case: Case, contenders: Sequence[Contender], settings: Settings) -> list[Figures]:
    """The figures of each contender, in the order given.

    Raises: ArgumentError: a contender's package is not installed · RunError: one failed
    """
    with tempfile.TemporaryDirectory(prefix="jittor_cy-bench-") as folder, ExitStack() as stack:
        caches = [private(Path(folder) / f"cache{number}") for number in range(len(contenders))]
        processes = [
            stack.enter_context(Process(contender, case.name, settings.threads, cache))
            for contender, cache in zip(contenders, caches, strict=True)
        ]
        found = [started(process) for process in processes]
        for _ in range(settings.rounds):
            for process, figures in zip(processes, found, strict=True):
                turn = process.ask("round", seconds=settings.seconds)
                figures.rounds_s.append(statistics.median(turn["times_s"]))
                figures.peak_nbytes = max(figures.peak_nbytes, turn["peak_nbytes"])
        for process, figures in zip(processes, found, strict=True):
            figures.host_s = process.ask("host")["host_s"]
            figures.note = process.failed_compile()
            figures.outputs = outputs_of(process, Path(folder) / "outputs.npz")
        for contender, cache, figures in zip(contenders, caches, found, strict=True):
            if contender.is_ours:
                with Process(contender, case.name, settings.threads, cache) as again:
                    figures.warm_first_s = again.ask("first")["first_s"]
    return found


def private(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def started(process: Process) -> Figures:
    first = process.ask("first")
    return Figures(process.contender.name, process.case, first["first_s"], version=first["version"])


def outputs_of(process: Process, path: Path, nudge: int = 0) -> list[np.ndarray]:
    process.ask("outputs", path=str(path), nudge=nudge)
    with np.load(path) as archive:
        values = [archive[name] for name in archive.files]
    os.unlink(path)
    return values
