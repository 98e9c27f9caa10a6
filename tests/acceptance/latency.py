"""First call minus the median: of a training step, with an empty and a warm kernel cache, and of every operator.

python -m tests.acceptance.latency [lenet | gpt | resnet | operators]
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

# (cold, warm): LeNet's hold on a busy machine too.
LIMITS_S = {"lenet": (2.0, 0.2), "gpt": (1.0, 0.1), "resnet": (1.0, 0.1)}
OPERATOR_LIMIT_S = 0.15
WARM_CALLS, CALLS = 4, 15
OPERATORS = "operators"


def training_step(name: str) -> Callable[[], Any]:
    import jittor_cy as jt
    from jittor_cy import nn
    from tests.acceptance.models import GPT, LeNet, ResNet, batch, tokens

    model = {"gpt": GPT, "lenet": LeNet, "resnet": ResNet}[name]()
    optimizer = jt.optim.AdamW(model.parameters(), 1e-3) if name == "gpt" else jt.optim.SGD(model.parameters(), 0.01)
    inputs = {"gpt": tokens, "lenet": lambda: batch((64, 1, 28, 28)), "resnet": lambda: batch((32, 3, 32, 32))}
    x, y = inputs[name]()

    def step() -> None:
        optimizer.step(nn.cross_entropy_loss(model(x), y))

    return step


def operator(name: str) -> Callable[[], Any]:
    """A workload of the bench."""
    from jittor_cy.bench import frameworks
    from jittor_cy.bench.workloads import select

    return frameworks.make("jittor_cy", len(os.sched_getaffinity(0))).build(select(name)[0])


def operators() -> list[str]:
    from jittor_cy.bench.workloads import FAMILIES

    return [case.name for family, cases in FAMILIES.items() if family not in ("models", "networks") for case in cases]


def measure(name: str) -> None:
    """In a process of its own: prints the first call, the median, and how many kernels were compiled."""
    import jittor_cy as jt

    step = training_step(name) if name in LIMITS_S else operator(name)
    jt.sync_all()
    first = timed(step)
    for _ in range(WARM_CALLS):  # until every kernel is there
        timed(step)
        jt.debug.wait_for_compiles()
    median = statistics.median(timed(step) for _ in range(CALLS))
    print(json.dumps({"first": first, "median": median, "compiled": jt.stats()["kernels_compiled"]}))


def timed(step: Callable[[], Any]) -> float:
    import jittor_cy as jt

    start = time.perf_counter()
    values = step()  # what nobody holds is not computed
    jt.sync_all(True)
    elapsed = time.perf_counter() - start
    del values
    return elapsed


@functools.cache
def bytecode() -> str:
    """A folder with the bytecode of what is measured, as an installation has it."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    for package in ("jittor_cy", "tests.acceptance"):
        path = os.path.dirname(importlib.util.find_spec(package).origin)
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder.name}
        subprocess.run([sys.executable, "-m", "compileall", "-q", path], env=environment, check=True)
    return folder.name


def run(name: str, cache: str) -> dict[str, float]:
    settings = {"JTCY_CACHE_DIR": cache, "JTCY_COMPILE_AT_ONCE": "0", "JTCY_PLAN_STORE": "1", "JTCY_VERIFY": "0"}
    environment = {**os.environ, **settings, "PYTHONPYCACHEPREFIX": bytecode()}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-m", "tests.acceptance.latency", name, "--measure"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main(name: str) -> int:
    cold_limit_s, warm_limit_s = LIMITS_S[name]
    with tempfile.TemporaryDirectory() as cache:
        os.chmod(cache, 0o700)
        cold, warm = run(name, cache), run(name, cache)
    print(
        f"cold: first {cold['first']:.3f} s, median step {cold['median'] * 1e3:.2f} ms, "
        f"difference {cold['first'] - cold['median']:.3f} s (limit {cold_limit_s}), "
        f"{cold['compiled']:.0f} kernels compiled"
    )
    print(
        f"warm: first {warm['first']:.3f} s, median step {warm['median'] * 1e3:.2f} ms, "
        f"difference {warm['first'] - warm['median']:.3f} s (limit {warm_limit_s}), "
        f"{warm['compiled']:.0f} kernels compiled"
    )
    right = (
        cold["first"] - cold["median"] <= cold_limit_s
        and warm["first"] - warm["median"] <= warm_limit_s
        and warm["compiled"] == 0
    )
    return 0 if right else 1


def main_operators() -> int:
    """The slowest first calls; 1 where one is over the limit."""
    found = []
    for name in operators():
        with tempfile.TemporaryDirectory() as cache:
            os.chmod(cache, 0o700)
            times = run(name, cache)
        found.append((times["first"] - times["median"], name))
    found.sort(reverse=True)
    late = [name for difference, name in found if difference > OPERATOR_LIMIT_S]
    for difference, name in found[: max(10, len(late))]:
        print(f"cold: {name:28} difference {difference:.3f} s (limit {OPERATOR_LIMIT_S})")
    print(f"{len(found)} operators, {len(late)} over the limit")
    return 1 if late else 0


if __name__ == "__main__":
    chosen = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "lenet")
    if "--measure" in sys.argv:
        measure(chosen)
    else:
        sys.exit(main_operators() if chosen == OPERATORS else main(chosen))
