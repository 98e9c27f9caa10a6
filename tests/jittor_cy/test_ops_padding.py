"""Borders, against numpy.pad; their gradients count how often an element stands in the result."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jittor_cy as jt

X = np.random.default_rng(3).normal(size=(2, 3, 4, 5)).astype(np.float32)
NAMES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
WIDTHS = [(2, 1), (0, 3), (1, 0, 2, 2), (1, 1, 0, 2, 2, 1), (0, 0, 1, 1, 0, 0, 1, 0)]


def numpy_pairs(widths: tuple[int, ...]) -> list[tuple[int, int]]:
    pairs = [widths[i : i + 2] for i in range(0, len(widths), 2)][::-1]
    return [(0, 0)] * (X.ndim - len(pairs)) + pairs


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("mode", NAMES)
def test_a_border_of_own_elements_is_numpys(mode: str, widths: tuple[int, ...]) -> None:
    expected = np.pad(X, numpy_pairs(widths), NAMES[mode])

    np.testing.assert_array_equal(jt.pad(jt.array(X), widths, mode).numpy(), expected)


@pytest.mark.parametrize("mode", NAMES)
def test_gradient_of_a_border_adds_up_where_elements_stand_again(mode: str) -> None:
    widths = (1, 2, 2, 0)
    weight = np.random.default_rng(4).integers(1, 9, np.pad(X, numpy_pairs(widths)).shape).astype(np.float32)
    places = np.pad(np.arange(X.size).reshape(X.shape), numpy_pairs(widths), NAMES[mode])
    expected = np.bincount(places.ravel(), weight.ravel(), X.size).reshape(X.shape)
    x = jt.array(X)

    found = jt.grad((jt.nn.functional.pad(x, widths, mode) * jt.array(weight)).sum(), x)

    np.testing.assert_array_equal(found.numpy(), expected)


CROPS = {"reflect": [2, 3, 2, 1], "replicate": [2, 3, 3, 3], "circular": [2, 3, 2, 3]}


@pytest.mark.parametrize("mode,expected", CROPS.items())
def test_a_negative_width_crops_as_pytorchs(mode: str, expected: list[int]) -> None:
    assert jt.pad(jt.array([1, 2, 3]), (-1, 2), mode).tolist() == expected


def test_a_replicated_border_may_be_longer_than_the_axis() -> None:
    assert jt.pad(jt.array([1, 2]), (3, 4), "replicate").tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 2]


def test_an_axis_of_no_elements_stays_beside_a_border() -> None:
    assert jt.pad(jt.zeros(0, 3), (1, 2), "reflect").shape == (0, 6)


@pytest.mark.parametrize(
    "mode,widths,longest", [("reflect", (3, 0), 2), ("circular", (0, 4), 3), ("replicate", (0, 0, 1, 1), 0)]
)
def test_a_border_that_does_not_fit_is_named(mode: str, widths: tuple[int, ...], longest: int) -> None:
    with pytest.raises(jt.ShapeError, match=f"mode '{mode}', at most {longest} fit dim"):
        jt.pad(jt.zeros(0, 3), widths, mode)


def test_an_unknown_mode_and_a_value_without_use_are_named() -> None:
    with pytest.raises(jt.ArgumentError, match="pad: mode is 'mirror'"):
        jt.pad(jt.zeros(3), (1, 1), "mirror")
    with pytest.raises(jt.ArgumentError, match="pad: value is 2.0, which mode 'reflect' does not use"):
        jt.pad(jt.zeros(3), (1, 1), "reflect", 2.0)


@pytest.mark.parametrize("way", [{}, {"without_passes": "parity"}, {"interpret": True}])
def test_padding_of_joined_rows_that_lie_apart(way):
    """The padding shifts the rows against the places of the result."""
    whole = np.random.default_rng(0).standard_normal((70, 12)).astype(np.float32)
    with jt.flags(wait_for_kernels=True, **way):
        rows = jt.array(whole)[2:67, 1:9]
        rows.sync()
        found = jt.nn.functional.pad(rows.reshape(520), (1, 2)).numpy()
    np.testing.assert_array_equal(found, np.pad(whole[2:67, 1:9].reshape(520), (1, 2)))


PART_MOVES = {
    "mirrored": (lambda x: jt.pad(x, (1, 2, 2, 1), mode="reflect"), lambda x: np.pad(x, ((2, 1), (1, 2)), "reflect")),
    "repeated": (lambda x: jt.pad(x, (2, 0, 1, 1), mode="replicate"), lambda x: np.pad(x, ((1, 1), (2, 0)), "edge")),
    "wrapped": (lambda x: jt.pad(x, (1, 1, 1, 1), mode="circular"), lambda x: np.pad(x, 1, "wrap")),
    "rolled": (lambda x: x + jt.roll(x, 2, 1), lambda x: x + np.roll(x, 2, 1)),
    "halves": (
        lambda x: jt.concat([x[3:], x[:3] * 2], 0),
        lambda x: np.concatenate([x[3:], x[:3] * 2], 0),
    ),
}
# A kernel of this length takes gcc two seconds.
LONGEST_TEXT = 250_000


def moved(moves: list[str]) -> tuple[jt.Var, jt.Var, np.ndarray, jt.Var]:
    """x, the moves of x and of its values, and the gradient of a weighted sum to x."""
    values = np.arange(5 * 6, dtype=np.float32).reshape(5, 6)
    x = jt.array(values)
    found, expected = x, values
    for move in moves:
        ours, numpys = PART_MOVES[move]
        found, expected = ours(found), numpys(expected)
    return x, found, expected, jt.grad((found * jt.array(np.cos(expected))).sum(), x)


@settings(max_examples=25, deadline=None)
@given(moves=st.lists(st.sampled_from(sorted(PART_MOVES)), min_size=1, max_size=5))
def test_kernels_of_parts_of_parts_stay_short(moves: list[str]) -> None:
    x, found, _, gradient = moved(moves)
    del found  # else the gradient would read it

    assert max(len(text) for text in jt.debug.sources(gradient).values()) <= LONGEST_TEXT


@pytest.mark.parametrize(
    "moves", [["mirrored", "repeated"], ["wrapped", "halves", "rolled"], ["repeated", "rolled", "mirrored", "wrapped"]]
)
def test_parts_of_parts_are_numpys(moves: list[str]) -> None:
    x, found, expected, gradient = moved(moves)

    np.testing.assert_array_equal(found.numpy(), expected)
    # All moves are linear: the weighted sum of the result is the gradient times x.
    total = (np.cos(expected).astype(np.float64) * expected).sum()
    np.testing.assert_allclose((gradient.numpy().astype(np.float64) * x.numpy()).sum(), total, rtol=1e-4, atol=1e-2)
