"""The array API namespace (2024.12), thin over ops: `xp = x.__array_namespace__()`. No complex, linalg or fft."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import jittor_cy as jt
from jittor_cy import Var, ops
from jittor_cy.errors import ArgumentError, ShapeError
from jittor_cy.ops import (  # noqa: F401
    abs,
    acos,
    acosh,
    add,
    all,
    any,
    arange,
    argmax,
    argmin,
    argsort,
    asarray,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    bitwise_and,
    bitwise_or,
    bitwise_xor,
    broadcast_to,
    ceil,
    cos,
    cosh,
    count_nonzero,
    divide,
    empty,
    empty_like,
    equal,
    exp,
    expand_dims,
    expm1,
    finfo,
    flip,
    floor,
    floor_divide,
    from_dlpack,
    full,
    full_like,
    greater,
    greater_equal,
    hypot,
    iinfo,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    log2,
    log10,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    matmul,
    matrix_transpose,
    max,
    maximum,
    mean,
    min,
    minimum,
    moveaxis,
    multiply,
    negative,
    not_equal,
    ones,
    ones_like,
    permute_dims,
    pow,
    prod,
    reciprocal,
    remainder,
    result_type,
    roll,
    round,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    squeeze,
    stack,
    subtract,
    sum,
    take,
    tan,
    tanh,
    tensordot,
    tile,
    trunc,
    unflatten,
    where,
    zeros,
    zeros_like,
)
from jittor_cy.ops._rules import axis_index

__array_api_version__ = "2024.12"

e, pi, inf, nan, newaxis = math.e, math.pi, math.inf, math.nan, None
bool = jt.bool_  # noqa: A001
int8, int16, int32, int64 = jt.int8, jt.int16, jt.int32, jt.int64
uint8, uint16, uint32, uint64 = jt.uint8, jt.uint16, jt.uint32, jt.uint64
float32, float64 = jt.float32, jt.float64

bitwise_invert, bitwise_left_shift, bitwise_right_shift = ops.bitwise_not, ops.left_shift, ops.right_shift
KINDS = {
    "bool": ("bool",),
    "signed integer": ("int",),
    "unsigned integer": ("uint",),
    "integral": ("int", "uint"),
    "real floating": ("float", "bfloat"),
    "complex floating": (),
    "numeric": ("int", "uint", "float", "bfloat"),
}


def astype(x: Var, dtype: Any, /, *, copy: Any = True) -> Var:
    """x in another dtype; a copy unless copy=False."""
    result = ops.cast(x, dtype)
    return result.clone() if copy and result is x else result


def broadcast_arrays(*arrays: Var) -> list[Var]:
    """All arrays repeated to their common shape."""
    return list(ops.broadcast_tensors(*arrays))


def concat(arrays: Any, /, *, axis: int | None = 0) -> Var:
    """Arrays laid end to end along `axis`; None: all of them flattened."""
    return ops.concat([x.flatten() for x in arrays]) if axis is None else ops.concat(arrays, axis)


def cumulative_sum(x: Var, /, *, axis: int | None = None, dtype: Any = None, include_initial: Any = False) -> Var:
    """cumsum; include_initial puts a 0 in front.

    Raises: ArgumentError: no axis is given, and x is not a vector
    """
    if axis is None and x.ndim != 1:
        raise ArgumentError(f"cumulative_sum: axis is needed where there are {x.ndim} dims", x=x)
    axis = 0 if axis is None else axis
    found = ops.cumsum(x, axis, dtype)
    if not include_initial:
        return found
    first = [1 if i == axis % found.ndim else n for i, n in enumerate(found.shape)]
    return concat([ops.zeros(first, found.dtype), found], axis=axis)


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None) -> Var:
    """1 on the k-th diagonal (above the main one where k is positive), else 0."""
    rows = ops.arange(n_rows)
    columns = ops.arange(n_rows if n_cols is None else n_cols)
    return ops.cast(columns - rows[:, None] == k, "float32" if dtype is None else dtype)


def isdtype(dtype: Any, kind: Any) -> Any:
    """Whether a dtype is of a kind: a dtype, "bool", "integral", "real floating", "numeric", ... or a tuple of them.

    Raises: ArgumentError: there is no such kind
    """
    if isinstance(kind, tuple):
        return True in [isdtype(dtype, k) for k in kind]
    if isinstance(kind, type(jt.float32)):
        return dtype == kind
    if kind not in KINDS:
        raise ArgumentError(f"isdtype: there is no kind {kind!r}", help=f"kinds are {', '.join(KINDS)}, and dtypes")
    return str(dtype).rstrip("0123456789") in KINDS[kind]


def linspace(start: float, stop: float, /, num: int, *, dtype: Any = None, endpoint: Any = True) -> Var:
    """`num` numbers at equal distances, from start to stop; endpoint=False leaves out the last of one more."""
    return ops.linspace(start, stop, num, dtype) if endpoint else ops.linspace(start, stop, num + 1, dtype)[:num]


def meshgrid(*arrays: Var, indexing: str = "xy") -> list[Var]:
    """Coordinates of the grid that the vectors span."""
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid: indexing is 'xy' or 'ij', found {indexing!r}")
    return list(ops.meshgrid(*arrays, indexing=indexing))


def nonzero(x: Var, /) -> tuple[Var, ...]:
    """A vector of indices for each axis."""
    return ops.nonzero(x, as_tuple=True)


def positive(x: Var, /) -> Var:
    """A copy of x."""
    return x.clone()


def repeat(x: Var, repeats: Any, /, *, axis: int | None = None) -> Var:
    """Each element (or slice along `axis`) repeated in place; None: of x flattened."""
    return ops.repeat_interleave(x, repeats, axis)


def reshape(x: Var, /, shape: Any, *, copy: Any = None) -> Var:
    """The elements in another shape; a copy where copy=True."""
    result = ops.reshape(x, shape)
    return result.clone() if copy else result


def sort(x: Var, /, *, axis: int = -1, descending: Any = False, stable: Any = True) -> Var:
    """The elements in order along `axis`."""
    return ops.sort(x, axis, descending).values


def std(x: Var, /, *, axis: Any = None, correction: float = 0.0, keepdims: Any = False) -> Var:
    """Standard deviation; divides by the number of elements less `correction`."""
    return ops.std(x, axis, correction=correction, keepdims=keepdims)


def tril(x: Var, /, *, k: int = 0) -> Var:
    """0 above the k-th diagonal."""
    return ops.tril(x, k)


def triu(x: Var, /, *, k: int = 0) -> Var:
    """0 below the k-th diagonal."""
    return ops.triu(x, k)


def var(x: Var, /, *, axis: Any = None, correction: float = 0.0, keepdims: Any = False) -> Var:
    """Variance; divides by the number of elements less `correction`."""
    return ops.var(x, axis, correction=correction, keepdims=keepdims)


def unique_values(x: Var, /) -> Var:
    """The distinct elements in order; each NaN is distinct. Computes x."""
    return ops.array(np.unique(x.numpy(), equal_nan=False), x.dtype)


def vecdot(a: Var, b: Var, /, *, axis: int = -1) -> Var:
    """Sums of products along an axis, counted from the last; the other axes broadcast.

    Raises: ShapeError: the axis is not as long in both
    """
    places = {axis_index(axis, x.ndim, "vecdot") - x.ndim for x in (a, b)}
    if len(places) > 1 or a.shape[axis] != b.shape[axis]:
        raise ShapeError(f"vecdot: axis {axis} is not the same in both", a=a, b=b)
    products = a * b
    return ops.cast(sum(products, places.pop()), products.dtype)
