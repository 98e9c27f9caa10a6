"""First call minus the median step of a training step, with an empty and with a warm kernel cache.

python -m tests.acceptance.latency [lenet | gpt]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

# (cold, warm): LeNet's hold on a busy machine too.
LIMITS_S = {"lenet": (2.0, 0.2), "gpt": (1.0, 0.1)}
STEPS = 30


def measure(name: str) -> None:
    """In a process of its own: prints the first call, the median step, and how many kernels were compiled."""
    import jittor_cy as jt
    from jittor_cy import nn
    from tests.acceptance.models import GPT, LeNet, batch, tokens

    model = GPT() if name == "gpt" else LeNet()
    optimizer = jt.optim.AdamW(model.parameters(), 1e-3) if name == "gpt" else jt.optim.SGD(model.parameters(), 0.01)
    x, y = tokens() if name == "gpt" else batch((64, 1, 28, 28))
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


def run(name: str, cache: str) -> dict[str, float]:
    settings = {"JTCY_CACHE_DIR": cache, "JTCY_COMPILE_AT_ONCE": "0", "JTCY_PLAN_STORE": "1", "JTCY_VERIFY": "0"}
    environment = {**os.environ, **settings}
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


if __name__ == "__main__":
    model_name = "gpt" if "gpt" in sys.argv else "lenet"
    measure(model_name) if "--measure" in sys.argv else sys.exit(main(model_name))
