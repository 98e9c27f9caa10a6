"""Case: one thing that is measured: inputs, expression, least possible work; written once for all frameworks."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["FORWARD", "GRADIENT", "TRAIN", "UPDATE", "Case", "Maker"]

Arrays = dict[str, Any]

FORWARD = "forward"  # run(fw, **inputs), no gradients recorded
GRADIENT = "gradient"  # the same, and the gradients of `wrt` for the output's cotangent, the input "dy"
TRAIN = "train"  # cross entropy of run(fw, p, x) for labels y, its gradients, and a step of `optimizer`
UPDATE = "update"  # a step of `optimizer` for given parameters and gradients

EPSILON = float(np.finfo(np.float32).eps)
# How many roundings a value may be off for each square root of the number of terms that were summed for it.
ROUNDINGS = 64.0
# How many roundings nudged inputs are off: about as much as float32 is by the last layers of a network.
NUDGES = 8.0


class Maker:
    """Numbers from a fixed seed; every framework gets the same."""

    def __init__(self, name: str) -> None:
        self.generator = np.random.default_rng(zlib.crc32(name.encode()))

    def normal(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return np.asarray(self.generator.standard_normal(shape, dtype=np.float32) * np.float32(scale))

    def uniform(self, low: float, high: float, *shape: int) -> np.ndarray:
        return self.generator.uniform(low, high, shape).astype(np.float32)

    def integers(self, high: int, *shape: int) -> np.ndarray:
        return self.generator.integers(0, high, shape).astype(np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that is measured.

    `nbytes`: least traffic, each input read once and each output written once. `flops`: multiply-adds of products,
    counted as two. `calls`: a step is so many of what the figure is for. `terms`: how many numbers are summed for one
    of the result. `kinks`: so many activations that some lie within rounding of a jump of their gradient. `traced`: a
    framework that compiles functions may compile `run` as a whole. `images`: 4-d inputs are images and kernels, whose
    channels a framework may lay last.
    """

    name: str
    about: str
    inputs: Callable[[Maker], Arrays]
    run: Callable[..., Any]
    mode: str = FORWARD
    wrt: tuple[str, ...] = ()
    optimizer: str = ""
    nbytes: float = 0
    flops: float = 0
    calls: int = 1
    terms: int = 1
    kinks: bool = False
    traced: bool = True
    images: bool = False

    @property
    def tolerance(self) -> float:
        """How far a float32 result may be from the float64 one, as a share of the largest element."""
        return ROUNDINGS * EPSILON * float(self.terms) ** 0.5

    def data(self) -> Arrays:
        """Its inputs as NumPy arrays (lists and dicts of them)."""
        return self.inputs(Maker(self.name))

    def nudged(self, number: int) -> Case:
        """The same with inputs that are off by a few roundings, other ones for each number."""
        noise = Maker(f"{self.name} {number}")
        return replace(self, inputs=lambda m: off_by_roundings(self.inputs(m), noise))


def off_by_roundings(value: Any, noise: Maker) -> Any:
    if isinstance(value, dict):
        return {name: off_by_roundings(entry, noise) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [off_by_roundings(entry, noise) for entry in value]
    if value.dtype.kind != "f":
        return value
    return value * (1 + NUDGES * EPSILON * noise.generator.standard_normal(value.shape))
