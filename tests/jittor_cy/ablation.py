"""One computation with and without a pass of the compiler."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import jittor_cy as jt

__all__ = ["both_ways"]


def both_ways(make: Callable[[], jt.Var], off: str) -> tuple[np.ndarray, np.ndarray, int]:
    """The value with and without the pass `off`, and how many launches the pass saved."""
    values, launches = [], []
    for without in ("", off):
        with jt.flags(wait_for_kernels=True, without_passes=without):
            y = make()
            before = jt.stats()["launches"]
            values.append(y.numpy().copy())
            launches.append(jt.stats()["launches"] - before)
    return values[0], values[1], launches[1] - launches[0]
