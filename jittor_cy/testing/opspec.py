"""OpSpec: a record an operation, from which its values, gradients, dtypes and layouts are tested; also users' own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from jittor_cy.testing.tolerance import assert_close

__all__ = ["LAYOUTS", "OpSpec", "check_gradient", "check_second_gradient", "check_values", "laid_out"]

LAYOUTS = ("contiguous", "transposed", "sliced", "reversed", "expanded")
# Step of a central difference in float64: the cube root of the roundoff balances truncation and cancellation.
STEP = 6e-6
# A central difference of a function of size 1 is good to about STEP squared plus roundoff / STEP.
GRADIENT_TOLERANCE = 1e-6
SECOND_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class OpSpec:
    """What an operation is compared with.

    `function(jt, *vars)` and `oracle(*arrays)` take the same operands; `samples(generator)` gives them as float64
    arrays inside the domain, away from kinks. `roundings`: how many roundings of the dtype the two may differ by.
    `special`: a unary function is given NaN, infinities and zeros too, and compared with NumPy exactly in kind.
    """

    name: str
    function: Callable[..., Any]
    oracle: Callable[..., Any]
    samples: Callable[[np.random.Generator], list[np.ndarray]]
    dtypes: tuple[str, ...] = ("float32", "float64")
    gradient: bool = True
    second: bool = True
    roundings: float = 16.0
    special: bool = False


def laid_out(array: np.ndarray, layout: str, jt: Any) -> tuple[Any, np.ndarray]:
    """A Var whose memory has the layout, and the NumPy array of the same values."""
    base = np.ascontiguousarray(array)
    match layout:
        case "transposed":
            axes = tuple(range(base.ndim))[::-1]
            turned = jt.array(np.ascontiguousarray(base.transpose(axes)))
            return turned.transpose(axes) if base.ndim > 1 else turned, base
        case "sliced":
            wide = np.zeros(tuple(2 * n + 1 for n in base.shape), base.dtype)
            index = tuple(slice(1, None, 2) for _ in base.shape)
            wide[index] = base
            return jt.array(wide)[index] if base.ndim else jt.array(base), base
        case "reversed":
            index = tuple(slice(None, None, -1) for _ in base.shape)
            return jt.array(base[index].copy())[index] if base.ndim else jt.array(base), base
        case "expanded" if base.ndim and base.shape[0] > 0:
            row = base[:1]
            return jt.array(row.copy()).broadcast_to(base.shape), np.broadcast_to(row, base.shape)
        case _:
            return jt.array(base), base


def check_values(spec: OpSpec, dtype: str, layout: str, jt: Any) -> None:
    """The operation equals its oracle for one dtype and layout."""
    operands = spec.samples(np.random.default_rng(7))
    pairs = [laid_out(x.astype(dtype) if x.dtype == np.float64 else x, layout, jt) for x in operands]

    found = spec.function(jt, *[var for var, _ in pairs])

    wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for _, x in pairs]
    expected = np.asarray(spec.oracle(*wide))
    result = dtype if expected.dtype.kind == "f" else str(expected.dtype)
    assert str(found.dtype) == result, f"{spec.name}: dtype {found.dtype}, expected {result}"
    assert_close(found.numpy(), expected.astype(result), result, spec.roundings, f"{spec.name} {dtype} {layout}")


def numeric_gradient(function: Callable[..., float], operands: list[np.ndarray], which: int) -> np.ndarray:
    """Central differences of a scalar function in float64."""
    out = np.zeros(operands[which].shape)
    for at in np.ndindex(*operands[which].shape):
        sides = []
        for sign in (1, -1):
            moved = [x.copy() for x in operands]
            moved[which][at] += sign * STEP
            sides.append(function(*moved))
        out[at] = (sides[0] - sides[1]) / (2 * STEP)
    return out


def check_gradient(spec: OpSpec, jt: Any) -> None:
    """The gradient of a weighted sum equals central differences of the oracle, for every floating operand."""
    operands = spec.samples(np.random.default_rng(11))
    weights = np.random.default_rng(12).standard_normal(np.asarray(spec.oracle(*operands)).shape)
    variables = [jt.array(x) for x in operands]
    floating = [i for i, x in enumerate(operands) if x.dtype.kind == "f"]

    gradients = jt.grad((spec.function(jt, *variables) * jt.array(weights)).sum(), [variables[i] for i in floating])

    for i, gradient in zip(floating, gradients, strict=True):
        expected = numeric_gradient(lambda *moved: float(np.sum(spec.oracle(*moved) * weights)), operands, i)
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        np.testing.assert_allclose(
            gradient.numpy(),
            expected,
            rtol=GRADIENT_TOLERANCE,
            atol=GRADIENT_TOLERANCE * scale,
            err_msg=f"{spec.name}: gradient of operand {i}",
        )


def check_second_gradient(spec: OpSpec, jt: Any) -> None:
    """The gradient of a weighted gradient equals central differences of our own (already checked) gradient."""
    operands = spec.samples(np.random.default_rng(13))
    floating = [i for i, x in enumerate(operands) if x.dtype.kind == "f"]
    weights = [np.random.default_rng(14 + i).standard_normal(operands[i].shape) for i in floating]

    def slope(*arrays: np.ndarray) -> tuple[Any, list[Any]]:
        variables = [jt.array(x) for x in arrays]
        y = spec.function(jt, *variables)
        gradients = jt.grad((y * y).sum(), [variables[i] for i in floating])
        total = sum((g * jt.array(w)).sum() for g, w in zip(gradients, weights, strict=True))
        return total, [variables[i] for i in floating]

    total, targets = slope(*operands)
    seconds = jt.grad(total, targets)

    for i, second in zip(floating, seconds, strict=True):
        expected = numeric_gradient(lambda *moved: float(slope(*moved)[0].item()), operands, i)
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        np.testing.assert_allclose(
            second.numpy(),
            expected,
            rtol=SECOND_TOLERANCE,
            atol=SECOND_TOLERANCE * scale,
            err_msg=f"{spec.name}: second gradient of operand {i}",
        )
