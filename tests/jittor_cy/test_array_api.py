"""The array API namespace: what it adds to or changes of the package's functions, against NumPy's array API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import array_api as xp
from jittor_cy.errors import ArgumentError, ArgumentTypeError, ShapeError
from jittor_cy.testing.tolerance import assert_close

RNG = np.random.default_rng(3)
MATRIX = RNG.standard_normal((3, 4)).astype(np.float32)
VECTOR = RNG.standard_normal(4).astype(np.float32)
WHOLE = RNG.integers(-5, 5, (3, 4)).astype(np.int32)
EMPTY = np.zeros(0, np.float32)

# Called with NumPy's and with our namespace; the arrays are passed as each library's own.
SAME_AS_NUMPY: list[tuple[str, Callable[..., Any], tuple[np.ndarray, ...]]] = [
    ("astype", lambda n, x: n.astype(x, n.int32), (MATRIX,)),
    ("astype to bool", lambda n, x: n.astype(x, n.bool), (WHOLE,)),
    ("broadcast_arrays", lambda n, *x: n.broadcast_arrays(*x), (MATRIX, VECTOR, np.float32([[2.0]]))),
    ("concat", lambda n, *x: n.concat(x, axis=-1), (MATRIX, MATRIX)),
    ("concat flattened", lambda n, *x: n.concat(x, axis=None), (MATRIX, VECTOR)),
    ("cumulative_sum of a vector", lambda n, x: n.cumulative_sum(x), (VECTOR,)),
    ("cumulative_sum with axis", lambda n, x: n.cumulative_sum(x, axis=0), (MATRIX,)),
    ("cumulative_sum with dtype", lambda n, x: n.cumulative_sum(x, axis=1, dtype=n.float64), (MATRIX,)),
    ("cumulative_sum of integers", lambda n, x: n.cumulative_sum(x, axis=1), (WHOLE,)),
    ("cumulative_sum from 0", lambda n, x: n.cumulative_sum(x, axis=-1, include_initial=True), (MATRIX,)),
    ("cumulative_sum from 0 in front", lambda n, x: n.cumulative_sum(x, axis=0, include_initial=True), (WHOLE,)),
    ("cumulative_sum of nothing", lambda n, x: n.cumulative_sum(x, include_initial=True), (EMPTY,)),
    ("meshgrid", lambda n, *x: n.meshgrid(*x), (VECTOR, WHOLE[:, 0])),
    ("meshgrid of rows", lambda n, *x: n.meshgrid(*x, indexing="ij"), (VECTOR, WHOLE[:, 0])),
    ("nonzero", lambda n, x: n.nonzero(x), (np.array([[0, 3, 0], [1, 0, 2]]),)),
    ("positive", lambda n, x: n.positive(x), (MATRIX,)),
    ("repeat", lambda n, x: n.repeat(x, 2, axis=1), (WHOLE,)),
    ("repeat flattened", lambda n, x: n.repeat(x, 2), (WHOLE,)),
    ("repeat by counts", lambda n, x, counts: n.repeat(x, counts, axis=0), (WHOLE, np.array([2, 0, 1]))),
    ("reshape", lambda n, x: n.reshape(x, (2, 6)), (WHOLE,)),
    ("reshape to a copy", lambda n, x: n.reshape(x, (4, -1), copy=True), (WHOLE,)),
    ("sort", lambda n, x: n.sort(x), (MATRIX,)),
    ("sort with axis", lambda n, x: n.sort(x, axis=0), (WHOLE,)),
    ("std", lambda n, x: n.std(x), (MATRIX,)),
    ("std with correction", lambda n, x: n.std(x, axis=1, correction=1), (MATRIX,)),
    ("var", lambda n, x: n.var(x, axis=0), (MATRIX,)),
    ("var with correction", lambda n, x: n.var(x, axis=(0, 1), correction=0.5, keepdims=True), (MATRIX,)),
    ("tril", lambda n, x: n.tril(x), (MATRIX,)),
    ("tril below", lambda n, x: n.tril(x, k=-1), (MATRIX,)),
    ("triu above", lambda n, x: n.triu(x, k=1), (MATRIX,)),
    ("vecdot", lambda n, a, b: n.vecdot(a, b), (MATRIX, VECTOR)),
    ("vecdot with axis", lambda n, a, b: n.vecdot(a, b, axis=-2), (MATRIX, MATRIX)),
    ("vecdot with axis from the front", lambda n, a, b: n.vecdot(a, b, axis=0), (MATRIX, MATRIX)),
    ("vecdot of integers", lambda n, a, b: n.vecdot(a, b), (WHOLE, WHOLE)),
    ("bitwise_invert", lambda n, x: n.bitwise_invert(x), (WHOLE,)),
    ("bitwise_left_shift", lambda n, x: n.bitwise_left_shift(x, x * 0 + 3), (WHOLE,)),
    ("bitwise_right_shift", lambda n, x: n.bitwise_right_shift(x, x * 0 + 1), (WHOLE,)),
    ("max", lambda n, x: n.max(x, axis=1, keepdims=True), (WHOLE,)),
    ("take", lambda n, x, index: n.take(x, index, axis=1), (WHOLE, np.array([3, 0, -1]))),
    ("permute_dims", lambda n, x: n.permute_dims(x, (1, 0)), (MATRIX,)),
]


def as_list(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (list, tuple)) else [result]


@pytest.mark.parametrize("call,arrays", [row[1:] for row in SAME_AS_NUMPY], ids=[row[0] for row in SAME_AS_NUMPY])
def test_function_gives_what_numpy_gives(call: Callable[..., Any], arrays: tuple[np.ndarray, ...]) -> None:
    expected = as_list(call(np, *arrays))

    found = as_list(call(xp, *(jt.array(x) for x in arrays)))

    assert [(x.shape, str(x.dtype)) for x in found] == [(x.shape, str(x.dtype)) for x in expected]
    for ours, wanted in zip(found, expected, strict=True):
        assert_close(ours.numpy(), wanted, str(wanted.dtype), MATRIX.size)


@pytest.mark.parametrize("k", [-4, -1, 0, 2])
@pytest.mark.parametrize("sizes", [(3,), (2, 4), (4, 2)], ids=str)
def test_eye_has_its_diagonal_where_numpy_has_it(sizes: tuple[int, ...], k: int) -> None:
    found = xp.eye(*sizes, k=k, dtype=xp.int32)

    np.testing.assert_array_equal(found.numpy(), np.eye(*sizes, k=k, dtype=np.int32))
    assert str(found.dtype) == "int32"
    assert str(xp.eye(*sizes).dtype) == "float32"


@pytest.mark.parametrize("endpoint", [True, False])
@pytest.mark.parametrize("num", [0, 1, 5])
def test_linspace_takes_or_leaves_its_end(num: int, endpoint: bool) -> None:
    found = xp.linspace(-1, 3, num, dtype=xp.float64, endpoint=endpoint)

    np.testing.assert_allclose(found.numpy(), np.linspace(-1, 3, num, endpoint=endpoint), rtol=1e-15)


@pytest.mark.parametrize("axis", [0, -1])
def test_sort_descending_turns_the_order_around(axis: int) -> None:
    found = xp.sort(jt.array(WHOLE), axis=axis, descending=True)

    np.testing.assert_array_equal(found.numpy(), np.flip(np.sort(WHOLE, axis=axis), axis=axis))


@pytest.mark.parametrize(
    "values",
    [WHOLE, EMPTY, np.float32([np.nan, 2.0, np.nan, -1.0, 2.0]), np.array([True, False, True])],
    ids=["integers", "nothing", "nan", "bool"],
)
def test_unique_values_are_in_order_and_each_nan_is_one(values: np.ndarray) -> None:
    found = xp.unique_values(jt.array(values))

    np.testing.assert_array_equal(found.numpy(), np.sort(np.unique_values(values)))
    assert str(found.dtype) == str(values.dtype)


@pytest.mark.parametrize("copy", [True, False])
def test_astype_to_the_same_dtype_copies_where_asked(copy: bool) -> None:
    x = jt.array(MATRIX)

    found = xp.astype(x, xp.float32, copy=copy)

    assert (found is x) is not copy
    np.testing.assert_array_equal(found.numpy(), MATRIX)


@pytest.mark.parametrize("make", [xp.positive, lambda x: xp.reshape(x, (3, 4), copy=True)], ids=["positive", "reshape"])
def test_copy_keeps_its_values_when_the_original_is_written(make: Callable[[jt.Var], jt.Var]) -> None:
    x = jt.array(WHOLE)

    copied = make(x)
    x[0, 0] = 99

    np.testing.assert_array_equal(copied.numpy(), WHOLE)


NAMES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64".split()
KINDS = ["bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric"]


@pytest.mark.parametrize("kind", [*KINDS, ("bool", "real floating")], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_isdtype_of_a_kind_is_numpys_answer(name: str, kind: Any) -> None:
    assert xp.isdtype(getattr(xp, name), kind) is np.isdtype(np.dtype(name), kind)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_isdtype_of_16_bits_is_real_floating(name: str) -> None:
    dtype = getattr(jt, name)

    assert [kind for kind in KINDS if xp.isdtype(dtype, kind)] == ["real floating", "numeric"]


def test_isdtype_of_a_dtype_is_equality() -> None:
    assert xp.isdtype(xp.float32, xp.float32)
    assert not xp.isdtype(xp.float32, xp.float64)
    assert xp.isdtype(xp.uint8, (xp.int8, xp.uint8))
    assert not xp.isdtype(xp.int16, (xp.int8, "unsigned integer"))


@pytest.mark.parametrize(
    "call,kind,message",
    [
        (lambda x: xp.cumulative_sum(x), ArgumentError, "cumulative_sum: axis is needed where there are 2 dims"),
        (
            lambda x: xp.isdtype(x.dtype, "floats"),
            ArgumentError,
            "isdtype: there is no kind 'floats'\n  help: kinds are",
        ),
        (lambda x: xp.isdtype(x.dtype, ("bool", "int")), ArgumentError, "isdtype: there is no kind 'int'"),
        (lambda x: xp.meshgrid(x[0], indexing="yx"), ArgumentError, "meshgrid: indexing is 'xy' or 'ij', found 'yx'"),
        (lambda x: xp.meshgrid(x), ShapeError, "meshgrid: vectors are needed, found .2. dims"),
        (lambda x: xp.vecdot(x, x[:, :1]), ShapeError, "vecdot: axis -1 is not the same in both\n  a: float32.3, 4."),
        (lambda x: xp.vecdot(x, x[0], axis=0), ShapeError, "vecdot: axis 0 is not the same in both"),
        (lambda x: xp.vecdot(x, x, axis=2), IndexError, "vecdot: dim 2 is out of range for a 2-d var"),
        (lambda x: xp.broadcast_arrays(x, x[:, :2]), ValueError, "cannot be broadcast"),
        (lambda x: xp.astype("x", xp.int8), ArgumentTypeError, "cast: x must be a Var, found str"),
        (lambda x: xp.repeat(x, -1), ArgumentError, "repeat_interleave: repeats below 0 have no meaning"),
    ],
    ids=lambda row: row if isinstance(row, str) else "",
)
def test_wrong_argument_is_named(call: Callable[[jt.Var], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call(jt.array(MATRIX))


def test_a_var_gives_this_namespace_with_its_constants() -> None:
    found = jt.ones(1).__array_namespace__()

    assert found is xp
    assert found.__array_api_version__ == "2024.12"
    assert (found.pi, found.e, found.inf, found.newaxis) == (np.pi, np.e, np.inf, None)
    assert np.isnan(found.nan)
