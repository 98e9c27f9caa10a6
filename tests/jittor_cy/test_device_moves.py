"""Moves between devices: gradients come back through them, constants of formulas follow their operands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy.errors import DeviceError

X = [1.0, 2.0, 3.0]


@pytest.fixture(scope="module")
def on_cpu() -> jt.Var:
    return jt.array(X)


@pytest.fixture(autouse=True)
def cuda(on_cpu: jt.Var):
    """New Vars live on the simulated GPU; `on_cpu` was made before."""
    with jt.flags(simulate_cuda=True, use_cuda=True):
        yield
        jt.sync_all()


@pytest.mark.parametrize(
    "move",
    [jt.Var.cpu, lambda x: x.to("cpu"), lambda x: x.to(device="cpu", dtype="float64"), lambda x: x.cpu().cuda().cpu()],
    ids=["cpu", "to", "with dtype", "there and back"],
)
def test_gradient_comes_back_from_the_cpu(move: Callable[[jt.Var], jt.Var]) -> None:
    x = jt.array(X)

    y = move(x)
    found = jt.grad((y * y).sum(), x)

    assert (str(y.device), str(found.device), str(found.dtype)) == ("cpu", "cuda:0", "float32")
    assert found.tolist() == [2.0, 4.0, 6.0]


def test_gradient_comes_back_from_the_gpu(on_cpu: jt.Var) -> None:
    other = jt.array([10.0, 20.0, 30.0])

    to_cpu, to_gpu = jt.grad((on_cpu.cuda() * other).sum(), [on_cpu, other])

    assert (str(to_cpu.device), str(to_gpu.device)) == ("cpu", "cuda:0")
    assert to_cpu.tolist() == [10.0, 20.0, 30.0]
    assert to_gpu.tolist() == X


def test_second_gradient_goes_through_a_move() -> None:
    x = jt.array(X)

    first = jt.grad((x.cpu() ** 3).sum(), x)
    second = jt.grad(first.sum(), x)

    assert first.tolist() == [3.0, 12.0, 27.0]
    assert second.tolist() == [6.0, 12.0, 18.0]


def test_backward_adds_both_paths_of_a_trained_var() -> None:
    w = jt.array(X).requires_grad_()

    ((w.cpu() * 2).sum().cuda() + w.sum()).backward()

    assert (w.grad.tolist(), str(w.grad.device)) == ([3.0, 3.0, 3.0], "cuda:0")


def test_var_made_on_a_device_is_a_leaf() -> None:
    w = jt.zeros(2, device="cpu").requires_grad_()

    ((w + 3) * w).sum().backward()

    assert (w.grad.tolist(), str(w.grad.device)) == ([3.0, 3.0], "cpu")


@pytest.mark.parametrize(
    "stopped", [lambda x: x.detach().cuda(), lambda x: jt.no_grad()(x.cuda)()], ids=["detach", "no_grad"]
)
def test_move_of_a_stopped_var_has_no_gradient(on_cpu: jt.Var, stopped: Callable[[jt.Var], jt.Var]) -> None:
    assert stopped(on_cpu).requires_grad is False


def test_target_without_a_path_gets_zeros_on_its_own_device(on_cpu: jt.Var) -> None:
    found = jt.grad(jt.array(X).sum(), on_cpu)

    assert (found.tolist(), str(found.device)) == ([0.0, 0.0, 0.0], "cpu")


FORMULAS: list[tuple[str, Callable[[jt.Var], jt.Var], Any]] = [
    ("number", lambda x: 1.0 - x * 2, [-2, -2, -2]),
    ("relu", jt.nn.relu, [1, 1, 1]),
    ("max", lambda x: x.max(), [0, 0, 1]),
    ("prod", lambda x: x.prod(), [6, 3, 2]),
    ("mean", lambda x: x.mean(), [1 / 3] * 3),
    ("log_softmax", lambda x: jt.log_softmax(x, 0).sum(), 1 - 3 * np.exp(X) / np.exp(X).sum()),
]


@pytest.mark.parametrize("function,expected", [row[1:] for row in FORMULAS], ids=[row[0] for row in FORMULAS])
def test_formula_stays_where_its_operands_are(
    on_cpu: jt.Var, function: Callable[[jt.Var], jt.Var], expected: Any
) -> None:
    found = jt.grad(function(on_cpu).sum(), on_cpu)

    assert str(found.device) == "cpu"
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


def test_vars_of_two_devices_are_an_error_that_says_what_to_do(on_cpu: jt.Var) -> None:
    with pytest.raises(DeviceError, match=r"(?s)cpu and cuda:0.*\.to\(device\)"):
        on_cpu + jt.zeros(3)
