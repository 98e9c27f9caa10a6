"""The meta-operators themselves: reindex, reindex_reduce, broadcast, reduce; and compute, their readable form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jittor_cy import _graph
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ShapeError
from jittor_cy.ops import indexing
from jittor_cy.ops._rules import as_var, axis_index, axis_list, axis_mask, sizes
from jittor_cy.ops.index_programs import (
    AXIS,
    BOUNDED,
    LOAD,
    Expression,
    Reader,
    Scope,
    program,
)

__all__ = ["broadcast", "compute", "index", "reduce", "reindex", "reindex_reduce", "reindex_var"]

REDUCTIONS = {
    "add": "sum",
    "sum": "sum",
    "multiply": "prod",
    "prod": "prod",
    "maximum": "max",
    "max": "max",
    "minimum": "min",
    "min": "min",
}
NUMBERS = {"sum": 0, "prod": 1, "max": 2, "min": 3}


def read_programs(
    function: str,
    x: Var,
    ndim: int,
    indexes: Sequence[Any],
    conditions: Sequence[str],
    extras: Sequence[Any],
    shape: Sequence[int],
) -> tuple[list[int], Scope]:
    """Index programs, one an axis of the indexed Var, and the inputs and scalars that they use."""
    own = "xshape" if function == "reindex" else "yshape"
    reader = Reader(function, own, ndim, [as_var(e, function, "extra") for e in extras], shape)
    scope = Scope([x])
    outside = [reader.read(c) for c in conditions]
    structure = [len(indexes)]
    for text in indexes:
        structure += program(scope, reader.read(text), outside, BOUNDED)
    return structure, scope


def reindex(
    x: Var,
    shape: Sequence[int],
    indexes: Sequence[Any],
    overflow_value: float = 0.0,
    overflow_conditions: Sequence[str] = (),
    extras: Sequence[Var] = (),
) -> Var:
    """out[i0, i1, ...] = x[indexes[0], indexes[1], ...], and overflow_value where an index is outside.

    Args:     indexes: one expression for each axis of x, of i0, i1, ... (the axes of `shape`), ints, + - * / %, xshape0
                       and @e0(i0, ...) for elements of extras; factors are structure, other numbers are not compiled in
              overflow_conditions: expressions; where one holds, the value is overflow_value
    Gradient: x
    Example:  >>> jt.reindex(jt.arange(4), (3,), ["i0+2"], -1).tolist()
              [2, 3, -1]
    """
    x, shape = as_var(x, "reindex"), sizes((shape,), "reindex")
    if len(indexes) != x.ndim:
        raise ArgumentError(f"reindex: {len(indexes)} index expressions for a {x.ndim}-d var", x=x)
    structure, scope = read_programs("reindex", x, len(shape), indexes, overflow_conditions, extras, shape)
    fill = float(overflow_value) if "float" in str(x.dtype) else int(overflow_value)
    return _graph.reindex(scope.inputs, structure, [*scope.scalars, fill], shape, "reindex")


def reindex_reduce(
    y: Var,
    op: str,
    shape: Sequence[int],
    indexes: Sequence[Any],
    overflow_conditions: Sequence[str] = (),
    extras: Sequence[Var] = (),
) -> Var:
    """out[indexes] joined by `op` with y[i0, i1, ...], over all places of y in order; what is outside is dropped.

    Args:     op: "add", "multiply", "maximum" or "minimum"; places that nothing reaches hold its identity
              indexes: one expression for each axis of `shape`, of i0, i1, ... (the axes of y)
    Gradient: y (of add; of the extremes, where they were taken)
    Example:  >>> jt.reindex_reduce(jt.ones(5), "add", (2,), ["i0%2"]).tolist()
              [3.0, 2.0]
    """
    y, shape = as_var(y, "reindex_reduce"), sizes((shape,), "reindex_reduce")
    if op not in REDUCTIONS:
        raise ArgumentError(f"reindex_reduce: op is {op!r}", help=f"one of {', '.join(REDUCTIONS)}")
    if len(indexes) != len(shape):
        raise ArgumentError(f"reindex_reduce: {len(indexes)} index expressions for {len(shape)} axes", y=y)
    structure, scope = read_programs("reindex_reduce", y, y.ndim, indexes, overflow_conditions, extras, shape)
    number = NUMBERS[REDUCTIONS[op]]
    return _graph.reindex_reduce(scope.inputs, [number, *structure], scope.scalars, shape, "reindex_reduce")


def reindex_var(x: Var, indexes: Sequence[Var], overflow_value: float = 0.0) -> Var:
    """out[i] = x[indexes[0][i], indexes[1][i], ...], and overflow_value where an index is outside."""
    shape = indexes[0].shape
    for other in indexes:
        if other.shape != shape:
            raise ShapeError("reindex_var: the index Vars have different shapes", first=indexes[0], other=other)
    place = ", ".join(f"i{i}" for i in range(len(shape)))
    return reindex(x, shape, [f"@e{k}({place})" for k in range(len(indexes))], overflow_value, extras=indexes)


def index(shape: Sequence[int], dim: int | None = None, dtype: Any = "int64") -> Any:
    """The index along `dim` at each place of `shape`; without dim, a list of all of them."""
    shape = sizes((shape,), "index")
    if dim is None:
        return [index(shape, d, dtype) for d in range(len(shape))]
    return _graph.iota(shape, dtype, axis_index(dim, len(shape), "index"), 0, 1)


def broadcast(x: Var, shape: Any, dims: Any = ()) -> Var:
    """x repeated along the new axes `dims` of `shape` (or of a Var's shape); without dims, by NumPy's rule."""
    x, shape = as_var(x, "broadcast"), tuple(shape.shape) if isinstance(shape, Var) else sizes((shape,), "broadcast")
    fresh = axis_list(dims, len(shape), "broadcast") if dims not in ((), [], None) else []
    if not fresh or x.ndim == len(shape):
        return _graph.broadcast_to(x, shape, "broadcast")
    if len(fresh) + x.ndim != len(shape):
        raise ShapeError(f"broadcast: {len(fresh)} new axes and {x.ndim} old ones do not make {len(shape)}", x=x)
    old = iter(range(x.ndim))
    axes = [-1 if i in fresh else next(old) for i in range(len(shape))]
    fits = [x.shape[a] in (1, shape[i]) for i, a in enumerate(axes) if a >= 0]
    if not all(fits):
        raise ShapeError(f"broadcast: the var does not fit {list(shape)} with new axes {fresh}", x=x)
    wide = _graph.reshape(x, [1 if a < 0 else x.shape[a] for a in axes], "broadcast")
    return _graph.broadcast_to(wide, shape, "broadcast")


def reduce(x: Var, op: str = "add", dims: Any = None, keepdims: bool = False) -> Var:
    """x joined by `op` ("add", "multiply", "maximum", "minimum") over the axes `dims` (default: all)."""
    x = as_var(x, "reduce")
    if op not in REDUCTIONS:
        raise ArgumentError(f"reduce: op is {op!r}", help=f"one of {', '.join(REDUCTIONS)}")
    if isinstance(dims, (tuple, list)) and not dims:
        dims = None
    return _graph.reduce(REDUCTIONS[op], x, axis_mask(dims, x.ndim, "reduce"), keepdims, "reduce")


# ---- compute ----


class Axes:
    """The shape of the compute that is being written; inner ones are not possible."""

    shape: tuple[int, ...] | None = None


def element(x: Var, key: tuple[Expression, ...]) -> Any:
    """x[i, j + 1] inside compute: a Reindex over the whole result; an index Var gives an index expression instead."""
    if Axes.shape is None:
        raise ArgumentError("getitem: index variables have a meaning inside jt.compute only")
    if len(key) != x.ndim:
        raise ArgumentError(f"compute: {len(key)} indices for a {x.ndim}-d var", x=x)
    if "int" in str(x.dtype):
        return IndexElement(x, key)
    return reindex(x, Axes.shape, list(key))


class IndexElement(Expression):
    """An element of an integer Var: an index for other Vars, or a value."""

    __slots__ = ("value",)

    def __init__(self, x: Var, key: tuple[Expression, ...]) -> None:
        super().__init__(LOAD, x, key)
        self.value = reindex(x, Axes.shape, list(key))


indexing.ELEMENT.append(element)


def compute(shape: Sequence[int], function: Callable[..., Any]) -> Var:
    """out[i, j, ...] = function(i, j, ...), where the function's x[i, j + 1] are elements of Vars: a readable reindex.

    Indices outside give 0. What the function computes from the elements is ordinary arithmetic of Vars; sum the result
    over axes for reductions.

    Args:     function: takes one index variable an axis; elements of integer Vars may be indices
    Example:  >>> x = jt.arange(5).float()
              >>> jt.compute((4,), lambda i: x[i + 1] - x[i]).tolist()
              [1.0, 1.0, 1.0, 1.0]
    """
    shape = sizes((shape,), "compute")
    if Axes.shape is not None:
        raise ArgumentError("compute: it cannot be used inside another compute")
    Axes.shape = shape
    try:
        result = function(*(Expression(AXIS, axis) for axis in range(len(shape))))
        if isinstance(result, IndexElement):
            result = result.value
        elif isinstance(result, Expression):
            raise ArgumentError("compute: the result is an index", help="jt.index(shape, dim) gives indices as values")
    finally:
        Axes.shape = None
    return _graph.broadcast_to(as_var(result, "compute"), shape, "compute")
