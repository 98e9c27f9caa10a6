"""Reading and writing along an axis: gather, scatter, index_select, index_add, one_hot. 0-d Vars count as vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jittor_cy import _compose, _graph
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, DtypeError, ShapeError
from jittor_cy.ops._rules import as_var, axis_index, one_axis
from jittor_cy.ops.elementwise import cast
from jittor_cy.ops.index_programs import checked_load, for_writing, plain_load
from jittor_cy.ops.indexing import put_last

__all__ = [
    "gather",
    "index_add",
    "index_select",
    "one_hot",
    "scatter",
    "scatter_add",
    "take_along_dim",
]


def index_select(x: Var, dim: int, index: Var) -> Var:
    """The slices of x along `dim` at the places in the vector `index`."""
    x, index = as_var(x, "index_select"), as_var(index, "index_select", "index")
    place = axis_index(dim, max(x.ndim, 1), "index_select")
    if x.ndim:
        return _compose.take(x, at_least_1d(index), place, "index_select")
    if math.prod(index.shape) != 1:
        raise ShapeError("index_select: of a 0-d var one element is taken", x=x, index=index)
    return _compose.take(at_least_1d(x), _graph.reshape(index, ()), 0, "index_select")


def at_least_1d(x: Var) -> Var:
    """x, or the vector of its one element: gather and scatter take a 0-d Var as such, as PyTorch's do."""
    return x if x.ndim else _graph.reshape(x, (1,))


def along(x: Var, dim: int, index: Var, function: str) -> tuple[list[int], Var]:
    if "int" not in str(index.dtype):
        raise DtypeError(f"{function}: indices must be integers, found {index.dtype}", index=index)
    if index.ndim != x.ndim:
        raise ShapeError(f"{function}: the index needs as many dims as the var", x=x, index=index)
    structure: list[int] = [x.ndim]
    for axis in range(x.ndim):
        structure += checked_load(1, list(range(x.ndim)), axis) if axis == dim else [0, 1, 0, axis]
    return structure, index


def gather(x: Var, dim: int, index: Var) -> Var:
    """out[i, j, ...] = x[i, index[i, j, ...], ...] with the index in the place of `dim`.

    Shapes:   index has x's number of dims (0-d counts as 1-d), and is nowhere longer except along `dim`
    Example:  >>> jt.gather(jt.array([[1, 2], [3, 4]]), 1, jt.array([[0], [1]])).tolist()
              [[1], [4]]
    """
    return gather_along(as_var(x, "gather"), dim, as_var(index, "gather", "index"), "gather")


def gather_along(x: Var, dim: int, index: Var, function: str) -> Var:
    dim, shape = axis_index(dim, max(x.ndim, 1), function), index.shape
    x, index = at_least_1d(x), at_least_1d(index)
    structure, index = along(x, dim, index, function)
    if any(m > n for i, (m, n) in enumerate(zip(index.shape, x.shape, strict=True)) if i != dim):
        raise ShapeError(f"{function}: the index is longer than the var", x=x, index=index)
    out = _graph.reindex([x, index], structure, [0.0 if "float" in str(x.dtype) else 0], index.shape, function)
    return out if shape else _graph.reshape(out, ())


def take_along_dim(x: Var, index: Var, dim: int | None = None, *, axis: int | None = None) -> Var:
    """gather with the other axes broadcast, as NumPy's take_along_axis."""
    x, index = as_var(x, "take_along_dim"), as_var(index, "take_along_dim", "index")
    if dim is None and axis is None:
        flat, places = (_graph.reshape(v, (math.prod(v.shape),)) for v in (x, index))
        return gather_along(flat, 0, places, "take_along_dim")
    place = one_axis(dim, axis, x.ndim, "take_along_dim")
    shape = list(np.broadcast_shapes(*([*s[:place], 1, *s[place + 1 :]] for s in (x.shape, index.shape))))
    wide_x, wide_index = list(shape), list(shape)
    wide_x[place], wide_index[place] = x.shape[place], index.shape[place]
    return gather_along(_graph.broadcast_to(x, wide_x), place, _graph.broadcast_to(index, wide_index), "take_along_dim")


def pick(x: Var, dim: int, index: Var, function: str) -> Var:
    """out[i, ...] = x[i, index[i, ...], ...] with the index, which has all axes but `dim`; never negative."""
    structure: list[int] = [x.ndim]
    for axis in range(x.ndim):
        structure += plain_load(1, range(x.ndim - 1)) if axis == dim else [0, 1, 0, axis - (axis > dim)]
    return _graph.reindex([x, index], structure, [0.0 if "float" in str(x.dtype) else 0], index.shape, function)


def scatter(x: Var, dim: int, index: Var, src: Any, reduce: str | None = None) -> Var:
    """x with src put at the places that gather would read; of equal places the last one counts, or `reduce` joins them.

    Args:     reduce: None, "add", "multiply", "maximum" or "minimum"
    """
    return scatter_along(x, dim, index, src, reduce, "scatter")


def scatter_along(x: Var, dim: int, index: Var, src: Any, reduce: str | None, function: str) -> Var:
    x, index = as_var(x, function), as_var(index, function, "index")
    dim = axis_index(dim, max(x.ndim, 1), function)
    if x.ndim == 0:
        return _graph.reshape(scatter_along(at_least_1d(x), dim, index, src, reduce, function), ())
    index = at_least_1d(index)
    value = cast(as_var(src, function, "src", x), x.dtype)
    if value.ndim == 0:
        value = _graph.broadcast_to(value, index.shape)
    if value.shape != index.shape:
        value = _graph.slice_(value, [0] * value.ndim, [1] * value.ndim, index.shape)
    structure, index = along(x, dim, index, function)
    if reduce is None:
        return put_last(x, structure, [index], value, function)
    kinds = {"add": 0, "sum": 0, "multiply": 1, "prod": 1, "maximum": 2, "amax": 2, "minimum": 3, "amin": 3}
    if reduce not in kinds:
        raise ArgumentError(f"scatter: reduce is {reduce!r}", help='None, "add", "multiply", "maximum" or "minimum"')
    structure, extents = for_writing(structure, x.shape)
    found = _graph.reindex_reduce([value, index], [kinds[reduce], *structure], extents, x.shape, function)
    return _graph.binary(("Add", "Mul", "Maximum", "Minimum")[kinds[reduce]], x, found, function)


def scatter_add(x: Var, dim: int, index: Var, src: Var) -> Var:
    """x plus src at the places that gather would read, in the order of the index."""
    return scatter_along(x, dim, index, src, "add", "scatter_add")


def index_add(x: Var, dim: int, index: Var, source: Var, *, alpha: float = 1) -> Var:
    """x plus `alpha` times the slices of `source` at the places in the vector `index` along `dim`."""
    x, index, source = (
        as_var(x, "index_add"),
        as_var(index, "index_add", "index"),
        as_var(source, "index_add", "source"),
    )
    dim = axis_index(dim, max(x.ndim, 1), "index_add")
    if x.ndim == 0:
        return _graph.reshape(index_add(at_least_1d(x), dim, index, at_least_1d(source), alpha=alpha), ())
    if alpha != 1:
        source = cast(cast(source, x.dtype) * alpha, x.dtype)
    index = at_least_1d(index)
    structure: list[int] = [x.ndim]
    for axis in range(x.ndim):
        structure += checked_load(1, [axis], axis) if axis == dim else [0, 1, 0, axis]
    structure, extents = for_writing(structure, x.shape)
    return x + _graph.reindex_reduce([cast(source, x.dtype), index], [0, *structure], extents, x.shape, "index_add")


def one_hot(x: Var, num_classes: int = -1) -> Var:
    """1 at the place of each class, 0 elsewhere, along a new last axis; int64.

    Args:     num_classes: -1 takes the largest class plus one, and computes x
    """
    x = as_var(x, "one_hot")
    if "int" not in str(x.dtype):
        raise DtypeError(f"one_hot: classes must be integers, found {x.dtype}", x=x)
    count = num_classes if num_classes >= 0 else (int(x.numpy().max()) + 1 if math.prod(x.shape) else 0)
    wide = _graph.reshape(x, (*x.shape, 1))
    return cast(wide == _graph.iota((count,), str(x.dtype), 0, 0, 1), "int64")
