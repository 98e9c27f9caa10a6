"""First call minus the median step of a LeNet training step, with an empty and with a warm kernel cache.

python -m tests.acceptance.latency
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

COLD_LIMIT_S = 2.0
WARM_LIMIT_S = 0.2
STEPS = 30


def measure() -> None:
    """In a process of its own: prints the first call, the median step, and how many kernels were compiled."""
    import jittor_cy as jt
    from jittor_cy import nn
    from tests.acceptance.models import LeNet, batch

    model = LeNet()
    optimizer = jt.optim.SGD(model.parameters(), 0.01)
    x, y = batch((64, 1, 28, 28))
    jt.sync_all()
    seconds = []
    for _ in range(STEPS):
        start = time.perf_counter()
        loss = nn.cross_entropy_loss(model(x), y)
        optimizer.step(loss)
        jt.sync_all(True)
        seconds.append(time.perf_counter() - start)
    jt.debug.wait_for_compiles()
    print(
        json.dumps(
            {"first": seconds[0], "median": statistics.median(seconds[10:]), "compiled": jt.stats()["kernels_compiled"]}
        )
    )


def run(cache: str) -> dict[str, float]:
    environment = {**os.environ, "JTCY_CACHE_DIR": cache}
    done = subprocess.run(
        [sys.executable, "-m", "tests.acceptance.latency", "--measure"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    with tempfile.TemporaryDirectory() as cache:
        os.chmod(cache, 0o700)
        cold, warm = run(cache), run(cache)
    print(
        f"cold: first {cold['first']:.3f} s, median step {cold['median'] * 1e3:.2f} ms, "
        f"difference {cold['first'] - cold['median']:.3f} s (limit {COLD_LIMIT_S}), "
        f"{cold['compiled']:.0f} kernels compiled"
    )
    print(
        f"warm: first {warm['first']:.3f} s, median step {warm['median'] * 1e3:.2f} ms, "
        f"difference {warm['first'] - warm['median']:.3f} s (limit {WARM_LIMIT_S}), "
        f"{warm['compiled']:.0f} kernels compiled"
    )
    right = (
        cold["first"] - cold["median"] <= COLD_LIMIT_S
        and warm["first"] - warm["median"] <= WARM_LIMIT_S
        and warm["compiled"] == 0
    )
    return 0 if right else 1


if __name__ == "__main__":
    measure() if "--measure" in sys.argv else sys.exit(main())
