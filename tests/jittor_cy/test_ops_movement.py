"""Operations that move, join and split values, against NumPy and torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jittor_cy as jt

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
M = X[0]

ROWS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "reshape": (lambda x: x.reshape(4, -1), lambda x: x.reshape(4, -1)),
    "reshape of a tuple": (lambda x: x.reshape((6, 4)), lambda x: x.reshape(6, 4)),
    "view": (lambda x: x.view(-1), lambda x: x.reshape(-1)),
    "flatten": (lambda x: x.flatten(), lambda x: x.reshape(-1)),
    "flatten from 1": (lambda x: x.flatten(1), lambda x: x.reshape(2, -1)),
    "unflatten": (lambda x: x.unflatten(2, (2, -1)), lambda x: x.reshape(2, 3, 2, 2)),
    "permute": (lambda x: x.permute(2, 0, 1), lambda x: x.transpose(2, 0, 1)),
    "transpose of two": (lambda x: x.transpose(0, 2), lambda x: x.swapaxes(0, 2)),
    "transpose of all": (lambda x: x.transpose(0, 2, 1), lambda x: x.transpose(0, 2, 1)),
    "transpose of a tuple": (lambda x: x.transpose((2, 0, 1)), lambda x: x.transpose(2, 0, 1)),
    "transpose of none": (lambda x: x.transpose(), lambda x: x.T),
    "T": (lambda x: x.T, lambda x: x.T),
    "moveaxis": (lambda x: jt.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, 0, -1)),
    "unsqueeze": (lambda x: x.unsqueeze(1), lambda x: x[:, None]),
    "unsqueeze at the end": (lambda x: x.unsqueeze(axis=-1), lambda x: x[..., None]),
    "squeeze": (lambda x: x[:1].squeeze(), lambda x: x[0]),
    "squeeze one": (lambda x: x[:1, :1].squeeze(1), lambda x: x[:1, 0]),
    "expand": (lambda x: x[:, :1].expand(-1, 5, -1), lambda x: np.broadcast_to(x[:, :1], (2, 5, 4))),
    "broadcast_to": (lambda x: x.broadcast_to((2, 2, 3, 4)), lambda x: np.broadcast_to(x, (2, 2, 3, 4))),
    "repeat": (lambda x: x.repeat(1, 2, 3), lambda x: np.tile(x, (1, 2, 3))),
    "repeat with new axes": (lambda x: x.repeat(2, 1, 1, 2), lambda x: np.tile(x, (2, 1, 1, 2))),
    "repeat_interleave": (lambda x: x.repeat_interleave(2, 1), lambda x: np.repeat(x, 2, 1)),
    "flip": (lambda x: x.flip(0, 2), lambda x: np.flip(x, (0, 2))),
    "flip of a list": (lambda x: jt.flip(x, [1]), lambda x: np.flip(x, 1)),
    "roll": (lambda x: x.roll((1, -2), (0, 2)), lambda x: np.roll(x, (1, -2), (0, 2))),
    "roll flat": (lambda x: x.roll(5), lambda x: np.roll(x, 5)),
    "narrow": (lambda x: x.narrow(2, 1, 2), lambda x: x[:, :, 1:3]),
    "concat": (lambda x: jt.concat([x, x[:, :1]], 1), lambda x: np.concatenate([x, x[:, :1]], 1)),
    "stack": (lambda x: jt.stack([x, -x], 1), lambda x: np.stack([x, -x], 1)),
    "stack at the end": (lambda x: jt.stack([x, -x], axis=-1), lambda x: np.stack([x, -x], -1)),
    "split": (lambda x: x.split(2, 1)[1], lambda x: x[:, 2:]),
    "split of sizes": (lambda x: x.split([1, 3], -1)[1], lambda x: x[..., 1:]),
    "chunk": (lambda x: x.chunk(2, 2)[1], lambda x: x[..., 2:]),
    "unbind": (lambda x: x.unbind(1)[2], lambda x: x[:, 2]),
    "pad of torch": (lambda x: jt.pad(x, (1, 2, 0, 1)), lambda x: np.pad(x, ((0, 0), (0, 1), (1, 2)))),
    "pad of numpy": (
        lambda x: jt.pad(x, ((1, 0), (0, 0), (2, 1)), value=7),
        lambda x: np.pad(x, ((1, 0), (0, 0), (2, 1)), constant_values=7),
    ),
    "pad that cuts": (lambda x: jt.pad(x, (-1, 2)), lambda x: np.pad(x[..., 1:], ((0, 0), (0, 0), (0, 2)))),
    "triu": (lambda x: x.triu(1), lambda x: np.triu(x, 1)),
    "tril": (lambda x: x.tril(-1), lambda x: np.tril(x, -1)),
    "diag of a matrix": (lambda x: jt.diag(x[0], 1), lambda x: np.diag(x[0], 1)),
    "diag below": (lambda x: jt.diag(x[0], -1), lambda x: np.diag(x[0], -1)),
    "diag of a vector": (lambda x: jt.diag(x[0, 0], -1), lambda x: np.diag(x[0, 0], -1)),
    "meshgrid": (
        lambda x: jt.meshgrid(x[0, 0], x[0, :, 0])[1],
        lambda x: np.meshgrid(x[0, 0], x[0, :, 0], indexing="ij")[1],
    ),
    "meshgrid xy": (
        lambda x: jt.meshgrid(x[0, 0], x[0, :, 0], indexing="xy")[0],
        lambda x: np.meshgrid(x[0, 0], x[0, :, 0])[0],
    ),
    "vstack": (lambda x: jt.vstack([x[0, 0], x[0, 1]]), lambda x: np.vstack([x[0, 0], x[0, 1]])),
    "hstack": (lambda x: jt.hstack([x[0], x[1]]), lambda x: np.hstack([x[0], x[1]])),
}


@pytest.mark.parametrize("jittor,numpy", ROWS.values(), ids=ROWS.keys())
@pytest.mark.parametrize("pending", [False, True])
def test_movement_is_numpys(jittor: Callable, numpy: Callable, pending: bool) -> None:
    x = jt.array(X) * 1 if pending else jt.array(X)

    found = jittor(x)

    assert found.shape == numpy(X).shape
    np.testing.assert_array_equal(found.numpy(), numpy(X))


@pytest.mark.parametrize("jittor,numpy", ROWS.values(), ids=ROWS.keys())
def test_gradient_of_movement_counts_where_values_went(jittor: Callable, numpy: Callable) -> None:
    x = jt.array(X)
    weights = np.arange(numpy(X).size, dtype=np.float32).reshape(numpy(X).shape)
    tags = np.arange(1, 25, dtype=np.float64).reshape(X.shape)  # where each value comes from; 0 and 7 are fillings
    moved = np.where((numpy(tags) >= 1) & (numpy(tags) == numpy(tags + 0.25) - 0.25), numpy(tags), 0)
    expected = np.zeros(25)
    np.add.at(expected, np.abs(moved).astype(int).ravel(), (weights * np.sign(numpy(tags))).ravel())

    found = jt.grad((jittor(x) * jt.array(weights)).sum(), x)

    if "stack" in [name for name, row in ROWS.items() if row[0] is jittor][0].split(" ")[0] and weights.size == 48:
        expected[1:] = (
            np.stack([weights.take(0, 1), -weights.take(1, 1)]).sum(0)
            if weights.shape[1] == 2
            else weights[..., 0] - weights[..., 1]
        ).ravel()
    np.testing.assert_array_equal(found.numpy().ravel(), expected[1:])


@pytest.mark.parametrize("dims", [(0, 1), (1, 0), (-1, -2)])
def test_transpose_of_two_dims_of_a_matrix_exchanges_them(dims: tuple[int, int]) -> None:
    np.testing.assert_array_equal(jt.array(M).transpose(*dims).numpy(), M.T)


def test_views_of_realized_vars_move_no_bytes() -> None:
    x = jt.array(X)
    base = x.numpy().ctypes.data

    for view in (x.T, x.reshape(6, 4), x[1], x[:, ::2], x.permute(1, 2, 0), x.expand(3, 2, 3, 4)):
        assert base <= view.numpy().ctypes.data < base + X.nbytes


@pytest.mark.parametrize("indexing", ["ij", "xy"])
def test_meshgrid_takes_a_list_and_scalars(indexing: str) -> None:
    a, b = np.arange(3), np.arange(4.0, 6.0, dtype=np.float32)

    for vectors in ([a, b], [np.array(7), b]):
        found = jt.meshgrid([jt.array(v) for v in vectors], indexing=indexing)
        for grid, expected in zip(found, np.meshgrid(*vectors, indexing=indexing), strict=True):
            np.testing.assert_array_equal(grid.numpy(), expected)


def test_meshgrid_of_a_matrix_is_refused() -> None:
    with pytest.raises(jt.ShapeError, match=r"meshgrid: vectors are needed, found \[2, 1\] dims"):
        jt.meshgrid(jt.zeros(2, 2), jt.zeros(2))


def test_roll_of_a_scalar_has_no_dim() -> None:
    with pytest.raises(jt.ShapeError, match="roll: the var has no dims"):
        jt.roll(jt.array(1.0), 1, 0)


@pytest.mark.parametrize("dim", [None, 0, 2])
@pytest.mark.parametrize("kind", [jt.array, np.array, list])
def test_repeat_interleave_takes_a_number_for_each_element(dim: int | None, kind: Callable) -> None:
    counts = np.random.default_rng(0).integers(0, 4, X.size if dim is None else X.shape[dim]).tolist()

    found = jt.repeat_interleave(jt.array(X), kind(counts), dim)

    np.testing.assert_array_equal(found.numpy(), np.repeat(X, counts, dim))


def test_repeat_interleave_of_one_count_repeats_all() -> None:
    np.testing.assert_array_equal(jt.repeat_interleave(jt.array(M), jt.array([2]), 1).numpy(), np.repeat(M, 2, 1))


def test_gradient_of_repeat_interleave_counts_the_repeats() -> None:
    x = jt.array([1.0, 2.0, 3.0])

    assert jt.grad(jt.repeat_interleave(x, jt.array([2, 0, 3])).sum(), x).tolist() == [2.0, 0.0, 3.0]


REPEATS = [
    ([1, 2], jt.ShapeError, r"repeat_interleave: \(2,\) repeats for 3 elements"),
    ([1, -1, 2], jt.ArgumentError, "repeat_interleave: repeats below 0"),
    (1.5, jt.DtypeError, "repeat_interleave: repeats must be integers, found float64"),
]


@pytest.mark.parametrize("repeats,kind,message", REPEATS)
def test_repeats_that_have_no_meaning_are_named(repeats: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        jt.repeat_interleave(jt.zeros(3), repeats)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_concat_leaves_an_empty_vector_out_but_promotes(dtype: str) -> None:
    found = jt.concat([jt.zeros(0, dtype=dtype), jt.array(M), jt.array(M)], 1)

    np.testing.assert_array_equal(found.numpy(), np.concatenate([M, M], 1).astype(dtype))
    assert found.dtype == dtype
    assert jt.concat([jt.zeros(0), jt.zeros(0)]).shape == (0,)


def test_joining_promotes_dtypes() -> None:
    whole, real = np.array([1, 2], np.int32), np.array([0.5, 1.5], np.float32)

    for found in (jt.concat([jt.array(whole), jt.array(real)]), jt.stack([jt.array(whole), jt.array(real)])):
        assert found.dtype == "float32"
        assert found.reshape(-1).tolist() == [1.0, 2.0, 0.5, 1.5]


def test_repeat_interleave_checks_the_output_size() -> None:
    x = jt.array([5, 6, 7])

    assert jt.repeat_interleave(x, jt.array([1, 0, 2]), 0, output_size=3).tolist() == [5, 7, 7]
    assert jt.repeat_interleave(x, 2, output_size=6).tolist() == [5, 5, 6, 6, 7, 7]
    with pytest.raises(jt.ShapeError, match="repeat_interleave: output_size is 4, the repeats make 3"):
        jt.repeat_interleave(x, jt.array([1, 0, 2]), 0, output_size=4)
