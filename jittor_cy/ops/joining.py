"""Operations that make one Var of several, or several of one: concat, stack, split, chunk, unbind."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from jittor_cy import _graph
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ShapeError
from jittor_cy.ops._rules import as_var, axis_index, one_axis
from jittor_cy.ops.elementwise import cast, result_type
from jittor_cy.ops.movement import narrow, squeeze, unsqueeze

__all__ = [
    "cat",
    "chunk",
    "concat",
    "concatenate",
    "hstack",
    "split",
    "stack",
    "unbind",
    "vstack",
]


def concat(tensors: Sequence[Var], dim: int = 0, *, axis: int | None = None) -> Var:
    """Vars laid end to end along `dim`; dtypes are promoted.

    Shapes:   all alike but along `dim`; a vector of no elements fits beside anything, as in PyTorch
    Raises:   ShapeError: other extents differ
    Example:  >>> jt.concat([jt.zeros(2), jt.ones(1)]).tolist()
              [0.0, 0.0, 1.0]
    """
    parts = [as_var(x, "concat", f"input {i}") for i, x in enumerate(tensors)]
    if not parts:
        raise ArgumentError("concat: there is nothing to lay end to end")
    kept = [x for x in parts if x.shape != (0,)] or parts[:1]
    place = axis_index(dim if axis is None else axis, kept[0].ndim, "concat")
    if len(kept) < len(parts) and kept[0].ndim > 1:  # those left out still promote
        nothing = (*kept[0].shape[:place], 0, *kept[0].shape[place + 1 :])
        parts = [x if x.shape != (0,) else _graph.reshape(x, nothing, "concat") for x in parts]
    return _graph.concat(promoted(parts), place, "concat")


def promoted(parts: list[Var]) -> list[Var]:
    """All in the dtype that they have together."""
    dtype = parts[0].dtype
    if all(x.dtype == dtype for x in parts):
        return parts
    dtype = result_type(*(x.dtype for x in parts))
    return [cast(x, dtype) for x in parts]


def stack(tensors: Sequence[Var], dim: int = 0, *, axis: int | None = None) -> Var:
    """Vars of one shape laid beside each other along a new axis; dtypes are promoted."""
    parts = [as_var(x, "stack", f"input {i}") for i, x in enumerate(tensors)]
    if not parts:
        raise ArgumentError("stack: there is nothing to stack")
    for i, x in enumerate(parts):
        if x.shape != parts[0].shape:
            raise ShapeError(f"stack: input {i} has another shape than input 0", first=parts[0], other=x)
    place = axis_index(dim if axis is None else axis, parts[0].ndim + 1, "stack")
    shape = (*parts[0].shape[:place], 1, *parts[0].shape[place:])
    return _graph.concat([_graph.reshape(x, shape, "stack") for x in promoted(parts)], place, "stack")


def hstack(tensors: Sequence[Var]) -> Var:
    """Vectors end to end; matrices side by side."""
    return concat(tensors, 0 if tensors[0].ndim <= 1 else 1)


def vstack(tensors: Sequence[Var]) -> Var:
    """Vectors as rows, matrices on top of each other."""
    return concat([unsqueeze(x, 0) if x.ndim == 1 else x for x in tensors], 0)


def split(x: Var, split_size: Any, dim: int = 0, *, axis: int | None = None) -> tuple[Var, ...]:
    """Pieces of `split_size` along `dim` (the last may be shorter), or of the sizes given. Views."""
    place = axis_index(dim if axis is None else axis, x.ndim, "split")
    n = x.shape[place]
    if isinstance(split_size, (tuple, list)):
        lengths = [operator.index(s) for s in split_size]
        if sum(lengths) != n:
            raise ArgumentError(f"split: sizes {lengths} do not add up to {n}", x=x)
    elif split_size < 1:
        raise ArgumentError(f"split: sizes are at least 1, found {split_size}", x=x)
    else:
        lengths = [min(split_size, n - at) for at in range(0, n, split_size)] or [0]
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    return tuple(narrow(x, place, s, length) for s, length in zip(starts, lengths, strict=True))


def chunk(x: Var, chunks: int, dim: int = 0, *, axis: int | None = None) -> tuple[Var, ...]:
    """At most `chunks` pieces of equal size along `dim` (the last may be shorter). Views."""
    if chunks < 1:
        raise ArgumentError(f"chunk: at least 1 piece is needed, found {chunks}", x=x)
    place = axis_index(dim if axis is None else axis, x.ndim, "chunk")
    return split(x, max(-(-x.shape[place] // chunks), 1), place)


def unbind(x: Var, dim: int = 0, *, axis: int | None = None) -> tuple[Var, ...]:
    """The slices along `dim`, without that axis. Views."""
    place = one_axis(dim if axis is None else None, axis, x.ndim, "unbind")
    return tuple(squeeze(narrow(x, place, i, 1), place) for i in range(x.shape[place]))


cat = concatenate = concat
