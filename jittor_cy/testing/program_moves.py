"""Operations of random programs that move values: views, slices, padding, joining, indices, scatters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jittor_cy.testing.program_kinds import Drawn, Operand, OpRow

__all__ = [
    "concat_row",
    "draw_padding",
    "draw_permutation",
    "draw_reshape",
    "draw_slices",
    "expand_row",
    "insert_row",
    "movement_row",
    "scatter_row",
    "take_row",
]


Parameters = tuple[tuple[Any, ...], tuple[int, ...]]  # of an operation, and the shape of its result


def movement_row(
    name: str, draw_parameters: Callable[[Any, tuple[int, ...]], Parameters | None], jittor: Callable, numpy: Callable
) -> OpRow:
    """Values move without arithmetic; exactness stays."""

    def draw(choices: Any, kinds: Sequence[Operand], first: int) -> Drawn | None:
        x = kinds[first]
        drawn = draw_parameters(choices, x.shape)
        if drawn is None:
            return None
        parameters, shape = drawn
        return (first,), parameters, Operand(shape, x.dtype, x.exact, x.depth)

    return OpRow(name, "movement", draw, jittor, numpy)


def draw_permutation(choices: Any, shape: tuple[int, ...]) -> tuple | None:
    if len(shape) < 2:
        return None
    rest, order = list(range(len(shape))), []
    while rest:
        order.append(rest.pop(choices.integer(0, len(rest) - 1)))
    return (tuple(order),), tuple(shape[i] for i in order)


def draw_slices(choices: Any, shape: tuple[int, ...]) -> tuple | None:
    if not shape:
        return None
    slices, out = [], []
    for extent in shape:
        start, stop = sorted((choices.integer(0, extent), choices.integer(0, extent)))
        step = choices.pick((1, 1, 2, -1, 3))
        if step < 0:
            start, stop = (stop - 1 if stop else None), (start - 1 if start else None)
        index = slice(start, stop, step)
        slices.append(index)
        out.append(len(range(*index.indices(extent))))
    return (tuple(slices),), tuple(out)


def draw_padding(choices: Any, shape: tuple[int, ...]) -> tuple | None:
    if not shape:
        return None
    widths = tuple((choices.integer(0, 3), choices.integer(0, 3)) for _ in shape)
    return (widths,), tuple(n + a + b for n, (a, b) in zip(shape, widths, strict=True))


def draw_reshape(choices: Any, shape: tuple[int, ...]) -> tuple | None:
    count = int(np.prod(shape, dtype=int))
    if count == 0:
        return None
    out, left = [], count
    for _ in range(choices.integer(0, 3)):
        divisors = [d for d in range(1, min(left, 64) + 1) if left % d == 0]
        out.append(choices.pick(divisors))
        left //= out[-1]
    return ((*out, left),), (*out, left)


def draw_expand(choices: Any, shape: tuple[int, ...]) -> tuple | None:
    if len(shape) > 3:
        return None
    out = tuple(choices.pick((n, 3, 5)) if n == 1 else n for n in shape)
    return ((choices.pick((1, 2, 4)), *out),) * 2 if choices.integer(0, 1) else (out,) * 2


def expand_row() -> OpRow:
    def draw_parameters(choices: Any, shape: tuple[int, ...]) -> tuple | None:
        drawn = draw_expand(choices, shape)
        return None if drawn is None else ((drawn[0],), drawn[1])

    return movement_row("broadcast_to", draw_parameters, lambda jt, x, shape: x.broadcast_to(shape), np.broadcast_to)


def concat_row() -> OpRow:
    def draw(choices: Any, kinds: Sequence[Operand], first: int) -> Drawn | None:
        x = kinds[first]
        if not x.shape:
            return None
        axis = choices.integer(0, len(x.shape) - 1)
        others = [
            i
            for i, y in enumerate(kinds)
            if y.dtype == x.dtype
            and len(y.shape) == len(x.shape)
            and all(m == n for k, (m, n) in enumerate(zip(x.shape, y.shape, strict=True)) if k != axis)
        ]
        second = choices.pick(others)
        y = kinds[second]
        shape = tuple(n + (y.shape[axis] if k == axis else 0) for k, n in enumerate(x.shape))
        return (first, second), (axis,), Operand(shape, x.dtype, x.exact and y.exact, max(x.depth, y.depth))

    return OpRow(
        "concat",
        "movement",
        draw,
        lambda jt, x, y, axis: jt.concat([x, y], axis),
        lambda x, y, axis: np.concatenate([x, y], axis),
    )


def take_row() -> OpRow:
    def draw(choices: Any, kinds: Sequence[Operand], first: int) -> Drawn | None:
        x = kinds[first]
        if not x.shape or 0 in x.shape:
            return None
        count = choices.integer(1, 6)
        rows = tuple(choices.integer(-x.shape[0], x.shape[0] - 1) for _ in range(count))
        return (first,), (rows,), Operand((count, *x.shape[1:]), x.dtype, x.exact, x.depth)

    return OpRow(
        "take", "reindex", draw, lambda jt, x, rows: x[jt.array(np.array(rows))], lambda x, rows: x[np.array(rows)]
    )


def scatter_row() -> OpRow:
    """Rows added by index into zeros, in the order of the source."""

    def draw(choices: Any, kinds: Sequence[Operand], first: int) -> Drawn | None:
        x = kinds[first]
        if x.dtype not in ("float32", "float64", "int32", "int64") or len(x.shape) != 2 or 0 in x.shape:
            return None
        rows = tuple(choices.integer(0, 4) for _ in range(x.shape[0]))
        return (first,), (rows,), Operand((5, x.shape[1]), x.dtype, x.exact, x.depth + x.shape[0])

    def jittor(jt: Any, x: Any, rows: tuple[int, ...]) -> Any:
        return jt.reindex_reduce(x, "add", (5, x.shape[1]), ["@e0(i0)", "i1"], extras=[jt.array(np.array(rows))])

    def run(x: np.ndarray, rows: tuple[int, ...]) -> np.ndarray:
        out = np.zeros((5, x.shape[1]), x.dtype)
        np.add.at(out, np.array(rows), x)
        return out

    return OpRow("reindex_reduce", "reindex_reduce", draw, jittor, run)


def insert_row() -> OpRow:
    """x with one region replaced: what setitem makes."""

    def draw(choices: Any, kinds: Sequence[Operand], first: int) -> Drawn | None:
        x = kinds[first]
        drawn = draw_slices(choices, x.shape)
        return None if drawn is None else ((first,), (drawn[0][0],), x)

    def jittor(jt: Any, x: Any, index: tuple) -> Any:
        y = x.clone()
        y[index] = 1
        return y

    def run(x: np.ndarray, index: tuple) -> np.ndarray:
        y = x.copy()
        y[index] = 1
        return y

    return OpRow("setitem", "movement", draw, jittor, run)
