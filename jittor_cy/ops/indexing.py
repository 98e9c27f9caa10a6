"""Reading and writing parts: getitem, setitem, take, masks. NumPy's rules; data-dependent shapes compute."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from jittor_cy import _compose, _graph
from jittor_cy._index import plain_steps, set_general
from jittor_cy._var import Var, same_view, view_of
from jittor_cy.errors import ArgumentError, ArgumentTypeError, DtypeError, IndexError_, ShapeError
from jittor_cy.ops._rules import as_var, is_number, one_axis
from jittor_cy.ops.elementwise import cast, where
from jittor_cy.ops.index_programs import Expression, checked_load, for_writing
from jittor_cy.ops.movement import RESHAPE, SLICE

__all__ = [
    "getitem",
    "masked_fill",
    "masked_select",
    "nonzero",
    "setitem",
    "take",
]

# What jt.compute makes of x[i, j + 1]; set there, so that this module need not know it.
ELEMENT: list[Callable[[Var, tuple], Var]] = []


def getitem(x: Var, key: Any) -> Var:
    """x[key] by NumPy's rules: ints, slices, ... and None give a view; masks and integer arrays a copy."""
    steps, advanced = parse(x, key)
    if advanced is None:
        return view_of(x, *steps)
    if advanced and isinstance(advanced[0], Expression):
        return ELEMENT[0](x, tuple(advanced))
    return take_advanced(part(x, steps), advanced)


set_general(getitem)


def part(x: Var, steps: list[tuple]) -> Var:
    return view_of(x, *steps) if steps else x


def setitem(x: Var, key: Any, value: Any) -> None:
    """x[key] = value, cast to x's dtype and repeated to the place's shape."""
    if isinstance(key, (Var, np.ndarray)) and key.dtype == "bool" and key.shape == x.shape and is_scalar(value):
        x.copy_(where(as_var(key, "setitem"), cast(as_var(value, "setitem"), x.dtype), x))
        return
    steps, advanced = parse(x, key)
    if advanced is None:
        if not same_view(x, value, tuple(steps)):
            view_of(x, *steps).copy_(as_var(value, "setitem", "value", x))
        return
    place = part(x, steps)
    place.copy_(put_advanced(place, advanced, as_var(value, "setitem", "value", x)))


def is_scalar(value: Any) -> bool:
    return is_number(value) or (isinstance(value, Var) and value.ndim == 0)


def parse(x: Var, key: Any) -> tuple[list[tuple], list[Any] | None]:
    """Steps of a view; and, where there are masks or arrays, an entry for each of its axes: None or an index Var."""
    plain = plain_steps(x, key)
    if plain is not None:
        return plain, None
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(isinstance(k, Expression) for k in keys):
        return [], [Expression.of(k) for k in keys]
    keys = [advanced_key(k) if isinstance(k, (list, np.ndarray, Var)) else k for k in keys]
    if any(isinstance(k, Var) for k in keys):
        keys = [as_var(k, "getitem") if is_int(k) else k for k in keys]  # beside arrays, NumPy takes ints as arrays
    keys = filled_out(x, keys)
    start, step, extents, shape, advanced = [], [], [], [], []
    axis = 0
    for k in keys:
        if k is None:
            shape.append(1)
            advanced.append(None)
            continue
        n, axis = x.shape[axis], axis + 1
        if isinstance(k, Var):
            first, stride, count = 0, 1, n
        elif isinstance(k, slice):
            first, stride, count = slice_range(k, n)
        else:
            first, stride, count = int_place(k, n, axis - 1), 1, 1
        start.append(first)
        step.append(stride)
        extents.append(count)
        if isinstance(k, (slice, Var)):
            shape.append(count)
            advanced.append(k if isinstance(k, Var) else None)
    steps: list[tuple] = []
    if extents != list(x.shape) or any(start) or any(s != 1 for s in step):
        steps.append((SLICE, tuple(start), tuple(step), tuple(extents)))
    if shape != extents:
        steps.append((RESHAPE, tuple(shape)))
    return steps, advanced if any(a is not None for a in advanced) else None


def is_int(k: Any) -> bool:
    return hasattr(k, "__index__") and not isinstance(k, (bool, np.bool_))


def advanced_key(k: Any) -> Any:
    """An array as an index: a 0-d integer is an int, lists and arrays become Vars, masks stay bool."""
    k = as_var(np.asarray(k, dtype=np.int64) if isinstance(k, list) and not k else k, "getitem", "index")
    if k.dtype != "bool" and "int" not in str(k.dtype):
        raise DtypeError(f"getitem: indices must be integers or bool, found {k.dtype}", index=k)
    return k


def filled_out(x: Var, keys: list[Any]) -> list[Any]:
    """`keys` with masks as integer indices, and full slices for ... and what is not named."""
    out: list[Any] = []
    for k in keys:
        if isinstance(k, (bool, np.bool_)):
            raise ArgumentTypeError(
                "getitem: a bool is no index", help="use None for a new axis, or a mask of the var's shape"
            )
        if isinstance(k, Var) and k.dtype == "bool" and k.ndim == 0:
            raise ArgumentTypeError("getitem: a 0-d mask is no index", help="masked_select takes a 0-d var and mask")
        if isinstance(k, Var) and k.dtype == "bool":
            if not any(o is Ellipsis for o in out):
                check_mask(x, k, sum(1 for o in out if o is not None))
            out.extend(nonzero(k, as_tuple=True))
        elif k is None or k is Ellipsis or isinstance(k, (slice, Var)) or is_int(k):
            out.append(k)
        else:
            raise ArgumentTypeError(
                f"getitem: {type(k).__name__} is no index",
                x=x,
                help="ints, slices, ..., None, masks and integer arrays are",
            )
    used = sum(1 for k in out if k is not None and k is not Ellipsis)
    if used > x.ndim:
        raise IndexError_(f"getitem: {used} indices for a {x.ndim}-d var", x=x)
    dots = [i for i, k in enumerate(out) if k is Ellipsis]
    if len(dots) > 1:
        raise IndexError_("getitem: ... may stand once", x=x)
    at = dots[0] if dots else len(out)
    return out[:at] + [slice(None)] * (x.ndim - used) + out[at + 1 :]


def check_mask(x: Var, mask: Var, axis: int) -> None:
    expected = x.shape[axis : axis + mask.ndim]
    if expected != mask.shape:
        raise IndexError_(
            f"getitem: a mask of shape {list(mask.shape)} does not fit the axes {list(expected)}", x=x, mask=mask
        )


def slice_range(k: slice, n: int) -> tuple[int, int, int]:
    """(first, step, count)"""
    try:
        first, stop, step = slice(
            *(None if v is None else operator.index(v) for v in (k.start, k.stop, k.step))
        ).indices(n)
    except TypeError:
        raise ArgumentTypeError(f"getitem: slices are made of ints, found {k}") from None
    except ValueError:
        raise ArgumentError("getitem: the step of a slice is 0") from None
    count = len(range(first, stop, step))
    return (first if count else 0), step, count


def int_place(k: Any, n: int, axis: int) -> int:
    place = operator.index(k)
    if not -n <= place < n:
        raise IndexError_(f"getitem: index {place} is out of range for dim {axis} of {n} elements")
    return place + n if place < 0 else place


# ---- integer arrays ----


def layout(x: Var, advanced: list[Any]) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """(result shape, common shape of the indices, where it stands in the result)"""
    places = [i for i, a in enumerate(advanced) if a is not None]
    try:
        common = np.broadcast_shapes(*(advanced[i].shape for i in places))
    except ValueError:
        raise ShapeError(
            "getitem: the index arrays do not broadcast", **{f"index{i}": advanced[i] for i in places}
        ) from None
    adjacent = places == list(range(places[0], places[0] + len(places)))
    first = places[0] if adjacent else 0
    rest = [n for i, n in enumerate(x.shape) if advanced[i] is None]
    return (*rest[:first], *common, *rest[first:]), tuple(common), first


def programs(x: Var, advanced: list[Any]) -> tuple[list[int], list[Var], tuple[int, ...]]:
    """Index programs that read x at (or write to) the places of a result: (structure, index Vars, result shape)."""
    shape, common, first = layout(x, advanced)
    free = [i for i in range(len(shape)) if not first <= i < first + len(common)]
    indices = [a for a in advanced if a is not None]
    structure: list[int] = [x.ndim]
    for axis, index in enumerate(advanced):
        if index is None:
            structure += [0, 1, 0, free.pop(0)]  # mode kFree, one token: kAxis
            continue
        offset = first + len(common) - index.ndim
        axes = [None if n == 1 else offset + i for i, n in enumerate(index.shape)]
        number = 1 + next(i for i, other in enumerate(indices) if other is index)
        structure += checked_load(number, axes, axis)
    return structure, indices, shape


def take_advanced(x: Var, advanced: list[Any]) -> Var:
    structure, indices, shape = programs(x, advanced)
    return _graph.reindex([x, *indices], structure, [0.0 if "float" in str(x.dtype) else 0], shape, "getitem")


def put_advanced(x: Var, advanced: list[Any], value: Var) -> Var:
    """x with `value` at the indexed places; of equal places, the last one in order."""
    structure, indices, shape = programs(x, advanced)
    value = _graph.broadcast_to(cast(value, x.dtype), shape, "setitem")
    return put_last(x, structure, indices, value, "setitem")


def put_last(x: Var, structure: list[int], indices: list[Var], value: Var, function: str) -> Var:
    """Each place of x finds the number of the last element of `value` that goes there: a maximum, free of order."""
    count = math.prod(value.shape)
    if count == 0:
        return x
    numbers = _graph.reshape(_graph.iota((count,), "int64", 0, 0, 1), value.shape)
    structure, extents = for_writing(structure, x.shape)
    last = _graph.reindex_reduce([numbers, *indices], [2, *structure], extents, x.shape, function)
    chosen = _compose.take(_graph.reshape(value, (count,)), where(last < 0, 0, last), 0, function)
    return _graph.where(last >= 0, chosen, x)


# ---- named functions ----


def take(x: Var, index: Any, dim: int | None = None, *, axis: int | None = None) -> Var:
    """Elements of x along `dim` (default: of x flattened) at the places in `index`; negative ones: from the end."""
    x, index = as_var(x, "take"), as_var(index, "take", "index")
    if dim is None and axis is None:
        return _compose.take(_graph.reshape(x, (math.prod(x.shape),)), index, 0, "take")
    return _compose.take(x, index, one_axis(dim, axis, x.ndim, "take"), "take")


def masked_fill(x: Var, mask: Var, value: Any) -> Var:
    """x with `value` where the mask is True."""
    return where(mask, cast(as_var(value, "masked_fill", "value", x), x.dtype), x)


def masked_select(x: Var, mask: Var) -> Var:
    """The elements of x where the mask is True, as a vector. Computes the mask."""
    shape = np.broadcast_shapes(x.shape, mask.shape) or (1,)
    return getitem(_graph.broadcast_to(x, shape), _graph.broadcast_to(mask, shape))


def nonzero(x: Var, as_tuple: bool = False) -> Any:
    """Indices of the elements that are not zero, a row each; as_tuple: a vector for each axis. Computes x.

    A 0-d Var gives rows without columns, and one vector.
    """
    from jittor_cy.ops.creation import array

    x = as_var(x, "nonzero")
    found = np.nonzero(np.atleast_1d(x.numpy()))
    if as_tuple:
        return tuple(array(index) for index in found)
    return array(np.stack(found, 1)[:, : x.ndim])
