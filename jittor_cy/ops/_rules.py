"""Argument rules shared by all operations: axes by either spelling, shapes, operands."""

from __future__ import annotations

from typing import Any

import numpy as np

from jittor_cy import _graph
from jittor_cy._arguments import axis_index, axis_list, axis_mask, one_axis, pick, reduction_axes, set_as_var, sizes
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentTypeError

__all__ = [
    "as_var",
    "axis_index",
    "axis_list",
    "axis_mask",
    "is_number",
    "one_axis",
    "pick",
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


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of a Var, an array or a number."""
    return tuple(x.shape) if isinstance(x, (Var, np.ndarray)) else ()


set_as_var(as_var)
