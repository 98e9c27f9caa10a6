"""Meta-operators, against NumPy and torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import jittor_cy as jt
from tests.jittor_cy.closeness import close

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(3, 4, 5)).astype(np.float32)


def test_reindex_with_strings_extras_and_conditions() -> None:
    x, order = jt.array(X[0]), jt.array([2, 0])

    np.testing.assert_array_equal(
        jt.reindex(x, (2, 5), ["@e0(i0)", "4-i1"], extras=[order]).numpy(), X[0][[2, 0]][:, ::-1]
    )
    np.testing.assert_array_equal(
        jt.reindex(x, (4, 5), ["i0+1", "i1"], -7.0).numpy(), np.concatenate([X[0][1:], np.full((1, 5), -7)])
    )
    np.testing.assert_array_equal(
        jt.reindex(x, (4, 5), ["i0", "i1"], 9.0, ["i0 > i1"]).numpy(), np.where(np.tril(np.ones((4, 5)), -1), 9, X[0])
    )
    np.testing.assert_array_equal(jt.reindex(x, (4, 2), ["xshape0-1-i0", "i1*2+1"]).numpy(), X[0][::-1, 1:5:2])


def test_reindex_and_reindex_reduce_are_each_others_gradient() -> None:
    x, w = jt.array(X[0]), RANDOM.normal(size=(6, 5)).astype(np.float32)
    expected = np.zeros_like(X[0])
    np.add.at(expected, np.arange(6) // 2, w)

    found = jt.grad((jt.reindex(x, (6, 5), ["i0//2", "i1"]) * jt.array(w)).sum(), x)
    again = jt.grad((jt.reindex_reduce(jt.array(w), "add", (4, 5), ["i0//2", "i1"]) * x).sum(), x)

    close(found, expected)
    close(again, expected)


@pytest.mark.parametrize("op,numpy", [("add", np.sum), ("multiply", np.prod), ("maximum", np.max), ("minimum", np.min)])
def test_reduce_and_reindex_reduce_join(op: str, numpy: Callable) -> None:
    close(jt.reduce(jt.array(X), op, (0, 2)), numpy(X, (0, 2)), 1e-5)
    close(jt.reindex_reduce(jt.array(X), op, (4,), ["i1"]), numpy(X, (0, 2)), 1e-5)


def test_broadcast_makes_new_axes() -> None:
    np.testing.assert_array_equal(
        jt.broadcast(jt.array(X[0]), (4, 3, 5), [1]).numpy(), np.broadcast_to(X[0][:, None], (4, 3, 5))
    )
    np.testing.assert_array_equal(
        jt.broadcast(jt.array(X[0, 0]), jt.zeros(2, 5)).numpy(), np.broadcast_to(X[0, 0], (2, 5))
    )


def test_convolution_written_with_the_meta_operators() -> None:
    torch = pytest.importorskip("torch")
    x, w = RANDOM.normal(size=(2, 3, 6, 6)).astype(np.float32), RANDOM.normal(size=(4, 3, 3, 3)).astype(np.float32)
    shape = [2, 4, 3, 4, 4, 3, 3]  # batch, out, in, rows, columns, kernel rows, kernel columns

    wide = jt.reindex(jt.array(x), shape, ["i0", "i2", "i3+i5", "i4+i6"])
    kernel = jt.broadcast(jt.array(w), shape, (0, 3, 4))
    found = (wide * kernel).sum((2, 5, 6))

    close(found, torch.nn.functional.conv2d(torch.from_numpy(x), torch.from_numpy(w)).numpy(), 1e-4)


def test_compute_reads_elements_at_index_expressions() -> None:
    x, index = jt.array(X[0]), jt.array([3, 0, 1])

    np.testing.assert_array_equal(jt.compute((4, 4), lambda i, j: x[i, j + 1] - x[i, j]).numpy(), np.diff(X[0], axis=1))
    np.testing.assert_array_equal(jt.compute((3, 5), lambda i, j: x[index[i], 4 - j]).numpy(), X[0][[3, 0, 1], ::-1])
    np.testing.assert_array_equal(
        jt.compute((2,), lambda i: x[i * 2, i % 2] * 2).numpy(), [X[0, 0, 0] * 2, X[0, 2, 1] * 2]
    )
    np.testing.assert_array_equal(jt.compute((5,), lambda i: x[i, 0]).numpy(), [*X[0, :, 0], 0])


@pytest.mark.parametrize(("op", "ufunc"), [("add", np.add), ("maximum", np.maximum)])
@pytest.mark.parametrize("dtype", ["float32", "int64", "float64"])
@pytest.mark.parametrize("width", [1, 15, 16, 17, 100, 2500])
def test_rows_go_to_places_in_their_order(op: str, ufunc: np.ufunc, dtype: str, width: int) -> None:
    """Rows of 16 and more move as a whole; the ones that lie outside are left out."""
    rng = np.random.default_rng(width)
    rows = (rng.normal(size=(300, width)) * 100).astype(dtype)
    places = rng.integers(-2, 9, 300)
    inside = (places >= 0) & (places < 7)
    smallest = np.iinfo(dtype).min if dtype == "int64" else -np.inf
    expected = np.full((7, width), 0 if op == "add" else smallest, dtype)
    ufunc.at(expected, places[inside], rows[inside])

    found = jt.reindex_reduce(jt.array(rows), op, (7, width), ["@e0(i0)", "i1"], extras=[jt.array(places)])
    turned = jt.reindex_reduce(
        jt.array(rows.T.copy()).transpose(1, 0), op, (7, width), ["@e0(i0)", "i1"], extras=[jt.array(places)]
    )

    np.testing.assert_array_equal(found.numpy(), expected)
    np.testing.assert_array_equal(turned.numpy(), expected)
