"""Prologues: an operand that a contraction alone reads is made while it is packed, and is nowhere in memory."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jittor_cy as jt
from tests.jittor_cy import ablation

both_ways = functools.partial(ablation.both_ways, off="prologue")


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def small(*shape: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(-100, 100, shape).astype(np.int8)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 70), st.integers(2, 150), st.integers(17, 600), st.sampled_from(["int8", "float16"]))
def test_weights_of_few_bits(m: int, n: int, k: int, dtype: str) -> None:
    x, w, s = normal(m, k), small(n, k).astype(dtype), normal(n, 1, seed=1)
    first, second, scale = jt.array(x), jt.array(w), jt.array(s)

    on, off, saved = both_ways(lambda: jt.nn.linear(first, second.cast("float32") * scale))

    np.testing.assert_array_equal(on, off)
    wanted = x.astype(np.float64) @ (w.astype(np.float64) * s).T
    np.testing.assert_allclose(on, wanted, rtol=1e-4, atol=1e-2 * np.sqrt(k))
    assert saved == 1


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_rows_and_columns_in_every_number_of_threads(threads: int) -> None:
    x, w = jt.array(normal(300, 700)), jt.array(normal(400, 700, seed=1))

    with jt.flags(threads=threads):
        on, off, saved = both_ways(lambda: jt.nn.relu(jt.nn.linear(x * 0.5 + 1.0, w)))

    np.testing.assert_array_equal(on, off)
    wanted = np.maximum((normal(300, 700).astype(np.float64) * 0.5 + 1) @ normal(400, 700, seed=1).T, 0)
    np.testing.assert_allclose(on, wanted, rtol=1e-4, atol=1e-3)
    assert saved == 1


def test_batches() -> None:
    x, w = jt.array(normal(5, 40, 90)), jt.array(normal(5, 90, 30, seed=1))

    on, off, saved = both_ways(lambda: jt.matmul(x * 2.0, w))

    np.testing.assert_array_equal(on, off)
    np.testing.assert_allclose(
        on, 2.0 * normal(5, 40, 90).astype(np.float64) @ normal(5, 90, 30, seed=1), rtol=1e-3, atol=1e-3
    )
    assert saved == 1


def test_weights_of_a_convolution() -> None:
    x, w, s = jt.array(normal(2, 5, 12, 12)), jt.array(small(7, 5, 3, 3)), jt.array(normal(7, 1, 1, 1, seed=1))

    on, off, _ = both_ways(lambda: jt.nn.conv2d(x, w.cast("float32") * s, padding=1))

    np.testing.assert_array_equal(on, off)


def test_what_is_held_or_read_twice_is_in_memory() -> None:
    x, w = jt.array(normal(30, 80)), jt.array(normal(20, 80, seed=1))
    held = []

    def make() -> jt.Var:
        held.append(w * 3.0)
        return jt.nn.linear(x, held[-1])

    on, off, saved = both_ways(make)
    twice, plain, twice_saved = both_ways(lambda: jt.matmul(y := x * 3.0, y.transpose(1, 0)))

    np.testing.assert_array_equal(on, off)
    np.testing.assert_array_equal(twice, plain)
    np.testing.assert_array_equal(held[0].numpy(), normal(20, 80, seed=1) * np.float32(3))
    assert (saved, twice_saved) == (0, 0)


def test_costly_values_are_made_once() -> None:
    x, w = jt.array(normal(200, 80)), jt.array(normal(20, 80, seed=1))

    on, off, saved = both_ways(lambda: jt.nn.linear(x.exp(), w))

    np.testing.assert_array_equal(on, off)
    assert saved == 0


def test_no_elements_and_an_empty_sum() -> None:
    for m, k, n in ((3, 0, 4), (0, 5, 4), (3, 5, 0)):
        x, w = jt.array(normal(m, k)), jt.array(normal(n, k, seed=1))

        on, off, _ = both_ways(lambda x=x, w=w: jt.nn.linear(x * 2.0, w))

        np.testing.assert_array_equal(on, off)
        np.testing.assert_array_equal(on, np.zeros((m, n), np.float32))
