"""Orders, against torch and closed forms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import jittor_cy as jt
from tests.jittor_cy.closeness import close

RANDOM = np.random.default_rng(5)
INTS = RANDOM.integers(-5, 5, (4, 6))


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dim", [0, 1])
def test_sort_is_torchs(descending: bool, dim: int) -> None:
    torch = pytest.importorskip("torch")
    expected = torch.sort(torch.from_numpy(INTS), dim=dim, descending=descending, stable=True)

    values, indices = jt.sort(jt.array(INTS), dim, descending)

    close(values, expected[0].numpy())
    close(indices, expected[1].numpy())


def test_gradient_of_sort_goes_back_to_the_places() -> None:
    x = jt.array([3.0, 1.0, 2.0])

    found = jt.grad((jt.sort(x).values * jt.array([1.0, 10.0, 100.0])).sum(), x)

    assert found.tolist() == [100.0, 1.0, 10.0]


def test_topk_kthvalue_median_and_unique() -> None:
    x = jt.array([[4.0, 1.0, 3.0, 2.0]])

    assert jt.topk(x, 2).values.tolist() == [[4.0, 3.0]] and jt.topk(x, 2, largest=False).indices.tolist() == [[1, 3]]
    assert jt.kthvalue(x, 2).values.tolist() == [2.0] and jt.median(x).item() == 2.0
    values, inverse, counts = jt.unique(jt.array([3, 1, 3]), return_inverse=True, return_counts=True)
    assert (values.tolist(), inverse.tolist(), counts.tolist()) == ([1, 3], [1, 0, 1], [1, 2])


@pytest.mark.parametrize("call", [lambda x, k: jt.median(x, 1, k), lambda x, k: jt.kthvalue(x, 3, 1, k)])
def test_the_axis_of_a_middle_element_may_stay(call: Callable) -> None:
    x = jt.array(INTS[:, :5])
    expected = np.sort(INTS[:, :5], 1)[:, 2:3]

    np.testing.assert_array_equal(call(x, True).values.numpy(), expected)
    assert call(x, True).indices.shape == (4, 1)
    np.testing.assert_array_equal(call(x, False).values.numpy(), expected[:, 0])


def of_dtype(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Many equal elements; floats also with both zeros, infinities and NaNs of both signs."""
    low = 0 if dtype.startswith("u") else -4
    data = RANDOM.integers(low, 5, shape).astype(dtype)
    if "float" in dtype:
        for start, value in enumerate((np.nan, -np.nan, np.inf, -np.inf, -0.0)):
            data.reshape(-1)[start :: 7 + start] = value
    return data


@pytest.mark.parametrize(
    "dtype",
    ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"],
)
@pytest.mark.parametrize(
    ("shape", "dim"), [((5, 7), 1), ((5, 7), 0), ((3, 4, 900), 1), ((70_000,), 0), ((300, 290), 1)]
)
@pytest.mark.parametrize("descending", [False, True])
def test_equal_elements_keep_their_places(dtype: str, shape: tuple[int, ...], dim: int, descending: bool) -> None:
    data = of_dtype(dtype, shape)
    # By NumPy's stable sort of numbers that grow where the order falls: NaN stands at the other end as well.
    ranks = np.unique(data, return_inverse=True)[1].reshape(shape)
    expected = np.argsort(-ranks if descending else ranks, dim, kind="stable")

    found = jt.argsort(jt.array(data), dim, descending).numpy()

    np.testing.assert_array_equal(found, expected)
    for k in {1, 3, shape[dim]}:
        some = jt.topk(jt.array(data), k, dim, largest=descending).indices.numpy()
        np.testing.assert_array_equal(some, np.take(expected, np.arange(k), dim))


@pytest.mark.parametrize("values", [[2**62, -(2**62), 5, 2**62], [2**33, 1, 2**32, 2**33 + 1, 0]])
def test_integers_that_are_far_apart(values: list[int]) -> None:
    np.testing.assert_array_equal(jt.argsort(jt.array(np.array(values))).numpy(), np.argsort(values, kind="stable"))


def test_order_of_nothing() -> None:
    assert jt.argsort(jt.zeros(3, 0)).shape == (3, 0) and jt.topk(jt.zeros(0, 4), 2).indices.shape == (0, 2)
    assert jt.topk(jt.zeros(3, 4), 0).values.shape == (3, 0)
