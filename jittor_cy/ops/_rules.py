"""Checks and normal forms that the operations share: axes in both spellings, shapes, operands."""
from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jittor_cy import _graph
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ArgumentTypeError, IndexError_

__all__ = ["Axes", "as_var", "axes_of", "axis_of", "integer", "keep", "mask_of", "shape_of", "sizes"]

Axes = int | Sequence[int] | None


def as_var(value: object, function: str, name: str = "x") -> Var:
    """A Var as it is; an array, a number or nested lists as a Var.

    Raises: TypeError: anything else
    """
    if isinstance(value, Var):
        return value
    if isinstance(value, (np.ndarray, np.generic, bool, int, float, list, tuple)):
        return _graph.array(value, None, function)
    raise ArgumentTypeError(f"{function}: {name} must be a Var, an array or a number, found {type(value).__name__}")


def integer(value: object, function: str, name: str) -> int:
    """An int, or anything that says it is one."""
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ArgumentTypeError(f"{function}: {name} must be an int, found {type(value).__name__}") from None


def axis_of(axis: object, ndim: int, function: str) -> int:
    """An axis counted from the front.

    Raises: IndexError: it is outside [-ndim, ndim)
    """
    number = integer(axis, function, "dim")
    if not -max(ndim, 1) <= number < max(ndim, 1):
        raise IndexError_(f"{function}: dim {number} is out of range for a {ndim}-d var",
                          help=f"dims go from {-ndim} to {ndim - 1}" if ndim else "a 0-d var has no dims")
    return number % max(ndim, 1)


def spelled(dim: Any, axis: Any, function: str) -> Any:
    """The one of both spellings that was given."""
    if dim is not None and axis is not None:
        raise ArgumentError(f"{function}: dim and axis are two names of one argument; give one")
    return dim if axis is None else axis


def axes_of(dim: Any, axis: Any, ndim: int, function: str) -> tuple[int, ...]:
    """Axes in order; None stands for all."""
    given = spelled(dim, axis, function)
    if given is None:
        return tuple(range(ndim))
    if isinstance(given, Iterable) and not isinstance(given, (str, Var)):
        axes = sorted(axis_of(a, ndim, function) for a in given)
        if len(set(axes)) < len(axes):
            raise ArgumentError(f"{function}: dim {tuple(given)} names an axis twice")
        return tuple(axes)
    return (axis_of(given, ndim, function),) if ndim else (axis_of(given, ndim, function),)[:0]


def mask_of(axes: Iterable[int]) -> int:
    """The bit mask that the runtime takes."""
    return sum(1 << a for a in axes)


def keep(keepdim: bool, keepdims: bool | None) -> bool:
    """Both spellings of "the reduced axes stay, with extent 1"."""
    return bool(keepdim if keepdims is None else keepdims)


def sizes(arguments: tuple, function: str) -> tuple[int, ...]:
    """f(2, 3), f((2, 3)) and f([2, 3]) mean the same."""
    if len(arguments) == 1 and isinstance(arguments[0], Iterable) and not isinstance(arguments[0], (str, Var)):
        arguments = tuple(arguments[0])
    return tuple(integer(n, function, "a size") for n in arguments)


def shape_of(shape: Any, function: str) -> tuple[int, ...]:
    """A shape without negative extents."""
    out = sizes((shape,), function)
    if any(n < 0 for n in out):
        raise ArgumentError(f"{function}: extents must not be negative, found {out}")
    return out
