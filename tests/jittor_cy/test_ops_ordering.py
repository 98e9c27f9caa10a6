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
