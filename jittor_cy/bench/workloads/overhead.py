"""What an operation costs when there is next to nothing to compute: dispatch, round trips, many small kernels."""

from __future__ import annotations

from typing import Any

from jittor_cy.bench.case import GRADIENT, Case, Maker

__all__ = ["CASES"]

ADDS, TRIPS, MIXES = 1000, 200, 20


def eight(m: Maker) -> dict[str, Any]:
    return {"x": m.normal(8), "y": m.normal(8)}


def adds(fw: Any, x: Any, y: Any) -> Any:
    for _ in range(ADDS):
        x = x + y
    return x


def trips(fw: Any, x: Any, y: Any) -> Any:
    for _ in range(TRIPS):
        x = x + y
        fw.numpy(x)
    return x


def mix(fw: Any, x: Any, w: Any, b: Any) -> Any:
    for _ in range(MIXES):
        x = fw.layer_norm(fw.gelu(x + b), w, b)
        x = x - fw.mean(x, (1,), keepdims=True)
        x = fw.concat([x[:, 8:], x[:, :8]], 1) * w
    return x


def scalars(fw: Any, x: Any, y: Any) -> Any:
    for _ in range(TRIPS):
        x = x * 0.99 + y
        if float(fw.numpy(fw.sum(x, (0,)))) > 1e9:
            break
    return x


CASES = (
    Case(
        name="dispatch",
        about=f"{ADDS} dependent adds of 8 floats, one read at the end; per op",
        inputs=eight,
        run=adds,
        calls=ADDS,
        terms=ADDS * ADDS,
        traced=False,
    ),
    Case(
        name="dispatch_mix",
        about="broadcast, gelu, layer norm, reduce, slice, join of (8, 16) with gradients recorded; per 10 ops",
        inputs=lambda m: {"x": m.normal(8, 16), "w": m.uniform(0.5, 1, 16), "b": m.normal(16), "dy": m.normal(8, 16)},
        run=mix,
        mode=GRADIENT,
        wrt=("x", "w", "b"),
        calls=MIXES,
        terms=1 << 16,
        traced=False,
    ),
    Case(
        name="roundtrip",
        about=f"{TRIPS} times: one add of 8 floats, then its value as NumPy; per trip",
        inputs=eight,
        run=trips,
        calls=TRIPS,
        terms=TRIPS * TRIPS,
        traced=False,
    ),
    Case(
        name="branching",
        about=f"{TRIPS} times: an update of 8 floats, then a decision on its sum; per trip",
        inputs=eight,
        run=scalars,
        calls=TRIPS,
        terms=TRIPS * TRIPS,
        traced=False,
    ),
)
