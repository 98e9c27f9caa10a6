"""Optimizers take torch's steps, in all their settings; their state moves to and from files."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import nn, optim

STEPS = 6
SETTINGS = {
    "sgd": ("SGD", {"lr": 0.1}),
    "sgd decay": ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    "momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "momentum damped": ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    "nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    "sgd up": ("SGD", {"lr": 0.01, "maximize": True}),
    "adam": ("Adam", {"lr": 0.1}),
    "adam decay": ("Adam", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    "amsgrad": ("Adam", {"lr": 0.1, "betas": (0.5, 0.6), "amsgrad": True}),
    "adam up": ("Adam", {"lr": 0.01, "maximize": True}),
    "adamw": ("AdamW", {"lr": 0.1}),
    "adamw amsgrad": ("AdamW", {"lr": 0.1, "weight_decay": 0.3, "amsgrad": True}),
}


def start() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(np.float32) for shape in [(3, 4), (5,), ()]]


def loss_of(params, step):
    """A loss whose gradient changes with the step and the parameters."""
    return sum(((p - 0.1 * step) ** 2 * (i + 1)).sum() + p.sum() for i, p in enumerate(params))


def run(name: str, idiom: str, steps: int = STEPS) -> list[jt.Var]:
    kind, settings = SETTINGS[name]
    params = [nn.Parameter(value) for value in start()]
    optimizer = getattr(optim, kind)(params, **settings)
    for step in range(steps):
        if idiom == "jittor":
            optimizer.step(loss_of(params, step))
        elif idiom == "torch":
            optimizer.zero_grad()
            loss_of(params, step).backward()
            optimizer.step()
        else:
            optimizer.backward(loss_of(params, step))
            optimizer.step()
    return params


@pytest.mark.parametrize("idiom", ["jittor", "torch", "backward"])
@pytest.mark.parametrize("name", SETTINGS)
def test_optimizer_takes_torchs_steps(name, idiom):
    torch = pytest.importorskip("torch")
    kind, settings = SETTINGS[name]
    expected = [torch.tensor(value, requires_grad=True) for value in start()]
    optimizer = getattr(torch.optim, kind)(expected, **settings)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss_of(expected, step).backward()
        optimizer.step()

    got = run(name, idiom)

    for mine, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(mine.numpy(), other.detach().numpy(), rtol=2e-5, atol=2e-6)


def test_positional_order_is_pytorchs():
    assert optim.SGD([nn.Parameter(jt.ones(1))], 0.1, 0.9, 0.2, 0.3).param_groups[0]["dampening"] == 0.2
    assert optim.Adam([nn.Parameter(jt.ones(1))], 0.1, (0.5, 0.6), 1e-4, 0.2).param_groups[0]["weight_decay"] == 0.2


def test_step_leaves_its_updates_pending(settled):
    params = [nn.Parameter(jt.ones(3))]
    optimizer = optim.SGD(params, 0.5)
    jt.sync_all()

    optimizer.step(params[0].sum())

    assert not params[0].realized
    assert params[0].numpy().tolist() == [0.5] * 3


def test_reading_the_loss_before_step_changes_nothing():
    p = nn.Parameter(jt.array([2.0]))
    optimizer = optim.SGD([p], 0.1)

    loss = (p * p).sum()
    value = loss.item()
    optimizer.step(loss)

    assert value == 4.0
    assert p.item() == pytest.approx(1.6)


def test_groups_have_their_own_settings_and_lr_sets_all():
    a, b = nn.Parameter(jt.ones(1)), nn.Parameter(jt.ones(1))
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.25)

    optimizer.step((a + b).sum())
    first = [a.item(), b.item()]
    optimizer.lr = 0.125
    optimizer.step((a + b).sum())

    assert first == [0.75, 0.5]
    assert [a.item(), b.item()] == [0.625, 0.375]


def test_parameter_without_a_path_is_left_alone():
    used, unused = nn.Parameter(jt.ones(1)), nn.Parameter(jt.ones(1))

    optim.SGD([used, unused], 0.5, weight_decay=0.5).step((used * 2).sum())

    assert unused.item() == 1.0
    assert used.item() == -0.25


def test_frozen_parameter_is_left_alone():
    a, b = nn.Parameter(jt.ones(1)), nn.Parameter(jt.ones(1))
    optimizer = optim.SGD([a, b], 0.5)
    b.requires_grad = False

    optimizer.step((a * b).sum())

    assert [a.item(), b.item()] == [0.5, 1.0]


def test_gradients_of_several_backwards_add_up():
    p = nn.Parameter(jt.ones(1))
    optimizer = optim.SGD([p], 0.125)

    optimizer.backward(p.sum())
    optimizer.backward((3 * p).sum())
    optimizer.step()

    assert p.item() == 0.5
    assert p.grad is None


@pytest.mark.parametrize("name", ["momentum", "amsgrad", "adamw"])
def test_state_dict_goes_on_where_it_was(name):
    kind, settings = SETTINGS[name]
    expected = run(name, "jittor")
    first = [nn.Parameter(value) for value in start()]
    optimizer = getattr(optim, kind)(first, **settings)
    for step in range(3):
        optimizer.step(loss_of(first, step))
    state = copy.deepcopy(optimizer.state_dict())

    second = [nn.Parameter(value) for value in first]
    other = getattr(optim, kind)(second, lr=7.0)
    other.load_state_dict(state)
    for step in range(3, STEPS):
        other.step(loss_of(second, step))

    for mine, wanted in zip(second, expected, strict=True):
        assert mine.numpy().tolist() == wanted.numpy().tolist()


def test_state_dict_of_torch_is_taken():
    torch = pytest.importorskip("torch")
    theirs = [torch.tensor(value, requires_grad=True) for value in start()]
    source = torch.optim.Adam(theirs, lr=0.1)
    loss_of(theirs, 0).backward()
    source.step()

    params = [nn.Parameter(p.detach().numpy()) for p in theirs]
    optimizer = optim.Adam(params)
    optimizer.load_state_dict(source.state_dict())
    source.zero_grad()
    loss_of(theirs, 1).backward()
    source.step()
    optimizer.step(loss_of(params, 1))

    for mine, other in zip(params, theirs, strict=True):
        np.testing.assert_allclose(mine.numpy(), other.detach().numpy(), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("norm_type", [2.0, 1.0, float("inf")])
def test_clip_grad_norm_is_torchs(norm_type):
    torch = pytest.importorskip("torch")
    mine, other = [nn.Parameter(v) for v in start()], [torch.tensor(v, requires_grad=True) for v in start()]
    loss_of(mine, 1).backward()
    loss_of(other, 1).backward()

    norm = optim.clip_grad_norm_(mine, 1.5, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(other, 1.5, norm_type)

    assert norm.item() == pytest.approx(expected.item(), rel=1e-5)
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-5)


def test_clip_grad_norm_leaves_small_gradients_alone():
    p = nn.Parameter(jt.ones(4))
    p.sum().backward()

    optim.clip_grad_norm_([p], 100.0)

    assert p.grad.numpy().tolist() == [1.0] * 4


def one() -> jt.Var:
    return nn.Parameter(jt.ones(1))


ERRORS = [
    (lambda: optim.SGD([], 0.1), ValueError, "SGD: there are no parameters"),
    (lambda: optim.SGD([np.ones(2)], 0.1), TypeError, "SGD: parameters must be Vars, found ndarray"),
    (lambda: optim.SGD([one()], 0.1, nesterov=True), ValueError, "SGD: nesterov needs momentum"),
    (lambda: optim.Adam([one()], betas=(0.9, 1.0)), ValueError, r"Adam: .*betas are within"),
    (lambda: optim.AdamW([{"params": [one()], "rate": 1}]), ValueError, r"AdamW: unknown settings \['rate'\]"),
    (lambda: optim.SGD([one()], 0.1).step(3.0), TypeError, "SGD.step: loss must be a Var, found float"),
    (lambda: optim.SGD([one()], 0.1).step(jt.ones(1).sum()), RuntimeError, "SGD.step: the loss reaches no parameter"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=[message[:30] for _, _, message in ERRORS])
def test_mistake_is_named(call, kind, message):
    with pytest.raises(kind, match=f"(?s){message}"):
        call()


def test_parameter_given_twice_is_refused():
    p = one()

    with pytest.raises(ValueError, match="SGD: a parameter is given twice"):
        optim.SGD([p, p], 0.1)


def test_load_state_dict_of_other_sizes_is_refused():
    with pytest.raises(ValueError, match=r"SGD.load_state_dict: groups of \[2\] parameters, here of \[1\]"):
        optim.SGD([one()], 0.1).load_state_dict(optim.SGD([one(), one()], 0.1).state_dict())
