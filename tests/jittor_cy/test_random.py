"""Random numbers: seeds and moments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy.errors import ArgumentTypeError


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


@pytest.mark.parametrize("given", [np.zeros((3, 50), np.float32), jt.zeros(3, 50)])
def test_each_element_of_a_parameter_has_a_number_of_its_own(given: object) -> None:
    for drawn in (jt.random.normal(given), jt.random.normal(1.0, given + 1), jt.random.uniform(given, 2.0)):
        assert drawn.shape == (3, 50)
        assert len(np.unique(drawn.numpy())) > 140


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: jt.random.normal((3, 4)), "normal: mean must be a number, an array or a Var, found tuple"),
        (lambda: jt.random.uniform(0, [3, 4]), "uniform: high must be a number, an array or a Var, found list"),
    ],
)
def test_a_size_in_the_place_of_a_parameter_is_named(call: Callable[[], jt.Var], words: str) -> None:
    with pytest.raises(ArgumentTypeError, match=words) as raised:
        call()

    assert "size=" in str(raised.value)
