"""Trains the Fashion-MNIST net at a batch size that makes activations dominate, unconstrained and at 40 % of that peak.

    python -m tests.acceptance.budget [--steps 50] [--batch 256] [--share 0.4]

Losses must be equal to the bit, counted bytes never above the budget, and peak resident memory above the baseline
within the budget + 5 % + 64 MiB. Prints the slowdown.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

SHARE_OF_RSS = 1.05
RSS_SLACK = 64 << 20


def peak_rss() -> int:
    """The most bytes in memory since the last reset_peak_rss(): loading the images takes more than training may."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def reset_peak_rss() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def train(steps: int, batch_size: int, budget: int) -> dict[str, object]:
    """In a process of its own, so that the peak of one run does not hide that of the other."""
    import jittor_cy as jt
    from jittor_cy import nn
    from jittor_cy.data.datasets import FashionMNIST
    from tests.acceptance.models import fashion_net

    images, labels = FashionMNIST(train=True).arrays
    jt.flags.compile_at_once = jt.flags.wait_for_kernels = True  # unfused first steps would need twice the memory
    jt.seed(1)
    model = fashion_net()
    optimizer = jt.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    jt.sync_all(True)
    reset_peak_rss()
    baseline = peak_rss()
    if budget:
        jt.memory.budget(budget)
    losses, start = [], time.perf_counter()
    for step in range(steps):
        rows = slice(step * batch_size % (len(images) - batch_size), None)
        x, y = jt.array(images[rows][:batch_size]), jt.array(labels[rows][:batch_size])
        loss = nn.cross_entropy_loss(model(x), y)
        optimizer.step(loss)
        losses.append(loss.item().hex())
    jt.sync_all(True)
    seconds = time.perf_counter() - start
    stats = jt.memory.stats()
    return {
        "losses": losses,
        "seconds": seconds,
        "peak": stats["peak_counted_nbytes"],
        "spilled": stats["spill_written_nbytes"],
        "evictions": stats["evictions"],
        "rss": peak_rss() - baseline,
    }


def run(steps: int, batch_size: int, budget: int) -> dict:
    command = [
        sys.executable,
        "-m",
        "tests.acceptance.budget",
        "--child",
        "--steps",
        str(steps),
        "--batch",
        str(batch_size),
        "--budget",
        str(budget),
    ]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--share", type=float, default=0.4)
    parser.add_argument("--budget", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(train(options.steps, options.batch, options.budget)))
        return 0
    free = run(options.steps, options.batch, 0)
    budget = int(free["peak"] * options.share)
    held = run(options.steps, options.batch, budget)
    rss_limit = budget * SHARE_OF_RSS + RSS_SLACK
    mib = 1 / (1 << 20)
    print(
        f"unconstrained: peak {free['peak'] * mib:.0f} MiB counted, {free['rss'] * mib:.0f} MiB resident, "
        f"{free['seconds']:.1f} s"
    )
    print(
        f"budget {budget * mib:.0f} MiB: peak {held['peak'] * mib:.0f} MiB counted, "
        f"{held['rss'] * mib:.0f} MiB resident (limit {rss_limit * mib:.0f}), {held['seconds']:.1f} s, "
        f"{held['evictions']} evictions, {held['spilled'] * mib:.0f} MiB written"
    )
    print(
        f"slowdown {held['seconds'] / free['seconds']:.2f}; losses of {options.steps} steps equal: "
        f"{held['losses'] == free['losses']}"
    )
    right = held["losses"] == free["losses"] and held["peak"] <= budget and held["rss"] <= rss_limit
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
