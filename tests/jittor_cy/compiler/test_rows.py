"""The pass rows: reductions over several axes as one, of values that do not lie in a line, go row by row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jittor_cy as jt

EXTENT = st.one_of(st.integers(1, 9), st.sampled_from([16, 31, 64, 65, 130]))


def text_of(value: jt.Var) -> str:
    return "\n".join(jt.debug.sources(value).values())


def loss() -> jt.Var:
    x, bias = jt.array(np.zeros((30, 70), np.float32)), jt.array(np.zeros(70, np.float32))
    return ((x + bias) ** 2).sum()


def test_a_quotient_is_calculated_a_row_and_not_an_element() -> None:
    assert "_row0 = row_begin / " in text_of(loss())
    assert " = jt_index_quotient(" not in text_of(loss()) and "- jt_index_quotient(" not in text_of(loss())
    with jt.flags(without_passes="rows"):
        assert "_row0" not in text_of(loss())
        assert "jt_index_quotient(r" in text_of(loss())


def test_what_lies_in_a_line_has_no_rows() -> None:
    assert "_row0" not in text_of((jt.array(np.zeros((30, 70), np.float32)) * 2).sum())


def test_a_matrix_whose_rows_all_lie_across_memory_is_read_as_before() -> None:
    x = jt.array(np.arange(30 * 70, dtype=np.float32).reshape(30, 70))

    alone, beside = text_of((x.T * 2).sum()), text_of((x.T * x.reshape(70, 30)).sum())

    assert "_row0" not in alone and "_row0" in beside
    assert (x.T * 2).sum().item() == 30 * 70 * (30 * 70 - 1)


# How a factor of the value that is reduced lies, as (ours, NumPy's) of an array.
FACTORS: dict[str, tuple[Callable[[jt.Var], jt.Var], Callable[[np.ndarray], np.ndarray]]] = {
    "whole": (lambda x: x, lambda x: x),
    "of the last axis": (lambda x: x[:1, :1], lambda x: x[:1, :1]),
    "of the first axis": (lambda x: x[:, :1, :1], lambda x: x[:, :1, :1]),
    "turned round": (lambda x: jt.flip(x, -1), lambda x: x[..., ::-1]),
    "rolled": (lambda x: jt.roll(x, 1, -1), lambda x: np.roll(x, 1, -1)),
    "of a wider one": (lambda x: jt.concat([x, x], 2)[..., 1 : 1 + x.shape[2]], lambda x: np.roll(x, -1, -1)),
    "axes exchanged": (lambda x: (x.transpose(1, 2) * 1).transpose(1, 2), lambda x: x),
}
REDUCTIONS = {"sum": np.sum, "max": np.max, "mean": np.mean}


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(EXTENT, EXTENT, EXTENT),
    factors=st.tuples(st.sampled_from(sorted(FACTORS)), st.sampled_from(sorted(FACTORS))),
    axes=st.sampled_from([(0, 1, 2), (1, 2), (0, 2), (0, 1)]),
    kind=st.sampled_from(sorted(REDUCTIONS)),
    dtype=st.sampled_from(["float32", "float64", "float16"]),
)
def test_rows_have_the_bits_of_single_elements_and_numpys_values(
    shape: tuple[int, int, int], factors: tuple[str, str], axes: tuple[int, ...], kind: str, dtype: str
) -> None:
    values = np.random.default_rng(sum(shape)).uniform(-1, 1, shape).astype(dtype)
    x = jt.array(values)
    first, second = (FACTORS[name] for name in factors)

    def reduced(**flags: object) -> np.ndarray:
        with jt.flags(**flags):
            return getattr(first[0](x) * second[0](x), kind)(axes).numpy()

    found = reduced()

    for flags in ({"without_passes": "rows"}, {"interpret": True}, {"fuse": False}, {"threads": 3}):
        assert reduced(**flags).tobytes() == found.tobytes(), flags
    product = np.broadcast_arrays(*(np.float64(f(values)) for f in (first[1], second[1])))
    expected = REDUCTIONS[kind](product[0] * product[1], axis=axes)
    rounding = {"float16": 2e-3, "float32": 1e-6, "float64": 1e-13}[dtype]
    scale = np.sum(np.abs(product[0] * product[1]), axis=axes) if kind == "sum" else 1.0
    assert found.shape == expected.shape
    assert (np.abs(found - expected) <= rounding * (1 + scale)).all()


@pytest.mark.parametrize("kind", ["argmax", "any", "all"])
def test_searches_and_bools_are_numpys(kind: str) -> None:
    values = np.random.default_rng(5).normal(size=(12, 70)).astype(np.float32)
    bias = np.random.default_rng(6).normal(size=70).astype(np.float32)
    x, b = jt.array(values), jt.array(bias)

    found, expected = (x + b, values + bias) if kind == "argmax" else (x > b * 3, values > bias * 3)

    assert getattr(found, kind)().item() == getattr(expected, kind)()


def test_a_value_that_is_stored_too_is_stored_row_by_row() -> None:
    x, bias = (np.random.default_rng(7).normal(size=s).astype(np.float32) for s in ((3, 40, 33), (33,)))
    value = jt.array(x) + jt.array(bias)
    total = (value * value).sum((1, 2))

    jt.sync_all()

    np.testing.assert_array_equal(value.numpy(), x + bias)
    np.testing.assert_allclose(total.numpy(), (np.float64(x + bias) ** 2).sum((1, 2)), rtol=1e-6)
