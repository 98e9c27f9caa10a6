"""Every layer with parameters gives torch's values and gradients for torch's weights."""

from __future__ import annotations

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import nn
from tests.jittor_cy.nn.torch_oracle import array, assert_layer_matches, torch

tn = torch.nn
LAYERS = {
    "linear": (lambda m: m.Linear(5, 3), [(4, 5)]),
    "linear of one row": (lambda m: m.Linear(5, 3), [(5,)]),
    "linear of a batch of rows": (lambda m: m.Linear(5, 3, bias=False), [(2, 3, 5)]),
    "conv1d": (lambda m: m.Conv1d(4, 6, 3, 2, 1), [(2, 4, 9)]),
    "conv2d": (lambda m: m.Conv2d(3, 8, 3, padding=1), [(2, 3, 7, 6)]),
    "conv2d strided, dilated": (lambda m: m.Conv2d(3, 4, (3, 2), (2, 1), (2, 1), (2, 3)), [(2, 3, 9, 8)]),
    "conv2d in groups": (lambda m: m.Conv2d(4, 6, 3, groups=2, bias=False), [(2, 4, 6, 5)]),
    "conv2d for each channel": (lambda m: m.Conv2d(4, 4, 3, padding=1, groups=4), [(2, 4, 5, 5)]),
    "conv2d of the same size": (lambda m: m.Conv2d(2, 3, (3, 4), padding="same"), [(1, 2, 6, 7)]),
    "conv2d without a batch": (lambda m: m.Conv2d(2, 3, 3), [(2, 6, 7)]),
    "conv3d": (lambda m: m.Conv3d(2, 3, 2, padding=1), [(1, 2, 3, 4, 5)]),
    "conv_transpose2d": (lambda m: m.ConvTranspose2d(3, 4, 3), [(2, 3, 4, 5)]),
    "conv_transpose2d strided": (lambda m: m.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), [(2, 4, 4, 3)]),
    "batch_norm1d": (lambda m: m.BatchNorm1d(4), [(6, 4)]),
    "batch_norm1d of sequences": (lambda m: m.BatchNorm1d(4), [(3, 4, 5)]),
    "batch_norm2d": (lambda m: m.BatchNorm2d(3), [(4, 3, 5, 2)]),
    "batch_norm2d evaluating": (lambda m: m.BatchNorm2d(3).eval(), [(4, 3, 5, 2)]),
    "batch_norm2d untracked": (lambda m: m.BatchNorm2d(3, track_running_stats=False), [(4, 3, 5, 2)]),
    "layer_norm": (lambda m: m.LayerNorm(6), [(3, 4, 6)]),
    "layer_norm of two axes": (lambda m: m.LayerNorm((4, 6)), [(3, 4, 6)]),
    "group_norm": (lambda m: m.GroupNorm(2, 6), [(3, 6, 4, 2)]),
    "instance_norm": (lambda m: m.InstanceNorm2d(3, affine=True), [(2, 3, 4, 5)]),
    "rms_norm": (lambda m: m.RMSNorm(6), [(3, 6)]),
    "prelu": (lambda m: m.PReLU(3), [(2, 3, 4)]),
    "rnn": (lambda m: m.RNN(3, 4), [(5, 2, 3)]),
    "rnn with relu": (lambda m: m.RNN(3, 4, nonlinearity="relu"), [(5, 2, 3)]),
    "lstm": (lambda m: m.LSTM(3, 4), [(5, 2, 3)]),
    "lstm of two layers, both ways": (lambda m: m.LSTM(3, 4, 2, bidirectional=True), [(4, 2, 3)]),
    "lstm batch first": (lambda m: m.LSTM(3, 4, batch_first=True), [(2, 5, 3)]),
    "lstm without a batch": (lambda m: m.LSTM(3, 4, bias=False), [(5, 3)]),
    "gru": (lambda m: m.GRU(3, 4, 2), [(5, 2, 3)]),
    "gru with a state": (lambda m: m.GRU(3, 4), [(5, 2, 3), (1, 2, 4)]),
    "attention": (lambda m: m.MultiheadAttention(8, 2), [(4, 3, 8), (5, 3, 8), (5, 3, 8)]),
    "attention batch first": (lambda m: m.MultiheadAttention(8, 4, batch_first=True), [(3, 4, 8)] * 3),
    "attention of other sizes": (
        lambda m: m.MultiheadAttention(8, 2, kdim=6, vdim=4),
        [(4, 3, 8), (5, 3, 6), (5, 3, 4)],
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer_gives_torchs_values_and_gradients(name):
    make, shapes = LAYERS[name]
    torch.manual_seed(1)

    assert_layer_matches(make(nn), make(tn), [array(*shape, seed=i) for i, shape in enumerate(shapes)])


@pytest.mark.parametrize("name", LAYERS)
def test_layer_repr_and_initial_shapes_are_torchs(name):
    make, _ = LAYERS[name]

    mine, other = make(nn), make(tn)

    assert {k: tuple(v.shape) for k, v in mine.state_dict().items()} == {
        k: tuple(v.shape) for k, v in other.state_dict().items()
    }
    assert repr(mine).split("(")[0] == repr(other).split("(")[0]


@pytest.mark.parametrize(
    "make",
    [lambda m: m.Linear(400, 300), lambda m: m.Conv2d(30, 40, 3), lambda m: m.LSTM(200, 100)],
    ids=["linear", "conv2d", "lstm"],
)
def test_initial_values_have_torchs_distribution(make):
    jt.seed(3)

    mine, other = make(nn).state_dict(to="numpy"), make(tn).state_dict()

    for key, value in mine.items():
        expected = other[key].numpy()
        assert abs(value).max() <= abs(expected).max() * 1.05  # uniform: the bound is nearly reached
        assert value.std() == pytest.approx(expected.std(), rel=0.15)


def test_batch_norm_moves_its_running_statistics_as_torchs():
    mine, other = nn.BatchNorm2d(3, momentum=0.3), tn.BatchNorm2d(3, momentum=0.3)

    for i in range(3):
        x = array(4, 3, 5, 2, seed=i) * (i + 1) + i
        mine(jt.array(x))
        other(torch.tensor(x))

    np.testing.assert_allclose(mine.running_mean.numpy(), other.running_mean.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(mine.running_var.numpy(), other.running_var.numpy(), rtol=1e-5)
    assert mine.num_batches_tracked.item() == 3


def test_batch_norm_without_momentum_averages_all_batches():
    mine, other = nn.BatchNorm1d(3, momentum=None), tn.BatchNorm1d(3, momentum=None)

    for i in range(3):
        x = array(8, 3, seed=i)
        mine(jt.array(x))
        other(torch.tensor(x))

    np.testing.assert_allclose(mine.running_mean.numpy(), other.running_mean.numpy(), rtol=1e-5, atol=1e-6)


def test_batch_norm_in_evaluation_leaves_its_statistics_alone():
    layer = nn.BatchNorm1d(3).eval()

    layer(jt.array(array(4, 3)))

    assert layer.running_mean.numpy().tolist() == [0.0, 0.0, 0.0]


def test_embedding_gives_torchs_rows_and_gradients():
    mine, other = nn.Embedding(7, 4), tn.Embedding(7, 4)

    assert_layer_matches(mine, other, [np.array([[1, 3], [3, 6]])])


def test_embedding_padding_row_is_zero_and_gets_no_gradient():
    layer = nn.Embedding(5, 3, padding_idx=1)
    index = jt.array([1, 2])

    (gradient,) = jt.grad(layer(index).sum(), [layer.weight])

    assert layer.weight.numpy()[1].tolist() == [0.0, 0.0, 0.0]
    assert gradient.numpy()[:3].tolist() == [[0.0] * 3, [0.0] * 3, [1.0] * 3]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", ["bool", "float"])
def test_attention_masks_are_torchs(causal, kind):
    x = array(2, 5, 8)
    padding = np.array([[False] * 5, [False, False, False, True, True]])
    mask = np.triu(np.ones((5, 5), bool), 1) if causal else np.zeros((5, 5), bool)
    mask = mask if kind == "bool" else np.where(mask, -np.inf, 0.25).astype(np.float32)
    padding = padding if kind == "bool" else np.where(padding, -np.inf, 0.0).astype(np.float32)
    mine, other = nn.MultiheadAttention(8, 2, batch_first=True), tn.MultiheadAttention(8, 2, batch_first=True)
    mine.load_state_dict({k: v.numpy() for k, v in other.state_dict().items()})

    got, weights = mine(*[jt.array(x)] * 3, key_padding_mask=jt.array(padding), attn_mask=jt.array(mask))
    expected, their_weights = other(
        *[torch.tensor(x)] * 3, key_padding_mask=torch.tensor(padding), attn_mask=torch.tensor(mask)
    )

    np.testing.assert_allclose(got.numpy(), expected.detach().numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(weights.numpy(), their_weights.detach().numpy(), rtol=1e-4, atol=1e-6)


def test_dropout_zeroes_the_fraction_p_and_scales_the_rest():
    jt.seed(0)

    y = nn.Dropout(0.25)(jt.ones(100_000)).numpy()

    assert set(np.unique(y).tolist()) == {0.0, np.float32(1 / 0.75).item()}
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.01)


def test_dropout_gradient_goes_through_the_same_mask():
    x = jt.ones(1000)

    y = nn.dropout(x, 0.5)
    (gradient,) = jt.grad(y.sum(), [x])

    assert gradient.numpy().tolist() == y.numpy().tolist()


def test_dropout_masks_follow_from_the_seed_and_differ_between_calls():
    jt.seed(5)
    first, second = nn.dropout(jt.ones(64)), nn.dropout(jt.ones(64))
    jt.seed(5)
    again = nn.dropout(jt.ones(64))

    assert first.numpy().tolist() == again.numpy().tolist()
    assert first.numpy().tolist() != second.numpy().tolist()


def test_dropout_passes_everything_in_evaluation():
    layer = nn.Dropout(0.9).eval()

    assert layer(jt.ones(5)).numpy().tolist() == [1.0] * 5


def test_dropout_of_everything_is_zero():
    assert nn.dropout(jt.ones(5), 1.0).numpy().tolist() == [0.0] * 5
