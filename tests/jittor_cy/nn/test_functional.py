"""Functions of nn give torch's values and gradients, and say what is wrong with bad arguments."""

from __future__ import annotations

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import nn
from tests.jittor_cy.nn.torch_oracle import array, assert_function_matches, torch

F = torch.nn.functional
SPECIAL = np.array([-100.0, -7.0, -3.0, -1.0, -0.0, 0.0, 0.5, 3.0, 5.0, 7.0, 30.0, 100.0], np.float32)
ACTIVATIONS = {
    "relu": (nn.relu, F.relu),
    "relu6": (nn.relu6, F.relu6),
    "leaky_relu": (nn.leaky_relu, F.leaky_relu),
    "leaky_relu 0.3": (lambda x: nn.leaky_relu(x, 0.3), lambda x: F.leaky_relu(x, 0.3)),
    "gelu": (nn.gelu, F.gelu),
    "gelu tanh": (lambda x: nn.gelu(x, "tanh"), lambda x: F.gelu(x, approximate="tanh")),
    "silu": (nn.silu, F.silu),
    "sigmoid": (nn.sigmoid, torch.sigmoid),
    "tanh": (nn.tanh, torch.tanh),
    "elu": (lambda x: nn.elu(x, 1.5), lambda x: F.elu(x, 1.5)),
    "softplus": (nn.softplus, F.softplus),
    "softplus 2": (lambda x: nn.softplus(x, 2.0, 5.0), lambda x: F.softplus(x, 2.0, 5.0)),
    "mish": (nn.mish, F.mish),
    "softmax": (nn.softmax, lambda x: F.softmax(x, -1)),
    "log_softmax": (nn.log_softmax, lambda x: F.log_softmax(x, -1)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("values", ["normal", "special"])
def test_activation_is_torchs(name, values):
    x = array(3, 12) * 2 if values == "normal" else SPECIAL

    assert_function_matches(*ACTIVATIONS[name], [x])


@pytest.mark.parametrize(("mine", "other"), [(nn.hardswish, F.hardswish), (nn.hardsigmoid, F.hardsigmoid)])
def test_piecewise_activation_is_torchs_between_its_corners(mine, other):
    assert_function_matches(mine, other, [np.array([-9.0, -2.5, -1.0, 0.0, 1.5, 2.9, 4.0], np.float32)])


@pytest.mark.parametrize("name", ["relu", "relu6", "gelu", "silu", "tanh", "elu", "softplus", "leaky_relu"])
def test_activation_keeps_nan(name):
    assert np.isnan(ACTIVATIONS[name][0](jt.array([float("nan")])).numpy()).all()


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_softmax_along_any_axis(dim):
    assert_function_matches(lambda x: nn.softmax(x, dim), lambda x: F.softmax(x, dim), [array(2, 3, 4)])


POOLS = {
    "max": (lambda x: nn.max_pool2d(x, 2), lambda x: F.max_pool2d(x, 2)),
    "max strided, padded": (lambda x: nn.max_pool2d(x, 3, 2, 1), lambda x: F.max_pool2d(x, 3, 2, 1)),
    "max ceil": (
        lambda x: nn.max_pool2d(x, 2, 2, 0, ceil_mode=True),
        lambda x: F.max_pool2d(x, 2, 2, 0, ceil_mode=True),
    ),
    "mean": (lambda x: nn.avg_pool2d(x, 2), lambda x: F.avg_pool2d(x, 2)),
    "mean padded": (lambda x: nn.avg_pool2d(x, 3, 2, 1), lambda x: F.avg_pool2d(x, 3, 2, 1)),
    "mean without padding": (
        lambda x: nn.avg_pool2d(x, 3, 2, 1, False, False),
        lambda x: F.avg_pool2d(x, 3, 2, 1, False, False),
    ),
    "mean ceil": (lambda x: nn.avg_pool2d(x, (2, 3), 2, 0, True), lambda x: F.avg_pool2d(x, (2, 3), 2, 0, True)),
    "max 5x5": (lambda x: nn.max_pool2d(x, 5, 1, 2), lambda x: F.max_pool2d(x, 5, 1, 2)),
    "mean 5x5": (lambda x: nn.avg_pool2d(x, 5, 1, 2), lambda x: F.avg_pool2d(x, 5, 1, 2)),
    "max of all": (lambda x: nn.max_pool2d(x, (7, 5)), lambda x: F.max_pool2d(x, (7, 5))),
    "mean of all": (lambda x: nn.avg_pool2d(x, (7, 5), 3), lambda x: F.avg_pool2d(x, (7, 5), 3)),
    "Pool": (lambda x: nn.Pool(2, 2, op="mean")(x), lambda x: F.avg_pool2d(x, 2, 2)),
    "adaptive 1": (lambda x: nn.adaptive_avg_pool2d(x, 1), lambda x: F.adaptive_avg_pool2d(x, 1)),
    "adaptive uneven": (lambda x: nn.adaptive_avg_pool2d(x, (3, 4)), lambda x: F.adaptive_avg_pool2d(x, (3, 4))),
}


@pytest.mark.parametrize("name", POOLS)
def test_pool_is_torchs(name):
    assert_function_matches(*POOLS[name], [array(2, 3, 7, 5)])


@pytest.mark.parametrize("name", ["max", "mean", "max ceil"])
def test_pool_takes_one_image(name):
    assert_function_matches(*POOLS[name], [array(3, 7, 5)])


def test_max_pool_gradient_goes_to_the_first_of_equal_values():
    assert_function_matches(*POOLS["max"], [np.ones((1, 1, 4, 4), np.float32)])


def test_max_pool_of_negative_values_ignores_padding():
    assert_function_matches(*POOLS["max strided, padded"], [-np.abs(array(1, 2, 5, 5)) - 1])


LABELS = np.array([0, 3, 2, 3, 1, 0])
CROSS_ENTROPIES = {
    "plain": {},
    "sum": {"reduction": "sum"},
    "none": {"reduction": "none"},
    "smoothed": {"label_smoothing": 0.2},
    "ignoring": {"ignore_index": 3},
    "ignoring and smoothed": {"ignore_index": 3, "label_smoothing": 0.1},
}


@pytest.mark.parametrize("name", CROSS_ENTROPIES)
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_is_torchs(name, weighted):
    arguments = CROSS_ENTROPIES[name]
    weight = np.array([0.5, 2.0, 1.0, 0.25], np.float32)
    mine = lambda x, y: nn.cross_entropy(x, y, jt.array(weight) if weighted else None, **arguments)
    other = lambda x, y: F.cross_entropy(x, y, torch.tensor(weight).double() if weighted else None, **arguments)

    assert_function_matches(mine, other, [array(6, 4) * 3, LABELS])


def test_cross_entropy_of_large_logits_does_not_overflow():
    assert_function_matches(nn.cross_entropy, F.cross_entropy, [array(6, 4) * 1000, LABELS])


def test_cross_entropy_of_images_has_classes_on_axis_one():
    labels = np.random.default_rng(0).integers(0, 4, (2, 3, 5))

    assert_function_matches(nn.cross_entropy, F.cross_entropy, [array(2, 4, 3, 5), labels])


def test_cross_entropy_of_one_sample():
    assert_function_matches(nn.cross_entropy, F.cross_entropy, [array(4), np.array(2)])


def test_cross_entropy_of_probabilities():
    target = np.random.default_rng(0).dirichlet(np.ones(4), 6).astype(np.float32)

    assert_function_matches(
        lambda x, y: nn.cross_entropy(x, y, label_smoothing=0.1),
        lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1),
        [array(6, 4), target],
    )


PROBABILITIES = np.random.default_rng(1).uniform(0.01, 0.99, (4, 5)).astype(np.float32)
TARGETS = np.random.default_rng(2).uniform(0.01, 0.99, (4, 5)).astype(np.float32)
LOSSES = {
    "mse": (nn.mse_loss, F.mse_loss, array(4, 5), array(4, 5, seed=1)),
    "l1": (nn.l1_loss, F.l1_loss, array(4, 5), array(4, 5, seed=1)),
    "smooth_l1": (nn.smooth_l1_loss, F.smooth_l1_loss, array(4, 5), array(4, 5, seed=1)),
    "huber": (
        lambda x, y, reduction: nn.huber_loss(x, y, reduction, 0.7),
        lambda x, y, reduction: F.huber_loss(x, y, reduction=reduction, delta=0.7),
        array(4, 5),
        array(4, 5, seed=1),
    ),
    "bce": (nn.binary_cross_entropy, F.binary_cross_entropy, PROBABILITIES, TARGETS),
    "bce with logits": (
        nn.binary_cross_entropy_with_logits,
        F.binary_cross_entropy_with_logits,
        array(4, 5) * 9,
        TARGETS,
    ),
    "kl_div": (nn.kl_div, F.kl_div, np.log(PROBABILITIES), TARGETS),
    "kl_div of logarithms": (
        lambda x, y, reduction: nn.kl_div(x, y, reduction, True),
        lambda x, y, reduction: F.kl_div(x, y, reduction=reduction, log_target=True),
        np.log(PROBABILITIES),
        np.log(TARGETS),
    ),
    "nll": (nn.nll_loss, F.nll_loss, np.log(PROBABILITIES), np.array([0, 4, 2, 1])),
    "nll of images": (nn.nll_loss, F.nll_loss, array(2, 3, 4), np.array([[0, 1, 2, 1], [2, 2, 0, 1]])),
}


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_loss_is_torchs(name, reduction):
    mine, other, x, y = LOSSES[name]

    assert_function_matches(
        lambda x, y: mine(x, y, reduction=reduction), lambda x, y: other(x, y, reduction=reduction), [x, y]
    )


def test_nll_loss_weights_and_ignores():
    x, y, weight = np.log(PROBABILITIES), np.array([0, 4, 2, 1]), np.array([1, 2, 3, 4, 5], np.float32)

    assert_function_matches(
        lambda x, y: nn.nll_loss(x, y, jt.array(weight), 2),
        lambda x, y: F.nll_loss(x, y, torch.tensor(weight).double(), ignore_index=2),
        [x, y],
    )


def test_bce_with_logits_weights_positives():
    weight = np.array([1, 2, 3, 4, 5], np.float32)

    assert_function_matches(
        lambda x, y: nn.binary_cross_entropy_with_logits(x, y, pos_weight=jt.array(weight)),
        lambda x, y: F.binary_cross_entropy_with_logits(x, y, pos_weight=torch.tensor(weight).double()),
        [array(4, 5), TARGETS],
    )


def test_loss_layers_are_their_functions():
    x, y = jt.array(array(6, 4)), jt.array(LABELS)

    assert nn.CrossEntropyLoss(label_smoothing=0.1)(x, y).item() == nn.cross_entropy(x, y, label_smoothing=0.1).item()
    assert nn.NLLLoss(reduction="sum")(x, y).item() == nn.nll_loss(x, y, reduction="sum").item()
    assert nn.MSELoss()(x, x * 2).item() == nn.mse_loss(x, x * 2).item()


SHAPES = {
    "pad": (lambda x: nn.pad(x, (1, 2, 0, 3), value=2.5), lambda x: F.pad(x, (1, 2, 0, 3), value=2.5)),
    "pad negative": (lambda x: nn.pad(x, (-1, 2)), lambda x: F.pad(x, (-1, 2))),
    "flatten": (lambda x: nn.Flatten()(x), lambda x: torch.flatten(x, 1)),
    "nearest twice": (lambda x: nn.interpolate(x, scale_factor=2), lambda x: F.interpolate(x, scale_factor=2)),
    "nearest to a size": (lambda x: nn.interpolate(x, (7, 3)), lambda x: F.interpolate(x, (7, 3))),
    "nearest smaller": (lambda x: nn.interpolate(x, scale_factor=0.6), lambda x: F.interpolate(x, scale_factor=0.6)),
    "normalize": (nn.functional.normalize, F.normalize),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shape_function_is_torchs(name):
    assert_function_matches(*SHAPES[name], [array(2, 3, 4, 5)])


@pytest.mark.parametrize("arguments", [{}, {"is_causal": True}, {"scale": 0.3}])
def test_scaled_dot_product_attention_is_torchs(arguments):
    assert_function_matches(
        lambda q, k, v: nn.scaled_dot_product_attention(q, k, v, **arguments),
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **arguments),
        [array(2, 3, 4, 5, seed=i) for i in range(3)],
    )


def test_one_hot_is_numpys_eye():
    assert nn.one_hot(jt.array([2, 0, 1])).numpy().tolist() == np.eye(3, dtype=int)[[2, 0, 1]].tolist()


x4 = lambda: jt.ones(1, 3, 4, 4)
ERRORS = [
    (lambda: nn.softmax(jt.ones(2, 3), 5), IndexError, r"softmax: dim 5 is out of range for a 2-d var"),
    (lambda: nn.gelu(x4(), "fast"), ValueError, r"gelu: approximate is 'fast'"),
    (lambda: nn.conv2d(jt.ones(2, 3), jt.ones(1, 3, 3, 3)), ValueError, r"conv2d: x has 2 axes"),
    (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, r"Conv2d: 3 and 4 channels do not divide into 2 groups"),
    (lambda: nn.Conv2d(3, 4, (3, 3, 3)), TypeError, r"Conv2d: kernel_size is \(3, 3, 3\)"),
    (lambda: nn.max_pool2d(x4(), 2, padding=2), ValueError, r"max_pool2d: padding \(2, 2\) is more than half"),
    (lambda: nn.Pool(2, op="median"), ValueError, r"Pool: op is 'median'"),
    (lambda: nn.dropout(x4(), 1.5), ValueError, r"dropout: p is 1.5"),
    (lambda: nn.mse_loss(jt.ones(2, 3), jt.ones(2, 1)), ValueError, r"mse_loss: shapes differ, \(2, 3\) and \(2, 1\)"),
    (lambda: nn.mse_loss(jt.ones(2), jt.ones(2), "average"), ValueError, r"mse_loss: reduction is 'average'"),
    (lambda: nn.layer_norm(jt.ones(2, 3), 4), ValueError, r"layer_norm: x is \(2, 3\), which does not end in \(4,\)"),
    (lambda: nn.group_norm(jt.ones(2, 3), 2), ValueError, r"group_norm: .* axis 1 does not divide into 2 groups"),
    (lambda: nn.BatchNorm2d(3)(jt.ones(2, 3)), ValueError, r"BatchNorm2d: x has 2 axes, not 4"),
    (lambda: nn.BatchNorm1d(3)(jt.ones(1, 3)), ValueError, r"batch_norm: .* more than one value for each channel"),
    (lambda: nn.LSTM(3, 4)(jt.ones(5, 2, 4)), ValueError, r"LSTM: x is \(5, 2, 4\), and its last axis should be 3"),
    (lambda: nn.GRU(3, 4)(jt.ones(5, 2, 3), jt.ones(2, 2, 4)), ValueError, r"GRU: the states are \(2, 2, 4\)"),
    (lambda: nn.MultiheadAttention(7, 2), ValueError, r"embed_dim 7 does not divide into 2 heads"),
    (lambda: nn.pad(jt.ones(2), (1,)), ValueError, r"pad: 1 widths for 1 dims"),
    (lambda: nn.interpolate(x4()), ValueError, r"interpolate: give either size or scale_factor"),
    (lambda: nn.init.calculate_gain("swishy"), ValueError, r"calculate_gain: no gain for 'swishy'"),
    (lambda: nn.init.kaiming_uniform((3,)), ValueError, r"fan in and fan out need at least two axes"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=[message[:30] for _, _, message in ERRORS])
def test_mistake_is_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
