"""Arguments of PyTorch's functions that have a meaning in some cases only: unbatched, empty, statistics, limits."""

from __future__ import annotations

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import nn
from tests.jittor_cy.closeness import close
from tests.jittor_cy.nn.torch_oracle import array, assert_function_matches, torch

F = torch.nn.functional
ROW = np.log(np.array([0.5, 0.2, 0.3], np.float32))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("target", [np.array(1), np.array([1])])
def test_nll_loss_of_one_sample(reduction: str, target: np.ndarray) -> None:
    close(nn.nll_loss(jt.array(ROW), jt.array(target), reduction=reduction), -np.log(0.2))


def test_nll_loss_of_one_sample_weighs_and_ignores() -> None:
    x, target, weight = jt.array(ROW), jt.array(1), jt.array([1.0, 2.0, 3.0])

    close(nn.nll_loss(x, target, weight, reduction="none"), -2 * np.log(0.2))
    close(nn.nll_loss(x, target, weight), -np.log(0.2))
    assert np.isnan(nn.nll_loss(x, target, ignore_index=1).item())
    assert jt.grad(nn.nll_loss(x, target), x).tolist() == [0.0, -1.0, 0.0]


def test_nll_loss_of_one_sample_takes_one_target() -> None:
    with pytest.raises(jt.ShapeError, match="nll_loss: x has 1 axes"):
        nn.nll_loss(jt.array(ROW), jt.array([0, 1]))


@pytest.mark.parametrize("target", [np.array(1), np.array([1])])
def test_cross_entropy_of_one_sample_takes_either_shape_of_target(target: np.ndarray) -> None:
    close(nn.cross_entropy(jt.array(ROW), jt.array(target)), -np.log(0.2))


def test_conv_transpose2d_takes_one_image() -> None:
    assert_function_matches(
        lambda x, w: nn.conv_transpose2d(x, w, stride=2),
        lambda x, w: F.conv_transpose2d(x, w, stride=2),
        [array(3, 4, 5), array(3, 2, 2, 3, seed=1)],
    )


@pytest.mark.parametrize("training", [False, True])
def test_batch_norm_of_no_samples_leaves_the_running_statistics(training: bool) -> None:
    x, mean, variance, weight = jt.zeros(0, 3, 4), jt.array([1.0, 2.0, 3.0]), jt.ones(3), jt.ones(3)

    y = nn.batch_norm(x, mean, variance, weight, weight, training)

    assert y.shape == (0, 3, 4)
    assert mean.tolist() == [1.0, 2.0, 3.0]
    assert jt.grad(y.sum(), weight).tolist() == [0.0] * 3


@pytest.mark.parametrize("shape", [(0, 2), (0, 6, 3), (2, 6, 0)])
def test_group_norm_of_no_elements_keeps_the_shape(shape: tuple[int, ...]) -> None:
    assert nn.group_norm(jt.zeros(*shape), 2, jt.ones(shape[1])).shape == shape


def test_instance_norm_moves_the_running_statistics() -> None:
    values = array(4, 3, 5, 2)
    mean, variance = jt.zeros(3), jt.ones(3)

    y = nn.instance_norm(jt.array(values), mean, variance, momentum=0.25)

    wide = values.astype(np.float64)
    spread = np.sqrt(wide.var((2, 3), keepdims=True) + 1e-5)
    close(y, (wide - wide.mean((2, 3), keepdims=True)) / spread, 1e-5)
    close(mean, 0.25 * wide.mean((0, 2, 3)), 1e-5)
    close(variance, 0.75 + 0.25 * wide.var((2, 3), ddof=1).mean(0), 1e-5)


def test_instance_norm_by_running_statistics() -> None:
    values, mean, variance = array(2, 3, 4), np.array([1, 2, 3], np.float32), np.array([4, 9, 16], np.float32)
    weight = np.array([2, 3, 4], np.float32)
    expected = (values - mean[:, None]) / np.sqrt(variance[:, None] + 0.5) * weight[:, None]
    arrays = [jt.array(a) for a in (values, mean, variance, weight)]

    close(nn.instance_norm(*arrays, use_input_stats=False, eps=0.5), expected, 1e-5)
    assert arrays[1].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("given", [True, False])
def test_nearest_takes_the_factor_of_the_sizes_where_asked(given: bool) -> None:
    values = np.arange(7, dtype=np.float32).reshape(1, 1, 7)
    factor = 7 / 4 if given else 1 / 0.6
    expected = values[..., [int(i * factor) for i in range(4)]]

    found = nn.interpolate(jt.array(values), scale_factor=0.6, align_corners=None, recompute_scale_factor=given)

    close(found, expected)


def test_max_pool_has_pytorchs_positions() -> None:
    x = jt.arange(9.0).reshape(1, 1, 3, 3)

    assert nn.max_pool2d(x, 2, 2, 0, 1).shape == (1, 1, 1, 1)
    assert nn.max_pool2d(x, 2, 2, 0, 1, True).shape == (1, 1, 2, 2)
    assert nn.max_pool1d(x[0], 2, 2, 0, [1], True).shape == (1, 3, 2)
    assert nn.MaxPool2d(2, 2, 0, 1, False, True)(x).shape == (1, 1, 2, 2)


x3 = lambda: jt.ones(1, 3, 4)
LIMITS = [
    (lambda: nn.max_pool1d(x3(), 2, dilation=2), ValueError, r"max_pool1d: dilation is 2, only 1 is there"),
    (lambda: nn.max_pool2d(x3(), 2, 2, 0, True), TypeError, r"max_pool2d: dilation is True\n.*give ceil_mode by its"),
    (lambda: nn.max_pool2d(x3(), 2, return_indices=True), ValueError, r"max_pool2d: return_indices is True"),
    (lambda: nn.MaxPool1d(2, dilation=3), ValueError, r"MaxPool1d: dilation is 3, only 1 is there"),
    (lambda: nn.interpolate(x3(), 2, align_corners=True), ValueError, r"interpolate: align_corners is True"),
    (lambda: nn.interpolate(x3(), 2, antialias=True), ValueError, r"interpolate: .* antialias True"),
    (lambda: nn.interpolate(x3(), 2, mode="linear"), ValueError, r"interpolate: mode is 'linear'"),
    (lambda: nn.instance_norm(x3(), use_input_stats=False), ValueError, r"instance_norm: without use_input_stats"),
    (lambda: nn.instance_norm(jt.ones(2, 3, 1)), ValueError, r"instance_norm: .* more than one value"),
]


@pytest.mark.parametrize(("call", "kind", "message"), LIMITS, ids=[message[:30] for _, _, message in LIMITS])
def test_limitation_is_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
