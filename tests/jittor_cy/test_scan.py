"""Running sums and products: NumPy's values, the order that docs/bits.md gives, and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jittor_cy as jt
from jittor_cy.testing.tolerance import assert_bits_equal

BLOCK = 512
SHAPES = [(4100,), (2, 4500), (9, 530), (530, 9), (600, 40), (4200, 10), (3, 4100, 2), (1, 5), (7, 1, 3), (5, 1)]


def in_blocks(x: np.ndarray, axis: int) -> np.ndarray:
    """Running sums as docs/bits.md writes them down."""
    wide = np.moveaxis(x.astype(np.float64), axis, 0)
    out, before = np.empty_like(wide), np.full(wide.shape[1:], -0.0)
    for first in range(0, len(wide), BLOCK):
        within = np.full(wide.shape[1:], -0.0)
        for i in range(first, min(first + BLOCK, len(wide))):
            within = within + wide[i]
            out[i] = before + within
        before = before + within
    return np.moveaxis(out, 0, axis).astype(x.dtype)


def views(x: np.ndarray) -> list[Any]:
    """Vars of the same values that lie otherwise in memory."""
    axes = tuple(range(x.ndim))[::-1]
    wide = np.zeros(tuple(2 * n for n in x.shape), x.dtype)
    index = tuple(slice(None, None, 2) for _ in x.shape)
    wide[index] = x
    turned = jt.array(np.ascontiguousarray(x.transpose(axes))).sync()
    return [turned.transpose(axes) if x.ndim > 1 else turned, jt.array(wide).sync()[index]]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_are_added_in_blocks_in_every_layout(shape: tuple[int, ...], dtype: str) -> None:
    x = np.random.default_rng(1).normal(size=shape).astype(dtype)

    for axis in range(x.ndim):
        expected = in_blocks(x, axis)
        for var in (jt.array(x), *views(x)):
            assert_bits_equal(jt.cumsum(var, axis).numpy(), expected, f"axis {axis}")


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_sums_and_products_are_numpys(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.sampled_from([0, 1, 2, 5, 17, 70]), min_size=1, max_size=3).map(tuple))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    dtype = data.draw(st.sampled_from(["bool", "uint8", "int32", "int64", "float32", "float64"]))
    function = data.draw(st.sampled_from(["cumsum", "cumprod"]))
    x = np.random.default_rng(data.draw(st.integers(0, 99))).integers(-2, 3, shape).astype(dtype)

    found = getattr(jt, function)(jt.array(x), axis).numpy()

    kept = x if x.dtype.kind == "f" else x.astype(np.int64)
    assert_bits_equal(found, getattr(np, function)(kept, axis), f"{function} {shape} {axis} {dtype}")


def test_a_long_sum_is_that_of_float64_rounded_once() -> None:
    x = np.random.default_rng(2).random(300_001, dtype=np.float32)

    found = jt.cumsum(jt.array(x), 0).numpy()

    np.testing.assert_array_max_ulp(found, np.cumsum(x.astype(np.float64)).astype(np.float32), 1)


@pytest.mark.parametrize("function", ["cumsum", "cumprod"])
@pytest.mark.parametrize("axis", [0, 1])
def test_threads_and_instruction_sets_leave_the_bits(function: str, axis: int) -> None:
    x = np.random.default_rng(3).normal(1, 0.01, (5000, 3) if axis == 0 else (3, 5000)).astype(np.float32)
    expected = getattr(jt, function)(jt.array(x), axis).numpy()

    with jt.flags(threads=1):
        assert_bits_equal(getattr(jt, function)(jt.array(x), axis).numpy(), expected, "one thread")
    with jt.flags(isa="portable"):
        assert_bits_equal(getattr(jt, function)(jt.array(x), axis).numpy(), expected, "portable")


def test_negative_zeros_and_infinities_stay_where_they_are() -> None:
    inf = float("inf")

    assert str(jt.cumsum(jt.array([-0.0, -0.0]), 0).tolist()) == "[-0.0, -0.0]"
    assert str(jt.cumsum(jt.array([1.0, inf, 2.0, -inf]), 0).tolist()) == "[1.0, inf, inf, nan]"
    assert jt.cumprod(jt.array([1e-30, 1e-30, 1e30, 1e30, 1e30]), 0).numpy()[-1] == pytest.approx(1e30)


def test_integers_wrap() -> None:
    most = np.iinfo(np.int64).max

    assert jt.cumsum(jt.array(np.array([most, 1])), 0).tolist() == [most, -most - 1]


def test_gradient_of_a_sum_is_one_scan_from_the_end() -> None:
    x = jt.array(np.arange(12.0).reshape(3, 4)).sync()
    weight = np.random.default_rng(4).normal(size=(3, 4))

    gradient = jt.grad((jt.cumsum(x, 1) * jt.array(weight)).sum(), x)

    assert jt.debug.explain(gradient).count("Scan") == 1
    np.testing.assert_allclose(gradient.numpy(), weight[:, ::-1].cumsum(1)[:, ::-1], rtol=1e-12)


def product_gradient(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Of each element the sum over the products that it is part of, without a division."""
    return np.array(
        [sum(weight[j] * np.prod(np.delete(x[: j + 1], i)) for j in range(i, len(x))) for i in range(len(x))]
    )


@pytest.mark.parametrize("zeros", [[], [0], [3], [2, 5], [0, 1, 6]], ids=str)
def test_gradient_of_a_product_survives_zeros(zeros: list[int]) -> None:
    values, weight = np.random.default_rng(5).normal(size=(2, 7))
    values[zeros] = 0
    x = jt.array(values)

    gradient = jt.grad((jt.cumprod(x, 0) * jt.array(weight)).sum(), x)

    np.testing.assert_allclose(gradient.numpy(), product_gradient(values, weight), rtol=1e-12, atol=1e-14)


def test_an_infinite_factor_stays_out_of_earlier_gradients() -> None:
    x = jt.array([2.0, float("inf"), 3.0])

    assert jt.grad(jt.cumprod(x, 0)[0], x).tolist()[:2] == [1.0, 0.0]


def test_second_gradient_of_a_product_goes_through_its_recurrence() -> None:
    x = jt.array([1.5, 0.0, -2.0, 3.0])
    first = jt.grad(jt.cumprod(x, 0).sum(), x)

    second = jt.grad((first * first).sum(), x)

    def norm(values: np.ndarray) -> float:
        return float((product_gradient(values, np.ones(4)) ** 2).sum())

    point, step = x.numpy().astype(np.float64), 1e-5
    expected = [(norm(point + step * e) - norm(point - step * e)) / (2 * step) for e in np.eye(4)]
    np.testing.assert_allclose(second.numpy(), expected, rtol=1e-4)
