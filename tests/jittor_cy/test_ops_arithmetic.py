"""add, subtract and round with their further arguments, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import jittor_cy as jt

A, B = np.array([1.5, -2.0, 4.0], np.float32), np.array([0.5, 3.0, -1.0], np.float32)


@pytest.mark.parametrize("alpha", [2, -0.5, 0])
def test_alpha_scales_the_second_operand(alpha: float) -> None:
    np.testing.assert_array_equal(jt.add(jt.array(A), jt.array(B), alpha=alpha).numpy(), A + np.float32(alpha) * B)
    np.testing.assert_array_equal(jt.array(A).sub(jt.array(B), alpha=alpha).numpy(), A - np.float32(alpha) * B)


def test_alpha_leaves_the_dtype_alone() -> None:
    x = jt.array(np.array([1, 2], np.int16))

    assert jt.add(x, x, alpha=3).dtype == "int16"
    assert jt.add(x, 5, alpha=3).tolist() == [16, 17]
    assert jt.add(x, jt.array(A[:2]), alpha=0.5).tolist() == [1.75, 1.0]
    assert jt.add(jt.array([True, False]), jt.array([False, True]), alpha=2).tolist() == [True, True]


def test_gradients_are_one_and_alpha() -> None:
    a, b = jt.array(A), jt.array(B)

    gradients = jt.grad(jt.subtract(a, b, alpha=3).sum(), [a, b])

    assert [g.tolist() for g in gradients] == [[1.0] * 3, [-3.0] * 3]


def test_alpha_in_place() -> None:
    x = jt.array(A)

    x.add_(jt.array(B), alpha=2)

    np.testing.assert_array_equal(x.numpy(), A + 2 * B)


def test_a_fraction_of_integers_is_refused() -> None:
    with pytest.raises(jt.DtypeError, match="add: alpha is 0.5 for int64"):
        jt.add(jt.array([1]), jt.array([2]), alpha=0.5)


@pytest.mark.parametrize("decimals", [0, 1, 3, -1, -2])
def test_round_to_decimals_is_numpys(decimals: int) -> None:
    values = np.random.default_rng(0).uniform(-999, 999, 50).astype(np.float32)
    values = np.append(values, np.array([np.inf, 2.5, 150, 250], np.float32))

    np.testing.assert_allclose(
        jt.round(jt.array(values), decimals=decimals).numpy(), np.round(values, decimals), rtol=3e-7
    )


def test_integers_have_no_decimals_and_do_not_round_to_tens() -> None:
    assert jt.round(jt.array([14, 25]), decimals=2).tolist() == [14, 25]
    with pytest.raises(jt.DtypeError, match="round: decimals is -1 for int64"):
        jt.round(jt.array([14, 25]), decimals=-1)
