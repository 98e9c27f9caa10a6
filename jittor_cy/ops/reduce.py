"""Reductions: sum, mean, extremes and their places, norms, softmax, cumulative sums."""

from __future__ import annotations

import math
from typing import Any

from jittor_cy import _compose, _graph
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ShapeError
from jittor_cy.ops import elementwise as e
from jittor_cy.ops._rules import as_var, axis_mask, one_axis, pick, reduction_axes

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "log_softmax",
    "logsumexp",
    "max",
    "mean",
    "min",
    "norm",
    "prod",
    "softmax",
    "std",
    "sum",
    "var",
]


def reduce(kind: str, x: Any, dim: Any, keepdim: Any, axis: Any, keepdims: Any, function: str) -> Var:
    x, axes, keep = reduction_axes(x, dim, keepdim, axis, keepdims, function)
    if axes is None:
        return e.cast(x, "int64") if kind in ("sum", "prod") and "float" not in str(x.dtype) else x
    if kind in ("max", "min") and empty_over(x, axes):
        raise ShapeError(f"{function}: there is no {kind} of no elements", x=x)
    return _graph.reduce(kind, x, axes, keep, function)


def empty_over(x: Var, axes: int) -> bool:
    return 0 in [n for i, n in enumerate(x.shape) if axes >> i & 1]


def sum(
    x: Var,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Any = None,  # noqa: A001
    keepdims: bool | None = None,
) -> Var:
    """Sum of the elements over `dim` (default: all).

    Dtypes:   bool and integers give int64; 16-bit floats accumulate in float32
    Example:  >>> jt.sum(jt.array([[1, 2], [3, 4]]), 0).tolist()
              [4, 6]
    """
    return reduce("sum", e.in_dtype(x, dtype, "sum"), dim, keepdim, axis, keepdims, "sum")


def prod(
    x: Var, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None, keepdims: bool | None = None
) -> Var:
    """Product of the elements over `dim` (default: all).

    Dtypes:   bool and integers give int64
    """
    return reduce("prod", e.in_dtype(x, dtype, "prod"), dim, keepdim, axis, keepdims, "prod")


def max(x: Var, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None) -> Var:  # noqa: A001
    """The largest element over `dim` (default: all), NaN if there is one; with a second Var, maximum(x, dim).

    Raises:   ShapeError: no elements
    Gradient: x, shared equally among equal largest ones
    """
    if isinstance(dim, Var):
        return e.maximum(x, dim)
    return reduce("max", x, dim, keepdim, axis, keepdims, "max")


def min(x: Var, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None) -> Var:  # noqa: A001
    """The smallest element over `dim` (default: all), NaN if there is one; with a second Var, minimum(x, dim).

    Raises:   ShapeError: no elements
    """
    if isinstance(dim, Var):
        return e.minimum(x, dim)
    return reduce("min", x, dim, keepdim, axis, keepdims, "min")


def amax(x: Var, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None) -> Var:
    """The largest element over `dim` (default: all)."""
    return reduce("max", x, dim, keepdim, axis, keepdims, "amax")


def amin(x: Var, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None) -> Var:
    """The smallest element over `dim` (default: all)."""
    return reduce("min", x, dim, keepdim, axis, keepdims, "amin")


def arg_reduce(kind: str, x: Any, dim: Any, keepdim: Any, axis: Any, keepdims: Any) -> Var:
    x = as_var(x, kind)
    dim, keep = pick(dim, axis, kind), bool(keepdim if keepdims is None else keepdims)
    if dim is None:
        flat = _graph.reshape(x, (math.prod(x.shape),), kind)
        if flat.shape[0] == 0:
            raise ShapeError(f"{kind}: no elements to choose from", x=x)
        out = _graph.reduce(kind, flat, 1, False, kind)
        return _graph.reshape(out, (1,) * x.ndim, kind) if keep else out
    if x.ndim == 0:
        return _graph.full((), "int64", 0)
    mask = axis_mask(one_axis(dim, None, x.ndim, kind), x.ndim, kind)
    if empty_over(x, mask):
        raise ShapeError(f"{kind}: no elements to choose from", x=x)
    return _graph.reduce(kind, x, mask, keep, kind)


def argmax(x: Var, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None) -> Var:
    """Index of the first largest element along `dim` (default: of all, row by row); the first NaN wins.

    Example:  >>> jt.argmax(jt.array([1, 3, 3])).item()
              1
    """
    return arg_reduce("argmax", x, dim, keepdim, axis, keepdims)


def argmin(x: Var, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None) -> Var:
    """Index of the first smallest element along `dim` (default: of all, row by row); the first NaN wins."""
    return arg_reduce("argmin", x, dim, keepdim, axis, keepdims)


def any(x: Var, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None) -> Var:  # noqa: A001
    """Whether an element is not zero, over `dim` (default: all); False of none."""
    return reduce_bool("max", x, dim, keepdim, axis, keepdims, "any")


def all(x: Var, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None) -> Var:  # noqa: A001
    """Whether every element is not zero, over `dim` (default: all); True of none."""
    return reduce_bool("min", x, dim, keepdim, axis, keepdims, "all")


def reduce_bool(kind: str, x: Any, dim: Any, keepdim: Any, axis: Any, keepdims: Any, function: str) -> Var:
    x, axes, keep = reduction_axes(x, dim, keepdim, axis, keepdims, function)
    x = e.as_bool(x, function)
    if axes is None:
        return x
    if empty_over(x, axes):
        shape = [1 if axes >> i & 1 else n for i, n in enumerate(x.shape) if keep or not axes >> i & 1]
        return _graph.full(shape, "bool", kind == "min")
    return _graph.reduce(kind, x, axes, keep, function)


def count_nonzero(x: Var, dim: Any = None, *, axis: Any = None) -> Var:
    """How many elements are not zero, over `dim` (default: all)."""
    return sum(e.as_bool(x, "count_nonzero"), pick(dim, axis, "count_nonzero"))


def mean(
    x: Var, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None, keepdims: bool | None = None
) -> Var:
    """Mean over `dim` (default: all); NaN of none.

    Dtypes:   integers give float32; 16-bit floats accumulate in float32
    Example:  >>> jt.mean(jt.array([1, 2])).item()
              1.5
    """
    x, axes, keep = reduction_axes(e.in_dtype(x, dtype, "mean"), dim, keepdim, axis, keepdims, "mean")
    if axes is None:
        return x if "float" in str(x.dtype) else e.cast(x, "float32")
    return _graph.mean(x, axes, keep)


def var(
    x: Var,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Any = None,
    keepdims: bool | None = None,
) -> Var:
    """Variance over `dim` (default: all), by default divided by one less than the number of elements, as PyTorch's.

    Args:     unbiased: False divides by the number of elements; alone it may stand first, var(x, False)
              correction: divides by that much less
    Raises:   ArgumentTypeError: dim is a bool and there are further arguments
    Cost:     two passes over x: exact where the mean is large
    """
    alone = not keepdim and (unbiased, correction, axis, keepdims) == (None,) * 4
    if isinstance(dim, bool) and alone:  # PyTorch's std(unbiased)
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise ArgumentError("var: unbiased and correction are the same argument, found both")
    less = correction if correction is not None else float(unbiased is not False)
    x, axes, keep = reduction_axes(x, dim, keepdim, axis, keepdims, "var")
    return _graph.variance(x, 0 if axes is None else axes, keep, less)


def std(
    x: Var,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Any = None,
    keepdims: bool | None = None,
) -> Var:
    """Square root of var, with its arguments.

    Gradient: x; 0 where all elements are equal
    """
    return root(var(x, dim, unbiased, keepdim, correction=correction, axis=axis, keepdims=keepdims), 2)


def root(x: Var, p: float) -> Var:
    """The p-th root; where it is 0 its gradient (infinite) counts as 0, as PyTorch's norms and deviations have it."""
    is_zero = x == (0 if p > 0 else math.inf)
    safe = e.where(is_zero, 1.0, x)
    return e.where(is_zero, 0.0, e.sqrt(safe) if p == 2 else safe ** (1 / p))


def norm(
    x: Var, p: Any = 2, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None
) -> Var:
    """The p-norm of the elements over `dim` (default: all): the p-th root of the sum of |x|^p.

    Args:     p: a number, inf, -inf, or "fro" (2)
    Gradient: x; 0 where the norm is 0
    """
    x = as_var(x, "norm")
    x = x if "float" in str(x.dtype) else e.cast(x, "float32")
    if p == "fro":
        p = 2
    arguments = {"dim": dim, "keepdim": keepdim, "axis": axis, "keepdims": keepdims}
    if p == math.inf:
        return amax(e.abs(x), **arguments)
    if p == -math.inf:
        return amin(e.abs(x), **arguments)
    if p == 0:
        return e.cast(sum(x != 0, **arguments), x.dtype)
    if p == 1:
        return sum(e.abs(x), **arguments)
    if p == 2:
        return root(sum(x * x, **arguments), 2)
    is_zero = x == 0  # below p = 1 the slope of |x|^p is infinite there
    powers = e.where(is_zero, 1.0, e.abs(x)) ** p
    return root(sum(e.where(is_zero, 0.0 if p > 0 else math.inf, powers), **arguments), p)


def softmax(x: Var, dim: int = -1, dtype: Any = None, *, axis: int | None = None) -> Var:
    """exp(x) divided by its sum along `dim`; safe for large x.

    Dtypes:   floating; 16-bit inputs compute in float32
    Cost:     one kernel
    """
    x = e.in_dtype(x, dtype, "softmax")
    return _compose.softmax(x, one_axis(dim if axis is None else None, axis, x.ndim, "softmax"), False)


def log_softmax(x: Var, dim: int = -1, dtype: Any = None, *, axis: int | None = None) -> Var:
    """Logarithm of softmax along `dim`, without its rounding."""
    x = e.in_dtype(x, dtype, "log_softmax")
    return _compose.softmax(x, one_axis(dim if axis is None else None, axis, x.ndim, "log_softmax"), True)


def logsumexp(x: Var, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None) -> Var:
    """Logarithm of the sum of exp(x) over `dim` (default: all); safe for large x."""
    x, axes, keep = reduction_axes(x, dim, keepdim, axis, keepdims, "logsumexp")
    return x if axes is None else _compose.logsumexp(x, axes, keep)


def cumsum(x: Var, dim: int | None = None, dtype: Any = None, *, axis: int | None = None) -> Var:
    """Sums of the elements up to each one along `dim`.

    Dtypes:   bool and integers give int64; floats accumulate in float64
    Gradient: x
    Cost:     one pass over x; two where there are few long lines, whose blocks of 512 are summed up first
    Example:  >>> jt.cumsum(jt.array([1, 2, 3]), 0).tolist()
              [1, 3, 6]
    """
    return scan(e.in_dtype(x, dtype, "cumsum"), dim, axis, "sum", "cumsum")


def cumprod(x: Var, dim: int | None = None, dtype: Any = None, *, axis: int | None = None) -> Var:
    """Products of the elements up to each one along `dim`.

    Dtypes:   bool and integers give int64; floats accumulate in float64
    Gradient: x; zeros do no harm
    Cost:     one pass over x, one line of elements after the other
    """
    return scan(e.in_dtype(x, dtype, "cumprod"), dim, axis, "prod", "cumprod")


def scan(x: Var, dim: Any, axis: Any, kind: str, function: str) -> Var:
    x = as_var(x, function)
    if pick(dim, axis, function) is None and x.ndim <= 1:
        dim = 0
    place = one_axis(dim, axis, x.ndim, function)
    if "float" not in str(x.dtype):
        x = e.cast(x, "int64")
    if x.ndim == 0:
        return x
    return _graph.scan(kind, x, place, function)
