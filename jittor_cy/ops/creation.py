"""Making Vars: from data, filled, counted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from jittor_cy import _convert, _graph
from jittor_cy._var import Var, leaf_of
from jittor_cy.errors import ArgumentError, ArgumentTypeError
from jittor_cy.ops._rules import as_var, sizes
from jittor_cy.ops.elementwise import cast

__all__ = [
    "arange",
    "array",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "finfo",
    "from_dlpack",
    "from_numpy",
    "full",
    "full_like",
    "iinfo",
    "linspace",
    "ones",
    "ones_like",
    "tensor",
    "zeros",
    "zeros_like",
]


def array(data: Any, dtype: Any = None, *, copy: bool | None = True, device: str | None = None) -> Var:
    """A Var with a copy of `data`: numbers, nested lists, arrays, Vars, anything with DLPack.

    Dtypes:   arrays keep theirs (also int64 and float64); Python floats give float32, ints int64
    Example:  >>> jt.array([[1, 2], [3, 4]]).dtype == "int64"
              True
    """
    if isinstance(data, Var):
        result = cast(data.detach().clone(), dtype) if dtype is not None else data.detach().clone()
        return result.start_grad()
    if isinstance(data, (list, tuple)) and any(isinstance(x, Var) for x in flat(data)):
        return stacked(data, dtype)
    found = host_array(data, dtype)
    return placed(leaf_of(found, False, "array"), dtype, device)


def host_array(data: Any, dtype: Any) -> np.ndarray:
    """`data` as a NumPy array with the dtype that a Var of it has."""
    if isinstance(data, (np.ndarray, np.generic)):
        return np.asarray(data)
    if not isinstance(data, (bool, int, float, list, tuple, range)):
        if hasattr(data, "__dlpack__"):
            return np.asarray(foreign(data))
        if not hasattr(data, "__array__") and not hasattr(data, "__array_interface__") and not is_buffer(data):
            raise ArgumentTypeError(
                f"array: cannot make a Var of {type(data).__name__}",
                help="give numbers, nested lists, an array or a Var",
            )
        return np.asarray(data)
    try:
        found = np.array(data)
    except ValueError as error:
        raise ArgumentError(f"array: the nested lists are ragged: {error}") from None
    if found.dtype == object or found.dtype.kind in "US":
        raise ArgumentTypeError(
            f"array: cannot make numbers of {data!r:.80}", help="give numbers or nested lists of numbers"
        )
    if found.dtype == np.float64 and not any(isinstance(x, (np.float64, np.ndarray)) for x in first_of(data)):
        found = found.astype(np.float32)
    return found if dtype != "float64" or found.dtype != np.float32 else np.array(data, np.float64)


def flat(data: Any) -> Iterator[Any]:
    """All leaves of nested lists."""
    stack = [data]
    while stack:
        value = stack.pop()
        if isinstance(value, (list, tuple)):
            stack.extend(reversed(value))
        else:
            yield value


def first_of(data: Any) -> list[Any]:
    """The first leaf of nested lists: it decides whether they hold NumPy's numbers or Python's."""
    return [x for x, _ in zip(flat(data), range(1), strict=False)]


def is_buffer(data: Any) -> bool:
    try:
        memoryview(data)
    except TypeError:
        return False
    return True


def foreign(data: Any) -> np.ndarray:
    """An array of another library, looked at through DLPack."""
    try:
        return np.from_dlpack(data)
    except (BufferError, RuntimeError, TypeError):
        return np.asarray(data.detach().cpu() if hasattr(data, "detach") else data)


def stacked(data: Any, dtype: Any) -> Var:
    """Nested lists that hold Vars."""
    from jittor_cy.ops.joining import stack

    parts = [array(x, dtype) if isinstance(x, (list, tuple)) else as_var(x, "array") for x in data]
    return array(stack(parts), dtype)


def placed(x: Var, dtype: Any, device: str | None) -> Var:
    if dtype is not None:
        x = cast(x, dtype)
    if device is None:
        return x
    from jittor_cy import _device

    return _device.to_device(x, str(device), False)


tensor = array


def asarray(data: Any, dtype: Any = None, *, copy: bool | None = None, device: str | None = None) -> Var:
    """A Var that looks at the memory of an array, without a copy where that is possible; do not write to it afterwards.

    What it looks at is read when the graph runs, so a change before that is seen. A Var is given back as it is.
    """
    if copy:
        return array(data, dtype, device=device)
    if isinstance(data, Var):
        return placed(data, dtype, device)
    return placed(leaf_of(host_array(data, dtype), True, "asarray"), dtype, device)


def from_numpy(array: np.ndarray) -> Var:
    """A Var that looks at a NumPy array's memory."""
    if not isinstance(array, np.ndarray):
        raise ArgumentTypeError(f"from_numpy: a NumPy array is needed, found {type(array).__name__}")
    return asarray(array)


def from_dlpack(data: Any) -> Var:
    """A Var that looks at the memory of another library's tensor."""
    if not hasattr(data, "__dlpack__"):
        raise ArgumentTypeError(f"from_dlpack: {type(data).__name__} has no __dlpack__")
    return data if isinstance(data, Var) else leaf_of(foreign(data), True, "from_dlpack")


def full(shape: Any, value: Any, dtype: Any = None, *, device: str | None = None) -> Var:
    """A Var with `value` everywhere; nothing is stored before it is needed.

    Example:  >>> jt.full((2,), 7).tolist()
              [7, 7]
    """
    if isinstance(value, Var):
        return cast(value, dtype or value.dtype).broadcast_to(sizes((shape,), "full"))
    if dtype is None:
        dtype = (
            "bool"
            if isinstance(value, (bool, np.bool_))
            else "int64"
            if isinstance(value, (int, np.integer))
            else "float32"
        )
    shape = sizes(shape if isinstance(shape, (tuple, list)) else (shape,), "full")
    return placed(_graph.full(shape, dtype, value.item() if isinstance(value, np.generic) else value), None, device)


def filled(shape: tuple[Any, ...], dtype: Any, value: int, device: str | None, function: str) -> Var:
    if dtype is None and len(shape) > 1 and not isinstance(shape[-1], (int, np.integer)):
        *shape, dtype = shape  # zeros(shape, dtype), the order of NumPy and Jittor
    dtype = _convert.canonical_dtype(dtype or "float32", function)
    return placed(_graph.full(sizes(shape, function), dtype, value), None, device)


def zeros(*shape: Any, dtype: Any = None, device: str | None = None) -> Var:
    """Zeros: zeros(2, 3), zeros((2, 3)) or zeros((2, 3), "int64")."""
    return filled(shape, dtype, 0, device, "zeros")


def ones(*shape: Any, dtype: Any = None, device: str | None = None) -> Var:
    """Ones: ones(2, 3), ones((2, 3)) or ones((2, 3), "int64")."""
    return filled(shape, dtype, 1, device, "ones")


def empty(*shape: Any, dtype: Any = None, device: str | None = None) -> Var:
    """Zeros (what is never computed costs nothing, and nothing is undefined here)."""
    return filled(shape, dtype, 0, device, "empty")


def full_like(x: Var, value: Any, dtype: Any = None) -> Var:
    """`value` everywhere, in the shape and dtype of x."""
    return full(x.shape, value, dtype or x.dtype)


def zeros_like(x: Var, dtype: Any = None) -> Var:
    """Zeros in the shape and dtype of x."""
    return _graph.full(x.shape, dtype or x.dtype, 0)


def ones_like(x: Var, dtype: Any = None) -> Var:
    """Ones in the shape and dtype of x."""
    return _graph.full(x.shape, dtype or x.dtype, 1)


def empty_like(x: Var, dtype: Any = None) -> Var:
    """Zeros in the shape and dtype of x."""
    return zeros_like(x, dtype)


def arange(start: Any, end: Any = None, step: Any = 1, dtype: Any = None) -> Var:
    """Numbers from `start` (or 0) up to `end`, without it, in steps.

    Dtypes:   int64 if all arguments are integers, else float32; asked for int64, fractions of start and end are cut
    Example:  >>> jt.arange(2, 8, 3).tolist()
              [2, 5]
    """
    start, end, step = [x.item() if isinstance(x, (Var, np.generic)) else x for x in (start, end, step)]
    if end is None:
        start, end = 0, start
    if step == 0:
        raise ArgumentError("arange: step is 0")
    if dtype is None:
        dtype = "float32" if any(isinstance(x, float) for x in (start, end, step)) else "int64"
    if str(_convert.canonical_dtype(dtype, "arange")) == "int64" and step == int(step):  # PyTorch cuts fractions first
        start, end, step = int(start), int(end), int(step)
    exact = all(isinstance(x, int) for x in (start, end, step))
    count = max(-((start - end) // step) if exact else math.ceil((end - start) / step), 0)
    return _graph.iota((count,), dtype, 0, start, step)


def linspace(start: float, end: float, steps: int = 100, dtype: Any = None) -> Var:
    """`steps` numbers from `start` to `end`, both included, evenly spaced."""
    if steps < 0:
        raise ArgumentError(f"linspace: steps is {steps}, at least 0 is needed")
    step = (end - start) / (steps - 1) if steps > 1 else 0.0
    values = _graph.iota((steps,), "float64", 0, float(start), step)
    last = _graph.iota((steps,), "int64", 0, 0, 1) == steps - 1
    if steps > 1:  # the last is hit exactly, whatever the rounding of the step
        values = _graph.where(last, _graph.full((), "float64", float(end)), values)
    return cast(values, dtype or "float32")


def eye(n: int, m: int | None = None, dtype: Any = None) -> Var:
    """The n x m matrix with ones on its diagonal."""
    shape = (n, n if m is None else m)
    same = _graph.iota(shape, "int64", 0, 0, 1) == _graph.iota(shape, "int64", 1, 0, 1)
    return cast(same, dtype or "float32")


def finfo(dtype: Any) -> Any:
    """Limits of a floating dtype: eps, max, min, tiny, bits."""
    name = str(_convert.canonical_dtype(getattr(dtype, "dtype", dtype) if isinstance(dtype, Var) else dtype, "finfo"))
    if name == "bfloat16":
        from types import SimpleNamespace

        return SimpleNamespace(
            bits=16,
            eps=2.0**-7,
            max=3.3895313892515355e38,
            min=-3.3895313892515355e38,
            tiny=2.0**-126,
            smallest_normal=2.0**-126,
            dtype=name,
        )
    return np.finfo(name)


def iinfo(dtype: Any) -> Any:
    """Limits of an integer dtype: max, min, bits."""
    return np.iinfo(str(_convert.canonical_dtype(dtype.dtype if isinstance(dtype, Var) else dtype, "iinfo")))
