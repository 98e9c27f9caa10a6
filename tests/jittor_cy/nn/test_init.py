"""Initialisers have the moments and bounds of their papers."""

from __future__ import annotations

import math

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy.nn import init

SHAPE = (200, 300)
MOMENTS = {
    "uniform": (lambda: init.uniform(SHAPE, -2, 4), 1.0, 6 / math.sqrt(12)),
    "normal": (lambda: init.normal(SHAPE, 1.0, 3.0), 1.0, 3.0),
    "xavier_uniform": (lambda: init.xavier_uniform(SHAPE), 0.0, math.sqrt(2 / 500)),
    "xavier_normal": (lambda: init.xavier_normal(SHAPE, gain=2.0), 0.0, 2 * math.sqrt(2 / 500)),
    "kaiming_uniform": (lambda: init.kaiming_uniform(SHAPE), 0.0, math.sqrt(2 / 300)),
    "kaiming_normal": (
        lambda: init.kaiming_normal(SHAPE, mode="fan_out", nonlinearity="relu"),
        0.0,
        math.sqrt(2 / 200),
    ),
    # of the normal distribution between -2 and 2: 1 - 4 phi(2) / (2 Phi(2) - 1)
    "trunc_normal": (lambda: init.trunc_normal(SHAPE), 0.0, 0.8796),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_initialiser_has_mean_and_deviation(name):
    jt.seed(1)
    make, mean, deviation = MOMENTS[name]

    values = make().numpy()

    assert values.shape == SHAPE
    assert values.mean() == pytest.approx(mean, abs=5 * deviation / math.sqrt(values.size))
    assert values.std() == pytest.approx(deviation, rel=0.02)


def test_trunc_normal_stays_between_its_bounds():
    values = init.trunc_normal((1000,), 0.0, 1.0, -0.5, 1.0).numpy()

    assert values.min() >= -0.5
    assert values.max() <= 1.0


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 2, 2)])
def test_orthogonal_rows_or_columns_are_orthonormal(shape):
    matrix = init.orthogonal(shape, gain=2.0).numpy().reshape(shape[0], -1)

    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix

    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-5)


def test_in_place_form_fills_the_same_var():
    x = jt.zeros(3, 4)

    result = init.constant_(x, 2.5)

    assert result is x
    assert (x.numpy() == 2.5).all()


def test_values_follow_from_the_seed():
    jt.seed(9)
    first = init.normal((10,)).numpy()
    jt.seed(9)

    assert init.normal((10,)).numpy().tolist() == first.tolist()
