"""Epilogues: a kernel goes on from a contraction's elements piece by piece, and gives the same bits as after it."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jittor_cy as jt
from tests.jittor_cy import ablation

both_ways = functools.partial(ablation.both_ways, off="epilogue")


def normal(*shape: int, seed: int = 0, dtype: str = "float32") -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=shape) * 3).astype(dtype)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 130), st.integers(17, 300), st.integers(1, 600), st.booleans(), st.integers(0, 2))
def test_a_product_with_bias_and_activation(m: int, n: int, k: int, transposed: bool, kind: int) -> None:
    dtype = ("float32", "float64", "float16")[kind]
    a, b, c = normal(m, k, dtype=dtype), normal(k, n, seed=1, dtype=dtype), normal(n, seed=2, dtype=dtype)
    first, second, bias = jt.array(a), jt.array(b), jt.array(c)

    def make() -> jt.Var:
        if transposed:
            return jt.nn.relu(jt.matmul(second.transpose(1, 0), first.transpose(1, 0)) + bias.reshape(-1, 1))
        return jt.nn.relu(jt.matmul(first, second) + bias)

    on, off, _ = both_ways(make)
    wanted = np.maximum(a.astype(np.float64) @ b.astype(np.float64) + c, 0)

    np.testing.assert_array_equal(on, off)
    tolerance = {"float32": 1e-4, "float64": 1e-11, "float16": 2e-2}[dtype] * np.sqrt(k)
    np.testing.assert_allclose(on, wanted.T if transposed else wanted, rtol=tolerance, atol=20 * tolerance)


@pytest.mark.parametrize(("channels", "side", "padding"), [(1, 28, 2), (6, 14, 0), (40, 7, 1), (16, 33, 1)])
def test_a_convolution_with_bias_and_activation(channels: int, side: int, padding: int) -> None:
    x, w, b = (
        jt.array(normal(5, channels, side, side)),
        jt.array(normal(20, channels, 5, 5, seed=1)),
        jt.array(normal(20)),
    )

    on, off, saved = both_ways(lambda: jt.nn.relu(jt.nn.conv2d(x, w, b, padding=padding)))

    np.testing.assert_array_equal(on, off)
    assert saved == 1


def test_residuals_and_a_second_output_ride_along() -> None:
    x, w, r = jt.array(normal(64, 96)), jt.array(normal(96, 80, seed=1)), jt.array(normal(64, 80, seed=2))
    wanted = normal(64, 96).astype(np.float64) @ normal(96, 80, seed=1)

    def make() -> jt.Var:
        y = jt.matmul(x, w)
        return jt.concat([(y * 2.0 + r).reshape(1, 64, 80), y.reshape(1, 64, 80)])

    on, off, _ = both_ways(make)

    np.testing.assert_array_equal(on, off)
    np.testing.assert_allclose(on[0], 2 * wanted + normal(64, 80, seed=2), rtol=1e-3, atol=1e-3)


def test_an_operand_is_not_overwritten_by_what_follows() -> None:
    data = normal(200, 200)
    x = jt.array(data).copy()
    jt.sync_all()

    with jt.flags(wait_for_kernels=True):
        y = jt.matmul(x, x) * 0.001 + x
        del x
        found = y.numpy()

    np.testing.assert_allclose(found, data.astype(np.float64) @ data * 0.001 + data, rtol=1e-4, atol=1e-4)


def test_a_value_read_elsewhere_too_is_no_epilogue() -> None:
    x, w = jt.array(normal(64, 64)), jt.array(normal(64, 64, seed=1))

    def make() -> jt.Var:
        y = jt.matmul(x, w)
        return y + y.transpose(1, 0)

    on, off, saved = both_ways(make)

    np.testing.assert_array_equal(on, off)
    assert saved == 0


def test_an_empty_sum_and_no_elements() -> None:
    bias = jt.array(normal(50))
    for m, k in ((3, 0), (0, 4), (0, 0)):
        a, b = jt.zeros((m, k)), jt.zeros((k, 50))

        on, off, _ = both_ways(lambda a=a, b=b: jt.nn.relu(jt.matmul(a, b) + bias))

        np.testing.assert_array_equal(on, off)
        np.testing.assert_array_equal(on, np.broadcast_to(np.maximum(normal(50), 0), (m, 50)))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_do_not_matter(threads: int) -> None:
    x, w, b = jt.array(normal(300, 400)), jt.array(normal(400, 500, seed=1)), jt.array(normal(500, seed=2))

    with jt.flags(threads=threads):
        on, off, saved = both_ways(lambda: jt.nn.gelu(jt.matmul(x, w) + b))

    np.testing.assert_array_equal(on, off)
    assert saved == 1


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("batch", "m", "n"), [(1, 300, 64), (1, 5, 700), (6, 40, 40), (3, 129, 33)])
def test_rows_go_on_as_rows(batch: int, m: int, n: int, threads: int) -> None:
    a, b = normal(batch, m, 70), normal(batch, 70, n, seed=1)
    x, w = jt.array(a), jt.array(b)
    scores = np.exp((s := 0.1 * (a.astype(np.float64) @ b)) - s.max(-1, keepdims=True))

    with jt.flags(threads=threads):
        on, off, saved = both_ways(lambda: jt.nn.softmax(jt.matmul(x, w) * 0.1, dim=-1))

    np.testing.assert_array_equal(on, off)
    np.testing.assert_allclose(on, scores / scores.sum(-1, keepdims=True), rtol=1e-4, atol=1e-6)
    assert saved == 1


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 60), st.integers(1, 80), st.integers(1, 90), st.booleans())
def test_a_norm_of_a_residual(batch: int, m: int, n: int, k: int, transposed: bool) -> None:
    x, w, r = normal(batch, m, k), normal(k, n, seed=1), normal(batch, m, n, seed=2)
    first, second, third = jt.array(x), jt.array(w), jt.array(r)

    def make() -> jt.Var:
        y = jt.matmul(first, second) + third
        y = y.transpose(0, 2, 1) if transposed else y
        centred = y - y.mean(-1, keepdims=True)
        return centred / ((centred * centred).mean(-1, keepdims=True) + 1.0).sqrt()

    on, off, _ = both_ways(make)
    wanted = x.astype(np.float64) @ w + r
    wanted = wanted.transpose(0, 2, 1) if transposed else wanted
    wanted = wanted - wanted.mean(-1, keepdims=True)

    np.testing.assert_array_equal(on, off)
    np.testing.assert_allclose(on, wanted / np.sqrt((wanted**2).mean(-1, keepdims=True) + 1), rtol=1e-3, atol=2e-4)
