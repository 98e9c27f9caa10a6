"""The operations that random programs are made of: how to draw legal operands, and what NumPy says they mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jittor_cy.testing.program_kinds import FLOATS, INTS, MAX_DEPTH, Drawn, Operand, OpRow, broadcasts
from jittor_cy.testing.program_moves import (
    concat_row,
    draw_padding,
    draw_permutation,
    draw_reshape,
    draw_slices,
    expand_row,
    insert_row,
    movement_row,
    scatter_row,
    take_row,
)

__all__ = ["OPS", "OpRow", "Operand"]


def unary_row(
    name: str,
    numpy: Callable,
    *,
    accepts: tuple[str, ...] = FLOATS,
    exact: bool = False,
    smooth: bool = True,
    result: str | None = None,
    jittor: Callable | None = None,
) -> OpRow:
    """`smooth` False: a small error of the operand may make a large one of the result, so it must be exact.

    16-bit operands: NumPy is asked in float32 and rounded, as docs/bits.md says.
    """

    def draw(choices: Any, kinds: Sequence[Operand], first: int) -> Drawn | None:
        x = kinds[first]
        if x.dtype not in accepts or (not smooth and not x.exact) or x.depth > MAX_DEPTH:
            return None
        return (first,), (), Operand(x.shape, result or x.dtype, x.exact and exact, x.depth * 2 + (0 if exact else 8))

    return OpRow(name, "elementwise", draw, jittor or (lambda jt, x: getattr(jt, name)(x)), widened(numpy))


def widened(function: Callable) -> Callable:
    """Runs a NumPy function of float16 operands in float32 and rounds the result back."""

    def run(*operands: Any) -> np.ndarray:
        half = any(isinstance(x, np.ndarray) and x.dtype == np.float16 for x in operands)
        if not half:
            return function(*operands)
        wide = [x.astype(np.float32) if isinstance(x, np.ndarray) and x.dtype == np.float16 else x for x in operands]
        result = np.asarray(function(*wide))
        return result.astype(np.float16) if result.dtype == np.float32 else result

    return run


def binary_row(
    name: str,
    numpy: Callable,
    *,
    accepts: tuple[str, ...],
    exact: bool = True,
    smooth: bool = True,
    result: str | None = None,
    jittor: Callable,
) -> OpRow:
    """Operands of one dtype whose shapes broadcast."""

    def draw(choices: Any, kinds: Sequence[Operand], first: int) -> Drawn | None:
        x = kinds[first]
        if x.dtype not in accepts or x.depth > MAX_DEPTH:
            return None
        others = [i for i, y in enumerate(kinds) if y.dtype == x.dtype and broadcasts(x.shape, y.shape)]
        second = choices.pick(others)
        y = kinds[second]
        if not smooth and not (x.exact and y.exact):
            return None
        shape = np.broadcast_shapes(x.shape, y.shape)
        depth = x.depth + y.depth + (0 if exact else 8)
        return (first, second), (), Operand(shape, result or x.dtype, exact and x.exact and y.exact, depth)

    return OpRow(name, "broadcast", draw, jittor, widened(numpy))


def scalar_row(name: str, numpy: Callable, jittor: Callable) -> OpRow:
    def draw(choices: Any, kinds: Sequence[Operand], first: int) -> Drawn | None:
        x = kinds[first]
        if x.dtype not in (*FLOATS, "int32", "int64"):
            return None
        value = choices.pick((2, -1, 3)) if not x.floating else choices.pick((0.5, -2.0, 0.25, 1.5))
        return (first,), (value,), Operand(x.shape, x.dtype, x.exact, x.depth * 2)

    def same_dtype(x: np.ndarray, value: Any) -> np.ndarray:
        return numpy(x, np.asarray(value, x.dtype))

    return OpRow(name, "elementwise", draw, jittor, widened_scalar(same_dtype))


def widened_scalar(function: Callable) -> Callable:
    def run(x: np.ndarray, value: Any) -> np.ndarray:
        if x.dtype == np.float16:
            return np.asarray(function(x.astype(np.float32), value)).astype(np.float16)
        return function(x, value)

    return run


def reduce_row(
    name: str,
    numpy: Callable,
    *,
    accepts: tuple[str, ...],
    exact: bool,
    result: str | None = None,
    smooth: bool = True,
    one_axis: bool = False,
) -> OpRow:
    def draw(choices: Any, kinds: Sequence[Operand], first: int) -> Drawn | None:
        x = kinds[first]
        ndim = len(x.shape)
        if x.dtype not in accepts or ndim == 0 or (not smooth and not x.exact) or x.depth > MAX_DEPTH:
            return None
        count = 1 if one_axis else choices.integer(1, ndim)
        axes = tuple(sorted(choices.pick(range(ndim)) for _ in range(count)))
        axes = tuple(dict.fromkeys(axes))
        length = int(np.prod([x.shape[a] for a in axes], dtype=int))
        if length == 0 and name != "sum":
            return None
        keep = bool(choices.integer(0, 1)) and not one_axis
        shape = tuple((1 if i in axes else n) for i, n in enumerate(x.shape) if keep or i not in axes)
        dtype = result or (x.dtype if x.floating else "int64")
        same = x.exact and (exact or (not x.floating))
        axis = axes[0] if one_axis else axes
        return (first,), (axis, keep), Operand(shape, dtype, same, x.depth + (0 if same else 8 + length))

    def run(x: np.ndarray, axis: Any, keep: bool) -> np.ndarray:
        wide = x.astype(np.float64) if x.dtype.kind == "f" and not exact else x
        out = unsigned(np.asarray(numpy(wide, axis=axis, keepdims=keep)))
        if result is None:
            return out.astype(x.dtype if x.dtype.kind == "f" else np.int64)
        return out

    def jittor(jt: Any, x: Any, axis: Any, keep: bool) -> Any:
        return unsigned(getattr(jt, name)(x, axis, keepdims=keep))

    def unsigned(out: Any) -> Any:
        """NumPy leaves open which of two zeros is the larger one; a division by it would tell."""
        return out + 0.0 if name in ("max", "min") else out

    return OpRow(name, "reduce", draw, jittor, run)


def cast_row() -> OpRow:
    def draw(choices: Any, kinds: Sequence[Operand], first: int) -> Drawn | None:
        x = kinds[first]
        to = choices.pick((*FLOATS, *INTS, "bool"))
        if (not x.exact or x.depth > 0) and to not in FLOATS:
            return None
        if not x.exact and x.floating and FLOATS.index(to) > FLOATS.index(x.dtype):
            return None  # roundings of the narrow dtype would be measured by the wide one's
        if to in INTS and (x.floating or x.dtype in ("int64", "int32")):
            return None  # values out of range have an answer of their own (docs/bits.md), tested by itself
        return (first,), (to,), Operand(x.shape, to, x.exact, x.depth + (0 if x.exact else 8))

    return OpRow("cast", "elementwise", draw, lambda jt, x, to: x.astype(to), lambda x, to: x.astype(to))


def where_row() -> OpRow:
    def draw(choices: Any, kinds: Sequence[Operand], first: int) -> Drawn | None:
        x = kinds[first]
        masks = [i for i, m in enumerate(kinds) if m.dtype == "bool" and broadcasts(m.shape, x.shape)]
        others = [i for i, y in enumerate(kinds) if y.dtype == x.dtype and y.shape == x.shape]
        if not masks:
            return None
        mask, other = choices.pick(masks), choices.pick(others)
        shape = np.broadcast_shapes(kinds[mask].shape, x.shape)
        both = x.exact and kinds[other].exact
        return (mask, first, other), (), Operand(shape, x.dtype, both, max(x.depth, kinds[other].depth))

    return OpRow("where", "elementwise", draw, lambda jt, m, x, y: jt.where(m, x, y), np.where)


def matmul_row() -> OpRow:
    def draw(choices: Any, kinds: Sequence[Operand], first: int) -> Drawn | None:
        x = kinds[first]
        if x.dtype not in (*FLOATS, "int32", "int64") or len(x.shape) < 2 or x.depth > MAX_DEPTH:
            return None
        others = [
            i
            for i, y in enumerate(kinds)
            if y.dtype == x.dtype
            and len(y.shape) >= 2
            and y.shape[-2] == x.shape[-1]
            and broadcasts(y.shape[:-2], x.shape[:-2])
        ]
        if not others:
            return None
        second = choices.pick(others)
        y = kinds[second]
        shape = (*np.broadcast_shapes(x.shape[:-2], y.shape[:-2]), x.shape[-2], y.shape[-1])
        same = x.exact and y.exact and not x.floating
        return (first, second), (), Operand(shape, x.dtype, same, x.depth + y.depth + 8 + x.shape[-1])

    def run(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if x.dtype.kind != "f":
            return x @ y
        return (x.astype(np.float64) @ y.astype(np.float64)).astype(x.dtype)

    return OpRow("matmul", "contraction", draw, lambda jt, x, y: jt.matmul(x, y), run)


def softmax_row() -> OpRow:
    def draw(choices: Any, kinds: Sequence[Operand], first: int) -> Drawn | None:
        x = kinds[first]
        if not x.floating or not x.shape or 0 in x.shape or x.depth > 200:
            return None
        axis = choices.integer(0, len(x.shape) - 1)
        return (first,), (axis,), Operand(x.shape, x.dtype, False, x.depth * 4 + 16 + x.shape[axis])

    def run(x: np.ndarray, axis: int) -> np.ndarray:
        wide = x.astype(np.float64)
        e = np.exp(wide - wide.max(axis, keepdims=True))
        return (e / e.sum(axis, keepdims=True)).astype(x.dtype)

    return OpRow("softmax", "reduce", draw, lambda jt, x, axis: jt.softmax(x, axis), run)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return (1 / (1 + np.exp(-x.astype(np.float64)))).astype(x.dtype)


ANY = (*FLOATS, *INTS, "bool")
NUMBERS = (*FLOATS, *INTS)

OPS: tuple[OpRow, ...] = (
    unary_row("tanh", np.tanh),
    unary_row("sigmoid", sigmoid),
    unary_row("sin", np.sin),
    unary_row("cos", np.cos),
    unary_row("exp", lambda x: np.exp(np.minimum(x, 3)), jittor=lambda jt, x: jt.exp(jt.minimum(x, 3))),
    unary_row("log1p_abs", lambda x: np.log1p(np.abs(x)), jittor=lambda jt, x: jt.log1p(jt.abs(x))),
    unary_row("abs", np.abs, accepts=(*FLOATS, "int32", "int64"), exact=True),
    unary_row("neg", np.negative, accepts=(*FLOATS, "int32", "int64"), exact=True, jittor=lambda jt, x: -x),
    unary_row(
        "sqrt_abs", lambda x: np.sqrt(np.abs(x)), exact=True, smooth=False, jittor=lambda jt, x: jt.sqrt(jt.abs(x))
    ),
    unary_row("floor", np.floor, exact=True, smooth=False),
    unary_row("sign", np.sign, accepts=(*FLOATS, "int32", "int64"), exact=True, smooth=False),
    unary_row("relu", lambda x: np.maximum(x, 0), exact=True, jittor=lambda jt, x: jt.nn.relu(x)),
    unary_row(
        "square", np.square, accepts=(*FLOATS, "int32", "int64"), exact=True, smooth=False, jittor=lambda jt, x: x**2
    ),
    unary_row("isnan", np.isnan, exact=True, smooth=False, result="bool"),
    unary_row("logical_not", np.logical_not, accepts=("bool",), exact=True, smooth=False),
    binary_row("add", np.add, accepts=NUMBERS, jittor=lambda jt, x, y: x + y),
    binary_row("sub", np.subtract, accepts=(*FLOATS, "int32", "int64"), jittor=lambda jt, x, y: x - y),
    binary_row(
        "mul_tanh",
        lambda x, y: x * np.tanh(y),
        accepts=("float32", "float64"),
        exact=False,
        jittor=lambda jt, x, y: x * jt.tanh(y),
    ),
    binary_row("mul", np.multiply, accepts=("int32", "int64", "uint8"), jittor=lambda jt, x, y: x * y),
    binary_row("div", np.divide, accepts=FLOATS, smooth=False, jittor=lambda jt, x, y: x / y),
    binary_row(
        "floor_divide",
        np.floor_divide,
        accepts=("float32", "float64", "int32", "int64"),
        smooth=False,
        jittor=lambda jt, x, y: x // y,
    ),
    binary_row(
        "mod", np.mod, accepts=("float32", "float64", "int32", "int64"), smooth=False, jittor=lambda jt, x, y: x % y
    ),
    binary_row("bitwise_xor", np.bitwise_xor, accepts=(*INTS, "bool"), jittor=lambda jt, x, y: x ^ y),
    binary_row("maximum", np.maximum, accepts=NUMBERS, jittor=lambda jt, x, y: jt.maximum(x, y)),
    binary_row("minimum", np.minimum, accepts=NUMBERS, jittor=lambda jt, x, y: jt.minimum(x, y)),
    binary_row("less", np.less, accepts=NUMBERS, smooth=False, result="bool", jittor=lambda jt, x, y: x < y),
    binary_row("equal", np.equal, accepts=ANY, smooth=False, result="bool", jittor=lambda jt, x, y: x == y),
    binary_row("not_equal", np.not_equal, accepts=ANY, smooth=False, result="bool", jittor=lambda jt, x, y: x != y),
    binary_row("logical_and", np.logical_and, accepts=("bool",), smooth=False, jittor=lambda jt, x, y: x & y),
    scalar_row("mul_scalar", np.multiply, lambda jt, x, value: x * value),
    scalar_row("rsub_scalar", lambda x, v: v - x, lambda jt, x, value: value - x),
    where_row(),
    cast_row(),
    reduce_row("sum", np.sum, accepts=(*NUMBERS, "bool"), exact=False),
    reduce_row("mean", np.mean, accepts=FLOATS, exact=False),
    reduce_row("prod", np.prod, accepts=("int32", "int64", "bool"), exact=True),
    reduce_row("max", np.max, accepts=("float32", "float64"), exact=True),
    reduce_row("min", np.min, accepts=("float32", "float64"), exact=True),
    reduce_row("argmax", np.argmax, accepts=FLOATS, exact=True, result="int64", smooth=False, one_axis=True),
    softmax_row(),
    movement_row("transpose", draw_permutation, lambda jt, x, order: x.transpose(order), np.transpose),
    movement_row("getitem", draw_slices, lambda jt, x, index: x[index], lambda x, index: x[index]),
    movement_row("pad", draw_padding, lambda jt, x, widths: jt.pad(x, widths), lambda x, widths: np.pad(x, widths)),
    movement_row("reshape", draw_reshape, lambda jt, x, shape: x.reshape(shape), lambda x, shape: x.reshape(shape)),
    expand_row(),
    concat_row(),
    insert_row(),
    take_row(),
    scatter_row(),
    matmul_row(),
)
