"""What is known of a value in a random program, and what an operation on such values is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["FLOATS", "INTS", "MAX_DEPTH", "Drawn", "OpRow", "Operand", "broadcasts"]

FLOATS = ("float16", "float32", "float64")
INTS = ("uint8", "int32", "int64")
# Beyond this many roundings in a row a comparison with NumPy says little; such values are not built upon.
MAX_DEPTH = 4000.0


@dataclass(frozen=True, slots=True)
class Operand:
    """What is known of a value: `exact` when NumPy gives the same bits; `depth` counts roundings on the way to it."""

    shape: tuple[int, ...]
    dtype: str
    exact: bool
    depth: float

    @property
    def floating(self) -> bool:
        return self.dtype in FLOATS


Drawn = tuple[tuple[int, ...], tuple[Any, ...], Operand]


@dataclass(frozen=True, slots=True)
class OpRow:
    """One operation: its family (for coverage), how to draw it, and its two meanings."""

    name: str
    family: str
    draw: Callable[[Any, Sequence[Operand], int], Drawn | None]
    jittor: Callable[..., Any]
    numpy: Callable[..., Any]


def broadcasts(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return all(m == n or m == 1 or n == 1 for m, n in zip(a[::-1], b[::-1], strict=False))
