"""Orders: sort, topk, unique, median. The order is found on the host, so these compute x; values carry gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jittor_cy import _graph
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ShapeError
from jittor_cy.ops._rules import as_var, one_axis
from jittor_cy.ops.creation import array
from jittor_cy.ops.gathering import take_along_dim

__all__ = ["Ordered", "argsort", "kthvalue", "median", "sort", "topk", "unique"]


# Elements whose numbers of rank and place stay in the second cache.
SCRATCH = 1 << 16


class Ordered(NamedTuple):
    """Values and where they stood."""

    values: Var
    indices: Var


def order(x: Var, axis: int, descending: bool, count: int | None = None) -> np.ndarray:
    """Places in order along `axis` (the first `count`); equal elements keep theirs, NaN counts as the largest."""
    found = x.numpy()
    count = found.shape[axis] if count is None else count
    rows = np.moveaxis(found, axis, -1)
    ranks = ranks_of(rows)
    if ranks is not None and found.size:
        places = first_places(ranks, descending, count)
        return np.moveaxis(places.reshape(*rows.shape[:-1], count), -1, axis)
    if not descending:
        return np.take(np.argsort(found, axis, kind="stable"), np.arange(count), axis)
    turned = np.flip(found, axis)
    places = np.flip(np.argsort(turned, axis, kind="stable"), axis)
    return found.shape[axis] - 1 - np.take(places, np.arange(count), axis)


def ranks_of(x: np.ndarray) -> np.ndarray | None:
    """Elements whose order as int64 fits into 32 bits, as float32 or as integers from 0 on; None for others."""
    if x.dtype in (np.float16, np.float32):
        return x.astype(np.float32, copy=False)
    if x.dtype.kind not in "iub" or not x.size or x.shape[-1] >= 1 << 32:
        return None
    least, most = int(x.min()), int(x.max())
    if most - least >= 1 << 32 or most >= 1 << 63:
        return None
    return x.astype(np.int64) - least


def first_places(ranks: np.ndarray, descending: bool, count: int) -> np.ndarray:
    """Rows of places, in order. Rank and place are sorted as one number: no two are equal, and numbers sort fast."""
    rows = ranks.reshape(-1, ranks.shape[-1])
    n = rows.shape[1]
    out = np.empty((len(rows), count), np.int64)
    step = max(1, SCRATCH // max(n, 1))
    numbers = np.empty((min(step, len(rows)), n), np.uint64)
    places = np.arange(n, dtype=np.uint64)
    for first in range(0, len(rows), step):
        part = rows[first : first + step]
        joined = numbers[: len(part)]
        joined[...] = bits_in_order(part)
        if descending:
            np.subtract(np.uint64(0xFFFFFFFF), joined, out=joined)
        np.left_shift(joined, np.uint64(32), out=joined)
        np.bitwise_or(joined, places, out=joined)
        if 0 < count < n:
            joined.partition(count - 1, -1)
        chosen = joined[:, :count]
        chosen.sort(-1)
        np.bitwise_and(chosen, np.uint64(0xFFFFFFFF), out=out[first : first + step].view(np.uint64))
    return out


def bits_in_order(x: np.ndarray) -> np.ndarray:
    """32-bit numbers in the order of x: negative floats have every bit turned over, others the sign; NaN is last."""
    if x.dtype != np.float32:
        return x
    bits = (x + np.float32(0)).view(np.int32)  # -0 equals 0
    numbers = bits.view(np.uint32) ^ ((bits >> 31).view(np.uint32) | np.uint32(0x80000000))
    numbers[np.isnan(x)] = 0xFFFFFFFF
    return numbers


def argsort(x: Var, dim: int = -1, descending: bool = False, stable: bool = True, *, axis: int | None = None) -> Var:
    """Places of the elements in order along `dim`; equal ones keep their order, NaN comes as the largest. Computes x.

    Example:  >>> jt.argsort(jt.array([3, 1, 2])).tolist()
              [1, 2, 0]
    """
    x = as_var(x, "argsort")
    place = one_axis(dim if axis is None else None, axis, x.ndim, "argsort")
    return array(order(x, place, descending)) if x.ndim else _graph.full((), "int64", 0)


def sort(x: Var, dim: int = -1, descending: bool = False, stable: bool = True, *, axis: int | None = None) -> Ordered:
    """(values in order along `dim`, where they stood). Computes x; the values carry the gradient."""
    x = as_var(x, "sort")
    indices = argsort(x, dim, descending, axis=axis)
    if x.ndim == 0:
        return Ordered(x, indices)
    return Ordered(take_along_dim(x, indices, one_axis(dim if axis is None else None, axis, x.ndim, "sort")), indices)


def topk(
    x: Var, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, axis: int | None = None
) -> Ordered:  # noqa: A002
    """(the k largest or smallest elements along `dim` in order, where they stood). Computes x."""
    x = as_var(x, "topk")
    place = one_axis(dim if axis is None else None, axis, x.ndim, "topk")
    if x.ndim == 0:
        return only_element(x, k, "topk")
    if not 0 <= k <= x.shape[place]:
        raise ArgumentError(f"topk: k is {k}, found {x.shape[place]} elements", x=x)
    indices = array(order(x, place, largest, k))
    return Ordered(take_along_dim(x, indices, place), indices)


def only_element(x: Var, k: int, function: str) -> Ordered:
    """What a 0-d Var gives, which counts as a vector of one element."""
    if k != 1:
        raise ArgumentError(f"{function}: k is {k}, found 1 element", x=x)
    return Ordered(x, _graph.full((), "int64", 0))


def kthvalue(x: Var, k: int, dim: int = -1, keepdim: bool = False, *, axis: int | None = None) -> Ordered:
    """(the k-th smallest element along `dim`, counted from 1, where it stood). Computes x."""
    place = one_axis(dim if axis is None else None, axis, x.ndim, "kthvalue")
    if x.ndim == 0:
        return only_element(x, k, "kthvalue")
    if not 1 <= k <= x.shape[place]:
        raise ArgumentError(f"kthvalue: k is {k}, found {x.shape[place]} elements", x=x)
    values, indices = topk(x, k, place, largest=False)
    return kept(Ordered(values.narrow(place, k - 1, 1), indices.narrow(place, k - 1, 1)), place, keepdim)


def kept(found: Ordered, place: int, keepdim: bool) -> Ordered:
    """One element along an axis, which stays or goes."""
    return found if keepdim else Ordered(found.values.squeeze(place), found.indices.squeeze(place))


def median(x: Var, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None) -> Any:
    """The middle element (the lower one of two), of all; with `dim` (values, indices). Computes x.

    NaN where there is one.
    """
    x = as_var(x, "median")
    if dim is None and axis is None:
        return median(x.reshape(-1), 0).values
    place = one_axis(dim, axis, x.ndim, "median")
    if x.ndim == 0:
        return only_element(x, 1, "median")
    if x.shape[place] == 0:
        raise ShapeError("median: there is no middle of no elements", x=x)
    found = x.numpy()
    nans = np.sum(found != found, place, keepdims=True)
    n = found.shape[place]
    middle = np.where(nans > 0, n - nans, (n - 1) // 2)  # NaNs stand last
    indices = array(np.take_along_axis(order(x, place, False), middle, place))
    return kept(Ordered(take_along_dim(x, indices, place), indices), place, keepdim)


def unique(
    x: Var,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,  # noqa: A002
    dim: int | None = None,
) -> Any:
    """The distinct elements in order; also where each element went and how often each stands. Computes x."""
    found = np.unique(as_var(x, "unique").numpy(), return_inverse=True, return_counts=True, axis=dim)
    inverse = np.asarray(found[1]).reshape(x.shape if dim is None else (x.shape[dim],))
    chosen = [array(found[0])]
    if return_inverse:
        chosen.append(array(inverse))
    if return_counts:
        chosen.append(array(found[2]))
    return chosen[0] if len(chosen) == 1 else tuple(chosen)
