"""autotune: a timed choice between the schedules of a kernel that keep its bits, remembered on disk.

A Program that is new while flags.autotune is on has each of its kernels compiled with every schedule that differs from
the default in one choice; they are timed in turn, with the extents at hand and on scratch memory, then the best
choices together. What is a little faster by chance is not taken. The key of what is remembered is the kernel's form,
the schedule that it starts from, instruction set, compiler, processor, threads, and each extent's power of two.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from jittor_cy.compiler.ir.program import KernelSource, Launch
from jittor_cy.compiler.ir.schedule import Choices, Schedule, choices_of
from jittor_cy.compiler.pipeline import Build
from jittor_cy.compiler.schedule.reuse import Form
from jittor_cy.compiler.toolchain.gcc import compiler, compiler_version
from jittor_cy.compiler.toolchain.remembered import Remembered
from jittor_cy.debug.trace import trace

__all__ = ["TUNED", "Tuned", "Tuner"]

# Seconds in which the candidates of a kernel are timed.
BUDGET_S = 0.2
# A candidate is taken if it needs at most this part of the default's time.
WORTH = 0.97


class Measure(Protocol):
    """Times launches of one graph, whose symbols have these extents."""

    extents: list[int]

    def __call__(
        self, launches: Sequence[Launch], sources: Sequence[KernelSource], budget_s: float
    ) -> list[float | None] | None:
        """Least seconds of each launch (None: its kernel does not compile); None: no room in memory."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was found for one kernel: seconds of the default and of the choice, measured side by side."""

    name: str
    default: Schedule
    chosen: Schedule
    default_s: float
    chosen_s: float
    remembered: bool

    def __str__(self) -> str:
        what = self.chosen.differences(self.default) or "the default"
        times = f"{self.default_s * 1e6:.1f} us -> {self.chosen_s * 1e6:.1f} us"
        return f"{self.name}: {times}, {what}{' (remembered)' if self.remembered else ''}"

    def text(self) -> str:
        return f"{self.default_s:.9e} {self.chosen_s:.9e}\n{self.chosen}"


# Of this process, by key.
TUNED: dict[str, Tuned] = {}


class Tuner:
    """Says which schedule each kernel of one graph gets."""

    def __init__(self, isa: str, threads: int, measure: Measure) -> None:
        self.isa, self.threads, self.measure = isa, threads, measure
        self.store = Remembered(compiler().disk_cache())

    def __call__(self, form: Form, schedule: Schedule, given: Choices, build: Build) -> Schedule:
        key = self.key(form, schedule)
        found = TUNED.get(key) or self.recall(key, schedule, build)
        if found is None:
            found = self.search(schedule, [name for name, _ in given], build)
            if found is not None:
                self.store.keep(key, found.text())
        if found is None:
            return schedule
        TUNED[key] = found
        return found.chosen

    def key(self, form: Form, schedule: Schedule) -> str:
        classes = [self.measure.extents[symbol].bit_length() for symbol in form.symbols]
        where = (self.isa, compiler_version(), processor(), self.threads)
        return hashlib.sha256(repr((form.key, str(schedule), where, classes)).encode()).hexdigest()

    def recall(self, key: str, schedule: Schedule, build: Build) -> Tuned | None:
        text = self.store.find(key)
        if text is None:
            return None
        times, _, chosen = text.partition("\n")
        default_s, chosen_s = map(float, times.split())
        _, source = build(schedule)
        return Tuned(source.name, schedule, Schedule.parse(chosen), default_s, chosen_s, True)

    def search(self, schedule: Schedule, fixed: list[str], build: Build) -> Tuned | None:
        """None where nothing could be measured."""
        launch, source = build(schedule)
        times = self.timed([schedule, *schedule.neighbours(launch.kinds, fixed)], build)
        if times.get(schedule) is None:
            return None
        combined = together(schedule, times)
        if combined is not None and combined not in times:
            again = self.timed([schedule, combined], build)
            times |= {s: t for s, t in again.items() if s != schedule}
        chosen = min(times, key=lambda s: times[s])
        if times[chosen] > WORTH * times[schedule]:
            chosen = schedule
        found = Tuned(source.name, schedule, chosen, times[schedule], times[chosen], False)
        trace(2, "autotune", kernel=source.name, candidates=len(times), found=found)
        return found

    def timed(self, schedules: list[Schedule], build: Build) -> dict[Schedule, float]:
        """Seconds of each schedule that makes another kernel; those that fail are traced and left out."""
        launches: dict[tuple, tuple[Schedule, Launch, KernelSource]] = {}
        for schedule in schedules:
            try:
                launch, source = build(schedule)
            except Exception as error:  # a fault of one candidate: the default stays
                trace(1, "autotune", failed=schedule, why=error, effect="the default stays")
                continue
            launches.setdefault((source.key, launch.phases, launch.donations), (schedule, launch, source))
        tried = list(launches.values())
        try:
            times = self.measure([t[1] for t in tried], list({t[2].key: t[2] for t in tried}.values()), BUDGET_S)
        except Exception as error:
            trace(1, "autotune", failed="measure", why=error, effect="the default stays")
            return {}
        if times is None:
            trace(1, "autotune", kernel=tried[0][2].name, failed="no room in memory", effect="the default stays")
            return {}
        return {s: seconds for (s, _, _), seconds in zip(tried, times, strict=True) if seconds is not None}


def together(schedule: Schedule, times: dict[Schedule, float]) -> Schedule | None:
    """The best value of each choice at once; None where at most one is better than the default's."""
    best: dict[str, tuple[float, str]] = {}
    for other, seconds in times.items():
        name, _, value = other.differences(schedule).partition("=")
        if other != schedule and seconds < min(WORTH * times[schedule], best.get(name, (seconds + 1, ""))[0]):
            best[name] = (seconds, value)
    if len(best) < 2:
        return None
    return schedule.given(choices_of({name: value for name, (_, value) in best.items()}))


@functools.cache
def processor() -> str:
    """The model's name, where the system tells it."""
    try:
        with open("/proc/cpuinfo") as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        return ""
