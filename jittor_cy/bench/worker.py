"""One framework and one case in a process of its own: answers the runner's requests, one line of JSON each.

Started by contender.py; stdout belongs to the protocol, what a framework prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from jittor_cy.bench import frameworks
from jittor_cy.bench.case import TRAIN, Case
from jittor_cy.bench.workloads import select

__all__ = ["main"]

WARM_STEPS = 3
LEAST_STEPS = 3  # a median of fewer says nothing
HOST_STEPS = 9
# Threads of the process measured before spin for a while after their last work.
REST_S = 0.02
LOSSES = 3


class Worker:
    """Does what it is asked for, in the order: first, round (any number), host, outputs."""

    def __init__(self, framework: str, case: Case, threads: int) -> None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        self.case = case
        self.framework = frameworks.make(framework, threads)
        self.step = self.framework.build(case)
        self.losses: list[float] = []
        self.before = reset_peak()

    def timed(self) -> float:
        start = time.perf_counter()
        values = self.step()
        self.framework.wait(values)
        elapsed = time.perf_counter() - start
        if self.case.mode == TRAIN and len(self.losses) < LOSSES:
            self.losses.append(float(self.framework.numpy(values[0])))
        return elapsed

    def first(self) -> dict[str, Any]:
        """The first step, then what it takes until kernels are there and everything is known."""
        first = self.timed()
        self.framework.settle()
        for _ in range(WARM_STEPS):
            self.timed()
        self.framework.settle()
        return {"first_s": first, "version": self.framework.version}

    def round(self, seconds: float) -> dict[str, Any]:
        """Times of steps, one after the other."""
        time.sleep(REST_S)
        self.timed()
        times: list[float] = []
        end = time.perf_counter() + seconds
        while len(times) < LEAST_STEPS or time.perf_counter() < end:
            times.append(self.timed())
        return {"times_s": times, "peak_nbytes": max(0, peak_nbytes() - self.before)}

    def host(self) -> dict[str, Any]:
        """Median time until a step is recorded and on its way; None where a step returns with its results."""
        if not self.framework.lazy:
            return {"host_s": None}
        times = []
        for _ in range(HOST_STEPS):
            start = time.perf_counter()
            values = self.step()
            self.framework.start(values)
            times.append(time.perf_counter() - start)
            self.framework.wait(values)
        return {"host_s": statistics.median(times)}

    def outputs(self, path: str, nudge: int = 0) -> dict[str, Any]:
        """Writes what a step computes, and the losses of the first steps, to `path` (.npz)."""
        values = self.framework.outputs(self.case.nudged(nudge) if nudge else self.case)
        if self.losses:
            values.append(np.asarray(self.losses))
        np.savez(path, *values)
        return {"count": len(values)}


def status_nbytes(field: str) -> int:
    """VmRSS or VmHWM; the peak that rusage has counts the parent's pages, before exec."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found.group(1)) << 10 if found else 0


def peak_nbytes() -> int:
    return status_nbytes("VmHWM")


def reset_peak() -> int:
    """Forgets the peak so far (framework, inputs); returns what is resident now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:  # not allowed in some containers: then the peak of the import counts too
        return min(peak_nbytes(), status_nbytes("VmRSS"))
    return status_nbytes("VmRSS")


def answer(channel: TextIO, value: dict[str, Any]) -> None:
    channel.write(json.dumps(value) + "\n")
    channel.flush()


def main() -> None:
    """`framework case threads` as arguments; requests {"do": name, ...} on stdin until it ends."""
    name, case, threads = sys.argv[-3:]
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        worker = Worker(name, select(case)[0], int(threads))
        answer(channel, {})
        for line in sys.stdin:
            request = json.loads(line)
            answer(channel, getattr(worker, request.pop("do"))(**request))
    except ImportError as error:
        answer(channel, {"missing": error.name or str(error), "error": str(error)})
    except Exception as error:
        answer(channel, {"error": f"{type(error).__name__}: {error}"})
    channel.flush()
    os._exit(0)  # tearing a framework down is not what is measured


if __name__ == "__main__":
    main()
