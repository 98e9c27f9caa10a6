"""Indexing reads and writes what NumPy's does; gradients of reads are what a sum over the places says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import nn

X = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
ROWS = np.array([1, 0, 1])
MASK = X % 3 == 0

KEYS = {
    "int": 1,
    "negative int": -1,
    "ints": (1, 2, 3),
    "slice": slice(1, None),
    "reversed": (slice(None), slice(None, None, -1)),
    "negative step": (Ellipsis, slice(3, 0, -2)),
    "empty slice": slice(2, 1),
    "ellipsis": (Ellipsis, 2),
    "new axis": (None, 1, None),
    "everything": Ellipsis,
    "slices and ints": (slice(None), 1, slice(None, None, 2)),
    "list": [1, 0, 1],
    "array": ROWS,
    "negative array": np.array([-1, -2]),
    "array behind a slice": (slice(None), np.array([2, 0])),
    "two arrays": (np.array([0, 1]), np.array([2, 1])),
    "two arrays that broadcast": (np.array([[0], [1]]), np.array([2, 1])),
    "arrays apart": (np.array([0, 1]), slice(None), np.array([3, 1])),
    "int and array apart": (0, slice(None), np.array([3, 1])),
    "int and array adjacent": (slice(None), 0, np.array([3, 1])),
    "array and new axis": (np.array([1, 0]), None, slice(1, 3)),
    "array of no elements": np.zeros(0, np.int64),
    "0-d array": np.array(1),
    "mask": MASK,
    "mask of the first axis": np.array([True, False]),
    "mask of two axes": MASK[:, :, 0],
    "mask behind a slice": (slice(None), np.array([True, False, True])),
    "mask and int": (np.array([True, True]), 1),
    "mask of nothing": np.zeros((2, 3, 4), bool),
}


def as_vars(key: Any) -> Any:
    """The key with Vars in place of arrays."""
    if isinstance(key, tuple):
        return tuple(as_vars(k) for k in key)
    return jt.array(key) if isinstance(key, np.ndarray) else key


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_getitem_is_numpys(key: Any) -> None:
    found = jt.array(X)[key]

    assert found.shape == X[key].shape
    np.testing.assert_array_equal(found.numpy(), X[key])


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_getitem_with_vars_as_indices_is_numpys(key: Any) -> None:
    np.testing.assert_array_equal(jt.array(X)[as_vars(key)].numpy(), X[key])


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_setitem_of_a_number_is_numpys(key: Any) -> None:
    expected, x = X.copy(), jt.array(X)

    expected[key] = -7
    x[key] = -7

    np.testing.assert_array_equal(x.numpy(), expected)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_setitem_of_values_is_numpys(key: Any) -> None:
    expected, x = X.copy(), jt.array(X)
    values = np.arange(X[key].size, dtype=np.float32).reshape(X[key].shape) + 100

    expected[key] = values
    x[key] = jt.array(values)

    np.testing.assert_array_equal(x.numpy(), expected)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_augmented_assignment_is_numpys(key: Any) -> None:
    expected, x = X.copy(), jt.array(X)

    expected[key] += 5
    x[key] += 5

    np.testing.assert_array_equal(x.numpy(), expected)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_gradient_of_getitem_counts_the_reads(key: Any) -> None:
    x = jt.array(X)
    expected = np.zeros_like(X)
    np.add.at(expected, key, 1.0)

    found = jt.grad(x[key].sum(), x)

    np.testing.assert_array_equal(found.numpy(), expected)


def test_gradient_of_setitem_goes_to_the_values_and_past_them() -> None:
    base, values = jt.array(X), jt.array([1.0, 2.0])

    x = base * 1
    x[0, 1, 1:3] = values
    to_base, to_values = jt.grad((x * x).sum(), [base, values])

    expected = 2 * X
    expected[0, 1, 1:3] = 0
    np.testing.assert_array_equal(to_base.numpy(), expected)
    np.testing.assert_array_equal(to_values.numpy(), [2.0, 4.0])


def test_gradient_of_scattered_values_goes_to_those_that_stayed() -> None:
    base, values = jt.zeros(3), jt.array([1.0, 2.0, 3.0])

    x = base * 1
    x[np.array([0, 2, 0])] = values
    to_base, to_values = jt.grad((x * jt.array([1.0, 10.0, 100.0])).sum(), [base, values])

    np.testing.assert_array_equal(to_base.numpy(), [0.0, 10.0, 0.0])
    np.testing.assert_array_equal(to_values.numpy(), [0.0, 100.0, 1.0])


def test_setitem_casts_to_the_vars_dtype() -> None:
    x = jt.array([1, 2, 3])

    x[0] = 7.9
    x[1:] = jt.array([1.5, -1.5])

    assert x.dtype == "int64"
    assert x.tolist() == [7, 1, -1]


@pytest.mark.parametrize(
    "key,kind,words",
    [
        (2, IndexError, "index 2 is out of range for dim 0 of 2 elements"),
        ((0, -4), IndexError, "index -4 is out of range for dim 1 of 3 elements"),
        ((0, 0, 0, 0), IndexError, "4 indices for a 3-d var"),
        ((Ellipsis, Ellipsis), IndexError, "... may stand once"),
        ("a", TypeError, "str is no index"),
        (1.0, TypeError, "float is no index"),
        (np.array([0.5]), TypeError, "indices must be integers or bool"),
        (np.array([True, False, True]), IndexError, "a mask of shape [3] does not fit the axes [2]"),
        (slice(None, None, 0), ValueError, "the step of a slice is 0"),
        ((np.array([0, 1]), np.array([0, 1, 2])), ValueError, "do not broadcast"),
    ],
)
def test_wrong_index_says_what_is_wrong(key: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        jt.array(X)[key]

    assert words in str(caught.value)


def written(x: jt.Var, key: Any) -> jt.Var:
    x = x * 1
    x[key] = 1.0
    return x


def ints(*values: Any) -> jt.Var:
    return jt.array(np.array(values))


# x is (3, 4); the first line of the message, and the indices that are valid
OUT_OF_RANGE: list[tuple[str, Callable[[jt.Var], jt.Var], str, str]] = [
    ("getitem", lambda x: x[ints(0, 3)], "getitem: index 3 is out of range for dim 0 of 3 elements", "-3 to 2"),
    ("negative", lambda x: x[ints(-4, 0)], "getitem: index -4 is out of range for dim 0 of 3 elements", "-3 to 2"),
    (
        "getitem behind a slice",
        lambda x: x[1:, ints(7)],
        "getitem: index 7 is out of range for dim 1 of 4 elements",
        "-4 to 3",
    ),
    (
        "getitem of two axes",
        lambda x: x[ints(0), ints(-9)],
        "getitem: index -9 is out of range for dim 1 of 4 elements",
        "-4 to 3",
    ),
    (
        "equal extents",
        lambda x: x[:, :3][ints(0), ints(5)],
        "getitem: index 5 is out of range for dim 0 or 1 of 3 elements",
        "-3 to 2",
    ),
    (
        "no elements",
        lambda x: x[:0][ints(0)],
        "getitem: index 0 is out of range for dim 0 of 0 elements",
        "no valid indices",
    ),
    ("setitem", lambda x: written(x, ints(5)), "setitem: index 5 is out of range for dim 0 of 3 elements", "-3 to 2"),
    ("take", lambda x: jt.take(x, ints(12)), "take: index 12 is out of range for dim 0 of 12 elements", "-12 to 11"),
    (
        "take along a dim",
        lambda x: jt.take(x, ints(4), 1),
        "take: index 4 is out of range for dim 1 of 4 elements",
        "-4 to 3",
    ),
    (
        "index_select",
        lambda x: jt.index_select(x, 1, ints(4)),
        "index_select: index 4 is out of range for dim 1",
        "-4 to 3",
    ),
    (
        "gather",
        lambda x: jt.gather(x, 1, ints([4])),
        "gather: index 4 is out of range for dim 1 of 4 elements",
        "-4 to 3",
    ),
    (
        "take_along_dim",
        lambda x: jt.take_along_dim(x, ints([-5]), 1),
        "take_along_dim: index -5 is out of range for dim 1",
        "-4 to 3",
    ),
    (
        "scatter",
        lambda x: jt.scatter(x, 1, ints([9]), 1.0),
        "scatter: index 9 is out of range for dim 1 of 4 elements",
        "-4 to 3",
    ),
    (
        "scatter_add",
        lambda x: jt.scatter_add(x, 0, ints([-4]), jt.ones(1, 1)),
        "scatter_add: index -4 is out of range for dim 0",
        "-3 to 2",
    ),
    (
        "index_add",
        lambda x: jt.index_add(x, 0, ints(7), x[:1]),
        "index_add: index 7 is out of range for dim 0 of 3",
        "-3 to 2",
    ),
    (
        "embedding",
        lambda x: nn.embedding(ints(-1), x),
        "embedding: index -1 is out of range for dim 0 of 3 elements",
        "0 to 2",
    ),
    (
        "cross_entropy",
        lambda x: nn.cross_entropy(x, ints(0, 4, 1)),
        "cross_entropy: index 4 is out of range for dim 1 of 4",
        "0 to 3",
    ),
    (
        "nll_loss",
        lambda x: nn.nll_loss(x, ints(0, -1, 1)),
        "nll_loss: index -1 is out of range for dim 1 of 4 elements",
        "0 to 3",
    ),
    (
        "gradient alone",
        lambda x: jt.grad(nn.embedding(ints(3), x).sum(), x),
        "embedding: index 3 is out of range for dim 0",
        "0 to 2",
    ),
]


@pytest.mark.parametrize(
    "run,first_line,valid", [row[1:] for row in OUT_OF_RANGE], ids=[row[0] for row in OUT_OF_RANGE]
)
def test_index_var_out_of_range_names_function_axis_value_range_and_line(
    run: Callable, first_line: str, valid: str
) -> None:
    y = run(jt.array(np.zeros((3, 4), np.float32)))

    with pytest.raises(IndexError) as caught:
        y.numpy()

    lines = str(caught.value).splitlines()
    assert lines[0].startswith(first_line)
    assert lines[1].startswith("  from test_indexing.py:")
    assert lines[2].startswith("  help: ") and lines[2].endswith(valid)


def test_the_same_line_with_another_function_is_named_anew() -> None:
    x, index = jt.array(np.zeros((3, 4), np.float32)), ints([9])
    messages = []

    for function in (jt.gather, lambda x, dim, index: jt.take_along_dim(x, index, dim)):
        with pytest.raises(IndexError) as caught:
            function(x, 1, index).numpy()
        messages.append(str(caught.value).partition(":")[0])

    assert messages == ["gather", "take_along_dim"]


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_gather_is_numpys_take_along_axis(dim: int) -> None:
    index = np.argsort(-X, dim)

    np.testing.assert_array_equal(
        jt.gather(jt.array(X), dim, jt.array(index)).numpy(), np.take_along_axis(X, index, dim)
    )


def test_scatter_keeps_the_last_of_equal_places() -> None:
    found = jt.scatter(jt.zeros(4), 0, jt.array([1, 1, 3]), jt.array([5.0, 6.0, 7.0]))

    assert found.tolist() == [0.0, 6.0, 0.0, 7.0]


@pytest.mark.parametrize(
    "reduce,expected",
    [
        ("add", [1.0, 12.0, 1.0]),
        ("multiply", [1.0, 30.0, 1.0]),
        ("maximum", [1.0, 6.0, 1.0]),
        ("minimum", [1.0, 1.0, 1.0]),
    ],
)
def test_scatter_joins_equal_places(reduce: str, expected: list[float]) -> None:
    found = jt.scatter(jt.ones(3), 0, jt.array([1, 1]), jt.array([5.0, 6.0]), reduce)

    assert found.tolist() == expected


def test_index_add_adds_slices_as_numpys_add_at() -> None:
    expected = X.copy()
    np.add.at(expected, (slice(None), [2, 0, 2]), X)

    found = jt.array(X).index_add(1, jt.array([2, 0, 2]), jt.array(X))

    np.testing.assert_array_equal(found.numpy(), expected)


def test_index_select_and_take_are_numpys_take() -> None:
    np.testing.assert_array_equal(jt.array(X).index_select(1, jt.array([2, 2])).numpy(), X.take([2, 2], 1))
    np.testing.assert_array_equal(jt.take(jt.array(X), jt.array([[3, -1]])).numpy(), X.take([[3, -1]]))


def test_masked_select_and_fill_are_numpys() -> None:
    np.testing.assert_array_equal(jt.array(X).masked_select(jt.array(MASK)).numpy(), X[MASK])
    np.testing.assert_array_equal(jt.array(X).masked_fill(jt.array(MASK), -1).numpy(), np.where(MASK, -1, X))


def test_nonzero_gives_rows_of_indices() -> None:
    np.testing.assert_array_equal(jt.nonzero(jt.array(X % 5)).numpy(), np.argwhere(X % 5))
    for found, expected in zip(jt.where(jt.array(MASK)), np.nonzero(MASK), strict=True):
        np.testing.assert_array_equal(found.numpy(), expected)


def test_one_hot_is_ones_at_the_classes() -> None:
    found = jt.one_hot(jt.array([0, 2]), 4)

    assert found.dtype == "int64"
    assert found.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]


def test_a_changed_index_compiles_nothing() -> None:
    x = jt.array(X.reshape(6, 4)).sync()
    with jt.flags(wait_for_kernels=True):
        (x[1, 1:3] * 2).sync()
        before = jt.stats()["compiles"]

        for row in range(2, 5):
            (x[row, 1:3] * 2).sync()

    assert jt.stats()["compiles"] == before
