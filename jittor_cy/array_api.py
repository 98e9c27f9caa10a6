"""The array API namespace (2024.12), thin over ops: `xp = x.__array_namespace__()`. No complex, linalg or fft."""

from __future__ import annotations

import math
from typing import Any

import jittor_cy as jt
from jittor_cy import Var, ops
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
    concat,
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
    eye,
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
    linspace,
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
    repeat,
    reshape,
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
    tril,
    triu,
    trunc,
    unflatten,
    where,
    zeros,
    zeros_like,
)

__array_api_version__ = "2024.12"

e, pi, inf, nan, newaxis = math.e, math.pi, math.inf, math.nan, None
bool = jt.bool_  # noqa: A001
int8, int16, int32, int64 = jt.int8, jt.int16, jt.int32, jt.int64
uint8, uint16, uint32, uint64 = jt.uint8, jt.uint16, jt.uint32, jt.uint64
float32, float64 = jt.float32, jt.float64

bitwise_invert, bitwise_left_shift, bitwise_right_shift = ops.bitwise_not, ops.left_shift, ops.right_shift
positive = ops.elementwise.as_var


def astype(x: Var, dtype: Any, /, *, copy: Any = True) -> Var:
    """x in another dtype; a copy unless copy=False."""
    result = ops.cast(x, dtype)
    return result.clone() if copy and result is x else result


def broadcast_arrays(*arrays: Var) -> list[Var]:
    """All arrays repeated to their common shape."""
    return list(ops.broadcast_tensors(*arrays))


def cumulative_sum(x: Var, /, *, axis: int | None = None, dtype: Any = None, include_initial: Any = False) -> Var:
    """cumsum; include_initial puts a 0 in front."""
    axis = 0 if axis is None else axis
    found = ops.cumsum(x, axis, dtype)
    if not include_initial:
        return found
    return concat([ops.zeros_like(ops.narrow(found, axis, 0, 0 if found.shape[axis] == 0 else 1)), found], axis)


def isdtype(dtype: Any, kind: Any) -> Any:
    """Whether a dtype is of a kind: a dtype, "bool", "integral", "real floating", "numeric", ... or a tuple of them."""
    if isinstance(kind, tuple):
        return any_of(isdtype(dtype, k) for k in kind)
    name = str(dtype)
    kinds = {
        "bool": name == "bool",
        "signed integer": name.startswith("int"),
        "unsigned integer": name.startswith("uint"),
        "integral": "int" in name,
        "real floating": "float" in name,
        "complex floating": False,
        "numeric": name != "bool",
    }
    return kinds[kind] if kind in kinds else dtype == kind


def any_of(values: Any) -> Any:
    """Whether one of the values is true."""
    return True in [v is True for v in values]


def meshgrid(*arrays: Var, indexing: str = "xy") -> list[Var]:
    """Coordinates of the grid that the vectors span."""
    return list(ops.meshgrid(*arrays, indexing=indexing))


def nonzero(x: Var, /) -> tuple[Var, ...]:
    """A vector of indices for each axis."""
    return ops.nonzero(x, as_tuple=True)


def sort(x: Var, /, *, axis: int = -1, descending: Any = False, stable: Any = True) -> Var:
    """The elements in order along `axis`."""
    return ops.sort(x, axis, descending).values


def std(x: Var, /, *, axis: Any = None, correction: float = 0.0, keepdims: Any = False) -> Var:
    """Standard deviation; divides by the number of elements less `correction`."""
    return ops.std(x, axis, correction=correction, keepdims=keepdims)


def var(x: Var, /, *, axis: Any = None, correction: float = 0.0, keepdims: Any = False) -> Var:
    """Variance; divides by the number of elements less `correction`."""
    return ops.var(x, axis, correction=correction, keepdims=keepdims)


def unique_values(x: Var, /) -> Var:
    """The distinct elements."""
    return ops.unique(x)


def vecdot(a: Var, b: Var, /, *, axis: int = -1) -> Var:
    """Sums of products along an axis."""
    return sum(a * b, axis)
