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


@pytest.mark.parametrize("name", ["std", "var"])
@pytest.mark.parametrize("unbiased", [False, True])
def test_a_bool_alone_is_unbiased(name: str, unbiased: bool) -> None:
    expected = getattr(np, name)(X.astype(np.float64), ddof=int(unbiased))

    close(getattr(jt.array(X), name)(unbiased), expected, 1e-5)
    close(getattr(jt.array(X), name)(None, unbiased), expected, 1e-5)


def test_a_bool_behind_the_dim_is_unbiased() -> None:
    close(jt.array(X).std(1, False), X.astype(np.float64).std(1), 1e-5)


ONE_DIM = ["sum", "mean", "prod", "amax", "amin", "max", "min", "argmax", "argmin", "any", "all", "logsumexp"]
ONE_DIM += ["cumsum", "cumprod", "softmax", "log_softmax", "count_nonzero", "median", "sort", "argsort", "squeeze"]


@pytest.mark.parametrize("name", ONE_DIM)
def test_a_bool_is_no_dim(name: str) -> None:
    with pytest.raises(jt.ArgumentTypeError, match=f"(sum|{name}): dim must be an int, found bool"):
        getattr(jt.array(X), name)(True)


@pytest.mark.parametrize("arguments", [{"dim": True, "keepdim": True}, {"dim": True, "unbiased": False}])
def test_a_bool_with_other_arguments_is_no_dim_of_std(arguments: dict[str, Any]) -> None:
    with pytest.raises(jt.ArgumentTypeError, match="var: dim must be an int, found bool"):
        jt.array(X).std(**arguments)


SCALARS: dict[str, tuple[Callable, float]] = {
    "sum": (jt.sum, 1.5),
    "logsumexp": (jt.logsumexp, 1.5),
    "softmax": (jt.softmax, 1.0),
    "cumsum": (jt.cumsum, 1.5),
    "squeeze": (jt.squeeze, 1.5),
    "flip": (jt.flip, 1.5),
    "sort": (lambda x, d: jt.sort(x, d).values, 1.5),
    "topk": (lambda x, d: jt.topk(x, 1, d).values, 1.5),
    "place of topk": (lambda x, d: jt.topk(x, 1, d).indices, 0),
    "kthvalue": (lambda x, d: jt.kthvalue(x, 1, d).values, 1.5),
    "median": (lambda x, d: jt.median(x, d).values, 1.5),
    "transpose": (lambda x, d: jt.transpose(x, 0, d), 1.5),
    "swapaxes": (lambda x, d: jt.swapaxes(x, d, 0), 1.5),
    "moveaxis": (lambda x, d: jt.moveaxis(x, 0, d), 1.5),
}


@pytest.mark.parametrize("dim", [0, -1])
@pytest.mark.parametrize("call,expected", SCALARS.values(), ids=SCALARS.keys())
def test_a_scalar_has_dim_0_as_pytorchs(call: Callable, expected: float, dim: int) -> None:
    close(call(jt.array(1.5), dim), expected)


@pytest.mark.parametrize("call", [f for f, _ in SCALARS.values()], ids=SCALARS.keys())
def test_a_scalar_has_no_dim_1(call: Callable) -> None:
    with pytest.raises(IndexError, match="dim 1 is out of range"):
        call(jt.array(1.5), 1)


def test_more_than_the_one_element_of_a_scalar_is_refused() -> None:
    with pytest.raises(ValueError, match="topk: k is 2, found 1 element"):
        jt.topk(jt.array(1.5), 2)


@pytest.mark.parametrize("name", ["sum", "prod", "mean"])
@pytest.mark.parametrize("dtype", ["bool", "int32", "float32"])
def test_no_axes_leave_the_elements_and_give_the_dtype_of_all_axes(name: str, dtype: str) -> None:
    x = jt.array([[1, 0], [1, 1]], dtype=dtype)

    found = getattr(x, name)(())

    assert found.tolist() == [[1, 0], [1, 1]]
    assert found.dtype == getattr(x, name)().dtype
