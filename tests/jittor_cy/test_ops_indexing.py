"""Named functions of indices where vars have no dims, and their factors; expected values are counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

import jittor_cy as jt


@pytest.mark.parametrize("dim", [0, -1])
def test_gather_takes_a_scalar_as_a_vector_of_one(dim: int) -> None:
    x = jt.array(2.5)

    assert jt.gather(x, dim, jt.array([0, 0, 0])).tolist() == [2.5, 2.5, 2.5]
    assert jt.gather(x, dim, jt.array(0)).tolist() == 2.5
    assert jt.gather(jt.array([1.0, 4.0]), dim, jt.array(1)).tolist() == 4.0


def test_gradient_of_gather_from_a_scalar_counts_its_reads() -> None:
    x = jt.array(2.5)

    assert jt.grad(jt.gather(x, 0, jt.array([0, 0, 0])).sum(), x).tolist() == 3.0


def test_gather_of_a_scalar_still_needs_a_fitting_index() -> None:
    with pytest.raises(jt.ShapeError, match="gather: the index needs as many dims as the var"):
        jt.gather(jt.array(2.5), 0, jt.array([[0]]))


def test_scatter_into_a_scalar() -> None:
    x = jt.array(2.5)

    assert jt.scatter(x, 0, jt.array([0]), jt.array([4.0])).tolist() == 4.0
    assert jt.scatter(x, -1, jt.array(0), 3.0).tolist() == 3.0
    assert jt.scatter_add(x, 0, jt.array([0, 0]), jt.array([1.0, 2.0])).tolist() == 5.5
    assert jt.scatter(jt.array([1.0, 2.0]), 0, jt.array(1), jt.array(5.0)).tolist() == [1.0, 5.0]


def test_index_select_of_a_scalar_is_a_scalar() -> None:
    assert jt.index_select(jt.array(2.5), 0, jt.array([0])).tolist() == 2.5
    with pytest.raises(jt.ShapeError, match="index_select: of a 0-d var one element is taken"):
        jt.index_select(jt.array(2.5), 0, jt.array([0, 0]))


@pytest.mark.parametrize("value,count", [(0.0, 0), (2.5, 1)])
def test_nonzero_of_a_scalar_has_no_columns(value: float, count: int) -> None:
    assert jt.nonzero(jt.array(value)).shape == (count, 0)
    assert [index.tolist() for index in jt.nonzero(jt.array(value), as_tuple=True)] == [[0] * count]


def test_masked_select_of_scalars_is_a_vector() -> None:
    assert jt.masked_select(jt.array(2.5), jt.array(True)).tolist() == [2.5]
    assert jt.masked_select(jt.array(2.5), jt.array(False)).tolist() == []


def test_a_scalar_mask_is_no_index() -> None:
    with pytest.raises(jt.ArgumentTypeError, match="getitem: a 0-d mask is no index"):
        jt.array([1.0, 2.0])[jt.array(True)]


def test_index_add_scales_by_alpha() -> None:
    x, source = jt.array([1.0, 2.0, 3.0]), jt.array([10.0, 20.0])

    y = jt.index_add(x, 0, jt.array([2, 2]), source, alpha=0.5)

    assert y.tolist() == [1.0, 2.0, 18.0]
    assert jt.grad(y.sum(), source).tolist() == [0.5, 0.5]
    assert jt.index_add(jt.array([1, 2]), 0, jt.array([1]), jt.array([4]), alpha=-2).tolist() == [1, -6]
    assert jt.index_add(jt.array(1.0), 0, jt.array([0]), jt.array(4.0), alpha=2).tolist() == 9.0


def test_index_select_takes_a_scalar_index_as_a_vector_of_one() -> None:
    assert jt.index_select(jt.array([[1.0, 2.0], [3.0, 4.0]]), 0, jt.array(1)).tolist() == [[3.0, 4.0]]


@pytest.mark.parametrize("shape", [(40, 7), (3, 20, 6), (300, 1), (17, 300)], ids=str)
@pytest.mark.parametrize("dim", [0, -1])
@pytest.mark.parametrize("index_dtype", ["int32", "int64"])
def test_scatter_within_and_across_rows(shape: tuple[int, ...], dim: int, index_dtype: str) -> None:
    """Rows that sources and targets have in common are shared out; equal places add up in order."""
    rng = np.random.default_rng(11)
    places = rng.integers(-shape[dim], shape[dim], shape).astype(index_dtype)
    base, source = (rng.normal(size=shape) for _ in range(2))
    expected = base.copy()
    grid = list(np.indices(shape))
    grid[dim] = places % shape[dim]
    np.add.at(expected, tuple(grid), source)

    found = jt.scatter_add(jt.array(base), dim, jt.array(places), jt.array(source))
    picked = jt.gather(jt.array(base), dim, jt.array(places))

    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(picked.numpy(), base[tuple(grid)])


@pytest.mark.parametrize("shape", [(70_000, 3), (2100, 40), (9, 130, 70), (90_000,)], ids=str)
def test_scatter_adds_equal_places_in_the_order_of_the_sources(shape: tuple[int, ...]) -> None:
    """float32 sums depend on their order; more sources than are placed at once, shared out by an axis or by targets."""
    rng = np.random.default_rng(3)
    places = rng.integers(0, 5, shape)
    source = rng.normal(size=shape).astype(np.float32)
    dim = max(0, len(shape) - 2)
    grid = list(np.indices(shape))
    grid[dim] = places
    target = (*shape[:dim], 5, *shape[dim + 1 :])
    expected = np.zeros(target, np.float32)
    np.add.at(expected, tuple(grid), source)

    found = jt.scatter_add(jt.zeros(target), dim, jt.array(places), jt.array(source))

    np.testing.assert_array_equal(found.numpy(), expected)


def test_scatter_within_rows_names_the_first_place_outside() -> None:
    places = np.zeros((40, 7), np.int64)
    places[30, 2], places[31, 0] = 9, 12

    with pytest.raises(IndexError, match="9"):
        jt.scatter_add(jt.zeros(40, 7), 1, jt.array(places), jt.ones(40, 7)).numpy()


def test_scatter_by_a_broadcast_index() -> None:
    places = np.array([[2], [0], [1]] * 20)
    source = np.random.default_rng(1).normal(size=(60, 4))
    expected = np.zeros((60, 4))
    for row, place in enumerate(places[:, 0]):
        for column in range(4):
            expected[row, place] += source[row, column]

    found = jt.scatter_add(jt.zeros(60, 4, dtype="float64"), 1, jt.array(places).expand(60, 4), jt.array(source))

    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-14)
