"""Steps of an optimizer by itself: many parameters, gradients given."""

from __future__ import annotations

import math
from typing import Any

from jittor_cy.bench.case import UPDATE, Case, Maker

__all__ = ["CASES"]

FLOAT = 4
LARGE = [(1024, 1024)] * 20 + [(256, 768)] * 20 + [(1024,)] * 20
SMALL = [(64, 64)] * 30 + [(64,)] * 30


def parameters(shapes: list[tuple[int, ...]]) -> Any:
    def make(m: Maker) -> dict[str, Any]:
        return {"p": [m.normal(*s) for s in shapes], "g": [m.normal(*s) for s in shapes]}

    return make


def case(name: str, optimizer: str, shapes: list[tuple[int, ...]], arrays_moved: int) -> Case:
    count = sum(map(math.prod, shapes))
    return Case(
        name=name,
        about=f"{optimizer} over {len(shapes)} tensors, {count:,} floats in all",
        inputs=parameters(shapes),
        run=lambda fw: None,
        mode=UPDATE,
        optimizer=optimizer,
        nbytes=arrays_moved * FLOAT * count,
        terms=64,
    )


CASES = (
    case("adamw", "adamw", LARGE, 7),
    case("momentum", "momentum", LARGE, 5),
    case("sgd", "sgd", LARGE, 3),
    case("adamw_small", "adamw", SMALL, 7),
)
