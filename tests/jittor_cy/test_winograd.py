"""flags.winograd: large 3 x 3 convolutions by Winograd's transforms, their error, gradients, bits and borders."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy.nn import functional as F

CHANNELS, SIZE = 128, 24
# Sums of the absolute values in a row of B^T, G and A^T; their squares bound how a transform of two axes amplifies what
# it reads, and with it every rounding.
ROWS = {"input": 10, "filter": 1, "output": 19}
EPSILON = 2.0**-24


def arrays(n: int, height: int, width: int, c: int = CHANNELS, o: int = CHANNELS) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(height * 100 + width)
    x, w = rng.normal(size=(n, c, height, width)), rng.normal(size=(o, c, 3, 3)) / (3 * c**0.5)
    return x.astype(np.float32), w.astype(np.float32)


def seen(x: np.ndarray, padding: tuple[int, int]) -> np.ndarray:
    """What each output's window sees, (n, c, height, width, 3, 3), in float64."""
    low, left = padding
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (low, low), (left, left)))
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))


def exact(x: np.ndarray, w: np.ndarray, padding: tuple[int, int]) -> np.ndarray:
    return np.einsum("nchwij,ocij->nohw", seen(x, padding), w.astype(np.float64), optimize=True)


def exact_gradients(
    x: np.ndarray, w: np.ndarray, dy: np.ndarray, padding: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """To the image, of which the borders are cut off again, and to the filter."""
    whole = exact(dy, w.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1], (2, 2))
    (low, left), (height, width) = padding, x.shape[2:]
    to_filter = np.einsum("nchwij,nohw->ocij", seen(x, padding), dy.astype(np.float64), optimize=True)
    return whole[:, :, low : low + height, left : left + width], to_filter


def launches(run: Callable[[], jt.Var]) -> tuple[np.ndarray, int]:
    before = jt.stats()["launches"]
    value = run().numpy()
    return value, jt.stats()["launches"] - before


def assert_within_winograd(found: np.ndarray, expected: np.ndarray, terms: int) -> None:
    """Roundings of values of variance 1 that are independent: each counts with the amplification of what follows."""
    bound = 8 * EPSILON * ROWS["input"] * ROWS["output"] * max(1.0, (terms / CHANNELS) ** 0.5)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= bound * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("padding", [(0, 0), (1, 1), (2, 2), (2, 0), (3, 3)])
@pytest.mark.parametrize(("height", "width"), [(26, 26), (27, 33), (28, 31), (40, 29)])
def test_values_and_gradients_are_those_of_the_convolution(height: int, width: int, padding: tuple[int, int]) -> None:
    x, w = arrays(1, height, width)
    with jt.flags(winograd=True):
        a, b = jt.array(x), jt.array(w)
        a.requires_grad = b.requires_grad = True
        y = F.conv2d(a, b, padding=padding)
        dy = np.random.default_rng(3).normal(size=y.shape).astype(np.float32)
        da, db = jt.grad((y * jt.array(dy)).sum(), [a, b])
    to_image, to_filter = exact_gradients(x, w, dy, padding)

    assert_within_winograd(y.numpy(), exact(x, w, padding), CHANNELS)
    assert_within_winograd(da.numpy(), to_image, CHANNELS)
    np.testing.assert_allclose(db.numpy(), to_filter, rtol=1e-4, atol=1e-3)


def test_the_error_is_larger_than_that_of_the_direct_convolution_and_still_small() -> None:
    x, w = arrays(2, 32, 32)
    expected = exact(x, w, (1, 1))
    errors = {}
    for winograd in (False, True):
        with jt.flags(winograd=winograd):
            y = F.conv2d(jt.array(x), jt.array(w), padding=1).numpy()
        errors[winograd] = np.abs(y - expected).max() / np.abs(expected).max()

    assert errors[False] < errors[True] < 2e-5


def test_bits_are_the_same_however_it_runs() -> None:
    x, w = arrays(3, 27, 30)
    found = []
    for settings in ({}, {"fuse": False}, {"eager": True}, {"interpret": True}, {"threads": 1}, {"threads": 3},
                     {"without_passes": "unroll"}, {"without_passes": "finer,interior,overlap"}):  # fmt: skip
        with jt.flags(winograd=True, wait_for_kernels=True, **settings):
            a, b, bias = jt.array(x), jt.array(w), jt.array(w[:, 0, 0, 0])
            a.requires_grad = True
            y = jt.nn.relu(F.conv2d(a, b, bias, padding=1))
            found.append((y.numpy(), jt.grad((y * y).sum(), a).numpy()))

    for y, da in found[1:]:
        np.testing.assert_array_equal(y, found[0][0])
        np.testing.assert_array_equal(da, found[0][1])


@pytest.mark.parametrize(
    ("shape", "channels", "settings"),
    [
        ((1, CHANNELS, SIZE, SIZE - 1), CHANNELS, {"padding": 1}),
        ((1, CHANNELS - 1, SIZE, SIZE), CHANNELS, {"padding": 1}),
        ((1, CHANNELS, SIZE, SIZE), CHANNELS - 1, {"padding": 1}),
        ((0, CHANNELS, SIZE, SIZE), CHANNELS, {"padding": 1}),
        ((1, CHANNELS, 2 * SIZE, 2 * SIZE), CHANNELS, {"padding": 1, "stride": 2}),
        ((1, CHANNELS, SIZE, SIZE), CHANNELS, {"padding": 2, "dilation": 2}),
        ((1, 2 * CHANNELS, SIZE, SIZE), 2 * CHANNELS, {"padding": 1, "groups": 2}),
    ],
)
def test_elsewhere_the_direct_convolution_is_used(
    shape: tuple[int, ...], channels: int, settings: dict[str, int]
) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=shape).astype(np.float32)
    w = rng.normal(size=(channels, shape[1] // settings.get("groups", 1), 3, 3)).astype(np.float32)
    direct, count = launches(lambda: F.conv2d(jt.array(x), jt.array(w), **settings))
    with jt.flags(winograd=True):
        found, same = launches(lambda: F.conv2d(jt.array(x), jt.array(w), **settings))

    np.testing.assert_array_equal(found, direct)
    assert same == count


def test_it_is_off_unless_asked_for_and_names_its_transforms() -> None:
    x, w = (jt.array(v) for v in arrays(1, 32, 32))
    assert jt.flags.winograd is False

    with jt.flags(winograd=True, wait_for_kernels=True):
        y = F.conv2d(x, w, padding=1)
        text = str(jt.debug.explain(y))
    plain = str(jt.debug.explain(F.conv2d(x, w, padding=1)))

    assert text.count("Contraction") > plain.count("Contraction")
    assert "36" in text


def test_a_gradient_of_a_gradient_is_that_of_the_direct_convolution() -> None:
    x, w = arrays(1, 25, 26)
    found = []
    for winograd in (False, True):
        with jt.flags(winograd=winograd):
            a, b = jt.array(x), jt.array(w)
            a.requires_grad = b.requires_grad = True
            y = F.conv2d(a, b, padding=1)
            da = jt.grad((y * y).sum(), a, retain_graph=True)
            found.append([v.numpy() for v in jt.grad((da * da).sum(), [a, b])])

    for direct, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, direct, rtol=1e-3, atol=1e-4 * np.abs(direct).max())
