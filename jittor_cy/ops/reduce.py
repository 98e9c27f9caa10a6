"""Reductions: sums, extremes, statistics, softmax."""
from __future__ import annotations

from typing import Any

from jittor_cy import _graph
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError
from jittor_cy.ops._rules import Axes, as_var, axes_of, axis_of, keep, mask_of, spelled

__all__ = ["all", "amax", "amin", "any", "argmax", "argmin", "log_softmax", "logsumexp", "max", "mean", "min", "norm", "prod",
           "softmax", "std", "sum", "var"]


def reduced(kind: str, x: Any, dim: Axes, keepdim: bool, axis: Axes, keepdims: bool | None, function: str) -> Var:
    x = as_var(x, function)
    axes = axes_of(dim, axis, x.ndim, function)
    if not axes and x.ndim:
        return x.clone()
    return _graph.reduce(kind, x, mask_of(axes), keep(keepdim, keepdims), function)


def sum(x: Any, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None, keepdims: bool | None = None,
        dtype: Any = None) -> Var:
    """Sum of the elements over axes (default: all).

    Shapes:   x any · returns x's without the axes, or with extents of 1 where keepdim
    Dtypes:   bool and integers below 64 bits give int64; 16-bit floats accumulate in float32
    Raises:   IndexError: an axis is out of range
    Gradient: x
    Cost:     one pass over x
    Example:  >>> import jittor_cy as jt
              >>> jt.sum(jt.ones(2, 3), 1).tolist()
              [3.0, 3.0]
    """
    x = as_var(x, "sum")
    return reduced("sum", x if dtype is None else _graph.cast(x, dtype), dim, keepdim, axis, keepdims, "sum")


def prod(x: Any, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None, keepdims: bool | None = None,
         dtype: Any = None) -> Var:
    """Product of the elements over axes (default: all); dtypes as sum.

    Example:  >>> import jittor_cy as jt
              >>> jt.prod(jt.array([1.0, 2.0, 3.0])).item()
              6.0
    """
    x = as_var(x, "prod")
    return reduced("prod", x if dtype is None else _graph.cast(x, dtype), dim, keepdim, axis, keepdims, "prod")


def max(x: Any, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None, keepdims: bool | None = None) -> Var:
    """Largest element over axes (default: all); a NaN wins. As in NumPy and Jittor: values only (argmax gives indices).

    Raises:   ValueError: an axis without elements is reduced
    Gradient: x, shared equally among equal maxima
    Example:  >>> import jittor_cy as jt
              >>> jt.max(jt.array([[1, 5], [3, 2]]), 0).tolist()
              [3, 5]
    """
    return reduced("max", x, dim, keepdim, axis, keepdims, "max")


def min(x: Any, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None, keepdims: bool | None = None) -> Var:
    """Smallest element over axes (default: all); as max.

    Example:  >>> import jittor_cy as jt
              >>> jt.min(jt.array([[1, 5], [3, 2]])).item()
              1
    """
    return reduced("min", x, dim, keepdim, axis, keepdims, "min")


amax, amin = max, min


def any(x: Any, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None, keepdims: bool | None = None) -> Var:
    """Whether an element over axes is not zero; of no elements: False.

    Example:  >>> import jittor_cy as jt
              >>> jt.any(jt.array([0, 2])).item()
              True
    """
    x = as_var(x, "any")
    return reduced("max", x if x.dtype == "bool" else x != 0, dim, keepdim, axis, keepdims, "any")


def all(x: Any, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None, keepdims: bool | None = None) -> Var:
    """Whether every element over axes is not zero; of no elements: True.

    Example:  >>> import jittor_cy as jt
              >>> jt.all(jt.array([0, 2])).item()
              False
    """
    x = as_var(x, "all")
    return reduced("min", x if x.dtype == "bool" else x != 0, dim, keepdim, axis, keepdims, "all")


def extreme_index(kind: str, x: Any, dim: Any, keepdim: bool, axis: Any, keepdims: bool | None) -> Var:
    x = as_var(x, kind)
    given = spelled(dim, axis, kind)
    if given is None:
        flat = _graph.reshape(x, (x.numel(),), kind)
        out = _graph.reduce(kind, flat, 1, False, kind)
        return _graph.reshape(out, (1,) * x.ndim, kind) if keep(keepdim, keepdims) else out
    return _graph.reduce(kind, x, 1 << axis_of(given, x.ndim, kind), keep(keepdim, keepdims), kind)


def argmax(x: Any, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None, keepdims: bool | None = None) -> Var:
    """Index of the first largest element along an axis (default: of the flattened x); the first NaN wins. int64.

    Example:  >>> import jittor_cy as jt
              >>> jt.argmax(jt.array([1, 5, 5])).item()
              1
    """
    return extreme_index("argmax", x, dim, keepdim, axis, keepdims)


def argmin(x: Any, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None, keepdims: bool | None = None) -> Var:
    """Index of the first smallest element; as argmax.

    Example:  >>> import jittor_cy as jt
              >>> jt.argmin(jt.array([3, 1, 1])).item()
              1
    """
    return extreme_index("argmin", x, dim, keepdim, axis, keepdims)


def mean(x: Any, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None, keepdims: bool | None = None) -> Var:
    """Mean over axes (default: all); integers give float32.

    Gradient: x
    Example:  >>> import jittor_cy as jt
              >>> jt.mean(jt.array([1.0, 2.0])).item()
              1.5
    """
    x = as_var(x, "mean")
    return _graph.mean(x, mask_of(axes_of(dim, axis, x.ndim, "mean")), keep(keepdim, keepdims))


def var(x: Any, dim: Axes = None, correction: float = 1, keepdim: bool = False, *, axis: Axes = None,
        keepdims: bool | None = None, unbiased: bool | None = None) -> Var:
    """Variance over axes (default: all): two passes, divided by n - correction (PyTorch's default of 1).

    Args:     unbiased: PyTorch's older name: correction 1 or 0
    Gradient: x
    Example:  >>> import jittor_cy as jt
              >>> jt.var(jt.array([1.0, 3.0]), correction=0).item()
              1.0
    """
    x = as_var(x, "var")
    if unbiased is not None:
        correction = 1 if unbiased else 0
    return _graph.variance(x, mask_of(axes_of(dim, axis, x.ndim, "var")), keep(keepdim, keepdims), float(correction))


def std(x: Any, dim: Axes = None, correction: float = 1, keepdim: bool = False, *, axis: Axes = None,
        keepdims: bool | None = None, unbiased: bool | None = None) -> Var:
    """Square root of the variance; as var.

    Example:  >>> import jittor_cy as jt
              >>> jt.std(jt.array([1.0, 3.0]), correction=0).item()
              1.0
    """
    return _graph.unary("Sqrt", var(x, dim, correction, keepdim, axis=axis, keepdims=keepdims, unbiased=unbiased), "std")


def softmax(x: Any, dim: int | None = None, *, axis: int | None = None) -> Var:
    """exp(x) over its sum along an axis (default: the last), shifted by the maximum so that nothing overflows.

    Shapes:   x any · returns the same
    Dtypes:   floating; 16-bit floats compute in float32
    Gradient: x
    Cost:     one kernel, x is read once
    Example:  >>> import jittor_cy as jt
              >>> jt.softmax(jt.zeros(4)).tolist()
              [0.25, 0.25, 0.25, 0.25]
    """
    x = as_var(x, "softmax")
    given = spelled(dim, axis, "softmax")
    return _graph.softmax(x, axis_of(-1 if given is None else given, x.ndim, "softmax"), False)


def log_softmax(x: Any, dim: int | None = None, *, axis: int | None = None) -> Var:
    """Logarithm of softmax, without its cancellation; as softmax.

    Example:  >>> import jittor_cy as jt
              >>> jt.log_softmax(jt.zeros(1)).tolist()
              [0.0]
    """
    x = as_var(x, "log_softmax")
    given = spelled(dim, axis, "log_softmax")
    return _graph.softmax(x, axis_of(-1 if given is None else given, x.ndim, "log_softmax"), True)


def logsumexp(x: Any, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None, keepdims: bool | None = None) -> Var:
    """log(sum(exp(x))) over axes (default: all), shifted by the maximum.

    Gradient: x
    Example:  >>> import jittor_cy as jt
              >>> round(jt.logsumexp(jt.zeros(4)).item(), 4)
              1.3863
    """
    x = as_var(x, "logsumexp")
    return _graph.logsumexp(x, mask_of(axes_of(dim, axis, x.ndim, "logsumexp")), keep(keepdim, keepdims))


def norm(x: Any, p: float | str = 2, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None,
         keepdims: bool | None = None) -> Var:
    """Vector norm over axes (default: all): p a positive number, or "inf".

    Raises:   ValueError: p is not positive
    Gradient: x (at 0 it is NaN for p = 2, as the derivative)
    Example:  >>> import jittor_cy as jt
              >>> jt.norm(jt.array([3.0, 4.0])).item()
              5.0
    """
    x = as_var(x, "norm")
    size = _graph.unary("Abs", x, "norm")
    options = dict(axis=axes_of(dim, axis, x.ndim, "norm"), keepdims=keep(keepdim, keepdims))
    if p in ("inf", float("inf")):
        return max(size, **options)
    if not isinstance(p, (int, float)) or p <= 0:
        raise ArgumentError(f'norm: p must be a positive number or "inf", found {p!r}')
    if p == 1:
        return sum(size, **options)
    if p == 2:
        return _graph.unary("Sqrt", sum(x * x, **options), "norm")
    return sum(size**p, **options) ** (1 / p)
