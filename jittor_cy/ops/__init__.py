"""Operations: one friendly function each, over the nodes of _graph; the methods of Var are the same functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jittor_cy import _convert, _graph, _index, _var
from jittor_cy._var import Var
from jittor_cy.ops import (
    activation,
    arithmetic,
    creation,
    custom,
    elementwise,
    gathering,
    indexing,
    joining,
    meta,
    movement,
    ordering,
    padding,
)
from jittor_cy.ops import matmul as _matmul
from jittor_cy.ops import reduce as _reduce
from jittor_cy.ops._rules import as_var
from jittor_cy.ops.activation import *  # noqa: F403
from jittor_cy.ops.arithmetic import *  # noqa: F403
from jittor_cy.ops.creation import *  # noqa: F403
from jittor_cy.ops.custom import code  # noqa: F401
from jittor_cy.ops.elementwise import *  # noqa: F403
from jittor_cy.ops.gathering import *  # noqa: F403
from jittor_cy.ops.indexing import *  # noqa: F403
from jittor_cy.ops.joining import *  # noqa: F403
from jittor_cy.ops.matmul import *  # noqa: F403
from jittor_cy.ops.meta import broadcast, compute, index, reindex, reindex_reduce, reindex_var  # noqa: F401
from jittor_cy.ops.meta import reduce as reduce
from jittor_cy.ops.movement import *  # noqa: F403
from jittor_cy.ops.ordering import argsort, kthvalue, median, sort, topk, unique  # noqa: F401
from jittor_cy.ops.padding import *  # noqa: F403
from jittor_cy.ops.reduce import *  # noqa: F403

# Public functions whose first argument is a Var: methods of the same name.
METHODS = (
    [n for n in elementwise.__all__ if n not in ("to", "result_type")]
    + arithmetic.__all__
    + activation.__all__
    + padding.__all__
    + [n for n in _reduce.__all__]
    + [n for n in _matmul.__all__ if n != "einsum"]
    + [n for n in movement.__all__ if n not in ("broadcast_tensors", "meshgrid")]
    + ["chunk", "split", "unbind"]
    + indexing.__all__
    + gathering.__all__
    + ["reindex", "reindex_reduce", "argsort", "kthvalue", "median", "sort", "topk", "unique", "new_zeros"]
)

# Methods that put their result into the Var: x.name_(...) is x.assign(x.name(...)).
IN_PLACE = (
    "abs",
    "acos",
    "add",
    "asin",
    "atan",
    "ceil",
    "clamp",
    "clip",
    "cos",
    "divide",
    "div",
    "erf",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "index_add",
    "log",
    "log1p",
    "masked_fill",
    "maximum",
    "minimum",
    "multiply",
    "mul",
    "neg",
    "pow",
    "reciprocal",
    "relu",
    "remainder",
    "round",
    "rsqrt",
    "scatter",
    "scatter_add",
    "sigmoid",
    "sign",
    "sin",
    "sqrt",
    "square",
    "subtract",
    "sub",
    "tan",
    "tanh",
    "tril",
    "triu",
    "trunc",
)


def new_zeros(x: Var, *shape: Any, dtype: Any = None) -> Var:
    """Zeros in the dtype of x."""
    return creation.zeros(*shape, dtype=dtype or x.dtype)


def in_place(name: str, function: Callable[..., Any]) -> Callable[..., Var]:
    def method(x: Var, *args: Any, **kwargs: Any) -> Var:
        return _var.put_value(x, function(x, *args, **kwargs), f"{name}_")

    return elementwise.named(method, f"{name}_", f"{name}, put into the var.")


def zero_(x: Var) -> Var:
    """Zero everywhere."""
    return fill_(x, 0)


def fill_(x: Var, value: Any) -> Var:
    """One value everywhere."""
    return x.copy_(as_var(value, "fill_", "value", x))


def uniform_(x: Var, low: float = 0.0, high: float = 1.0) -> Var:
    """Uniform numbers from `low` to `high`."""
    from jittor_cy import random

    return x.copy_(random.uniform(low, high, x.shape))


def normal_(x: Var, mean: float = 0.0, std: float = 1.0) -> Var:
    """Normal numbers."""
    from jittor_cy import random

    return x.copy_(random.normal(mean, std, x.shape))


def axis_size(x: Var, dim: int | None = None) -> Any:
    """The shape, or the extent of one axis."""
    return x.shape if dim is None else x.shape[dim]


def element_count(x: Var) -> int:
    """Number of elements."""
    count = 1
    for n in x.shape:
        count *= n
    return count


def dimensions(x: Var) -> int:
    """Number of axes."""
    return x.ndim


def is_float(x: Var) -> bool:
    """Whether the dtype is floating."""
    return "float" in str(x.dtype)


def type_as(x: Var, other: Var) -> Var:
    """x in the dtype of `other`."""
    return elementwise.cast(x, other.dtype)


def element_size(x: Var) -> int:
    """Bytes of one element."""
    return x.itemsize


def cpu(x: Var) -> Var:
    """x on the CPU."""
    return elementwise.to(x, "cpu")


def cuda(x: Var) -> Var:
    """x on the GPU."""
    return elementwise.to(x, "cuda")


def as_itself(x: Var, *args: Any) -> Var:
    """x: every Var is laid out as needed."""
    return x


def backward(x: Var, gradient: Var | None = None, retain_graph: bool = False, inputs: Any = None) -> None:
    """Adds the gradients of x to .grad of the trained Vars that it depends on (autograd.backward)."""
    from jittor_cy import autograd

    autograd.backward(x, gradient, retain_graph, inputs)


def register_hook(x: Var, hook: Callable[[Var], Var | None]) -> Any:
    """Calls `hook` with the gradient of x when one is taken (autograd.register_hook)."""
    from jittor_cy import autograd

    return autograd.register_hook(x, hook)


def methods() -> dict[str, Any]:
    """Every method of Var that is a function of this package, by name."""
    table: dict[str, Any] = {name: globals()[name] for name in METHODS}
    table.update({f"{name}_": in_place(name, table[name]) for name in IN_PLACE})
    e = elementwise
    table.update(
        __getitem__=_index.getitem,
        __setitem__=indexing.setitem,
        T=property(movement.permute, doc="The axes reversed. A view."),
        mT=property(movement.matrix_transpose, doc="The last two axes exchanged. A view."),
        reduce=meta.reduce,
        float=e.float32,
        double=e.float64,
        half=e.float16,
        bfloat16=e.bfloat16,
        int=e.int32,
        long=e.int64,
        byte=e.uint8,
        bool=e.boolean,
        float32=e.float32,
        float64=e.float64,
        float16=e.float16,
        int32=e.int32,
        int64=e.int64,
        uint8=e.uint8,
        astype=e.cast,
        type=e.cast,
        type_as=type_as,
        to=e.to,
        where=where_method,
        size=axis_size,
        numel=element_count,
        dim=dimensions,
        is_float=is_float,
        is_floating_point=is_float,
        cpu=cpu,
        cuda=cuda,
        contiguous=as_itself,
        zero_=zero_,
        fill_=fill_,
        uniform_=uniform_,
        normal_=normal_,
        backward=backward,
        register_hook=register_hook,
        element_size=element_size,
        new_zeros=new_zeros,
        copy=Var.clone,
    )
    return table


def where_method(x: Var, condition: Var, other: Any) -> Var:
    """x where the condition holds, else `other` (PyTorch)."""
    return elementwise.where(condition, x, other)


def dtype_call(dtype: Any, *args: Any) -> Any:
    """jt.float32(x): a cast, or a new Var."""
    return elementwise.cast(creation.array(args[0]) if not isinstance(args[0], Var) else args[0], dtype)


_var.add_methods(methods())
_convert.dtype.cast = staticmethod(dtype_call)

__all__ = [
    *elementwise.__all__,
    *arithmetic.__all__,
    *activation.__all__,
    *_reduce.__all__,
    *movement.__all__,
    *padding.__all__,
    *joining.__all__,
    *creation.__all__,
    *indexing.__all__,
    *gathering.__all__,
    *_matmul.__all__,
    "argsort",
    "broadcast",
    "code",
    "compute",
    "index",
    "kthvalue",
    "median",
    "reduce",
    "reindex",
    "reindex_reduce",
    "reindex_var",
    "sort",
    "topk",
    "unique",
]
