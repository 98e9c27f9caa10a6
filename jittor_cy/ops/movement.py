"""Operations that move values: reshape, transpose, expand, flip, roll, pad. The first ones give views."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jittor_cy import _compose, _graph
from jittor_cy._var import Var, view_of
from jittor_cy.errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError
from jittor_cy.ops._rules import as_var, axis_index, axis_list, pick, sizes

__all__ = [
    "broadcast_tensors",
    "broadcast_to",
    "diag",
    "expand",
    "expand_as",
    "flatten",
    "flip",
    "matrix_transpose",
    "meshgrid",
    "moveaxis",
    "narrow",
    "permute",
    "permute_dims",
    "repeat",
    "repeat_interleave",
    "reshape",
    "roll",
    "squeeze",
    "swapaxes",
    "t",
    "tile",
    "transpose",
    "tril",
    "triu",
    "unflatten",
    "unsqueeze",
    "expand_dims",
    "view",
    "view_as",
]

SLICE, TRANSPOSE, RESHAPE, EXPAND = 0, 1, 2, 3  # steps of a view (enum Step in _var.pyx)


def reshape(x: Var, *shape: Any) -> Var:
    """The same elements, row by row, in another shape; one size may be -1. A view.

    Raises:   ShapeError: the number of elements differs
    Example:  >>> jt.reshape(jt.arange(6), 2, -1).shape
              (2, 3)
    """
    x = as_var(x, "reshape")
    return view_of(x, (RESHAPE, full_shape(x, sizes(shape, "reshape"), "reshape")))


def full_shape(x: Var, shape: tuple[int, ...], function: str) -> tuple[int, ...]:
    """`shape` with -1 filled in."""
    count, known = math.prod(x.shape), math.prod(n for n in shape if n != -1)
    if [n for n in shape if n < -1] or shape.count(-1) > 1:
        raise ArgumentError(f"{function}: {list(shape)} is not a shape", help="sizes are 0 or more; one may be -1")
    if -1 in shape and known and count % known == 0:
        shape = tuple(count // known if n == -1 else n for n in shape)
    if -1 in shape or math.prod(shape) != count:
        raise ShapeError(f"{function}: {count} elements do not fit shape {list(shape)}", x=x)
    return shape


def view(x: Var, *shape: Any) -> Var:
    """reshape by PyTorch's name."""
    if len(shape) == 1 and isinstance(shape[0], str):
        raise ArgumentTypeError("view: a dtype is not a shape", help="use x.astype(dtype) to convert the elements")
    return reshape(x, *shape)


def view_as(x: Var, other: Var) -> Var:
    """x in the shape of `other`."""
    return reshape(x, other.shape)


def flatten(x: Var, start_dim: int = 0, end_dim: int = -1) -> Var:
    """The axes from start_dim to end_dim joined to one. A view."""
    x = as_var(x, "flatten")
    if x.ndim == 0:
        return reshape(x, 1)
    start, end = axis_index(start_dim, x.ndim, "flatten"), axis_index(end_dim, x.ndim, "flatten")
    if start > end:
        raise ArgumentError(f"flatten: start_dim {start_dim} is behind end_dim {end_dim}", x=x)
    shape = x.shape
    return reshape(x, *shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])


def unflatten(x: Var, dim: int, sizes_: Sequence[int]) -> Var:
    """One axis split into several. A view."""
    dim = axis_index(dim, x.ndim, "unflatten")
    known = math.prod(n for n in sizes_ if n != -1)
    parts = [x.shape[dim] // known if n == -1 and known else n for n in sizes_]
    return reshape(x, *x.shape[:dim], *parts, *x.shape[dim + 1 :])


def permute(x: Var, *dims: Any) -> Var:
    """The axes in another order. A view.

    Example:  >>> jt.permute(jt.zeros(2, 3, 4), 2, 0, 1).shape
              (4, 2, 3)
    """
    x = as_var(x, "permute")
    order = [axis_index(d, x.ndim, "permute") for d in sizes(dims, "permute")] if dims else list(range(x.ndim))[::-1]
    if sorted(order) != list(range(x.ndim)):
        raise ArgumentError(f"permute: {list(order)} does not name each of the {x.ndim} dims once", x=x)
    return view_of(x, (TRANSPOSE, tuple(order)))


def transpose(x: Var, *dims: Any, axes: Any = None) -> Var:
    """Two dims: exchanged (PyTorch); as many as x has: permute (Jittor, NumPy); none: reversed. A view."""
    x = as_var(x, "transpose")
    given = sizes(dims if axes is None else (axes,), "transpose") if dims or axes is not None else ()
    one_by_one = len(dims) == 2
    if len(given) == 2 and (one_by_one or x.ndim != 2):
        return swapaxes(x, *given)
    return permute(x, *given)


def swapaxes(x: Var, dim0: int, dim1: int) -> Var:
    """Two axes exchanged. A view."""
    a, b = (axis_index(d, max(x.ndim, 1), "swapaxes") for d in (dim0, dim1))
    order = list(range(x.ndim))
    if not order:
        return x
    order[a], order[b] = order[b], order[a]
    return view_of(x, (TRANSPOSE, tuple(order)))


def moveaxis(x: Var, source: Any, destination: Any) -> Var:
    """Axes moved to other places, the rest in order. A view."""
    from_, to = axis_list(source, x.ndim, "moveaxis"), axis_list(destination, x.ndim, "moveaxis")
    if x.ndim == 0:
        return x
    order = [i for i in range(x.ndim) if i not in from_]
    for place, axis in sorted(zip(to, from_, strict=True)):
        order.insert(place, axis)
    return permute(x, *order)


def t(x: Var) -> Var:
    """A matrix with rows and columns exchanged; a vector as it is."""
    if x.ndim > 2:
        raise ShapeError(f"t: at most 2 dims are possible, found {x.ndim}", x=x, help="use transpose(dim0, dim1)")
    return transpose(x)


def matrix_transpose(x: Var) -> Var:
    """The last two axes exchanged (the attribute mT). A view."""
    if x.ndim < 2:
        raise ShapeError("mT: at least 2 dims are needed", x=x)
    return swapaxes(x, -1, -2)


def unsqueeze(x: Var, dim: Any = None, *, axis: Any = None) -> Var:
    """An axis of extent 1 put in at `dim`. A view."""
    x = as_var(x, "unsqueeze")
    place = axis_index(pick(dim, axis, "unsqueeze"), x.ndim + 1, "unsqueeze")
    return view_of(x, (RESHAPE, (*x.shape[:place], 1, *x.shape[place:])))


def squeeze(x: Var, dim: Any = None, *, axis: Any = None) -> Var:
    """Axes of extent 1 (those in `dim`, default: all) taken out. A view."""
    x = as_var(x, "squeeze")
    axes = axis_list(pick(dim, axis, "squeeze"), x.ndim, "squeeze")
    return view_of(x, (RESHAPE, tuple(n for i, n in enumerate(x.shape) if n != 1 or i not in axes)))


def expand(x: Var, *shape: Any) -> Var:
    """Axes of extent 1 repeated without a copy; -1 keeps an axis. A view that cannot be written to.

    Example:  >>> jt.expand(jt.ones(3, 1), -1, 4).shape
              (3, 4)
    """
    x = as_var(x, "expand")
    wanted = sizes(shape, "expand")
    fresh = len(wanted) - x.ndim
    if fresh < 0:
        raise ShapeError(f"expand: {list(wanted)} has fewer dims than the var", x=x)
    return view_of(
        x, (EXPAND, tuple(x.shape[i - fresh] if n == -1 and i >= fresh else n for i, n in enumerate(wanted)))
    )


def broadcast_to(x: Var, *shape: Any) -> Var:
    """x repeated to `shape` by NumPy's rule. A view that cannot be written to."""
    return expand(as_var(x, "broadcast_to"), *shape)


def expand_as(x: Var, other: Var) -> Var:
    """x repeated to the shape of `other`."""
    return expand(x, *other.shape)


def broadcast_tensors(*inputs: Var) -> tuple[Var, ...]:
    """All inputs repeated to their common shape."""
    shape = np.broadcast_shapes(*(x.shape for x in inputs))
    return tuple(expand(x, *shape) for x in inputs)


def repeat(x: Var, *repeats: Any) -> Var:
    """x laid side by side so many times along each axis, as PyTorch's repeat and NumPy's tile.

    Example:  >>> jt.repeat(jt.array([1, 2]), 2, 2).tolist()
              [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    x = as_var(x, "repeat")
    times = sizes(repeats, "repeat")
    if len(times) < x.ndim:
        times = (1,) * (x.ndim - len(times)) + times
    shape = (1,) * (len(times) - x.ndim) + x.shape
    pairs = [n for pair in zip(times, shape, strict=True) for n in pair]
    axes = [axis if i % 2 else -1 for i in range(len(pairs)) for axis in [i // 2]]
    wide = _graph.broadcast_axes(_graph.reshape(x, shape, "repeat"), pairs, axes)
    return _graph.reshape(wide, [m * n for m, n in zip(times, shape, strict=True)], "repeat")


def repeat_interleave(
    x: Var, repeats: Any, dim: int | None = None, *, output_size: int | None = None, axis: int | None = None
) -> Var:
    """Each element (or slice along `dim`) repeated in place.

    Args:     repeats: one number, or a vector with one for each element along `dim`; a Var of these is computed
              output_size: the extent of the result, which is checked
    Raises:   ShapeError: the vector has another length than the axis · DtypeError: it does not hold integers
    Example:  >>> jt.repeat_interleave(jt.array([5, 6]), [1, 2]).tolist()
              [5, 6, 6]
    """
    x, dim = as_var(x, "repeat_interleave"), pick(dim, axis, "repeat_interleave")
    if dim is None:
        x, dim = flatten(x), 0
    dim = axis_index(dim, x.ndim, "repeat_interleave")
    counts = np.asarray(repeats.numpy() if isinstance(repeats, Var) else repeats)
    if counts.dtype.kind not in "iu" and counts.size:
        raise DtypeError(f"repeat_interleave: repeats must be integers, found {counts.dtype}", x=x)
    if counts.ndim > 1 or counts.size not in (1, x.shape[dim]):
        raise ShapeError(f"repeat_interleave: {counts.shape} repeats for {x.shape[dim]} elements", x=x)
    if (counts < 0).any():
        raise ArgumentError("repeat_interleave: repeats below 0 have no meaning", x=x)
    extent = int(counts.sum()) if counts.size == x.shape[dim] else int(counts.sum()) * x.shape[dim]
    if output_size not in (None, extent):
        raise ShapeError(f"repeat_interleave: output_size is {output_size}, the repeats make {extent}", x=x)
    if counts.size != 1:
        places = np.repeat(np.arange(x.shape[dim]), counts.astype(np.int64))
        return _compose.take(x, as_var(places, "repeat_interleave"), dim, "repeat_interleave")
    times = int(counts.reshape(-1)[0])
    shape = (*x.shape[: dim + 1], times, *x.shape[dim + 1 :])
    axes = [*range(dim + 1), -1, *range(dim + 1, x.ndim)]
    wide = _graph.broadcast_axes(x, shape, axes)
    return _graph.reshape(wide, [*x.shape[:dim], x.shape[dim] * times, *x.shape[dim + 1 :]], "repeat_interleave")


def flip(x: Var, *dims: Any, dim: Any = None, axis: Any = None) -> Var:
    """The order along the axes turned around (default: all)."""
    x = as_var(x, "flip")
    chosen = pick(dim, axis, "flip") if not dims else dims[0] if len(dims) == 1 else dims
    axes = axis_list(list(chosen) if isinstance(chosen, (tuple, list)) else chosen, x.ndim, "flip")
    start = [max(n - 1, 0) if i in axes else 0 for i, n in enumerate(x.shape)]
    return _graph.slice_(x, start, [-1 if i in axes else 1 for i in range(x.ndim)], x.shape)


def roll(x: Var, shifts: Any, dims: Any = None, *, axis: Any = None) -> Var:
    """The elements moved along axes; what falls out comes back at the other end."""
    x = as_var(x, "roll")
    dims = pick(dims, axis, "roll")
    if dims is None:
        return reshape(roll(flatten(x), shifts, 0), x.shape)
    if x.ndim == 0:
        raise ShapeError("roll: the var has no dims", x=x, help="roll it without dims")
    amounts = shifts if isinstance(shifts, (tuple, list)) else (shifts,)
    for amount, dim in zip(amounts, axis_list(dims, x.ndim, "roll"), strict=True):
        n = x.shape[dim]
        cut = -amount % n if n else 0
        if cut:
            x = _graph.concat([narrow(x, dim, cut, n - cut), narrow(x, dim, 0, cut)], dim, "roll")
    return x


def narrow(x: Var, dim: int, start: int, length: int) -> Var:
    """`length` elements from `start` along `dim`. A view."""
    dim = axis_index(dim, x.ndim, "narrow")
    start = start + x.shape[dim] if start < 0 else start
    if not 0 <= start <= start + length <= x.shape[dim]:
        raise ArgumentError(f"narrow: [{start}, {start + length}) is outside dim {dim} of {x.shape[dim]} elements", x=x)
    starts, shape = [0] * x.ndim, list(x.shape)
    starts[dim], shape[dim] = start, length
    return view_of(x, (SLICE, tuple(starts), (1,) * x.ndim, tuple(shape)))


def triangle(x: Var, diagonal: int, upper: bool, function: str) -> Var:
    x = as_var(x, function)
    if x.ndim < 2:
        raise ShapeError(f"{function}: at least 2 dims are needed", x=x)
    row = _graph.iota(x.shape, "int64", x.ndim - 2, 0, 1)
    column = _graph.iota(x.shape, "int64", x.ndim - 1, 0, 1)
    inside = column - row >= diagonal if upper else column - row <= diagonal
    return _graph.where(inside, x, _graph.full((), str(x.dtype), 0))


def triu(x: Var, diagonal: int = 0) -> Var:
    """The matrices' upper triangles, zero elsewhere."""
    return triangle(x, diagonal, True, "triu")


def tril(x: Var, diagonal: int = 0) -> Var:
    """The matrices' lower triangles, zero elsewhere."""
    return triangle(x, diagonal, False, "tril")


def diag(x: Var, diagonal: int = 0) -> Var:
    """A matrix with the vector x on its diagonal; of a matrix, its diagonal."""
    if x.ndim == 1:
        n = x.shape[0] + abs(diagonal)
        row = _graph.iota((n, n), "int64", 0, 0, 1)
        column = _graph.iota((n, n), "int64", 1, 0, 1)
        low = max(-diagonal, 0)
        wide = _graph.broadcast_to(_graph.reshape(_graph.pad(x, [low], (n,), 0.0), (n, 1)), (n, n))
        return _graph.where(column - row == diagonal, wide, _graph.full((), str(x.dtype), 0))
    if x.ndim != 2:
        raise ShapeError("diag: a vector or a matrix is needed", x=x)
    rows, columns = x.shape
    length = max(min(rows + min(diagonal, 0), columns - max(diagonal, 0)), 0)
    first = max(-diagonal, 0) * columns + max(diagonal, 0)
    if length == 0:
        return _graph.full((0,), str(x.dtype), 0)
    return _graph.slice_(_graph.reshape(x, (rows * columns,)), [first], [columns + 1], (length,))


def meshgrid(*vectors: Any, indexing: str = "ij") -> tuple[Var, ...]:
    """Coordinates of the grid that the vectors span, one Var for each; "xy" exchanges the first two axes.

    Args:     vectors: one by one or in a list; a 0-d var counts as a vector of one element
    """
    given = vectors[0] if len(vectors) == 1 and isinstance(vectors[0], (tuple, list)) else vectors
    if not given:
        raise ArgumentError("meshgrid: there are no vectors")
    parts = [as_var(v, "meshgrid", f"vector {i}") for i, v in enumerate(given)]
    parts = [v if v.ndim else flatten(v) for v in parts]
    if any(v.ndim != 1 for v in parts):
        raise ShapeError(f"meshgrid: vectors are needed, found {[v.ndim for v in parts]} dims")
    shape = [v.shape[0] for v in parts]
    grids = [
        _graph.broadcast_to(_graph.reshape(v, [n if i == k else 1 for k, n in enumerate(shape)]), shape)
        for i, v in enumerate(parts)
    ]
    return tuple(swapaxes(g, 0, 1) for g in grids) if indexing == "xy" and len(grids) > 1 else tuple(grids)


permute_dims, expand_dims, tile = permute, unsqueeze, repeat
