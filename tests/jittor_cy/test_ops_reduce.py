"""Reductions, norms and cumulative sums, against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jittor_cy as jt
from tests.jittor_cy.closeness import close

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(3, 4, 5)).astype(np.float32)

REDUCTIONS = {
    "sum": (jt.sum, np.sum),
    "prod": (jt.prod, np.prod),
    "mean": (jt.mean, np.mean),
    "max": (jt.max, np.max),
    "min": (jt.min, np.min),
    "any": (jt.any, np.any),
    "all": (jt.all, np.all),
    "amax": (jt.amax, np.amax),
    "std": (lambda x, *a, **k: jt.std(x, *a, unbiased=False, **k), np.std),
    "var": (lambda x, *a, **k: jt.var(x, *a, correction=1, **k), lambda x, *a, **k: np.var(x, *a, ddof=1, **k)),
}


@pytest.mark.parametrize("jittor,numpy", REDUCTIONS.values(), ids=REDUCTIONS.keys())
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_are_numpys_by_both_spellings(jittor: Callable, numpy: Callable, axis: Any, keepdims: bool) -> None:
    expected = numpy(X.astype(np.float64), axis=axis, keepdims=keepdims)

    close(jittor(jt.array(X), axis=axis, keepdims=keepdims), expected, 1e-5)
    close(jittor(jt.array(X), dim=axis, keepdim=keepdims), expected, 1e-5)


@pytest.mark.parametrize("dim", [None, 0, 2, -2])
@pytest.mark.parametrize("keepdim", [False, True])
def test_places_of_extremes_are_numpys(dim: Any, keepdim: bool) -> None:
    close(jt.argmax(jt.array(X), dim, keepdim), np.argmax(X, dim, keepdims=keepdim))
    close(jt.array(X).argmin(axis=dim, keepdims=keepdim), np.argmin(X, dim, keepdims=keepdim))


def test_reductions_of_nothing() -> None:
    nothing = jt.zeros(0, 3)

    assert (nothing.sum().item(), nothing.prod().item(), nothing.any().item(), nothing.all().item()) == (
        0.0,
        1.0,
        False,
        True,
    )
    assert nothing.sum(0).tolist() == [0.0, 0.0, 0.0] and np.isnan(nothing.mean().item())


def test_integer_sums_are_int64_and_means_float32() -> None:
    small = jt.array(np.full(1000, 100, np.int8))

    assert (small.sum().dtype, small.sum().item()) == ("int64", 100_000)
    assert (small.mean().dtype, small.mean().item()) == ("float32", 100.0)
    assert jt.array([True, True]).sum().item() == 2


def test_sums_of_many_ones_are_exact() -> None:
    assert jt.ones(20_000_000).sum().item() == 20_000_000


@pytest.mark.parametrize("p", [0, 1, 2, 3, float("inf"), -float("inf")])
def test_norms_are_numpys(p: float) -> None:
    expected = np.linalg.norm(X.astype(np.float64), p, axis=2) if p not in (0,) else (X != 0).sum(2)

    close(jt.norm(jt.array(X), p, -1), expected, 1e-5)


@pytest.mark.parametrize("length", [1, 5, 64, 65, 300, 5000])
@pytest.mark.parametrize("axis", [0, 1])
def test_cumulative_sums_are_numpys(length: int, axis: int) -> None:
    values = RANDOM.integers(-9, 9, (length, 3) if axis == 0 else (3, length))

    close(jt.cumsum(jt.array(values), axis), np.cumsum(values, axis))
    close(jt.array(values.astype(np.float32)).cumsum(axis), np.cumsum(values, axis))


def test_cumulative_sums_keep_what_is_before_an_infinity() -> None:
    assert jt.cumsum(jt.array([1.0, float("inf"), 2.0]), 0).tolist() == [1.0, float("inf"), float("inf")]
    close(jt.cumprod(jt.array([1.5, -2.0, 0.5, 3.0]), 0), np.cumprod([1.5, -2.0, 0.5, 3.0]))


def test_gradient_of_cumsum_counts_the_sums_behind() -> None:
    x = jt.array(X[0, 0])

    assert jt.grad(jt.cumsum(x, 0).sum(), x).tolist() == [5.0, 4.0, 3.0, 2.0, 1.0]
