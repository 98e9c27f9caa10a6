"""Host time of one training step of a small GPT: recording, signature and launching, without waiting for the device.

python -m tests.acceptance.host_time
"""

from __future__ import annotations

import statistics
import sys
import time

import jittor_cy as jt
from jittor_cy import nn
from tests.acceptance.models import GPT, tokens

LIMIT_S = 0.002
WARMUP, STEPS = 8, 40


def measure() -> tuple[list[float], list[float], int]:
    """(seconds to record a step, seconds to flush it, ops a step); each step begins with an idle device."""
    model = GPT()
    optimizer = jt.optim.AdamW(model.parameters(), 1e-3)
    x, y = tokens()
    recording, flushing, ops = [], [], 0
    with jt.flags(wait_for_kernels=True):
        for step in range(WARMUP + STEPS):
            jt.sync_all()
            before = jt.stats()["recorded_ops"]
            start = time.perf_counter()
            loss = nn.cross_entropy_loss(model(x), y)
            optimizer.step(loss)
            recorded = time.perf_counter()
            jt.sync(loss)
            flushed = time.perf_counter()
            ops = jt.stats()["recorded_ops"] - before
            if step >= WARMUP:
                recording.append(recorded - start)
                flushing.append(flushed - recorded)
    return recording, flushing, ops


def main() -> int:
    recording, flushing, ops = measure()
    total = statistics.median(a + b for a, b in zip(recording, flushing, strict=True))
    print(
        f"host time of a step: {total * 1e3:.2f} ms (limit {LIMIT_S * 1e3:g}): recording "
        f"{statistics.median(recording) * 1e3:.2f}, flushing {statistics.median(flushing) * 1e3:.2f}; {ops} ops, "
        f"{total / ops * 1e6:.2f} us an op; fastest {min(map(sum, zip(recording, flushing, strict=True))) * 1e3:.2f} ms"
    )
    return 0 if total <= LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())
