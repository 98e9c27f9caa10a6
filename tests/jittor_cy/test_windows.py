"""Pooling and its gradients: every way to run them gives the same bits, and NumPy's values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import jittor_cy as jt

WAYS = (
    {"wait_for_kernels": True},
    {"wait_for_kernels": True, "without_passes": "unroll"},
    {"wait_for_kernels": True, "fuse": False},
    {"interpret": True},
)
# kernel, stride, padding: side by side, with gaps, overlapping, padded, and more than one expression can hold
CASES = [(2, 2, 0), (2, 3, 0), (3, 2, 1), (3, 1, 1), (2, 2, 1), (5, 2, 2)]


def windows(x: np.ndarray, kernel: int, stride: int, padding: int, fill: float):
    """((row, column) of the output, its window in the padded input)."""
    wide = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=fill)
    rows, columns = ((n - kernel) // stride + 1 for n in wide.shape[2:])
    for i, j in itertools.product(range(rows), range(columns)):
        area = (slice(i * stride, i * stride + kernel), slice(j * stride, j * stride + kernel))
        yield (i, j), wide, area


def max_pool(x: np.ndarray, dy: np.ndarray | None, kernel: int, stride: int, padding: int):
    """The maxima, and the gradient: the first maximum of a window gets all of it."""
    places = list(windows(x, kernel, stride, padding, -np.inf))
    shape = (*x.shape[:2], places[-1][0][0] + 1, places[-1][0][1] + 1)
    y, wide = np.zeros(shape, x.dtype), np.zeros_like(places[0][1], np.float64)
    for (i, j), padded, (rows, columns) in places:
        flat = padded[:, :, rows, columns].reshape(*x.shape[:2], -1)
        y[:, :, i, j] = flat.max(-1)
        if dy is not None:
            for n, c in np.ndindex(*x.shape[:2]):
                r, k = divmod(int(flat[n, c].argmax()), kernel)
                wide[n, c, rows.start + r, columns.start + k] += dy[n, c, i, j]
    inside = slice(padding, padding + x.shape[2]), slice(padding, padding + x.shape[3])
    return y, wide[:, :, inside[0], inside[1]]


@pytest.mark.parametrize("kernel, stride, padding", CASES)
def test_max_pool_and_its_gradient(kernel: int, stride: int, padding: int) -> None:
    rng = np.random.default_rng(7)
    data = rng.integers(-4, 5, (2, 3, 9, 19)).astype(np.float32)  # with ties
    y, _ = max_pool(data, None, kernel, stride, padding)
    dy = rng.normal(size=y.shape).astype(np.float32)
    _, dx = max_pool(data, dy, kernel, stride, padding)
    bits = set()
    for way in WAYS:
        with jt.flags(**way):
            x = jt.array(data)
            pooled = jt.nn.max_pool2d(x, kernel, stride, padding)
            gradient = jt.grad((pooled * jt.array(dy)).sum(), x)
            np.testing.assert_array_equal(pooled.numpy(), y)
            np.testing.assert_allclose(gradient.numpy(), dx, rtol=1e-6, atol=1e-6)
            bits.add(gradient.numpy().tobytes())

    assert len(bits) == 1


@pytest.mark.parametrize("kernel, stride, padding", CASES)
def test_the_gradient_of_avg_pool_spreads_evenly(kernel: int, stride: int, padding: int) -> None:
    rng = np.random.default_rng(8)
    data = rng.normal(size=(2, 3, 9, 19)).astype(np.float32)
    places = list(windows(data, kernel, stride, padding, 0))
    dy = rng.normal(size=(2, 3, places[-1][0][0] + 1, places[-1][0][1] + 1)).astype(np.float32)
    wide = np.zeros_like(places[0][1], np.float64)
    for (i, j), _, (rows, columns) in places:
        wide[:, :, rows, columns] += dy[:, :, i, j, None, None] / kernel**2
    expected = wide[:, :, padding : padding + 9, padding : padding + 19]
    bits = set()
    for way in WAYS:
        with jt.flags(**way):
            x = jt.array(data)
            found = jt.grad((jt.nn.avg_pool2d(x, kernel, stride, padding) * jt.array(dy)).sum(), x).numpy()
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
            bits.add(found.tobytes())

    assert len(bits) == 1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int32", "uint8"])
@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "argmax", "argmin"])
def test_every_reduction_of_windows_in_every_way(name: str, dtype: str) -> None:
    """Zeros of both signs and NaN among them; in front of other axes too (four lanes instead of 64)."""
    values = np.array([-0.0, 0.0, 2.0, -1.0, 3.0, np.nan, -2.0, 5.0] * 5)
    if dtype in ("int32", "uint8"):
        values = np.nan_to_num(np.abs(values))
    bits = set()
    for way in WAYS:
        with jt.flags(**way):
            x = jt.array(values).astype(dtype)
            behind = jt.reindex(x, [12, 3], ["i0*3 + i1"])
            front = jt.reindex(x, [3, 3, 4], ["i0 + i1*4 + i2*9"])
            found = [getattr(behind, name)(1), getattr(front, name)(1)]
            bits.add(
                b"".join(
                    f.astype("float64" if dtype in ("float16", "bfloat16") else f.dtype).numpy().tobytes()
                    for f in found
                )
            )

    assert len(bits) == 1


@pytest.mark.parametrize("dtype", ["float16", "float32", "int32"])
@pytest.mark.parametrize("shape", [(2, 1, 1, 40), (1, 2, 2, 70), (2, 2, 33, 8), (1, 1, 5, 131)], ids=str)
@pytest.mark.parametrize("stride", [1, 2])
def test_windows_over_the_borders_of_maps(shape: tuple[int, ...], stride: int, dtype: str) -> None:
    """Rows of a window that lie outside: all of them, some, and none; a NaN wins."""
    data = np.random.default_rng(9).integers(-50, 50, shape).astype(dtype)
    if dtype != "int32":
        data[0, 0, 0, 5] = np.nan
    wide = np.pad(data.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    expected = np.lib.stride_tricks.sliding_window_view(wide, (3, 3), (2, 3))[:, :, ::stride, ::stride].max((-2, -1))

    with jt.flags(wait_for_kernels=True):
        found = jt.nn.max_pool2d(jt.array(data), 3, stride, 1).numpy()

    np.testing.assert_array_equal(found.astype(np.float64), expected)


def test_rows_of_windows_are_not_asked_for_each_element() -> None:
    """The loop inside of the borders reads rows that are there, whichever they are; gaps are no whole vectors."""
    texts = []
    for stride in (1, 2):
        x = jt.array(np.ones((2, 2, 40, 40), np.float32)).sync()
        with jt.flags(wait_for_kernels=True):
            texts += jt.debug.sources(jt.nn.max_pool2d(x, 3, stride, 1)).values()

    for text in texts:
        inside = text.split("< high0; ", 1)[1].split("out0[", 1)[0]
        assert "jt_blend_f32(" in inside and " ? in0[" not in inside
    assert ["l < 16" in text for text in texts] == [True, False]
