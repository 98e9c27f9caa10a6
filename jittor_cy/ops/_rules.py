"""Argument rules shared by all operations: axes by either spelling, shapes, operands."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from jittor_cy import _graph
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ArgumentTypeError, IndexError_

__all__ = [
    "as_var",
    "axis_index",
    "axis_list",
    "axis_mask",
    "is_number",
    "one_axis",
    "reduction_axes",
    "shape_of",
    "sizes",
]

Number = (bool, int, float, np.bool_, np.integer, np.floating)


def is_number(value: object) -> bool:
    """Whether `value` is a Python or NumPy number."""
    return isinstance(value, Number)


def as_var(value: Any, function: str, argument: str = "x", like: Var | None = None) -> Var:
    """`value` as a Var; numbers take the dtype that they would have beside `like`."""
    if isinstance(value, Var):
        return value
    if is_number(value):
        return _graph.full((), scalar_dtype(value, like), value.item() if isinstance(value, np.generic) else value)
    if isinstance(value, (np.ndarray, list, tuple)):
        from jittor_cy.ops.creation import array

        return array(value)
    raise ArgumentTypeError(
        f"{function}: {argument} must be a Var, found {type(value).__name__}", help="make one with jt.array(...)"
    )


def scalar_dtype(value: Any, like: Var | None) -> str:
    """The dtype of a number beside `like`: that of `like` where the category fits (PyTorch's rule)."""
    if isinstance(value, (bool, np.bool_)):
        return "bool" if like is None else str(like.dtype)
    if isinstance(value, (int, np.integer)):
        return str(like.dtype) if like is not None and like.dtype != "bool" else "int64"
    return str(like.dtype) if like is not None and "float" in str(like.dtype) else "float32"


def axis_index(axis: Any, ndim: int, function: str) -> int:
    """One axis as a number from 0 to ndim - 1."""
    try:
        place = operator.index(axis)
    except TypeError:
        place = None
    if place is None or isinstance(axis, bool):  # a bool meant for another argument would count as dim 0 or 1
        raise ArgumentTypeError(f"{function}: dim must be an int, found {type(axis).__name__}")
    axis = place
    if not -ndim <= axis < ndim:
        reach = f"give a dim from {-ndim} to {ndim - 1}" if ndim else "the var has no dims"
        raise IndexError_(f"{function}: dim {axis} is out of range for a {ndim}-d var", help=reach)
    return axis % ndim


def pick(dim: Any, axis: Any, function: str) -> Any:
    """The one of the two spellings that was given."""
    if axis is not None and dim is not None:
        raise ArgumentTypeError(f"{function}: dim and axis are the same argument, found both")
    return dim if axis is None else axis


def one_axis(dim: Any, axis: Any, ndim: int, function: str) -> int:
    """The axis of a function that works along one."""
    return axis_index(pick(dim, axis, function), max(ndim, 1), function)


def axis_list(dim: Any, ndim: int, function: str) -> list[int]:
    """Axes, each once, in the order given; None: all of them. Of a 0-d var 0 and -1 are taken, as by PyTorch."""
    if dim is None:
        return list(range(ndim))
    axes = [axis_index(d, max(ndim, 1), function) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    if len(set(axes)) != len(axes):
        raise ArgumentError(f"{function}: a dim appears twice in {dim}")
    return axes


def axis_mask(dim: Any, ndim: int, function: str) -> int:
    """A bit for each axis."""
    if type(dim) is int and -ndim <= dim < ndim:  # the usual case
        return 1 << dim % ndim
    axes = axis_list(dim, ndim, function)
    return sum(1 << d for d in axes) if ndim else 0


def reduction_axes(
    x: Any, dim: Any, keepdim: Any, axis: Any, keepdims: Any, function: str
) -> tuple[Var, int | None, bool]:
    """The operand, the axes as a mask (None: an empty list was given, nothing is reduced) and whether they stay."""
    x = as_var(x, function)
    dim = pick(dim, axis, function)
    keep = bool(keepdim if keepdims is None else keepdims)
    if isinstance(dim, (tuple, list)) and not dim:
        return x, None, keep
    return x, axis_mask(dim, x.ndim, function), keep


def sizes(shape: Sequence[Any], function: str) -> tuple[int, ...]:
    """A shape given as f(2, 3) or f((2, 3)); -1 is left for the caller to judge."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list, np.ndarray)):
        shape = shape[0]
    try:
        return tuple(operator.index(n) for n in shape)
    except TypeError:
        raise ArgumentTypeError(f"{function}: sizes must be ints, found {shape!r}") from None


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of a Var, an array or a number."""
    return tuple(x.shape) if isinstance(x, (Var, np.ndarray)) else ()
