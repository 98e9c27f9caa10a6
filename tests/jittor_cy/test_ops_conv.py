"""Convolutions of any geometry and both gradients: against sums over taps in NumPy, the same on any threads."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jittor_cy as jt
import jittor_cy.nn.functional as F

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def taps(w: np.ndarray, out: tuple[int, ...], stride: int, dilation: int):
    """(tap, the part of the padded input that it sees)."""
    for tap in itertools.product(*(range(k) for k in w.shape[2:])):
        area = tuple(slice(t * dilation, t * dilation + (n - 1) * stride + 1, stride) for t, n in zip(tap, out))
        yield tap, (slice(None), slice(None), *area)


def grouped(x: np.ndarray, groups: int, axis: int) -> np.ndarray:
    return x.reshape(*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :])


def conv_with_gradients(x, w, dy, stride, padding, dilation, groups):
    """(y, gradient of x, gradient of w) for the weights dy of y; y is None where dy gives the extents only."""
    wide = np.pad(x, ((0, 0), (0, 0), *[(padding, padding)] * (x.ndim - 2)))
    y, dwide, dw = np.zeros(dy.shape), np.zeros(wide.shape), np.zeros(w.shape)
    gw, gdy = grouped(w, groups, 0), grouped(dy, groups, 1)
    for tap, area in taps(w, dy.shape[2:], stride, dilation):
        seen, weights = grouped(wide[area], groups, 1), gw[(..., *tap)]
        y += np.einsum("ngc...,goc->ngo...", seen, weights).reshape(dy.shape)
        dwide[area] += np.einsum("ngo...,goc->ngc...", gdy, weights).reshape(wide[area].shape)
        flat = (*seen.shape[:3], -1)
        dw[(..., *tap)] = np.einsum("ngcp,ngop->goc", seen.reshape(flat), gdy.reshape(*gdy.shape[:3], -1)).reshape(
            w.shape[:2]
        )
    inside = tuple(slice(padding, n - padding) for n in wide.shape[2:])
    return y, dwide[(..., *inside)], dw


@st.composite
def geometries(draw, most=3, least=1):
    dims = draw(st.integers(least, most))
    kernel = [draw(st.integers(1, 4)) for _ in range(dims)]
    stride, padding, dilation = (draw(st.integers(low, 3)) for low in (1, 0, 1))
    extent = [draw(st.integers(max(1, dilation * (k - 1) + 1 - 2 * padding), 14)) for k in kernel]
    groups, channels, filters = (draw(st.integers(1, 4)) for _ in range(3))
    return (
        (draw(st.integers(1, 3)), groups * channels, *extent),
        (groups * filters, channels, *kernel),
        {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups},
    )


def numbers(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(sum(map(sum, shapes)))
    return [rng.standard_normal(shape) for shape in shapes]


def run(function, arrays, threads: int) -> list[np.ndarray]:
    """The result and the gradients of both operands; the last array are the result's weights."""
    with jt.flags(threads=threads, wait_for_kernels=True):
        y, pull = jt.vjp(function, *map(jt.array, arrays[:2]))
        return [v.numpy() for v in (y, *pull(jt.array(arrays[2])))]


def out_extents(x, w, stride, padding, dilation, **_):
    return tuple((n + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for n, k in zip(x[2:], w[2:]))


@settings(max_examples=25, deadline=None)
@given(geometries())
def test_convolution_and_its_gradients(geometry):
    x_shape, w_shape, how = geometry
    arrays = numbers(x_shape, w_shape, (x_shape[0], w_shape[0], *out_extents(x_shape, w_shape, **how)))

    found = run(lambda x, w: CONV[len(w_shape) - 2](x, w, None, **how), arrays, 1)

    for one, expected in zip(found, conv_with_gradients(*arrays, **how)):
        np.testing.assert_allclose(one, expected, rtol=1e-12, atol=1e-12)
    for one, other in zip(found, run(lambda x, w: CONV[len(w_shape) - 2](x, w, None, **how), arrays, 3)):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kernel,stride,side", [(16, 16, 48), (8, 8, 40), (6, 5, 23), (4, 3, 9), (7, 16, 55)])
def test_windows_that_move_farther_than_there_are_positions(kernel, stride, side):
    """The pieces of a picture, as a vision transformer takes them: each pixel is seen once or not at all."""
    how = {"stride": stride, "padding": 0, "dilation": 1, "groups": 1}
    shapes = (2, 3, side, side), (20, 3, kernel, kernel)
    arrays = numbers(*shapes, (2, 20, *out_extents(*shapes, **how)))

    found = run(lambda x, w: F.conv2d(x, w, None, **how), arrays, 2)

    for one, expected in zip(found, conv_with_gradients(*arrays, **how)):
        np.testing.assert_allclose(one, expected, rtol=1e-12, atol=1e-12)


# kernel, padding, extents of the map: one image a vector and several, borders on every side, none at all, a line
SMALL_MAPS = [
    (3, 1, (4, 4)),
    (3, 1, (7, 7)),
    (1, 0, (5, 3)),
    (5, 2, (6, 9)),
    (3, 1, (3, 3)),
    (3, 1, (11,)),
    (3, 1, (2, 2)),
]


@pytest.mark.parametrize("kernel, padding, extents", SMALL_MAPS)
@pytest.mark.parametrize("groups", [1, 2])
def test_small_maps_of_many_filters(kernel, padding, extents, groups):
    """Their columns come from the image itself; a filter that serves few positions is read where it is."""
    how = {"stride": 1, "padding": padding, "dilation": 1, "groups": groups}
    shapes = (5, 6, *extents), (groups * 100, 6 // groups, *([kernel] * len(extents)))
    arrays = numbers(*shapes, (5, groups * 100, *extents))
    apply = CONV[len(extents)]

    found = run(lambda x, w: apply(x, w, None, **how), arrays, 2)

    for one, expected in zip(found, conv_with_gradients(*arrays, **how)):
        np.testing.assert_allclose(one, expected, rtol=1e-11, atol=1e-12)
    for dtype in (np.float32, np.float64):
        given = [a.astype(dtype) for a in arrays]
        with jt.flags(without_passes="window"):
            plain = run(lambda x, w: apply(x, w, None, **how), given, 1)
        for one, other in zip(run(lambda x, w: apply(x, w, None, **how), given, 2), plain):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("columns", [8, 33, 71])
@pytest.mark.parametrize("kernel", [(3, 4), (1, 1), (2, 1)])
def test_every_second_column(padding, columns, kernel):
    """Rows longer than two vectors, borders of either parity; also columns that no tap sees."""
    how = {"stride": 2, "padding": padding, "dilation": 1, "groups": 1}
    shapes = (2, 3, 6, columns), (5, 3, *kernel)
    arrays = numbers(*shapes, (2, 5, *out_extents(*shapes, **how)))

    found = run(lambda x, w: F.conv2d(x, w, None, **how), arrays, 2)

    for one, expected in zip(found, conv_with_gradients(*arrays, **how)):
        np.testing.assert_allclose(one, expected, rtol=1e-11, atol=1e-12)
    given = [a.astype(np.float32) for a in arrays]
    with jt.flags(without_passes="window"):
        plain = run(lambda x, w: F.conv2d(x, w, None, **how), given, 1)
    for one, other in zip(run(lambda x, w: F.conv2d(x, w, None, **how), given, 2), plain):
        np.testing.assert_array_equal(one, other)


# (images, channels, rows, columns, kernel, stride, padding, dilation): one vector of planes and less, several; maps of
# less than a vector; more rows than a slab; taps that see borders alone, more of them than accumulators.
DEPTHWISE = [
    (2, 5, 7, 7, (3, 3), 1, 1, 1),
    (3, 16, 5, 9, (5, 5), 1, 2, 1),
    (2, 33, 14, 14, (7, 7), 1, 3, 1),
    (1, 32, 90, 60, (3, 3), 1, 1, 1),
    (2, 20, 33, 17, (3, 2), 2, 1, 1),
    (2, 17, 11, 12, (4, 3), 3, 2, 2),
    (2, 24, 3, 3, (7, 7), 1, 3, 1),
    (4, 6, 1, 40, (1, 5), 1, 2, 1),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", DEPTHWISE)
def test_each_channel_with_its_own_filter(sizes, dtype):
    images, channels, rows, columns, kernel, stride, padding, dilation = sizes
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": channels}
    shapes = (images, channels, rows, columns), (channels, 1, *kernel)
    arrays = numbers(*shapes, (images, channels, *out_extents(*shapes, **how)))
    expected = conv_with_gradients(*arrays, **how)
    given = [a.astype(dtype) for a in arrays]
    given[0][0, 0, 0, 0] = np.inf  # times the zeros of a border: NaN

    def with_epilogue(x, w):
        return F.relu(F.conv2d(x, w, None, **how)) + 1

    def transposed(dy, w):
        return F.conv_transpose2d(dy, w, None, stride, padding, 0, channels, dilation)

    found = []
    for threads, without in ((1, ""), (2, ""), (2, "planes"), (2, "window")):
        with jt.flags(without_passes=without):
            ways = [run(lambda x, w: F.conv2d(x, w, None, **how), [a.astype(dtype) for a in arrays], threads)]
            ways.append(run(lambda x, w: F.conv2d(x, w, None, **how), given, threads))
            ways.append(run(with_epilogue, given, threads))
            x, w, dy = map(jt.array, given)
            up = transposed(dy, w)
            ways.append([v.numpy().copy() for v in (up, *jt.grad((up * up).sum(), [dy, w]))])
            found.append([one for way in ways for one in way])

    tolerance = 1e-3 if dtype == np.float32 else 1e-11
    for one, other in zip(found[0], expected):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    for others in found[1:]:
        for one, other in zip(found[0], others):
            np.testing.assert_array_equal(one, other)


def test_each_channel_with_its_own_filter_reads_a_part_of_an_image():
    x, w, dy = (a.astype(np.float32) for a in numbers((2, 20, 12, 15), (20, 1, 3, 3), (2, 20, 9, 10)))
    how = {"stride": 1, "padding": 1, "dilation": 1, "groups": 20}
    part = np.ascontiguousarray(x[:, :, 2:11, 3:13])

    found = F.conv2d(jt.array(x)[:, :, 2:11, 3:13], jt.array(w), None, **how)

    np.testing.assert_allclose(found.numpy(), conv_with_gradients(part, w, dy, **how)[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found.numpy(), F.conv2d(jt.array(part), jt.array(w), None, **how).numpy())


@settings(max_examples=15, deadline=None)
@given(geometries(2, 2))
def test_transposed_convolution_is_the_gradient_of_a_convolution(geometry):
    x_shape, w_shape, how = geometry
    small = (x_shape[0], w_shape[0], *out_extents(x_shape, w_shape, **how))
    # the transposed convolution gives the smallest input of that output
    extents = [
        (n - 1) * how["stride"] - 2 * how["padding"] + how["dilation"] * (k - 1) + 1
        for n, k in zip(small[2:], w_shape[2:])
    ]
    if min(extents) < 1:
        return
    x, w, dy = numbers(small, w_shape, (*x_shape[:2], *extents))

    y, dx, dw = run(lambda x, w: F.conv_transpose2d(x, w, None, **how), [x, w, dy], 2)

    forward, of_image, _ = conv_with_gradients(dy, w, x, **how)
    np.testing.assert_allclose(y, of_image, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dx, forward, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dw, conv_with_gradients(dy, w, x, **how)[2], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(4, 2, 1), (2, 2, 0), (3, 3, 1), (3, 1, 1), (2, 3, 0)])
def test_transposed_convolution_sums_over_its_input_for_the_filter(kernel, stride, padding):
    """The bits of a convolution's filter gradient with image and cotangent exchanged; gradients of that gradient."""
    how = {"stride": stride, "padding": padding}
    side = (9 - 1) * stride - 2 * padding + kernel
    x, w, v, dy = (
        jt.array(a.astype(np.float32)) for a in numbers((3, 5, 9, 9), *[(5, 4, kernel, kernel)] * 2, (3, 4, side, side))
    )

    dw = jt.grad((F.conv_transpose2d(x, w, **how) * dy).sum(), [w])[0]
    exchanged = jt.grad((F.conv2d(dy, w, **how) * x).sum(), [w])[0]
    of_x, of_dy = jt.grad((dw * v).sum(), [x, dy])

    np.testing.assert_array_equal(dw.numpy(), exchanged.numpy())
    np.testing.assert_allclose(of_x.numpy(), F.conv2d(dy, v, **how).numpy(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(of_dy.numpy(), F.conv_transpose2d(x, v, **how).numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [7, 16, 31])
def test_float32_convolution_as_in_torch(side, stride):
    torch = pytest.importorskip("torch")
    how = {"stride": stride, "padding": 1}
    out = (side - 1) // stride + 1
    arrays = [a.astype(np.float32) for a in numbers((4, 40, side, side), (33, 40, 3, 3), (4, 33, out, out))]

    found = run(lambda x, w: F.conv2d(x, w, None, **how), arrays, 2)

    x, w = (torch.from_numpy(a).double().requires_grad_() for a in arrays[:2])
    y = torch.nn.functional.conv2d(x, w, None, **how)
    y.backward(torch.from_numpy(arrays[2]).double())
    for one, expected in zip(found, (y, x.grad, w.grad)):
        np.testing.assert_allclose(one, expected.detach().numpy(), rtol=1e-4, atol=2e-3)
