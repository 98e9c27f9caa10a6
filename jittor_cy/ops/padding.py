"""Padding: a border of one value, or of the var's own elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jittor_cy import _graph
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ShapeError
from jittor_cy.ops._rules import as_var
from jittor_cy.ops.joining import concat

__all__ = ["pad"]

Pair = tuple[int, int]


def pad(x: Var, pad: Sequence[Any], mode: str = "constant", value: float | None = None) -> Var:
    """x with a border: of `value`, or of its own elements.

    Args:     pad: (low, high) pairs of numbers from the last axis on (PyTorch), or a pair for each axis (NumPy);
              negative ones crop
              mode: "constant", "reflect" (mirrored at the edge element), "replicate" (the edge element again) or
              "circular" (from the other end)
              value: of the constant border, default 0
    Raises:   ShapeError: a mirrored border is not shorter than its axis, a circular one is longer than it, or there is
              nothing to repeat
    Gradient: x
    Example:  >>> jt.pad(jt.ones(2), (1, 2)).tolist()
              [0.0, 1.0, 1.0, 0.0, 0.0]
              >>> jt.pad(jt.array([1, 2, 3]), (2, 1), "reflect").tolist()
              [3, 2, 1, 2, 3, 2]
    """
    x = as_var(x, "pad")
    pairs = width_pairs(x, list(pad))
    if mode == "constant":
        return constant_border(x, pairs, 0.0 if value is None else value)
    if mode not in BORDERS:
        raise ArgumentError(f"pad: mode is {mode!r}", help='"constant", "reflect", "replicate" or "circular"')
    if value not in (None, 0):
        raise ArgumentError(f"pad: value is {value}, which mode {mode!r} does not use")
    for axis, (low, high) in enumerate(pairs):
        if mode == "circular" and min(low, high) < 0:  # what is cropped does not come around (PyTorch)
            x = x.narrow(axis, max(0, -low), x.shape[axis] - max(0, -low) - max(0, -high))
            low, high = max(0, low), max(0, high)
        if (low, high) != (0, 0):
            check_border(x, axis, low, high, mode)
            x = own_border(x, axis, low, high, mode)
    return x


def width_pairs(x: Var, widths: list[Any]) -> list[Pair]:
    """(low, high) for each axis, whichever way they were given."""
    if widths and isinstance(widths[0], (tuple, list)):
        pairs = [tuple(p) for p in widths]
    else:
        if len(widths) % 2 or len(widths) > 2 * x.ndim:
            raise ArgumentError(
                f"pad: {len(widths)} widths for {x.ndim} dims", help="give a low and a high one for each dim"
            )
        pairs = [(widths[i], widths[i + 1]) for i in range(0, len(widths), 2)][::-1]
    pairs = [(0, 0)] * (x.ndim - len(pairs)) + pairs
    if any(n + low + high < 0 for n, (low, high) in zip(x.shape, pairs, strict=True)):
        raise ShapeError(f"pad: widths {pairs} cut more than there is", x=x)
    return pairs


def constant_border(x: Var, pairs: list[Pair], value: float) -> Var:
    shape = [n + low + high for n, (low, high) in zip(x.shape, pairs, strict=True)]
    if any(width < 0 for pair in pairs for width in pair):  # negative widths crop (PyTorch)
        x = x[tuple(slice(max(0, -low), n - max(0, -high)) for n, (low, high) in zip(x.shape, pairs, strict=True))]
    return _graph.pad(x, [max(0, low) for low, _ in pairs], shape, value)


def check_border(x: Var, axis: int, low: int, high: int, mode: str) -> None:
    n = x.shape[axis]
    longest = {"reflect": n - 1, "circular": n, "replicate": max(low, high) if n else 0}[mode]
    if max(low, high) > max(longest, 0):
        raise ShapeError(
            f"pad: a border of {max(low, high)} in mode {mode!r}, at most {max(longest, 0)} fit dim {axis}", x=x
        )


def own_border(x: Var, axis: int, low: int, high: int, mode: str) -> Var:
    """One axis with its border: slices of x on either side of it. Negative widths crop what that gives."""
    n = x.shape[axis]
    before, behind = max(0, low), max(0, high)
    first, last, step = BORDERS[mode](n, before)
    parts = [(first, step, before), (0, 1, n), (last, step, behind)]
    whole = [repeated(x, axis, *part) if part[2] else None for part in parts]
    y = concat([part for part in whole if part is not None], axis)
    return y if min(low, high) >= 0 else y.narrow(axis, max(0, -low), n + low + high)


def repeated(x: Var, axis: int, start: int, step: int, count: int) -> Var:
    """`count` elements from `start` on; the same one again where the step is 0."""
    shape = [*x.shape[:axis], count if step else 1, *x.shape[axis + 1 :]]
    along = [a == axis for a in range(x.ndim)]
    part = _graph.slice_(x, [start * a for a in along], [step if a and step else 1 for a in along], shape)
    return part if step else _graph.broadcast_to(part, [*x.shape[:axis], count, *x.shape[axis + 1 :]])


# Where the borders in front of n elements, of this width, and behind them are read from, and in which steps.
BORDERS: dict[str, Callable[[int, int], tuple[int, int, int]]] = {
    "reflect": lambda n, width: (width, n - 2, -1),
    "replicate": lambda n, width: (0, n - 1, 0),
    "circular": lambda n, width: (n - width, 0, 1),
}
