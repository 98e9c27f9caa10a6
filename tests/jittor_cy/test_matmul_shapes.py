"""Matrix products of every shape, layout and dtype, against NumPy in float64; their bits on any number of threads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jittor_cy as jt
from jittor_cy.errors import DtypeError

EXTENT = st.one_of(st.integers(1, 9), st.sampled_from([12, 13, 16, 31, 32, 33, 48, 64, 65, 100, 130]))
DEPTH = st.one_of(st.integers(1, 20), st.sampled_from([64, 255, 256, 257, 300, 520]))
LAYOUT = st.sampled_from(["rows", "columns", "every second", "turned round"])
# Half a unit in the last place of each, by the length of the sum.
EPSILON = {"float32": 2**-24, "float64": 2**-53}


def laid_out(rng: np.random.Generator, shape: tuple[int, ...], layout: str, dtype: str) -> tuple[jt.Var, np.ndarray]:
    """A Var whose memory stands in another order than its axes say, and its values."""
    *batch, rows, columns = shape
    if layout == "columns":
        stored = rng.uniform(-1, 1, (*batch, columns, rows)).astype(dtype)
        return jt.array(stored).transpose(-1, -2), np.swapaxes(stored, -1, -2)
    if layout == "every second":
        stored = rng.uniform(-1, 1, (*batch, rows, 2 * columns)).astype(dtype)
        return jt.array(stored)[..., ::2], stored[..., ::2]
    stored = rng.uniform(-1, 1, shape).astype(dtype)
    if layout == "turned round":
        return jt.array(stored)[..., ::-1, :], stored[..., ::-1, :]
    return jt.array(stored), stored


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_product_is_numpys(data: st.DataObject) -> None:
    batch = data.draw(st.sampled_from([(), (1,), (3,), (17,), (2, 3)]))
    m, n, k = data.draw(EXTENT), data.draw(EXTENT), data.draw(DEPTH)
    dtype = data.draw(st.sampled_from(sorted(EPSILON)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    a, x = laid_out(rng, (*batch, m, k), data.draw(LAYOUT), dtype)
    b, y = laid_out(rng, (*batch, k, n), data.draw(LAYOUT), dtype)

    found = jt.matmul(a, b).numpy()

    wide = np.longdouble if dtype == "float64" else np.float64
    bound = k * EPSILON[dtype] * np.matmul(np.abs(x).astype(wide), np.abs(y).astype(wide))
    assert found.shape == (*batch, m, n)
    assert (np.abs(found - np.matmul(x.astype(wide), y.astype(wide))) <= bound).all()


@settings(max_examples=40, deadline=None)
@given(m=EXTENT, n=EXTENT, k=DEPTH, layouts=st.tuples(LAYOUT, LAYOUT), seed=st.integers(0, 2**32))
def test_bits_do_not_depend_on_the_threads(m: int, n: int, k: int, layouts: tuple[str, str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, _ = laid_out(rng, (4, m, k), layouts[0], "float32")
    b, _ = laid_out(rng, (4, k, n), layouts[1], "float32")

    answers = []
    for threads in (1, 2, 3):
        with jt.flags(threads=threads):
            answers.append(jt.matmul(a, b).numpy())

    assert answers[0].tobytes() == answers[1].tobytes() == answers[2].tobytes()


@pytest.mark.parametrize("shape", [(1, 4096, 300), (4096, 1, 300), (5, 3, 4096), (32, 512, 512), (300, 1030, 70)])
def test_a_product_is_its_rows_one_by_one(shape: tuple[int, int, int]) -> None:
    m, n, k = shape
    rng = np.random.default_rng(3)
    a, b = (jt.array(rng.normal(size=s).astype(np.float32)) for s in ((m, k), (k, n)))

    whole = jt.matmul(a, b).numpy()

    for row in {0, m // 2, m - 1}:
        assert jt.matmul(a[row], b).numpy().tobytes() == whole[row].tobytes()


@settings(max_examples=40, deadline=None)
@given(m=EXTENT, n=EXTENT, k=DEPTH, signed=st.tuples(st.booleans(), st.booleans()), seed=st.integers(0, 2**32))
def test_bytes_sum_exactly_in_int32(m: int, n: int, k: int, signed: tuple[bool, bool], seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = (
        rng.integers(np.iinfo(kind).min, np.iinfo(kind).max, shape, dtype=kind, endpoint=True)
        for kind, shape in zip([np.int8 if s else np.uint8 for s in signed], [(m, k), (k, n)], strict=True)
    )

    found = jt.matmul(jt.array(x), jt.array(y), dtype="int32")

    assert found.dtype == "int32"
    assert np.array_equal(found.numpy(), x.astype(np.int64) @ y.astype(np.int64))


@pytest.mark.parametrize("dtype,unit", [("float16", 2**-11), ("bfloat16", 2**-8)])
def test_halves_sum_in_float32_and_are_rounded_once(dtype: str, unit: float) -> None:
    rng = np.random.default_rng(4)
    a, b = (jt.array(rng.normal(size=shape).astype(np.float32)).astype(dtype) for shape in ((40, 700), (700, 50)))
    x, y = a.float32().numpy().astype(np.float64), b.float32().numpy().astype(np.float64)

    rounded, kept = jt.matmul(a, b), jt.matmul(a, b, dtype="float32")

    error = 700 * 2**-24 * (np.abs(x) @ np.abs(y))
    assert rounded.dtype == dtype and kept.dtype == "float32"
    assert (np.abs(kept.numpy() - x @ y) <= error).all()
    assert (np.abs(rounded.float32().numpy() - x @ y) <= error + unit * np.abs(x @ y) + error * unit).all()
    assert kept.astype(dtype).float32().numpy().tobytes() == rounded.float32().numpy().tobytes()


def test_dtype_passes_gradients_back_in_the_operands_own() -> None:
    a = jt.array(np.ones((2, 3), np.float16))
    b = jt.array(np.full((3, 4), 2, np.float32))

    gradient = jt.grad(jt.matmul(a, b, dtype="float32").sum(), a)

    assert gradient.dtype == "float16"
    assert np.array_equal(gradient.float32().numpy(), np.full((2, 3), 8, np.float32))


def test_unknown_dtype_is_named() -> None:
    with pytest.raises(DtypeError, match="int33"):
        jt.matmul(jt.ones(2, 2), jt.ones(2, 2), dtype="int33")


# What sums along the rows of one operand: equation, shapes for (m, k).
ALONG_ROWS = {
    "mk,k->m": lambda m, k: ((m, k), (k,)),
    "k,mk->m": lambda m, k: ((k,), (m, k)),
    "k,k->": lambda m, k: ((k,), (k,)),
    "mk,mk->m": lambda m, k: ((m, k), (m, k)),
    "bmk,bk->bm": lambda m, k: ((3, m, k), (3, k)),
    "bk,bmk->mb": lambda m, k: ((3, k), (3, m, k)),
    "amk,mk->": lambda m, k: ((2, m, k), (m, k)),
}


@settings(max_examples=60, deadline=None)
@given(equation=st.sampled_from(sorted(ALONG_ROWS)), m=EXTENT, k=DEPTH, data=st.data())
def test_sums_along_rows_are_numpys(equation: str, m: int, k: int, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(sorted(EPSILON)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    x, y = (rng.uniform(-1, 1, shape).astype(dtype) for shape in ALONG_ROWS[equation](m, k))

    found = jt.einsum(equation, jt.array(x), jt.array(y)).numpy()

    wide = np.longdouble if dtype == "float64" else np.float64
    terms = k * m if equation == "amk,mk->" else k
    bound = (terms + 1) * EPSILON[dtype] * np.einsum(equation, np.abs(x).astype(wide), np.abs(y).astype(wide))
    expected = np.einsum(equation, x.astype(wide), y.astype(wide))
    assert found.shape == expected.shape
    assert (np.abs(found - expected) <= bound).all()


@pytest.mark.parametrize(
    ("product", "contractions"),
    [
        (lambda: jt.ones(40, 64) @ jt.ones(64, 1), 0),
        (lambda: jt.ones(40, 64) @ jt.ones(64), 0),
        (lambda: jt.nn.Linear(64, 40)(jt.ones(1, 64)), 0),
        (lambda: jt.ones(64, 1) @ jt.ones(1, 40), 0),  # one term: nothing is summed
        (lambda: jt.nn.Linear(64, 40)(jt.ones(2, 64)), 1),
        (lambda: jt.ones(40) @ jt.ones(40, 64), 1),  # sums go across rows
        (lambda: jt.ones(40, 63) @ jt.ones(63), 1),  # short rows
        (lambda: jt.ones(40, 64, dtype="int32") @ jt.ones(64, 1, dtype="int32"), 1),
    ],
)
def test_floats_along_rows_are_summed_as_a_reduction(product: Callable[[], jt.Var], contractions: int) -> None:
    assert jt.debug.graph(product()).count("= Contraction(") == contractions


def test_without_rewrites_a_product_is_a_contraction() -> None:
    with jt.flags(rewrites=False):
        assert jt.debug.graph(jt.ones(40, 64) @ jt.ones(64)).count("= Contraction(") == 1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_sums_along_rows_have_the_same_bits_however_they_run(dtype: str) -> None:
    rng = np.random.default_rng(8)
    a, b = (jt.array(rng.normal(size=shape)).astype(dtype) for shape in ((3, 33, 700), (3, 700, 1)))

    def bits(**flags: object) -> bytes:
        with jt.flags(**flags):
            return (jt.matmul(a, b) * 2).float64().numpy().tobytes()

    ways = [{}, {"fuse": False}, {"interpret": True}, {"eager": True}, {"threads": 1}, {"threads": 3}]
    assert len({bits(**flags) for flags in ways}) == 1


@pytest.mark.parametrize("dtype,unit", [("float16", 2**-11), ("bfloat16", 2**-8)])
def test_halves_along_rows_are_rounded_once(dtype: str, unit: float) -> None:
    rng = np.random.default_rng(5)
    a, b = (jt.array(rng.normal(size=shape).astype(np.float32)).astype(dtype) for shape in ((40, 700), (700, 1)))
    x, y = a.float32().numpy().astype(np.float64), b.float32().numpy().astype(np.float64)

    found = jt.matmul(a, b)

    error = 700 * 2**-24 * (np.abs(x) @ np.abs(y))
    assert found.dtype == dtype
    assert (np.abs(found.float32().numpy() - x @ y) <= error + unit * np.abs(x @ y) + error * unit).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_negative_of_a_sum_is_its_negative_also_where_it_is_zero(dtype: str, settled: object) -> None:
    """Products that cancel: gcc made -(a * b) - c of -fma(a, b, c), which is +0 where the other is -0."""
    x = np.array([[-1, -2, -3, -1], [-1, -2, -3, -1], [-1, -1, -2, -2], [1, -1, 0, 0]], dtype)

    product = (jt.array(np.sin(x)) @ jt.array(x)).numpy()
    negated = (-(jt.array(np.sin(x)) @ jt.array(x))).numpy()

    assert negated.tobytes() == np.negative(product).tobytes()
    assert (negated == 0).any()
