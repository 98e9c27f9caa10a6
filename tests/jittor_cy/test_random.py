"""Random numbers: seeds and moments."""

from __future__ import annotations

import numpy as np

import jittor_cy as jt


def test_random_numbers_follow_the_seed_and_nothing_else() -> None:
    jt.seed(7)
    first, second = jt.rand(1000), jt.randn(1000)
    values = [second.numpy(), first.numpy()]

    jt.seed(7)
    again = [jt.rand(1000).numpy(), jt.randn(1000).numpy()]

    np.testing.assert_array_equal(values[1], again[0])
    np.testing.assert_array_equal(values[0], again[1])
    assert not np.array_equal(again[0], jt.rand(1000).numpy())


def test_distributions_have_their_moments() -> None:
    jt.seed(3)
    n = 200_000
    uniform, normal, ints = (
        jt.uniform(-1, 3, (n,)).numpy(),
        jt.normal(2.0, 3.0, (n,)).numpy(),
        jt.randint(-2, 3, (n,)).numpy(),
    )

    assert abs(uniform.mean() - 1) < 0.02 and -1 <= uniform.min() and uniform.max() <= 3
    assert abs(normal.mean() - 2) < 0.04 and abs(normal.std() - 3) < 0.03 and np.isfinite(normal).all()
    np.testing.assert_allclose(np.bincount(ints + 2, minlength=5) / n, 0.2, atol=0.005)
    assert abs(jt.bernoulli(jt.full((n,), 0.3)).mean().item() - 0.3) < 0.005


def test_randperm_holds_each_number_once() -> None:
    assert sorted(jt.randperm(100).tolist()) == list(range(100))
