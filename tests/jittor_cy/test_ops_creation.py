"""New Vars, against NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import jittor_cy as jt
from tests.jittor_cy.closeness import close

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(3, 4, 5)).astype(np.float32)
INTS = RANDOM.integers(-5, 5, (4, 6))

CREATION: dict[str, tuple[Callable[[], jt.Var], np.ndarray]] = {
    "zeros": (lambda: jt.zeros(2, 3), np.zeros((2, 3), np.float32)),
    "zeros of a tuple and dtype": (lambda: jt.zeros((2, 3), "int32"), np.zeros((2, 3), np.int32)),
    "ones": (lambda: jt.ones([2], dtype="bool"), np.ones(2, bool)),
    "full": (lambda: jt.full((2, 2), 7), np.full((2, 2), 7)),
    "full of an int": (lambda: jt.full(3, 0.5), np.full(3, 0.5, np.float32)),
    "zeros_like": (lambda: jt.zeros_like(jt.array(INTS)), np.zeros_like(INTS)),
    "full_like": (lambda: jt.full_like(jt.array(X), 3), np.full_like(X, 3)),
    "arange": (lambda: jt.arange(5), np.arange(5)),
    "arange down": (lambda: jt.arange(5, 0, -2), np.arange(5, 0, -2)),
    "arange of floats": (lambda: jt.arange(0, 1, 0.25), np.arange(0, 1, 0.25, np.float32)),
    "arange of nothing": (lambda: jt.arange(3, 3), np.arange(0)),
    "linspace": (lambda: jt.linspace(-1, 2, 7), np.linspace(-1, 2, 7, dtype=np.float32)),
    "linspace of one": (lambda: jt.linspace(3, 9, 1), np.array([3], np.float32)),
    "eye": (lambda: jt.eye(3), np.eye(3, dtype=np.float32)),
    "eye of another width": (lambda: jt.eye(2, 4, dtype="int64"), np.eye(2, 4, dtype=np.int64)),
    "list of vars": (lambda: jt.array([jt.array([1.0, 2.0]), jt.zeros(2)]), np.array([[1, 2], [0, 0]], np.float32)),
    "index": (lambda: jt.index((2, 3), 1), np.indices((2, 3))[1]),
}


@pytest.mark.parametrize("make,expected", CREATION.values(), ids=CREATION.keys())
def test_creation_is_numpys(make: Callable, expected: np.ndarray) -> None:
    found = make()

    assert found.dtype == expected.dtype
    close(found, expected)


@pytest.mark.parametrize("arguments", [(0.0, -8.000001, -4.0), (1.5, 4.5, 1), (2.5,), (-2.5, 2.5, 2)])
def test_int64_arange_cuts_fractions_first(arguments: tuple) -> None:
    expected = np.arange(*(int(a) for a in arguments))

    close(jt.arange(*arguments, dtype="int64"), expected)
