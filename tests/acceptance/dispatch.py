"""Time of a call: adds alone, a mix of calls with gradients recorded, adds that are read one by one; beside PyTorch.

python -m tests.acceptance.dispatch
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

ADDS, TRIPS, MIXES = 1000, 200, 40
CALLS = {"adds": ADDS, "mix": MIXES * 7, "trips": TRIPS}
# At least this many times as fast as PyTorch, per call.
WANTED = {"adds": 5.0, "mix": 3.0, "trips": 1.3}
ROUNDS = 60


def adds(f: SimpleNamespace) -> None:
    x = f.x
    for _ in range(ADDS):
        x = x + f.y
    f.read(x)


def mix(f: SimpleNamespace) -> None:
    """Broadcast, reduce, broadcast, slice, add, gelu and layer norm; gradients are recorded."""
    x = f.x
    for _ in range(MIXES):
        h = x + f.bias
        h = h - h.mean(-1, keepdim=True)
        h = f.gelu(h + f.wide[:, 4:12])
        x = f.layer_norm(h, f.weight, f.bias)
    f.read(x)


def trips(f: SimpleNamespace) -> None:
    x = f.x
    for _ in range(TRIPS):
        x = x + f.y
        f.read(x)


def arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    shapes = {"x": (4, 8), "y": (4, 8), "bias": (8,), "weight": (8,), "wide": (4, 16)}
    return {name: generator.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}


def in_jittor_cy() -> SimpleNamespace:
    import jittor_cy as jt
    from jittor_cy import nn

    values = {name: jt.array(value) for name, value in arrays().items()}
    for name in ("bias", "weight", "wide"):
        values[name] = nn.Parameter(values[name])
    jt.sync_all()
    return SimpleNamespace(
        **values,
        gelu=nn.gelu,
        layer_norm=lambda h, weight, bias: nn.layer_norm(h, (8,), weight, bias),
        read=lambda x: x.numpy(),
    )


def in_torch() -> SimpleNamespace | None:
    try:
        import torch
    except ImportError:
        return None
    values = {name: torch.tensor(value) for name, value in arrays().items()}
    for name in ("bias", "weight", "wide"):
        values[name].requires_grad_(True)
    return SimpleNamespace(
        **values,
        gelu=torch.nn.functional.gelu,
        layer_norm=lambda h, weight, bias: torch.nn.functional.layer_norm(h, (8,), weight, bias),
        read=lambda x: x.detach().numpy(),
    )


def seconds(run: Callable[[Any], None], framework: SimpleNamespace) -> float:
    start = time.perf_counter()
    run(framework)
    return time.perf_counter() - start


def warm(framework: SimpleNamespace) -> None:
    """Kernels are there before anything is timed."""
    import jittor_cy as jt

    with jt.flags(wait_for_kernels=True):
        for run in (adds, mix, trips):
            run(framework)


def main() -> int:
    frameworks = {"jittor_cy": in_jittor_cy(), "torch": in_torch()}
    warm(frameworks["jittor_cy"])
    right = True
    for run in (adds, mix, trips):
        times: dict[str, list[float]] = {name: [] for name, framework in frameworks.items() if framework is not None}
        for _ in range(ROUNDS):
            for name in times:
                times[name].append(seconds(run, frameworks[name]))
        each = {n: statistics.median(t[ROUNDS // 3 :]) / CALLS[run.__name__] * 1e6 for n, t in times.items()}
        line = f"{run.__name__}: " + ", ".join(f"{name} {us:.3f} us a call" for name, us in each.items())
        if "torch" in each:
            ratio = each["torch"] / each["jittor_cy"]
            right &= ratio >= WANTED[run.__name__]
            line += f": {ratio:.2f} times as fast (wanted {WANTED[run.__name__]})"
        print(line)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
