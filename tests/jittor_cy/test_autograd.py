"""Gradients: grad and backward, their reports and modes, hooks, user functions; torch's idiom and Jittor's."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy.errors import GradientError

X = np.array([0.5, -1.0, 2.0], np.float32)


def test_grad_of_one_target_is_a_var_and_of_several_a_list() -> None:
    x, y = jt.array(X), jt.array(X + 1)
    loss = (x * y).sum()

    assert jt.grad(loss, x).tolist() == y.tolist()
    np.testing.assert_array_equal([g.numpy() for g in jt.grad(loss, [x, y])], [X + 1, X])


@pytest.mark.parametrize("order,factor,power", [(1, 4, 3), (2, 12, 2), (3, 24, 1)])
def test_gradients_of_any_order(order: int, factor: float, power: int) -> None:
    x = jt.array(X)
    y = (x**4).sum()

    for _ in range(order):
        g = jt.grad(y, x)
        y = g.sum()

    np.testing.assert_allclose(g.numpy(), factor * X**power, rtol=1e-5)


def test_grad_of_an_inner_value() -> None:
    x = jt.array(X)
    y = x * 3
    loss = (y * y).sum()

    np.testing.assert_allclose(jt.grad(loss, y).numpy(), 6 * X)


def test_grad_with_weights_is_a_vjp() -> None:
    x = jt.array(X)

    np.testing.assert_allclose(jt.grad(x * x, x, grad_outputs=jt.array([1.0, 2.0, 3.0])).numpy(), 2 * X * [1, 2, 3])
    value, pull = jt.vjp(lambda a: a * a, x)
    np.testing.assert_allclose(pull(jt.array([1.0, 2.0, 3.0])).numpy(), 2 * X * [1, 2, 3])
    np.testing.assert_allclose(value.numpy(), X * X)


def test_unused_target_gets_zeros_and_a_reason() -> None:
    x, unused, cut = jt.array(X), jt.array(X), jt.array(X)

    found = jt.grad((x + (cut * 2).detach()).sum(), [x, unused, cut])

    assert found[1].tolist() == found[2].tolist() == [0.0, 0.0, 0.0]
    assert jt.autograd.last_report[0] == ""
    assert "unused" in jt.autograd.last_report[1]
    assert "stopped" in jt.autograd.last_report[2] and "test_autograd.py" in jt.autograd.last_report[2]


@pytest.mark.parametrize(
    "loss,words",
    [
        (lambda x: x * 2, "one element"),
        (lambda x: x.int().sum(), "must be floating"),
    ],
)
def test_loss_that_has_no_gradient_is_an_error(loss: Any, words: str) -> None:
    x = jt.array(X)

    with pytest.raises(GradientError, match=words):
        jt.grad(loss(x), x)


def test_released_path_is_an_error_that_says_what_to_do() -> None:
    x = jt.array(X)
    loss = (x * x).sum()
    jt.grad(loss, x, retain_graph=False)

    with pytest.raises(GradientError, match="retain_graph=True"):
        jt.grad(loss, x)


def test_backward_fills_and_adds_to_grad_of_trained_vars() -> None:
    w, data = jt.array(X).requires_grad_(), jt.array(X)

    (w * data).sum().backward()
    (w * data).sum().backward()

    np.testing.assert_allclose(w.grad.numpy(), 2 * X)
    assert data.grad is None


def test_backward_without_trained_vars_is_an_error() -> None:
    with pytest.raises(GradientError, match="requires_grad_"):
        (jt.array(X) * 2).sum().backward()


def test_backward_of_several_elements_needs_weights() -> None:
    w = jt.array(X).requires_grad_()

    (w * 2).backward(jt.array([1.0, 0.0, 3.0]))

    assert w.grad.tolist() == [2.0, 0.0, 6.0]


def test_gradient_descent_by_hand_keeps_the_var_trained() -> None:
    w = jt.array([4.0]).requires_grad_()

    for _ in range(3):
        w.grad = None
        (w * w).sum().backward()
        with jt.no_grad():
            w -= 0.25 * w.grad

    assert w.tolist() == [0.5]
    assert w.is_leaf and w.requires_grad


def test_reading_a_loss_before_its_gradient_changes_nothing() -> None:
    w = jt.array(X)
    loss = (w.exp() * w).sum()
    loss.item()

    np.testing.assert_allclose(jt.grad(loss, w).numpy(), np.exp(X) * (X + 1), rtol=1e-5)


def test_no_grad_records_no_path() -> None:
    x = jt.array(X)

    with jt.no_grad():
        y = x * 2
        assert not jt.is_grad_enabled()
        with jt.enable_grad():
            z = x * 3
    assert jt.is_grad_enabled()

    assert not y.requires_grad
    assert jt.grad((y + z).sum(), x).tolist() == [3.0, 3.0, 3.0]


def test_no_grad_decorates_and_survives_an_exception() -> None:
    @jt.no_grad()
    def fails(x: jt.Var) -> None:
        raise KeyError(x.shape)

    with pytest.raises(KeyError):
        fails(jt.array(X))

    assert jt.is_grad_enabled()


@pytest.mark.parametrize(
    "stop", [lambda x: x.detach(), lambda x: x.clone().stop_grad(), lambda x: x.clone().requires_grad_(False)]
)
def test_stopped_gradients_do_not_pass(stop: Any) -> None:
    x = jt.array(X)

    found = jt.grad((stop(x) * x).sum(), x)

    np.testing.assert_allclose(found.numpy(), X)


def test_start_grad_lets_gradients_pass_again() -> None:
    x = jt.array(X).stop_grad()

    x.start_grad()

    assert jt.grad((x * 2).sum(), x).tolist() == [2.0, 2.0, 2.0]


def test_hook_sees_and_replaces_the_gradient() -> None:
    x, seen = jt.array(X), []

    def hook(g: jt.Var) -> jt.Var:
        seen.append(g.tolist())
        return g * 10

    handle = x.register_hook(hook)
    found = jt.grad((x * 2).sum(), x)
    handle.remove()
    plain = jt.grad((x * 2).sum(), x)

    assert seen == [[2.0, 2.0, 2.0]]
    assert found.tolist() == [20.0, 20.0, 20.0]
    assert plain.tolist() == [2.0, 2.0, 2.0]


def test_hook_of_a_trained_var_holds_after_an_update() -> None:
    w = jt.array([1.0]).requires_grad_()
    w.register_hook(lambda g: g * 5)

    w.update(jt.array([3.0]))
    (w * w).sum().backward()

    assert w.grad.tolist() == [30.0]


def test_exception_in_a_hook_passes_and_leaves_the_graph() -> None:
    x = jt.array(X)
    handle = x.register_hook(lambda g: 1 / 0)
    loss = (x * x).sum()

    with pytest.raises(ZeroDivisionError):
        jt.grad(loss, x)
    handle.remove()

    np.testing.assert_allclose(jt.grad(loss, x).numpy(), 2 * X)


class Cube(jt.Function):
    """Jittor's style."""

    def execute(self, x: jt.Var) -> jt.Var:
        self.x = x
        return x * x * x

    def grad(self, dy: jt.Var) -> jt.Var:
        return dy * 3 * self.x * self.x


class TorchCube(jt.Function):
    """PyTorch's style."""

    @staticmethod
    def forward(ctx: Any, x: jt.Var) -> jt.Var:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, dy: jt.Var) -> jt.Var:
        (x,) = ctx.saved_tensors
        return dy * 3 * x * x


@pytest.mark.parametrize("cube", [lambda x: Cube()(x), Cube.apply, TorchCube.apply], ids=["instance", "apply", "torch"])
def test_function_uses_its_own_gradient(cube: Any) -> None:
    x = jt.array(X)
    y = cube(x)

    first = jt.grad(y.sum(), x)
    second = jt.grad(first.sum(), x)

    np.testing.assert_allclose(y.numpy(), X**3)
    np.testing.assert_allclose(first.numpy(), 3 * X**2)
    np.testing.assert_allclose(second.numpy(), 6 * X)


def test_function_of_several_inputs_and_outputs() -> None:
    class Swap(jt.Function):
        def execute(self, a: jt.Var, b: jt.Var, k: float) -> tuple[jt.Var, jt.Var]:
            self.k = k
            return b * k, a * k

        def grad(self, da: jt.Var, db: jt.Var) -> tuple:
            return db * self.k, da * self.k, None

    a, b = jt.array(X), jt.array(X + 1)
    first, second = Swap()(a, b, 2.0)

    both = jt.grad((first * 10 + second).sum(), [a, b])
    only_first = jt.grad(first.sum(), [a, b])

    assert [g.tolist() for g in both] == [[2.0] * 3, [20.0] * 3]
    assert [g.tolist() for g in only_first] == [[0.0] * 3, [2.0] * 3]


def test_function_with_a_wrong_number_of_gradients_is_an_error() -> None:
    class Wrong(jt.Function):
        def execute(self, a: jt.Var, b: jt.Var) -> jt.Var:
            return a + b

        def grad(self, dy: jt.Var) -> Any:
            return dy

    a, b = jt.array(X), jt.array(X)

    with pytest.raises(GradientError, match="1 gradients for 2 inputs"):
        jt.grad(Wrong()(a, b).sum(), [a, b])


def test_a_sum_over_many_steps_stays_flat() -> None:
    w, total = jt.array([1.0]).requires_grad_(), jt.zeros(1)
    jt.sync_all()

    def steps(count: int) -> int:
        nonlocal total
        for _ in range(count):
            loss = (w * 0.5).sum()
            loss.backward()
            w.grad = None
            total += loss.detach()
            loss.item()
        gc.collect()
        return jt.stats()["live_ops"]

    with jt.flags(window_ops=64):
        first, second = steps(50), steps(200)

    assert second <= first + 64
    assert total.item() == 125.0


def test_gradient_of_the_sum_of_a_product_is_the_other_factors_value() -> None:
    x, w = jt.array([1.0, 2.0]), jt.array([3.0, 4.0])

    gx, gw = jt.grad((x * w).sum(), [x, w])
    gx += 1

    assert gx.tolist() == [4.0, 5.0]
    assert w.tolist() == [3.0, 4.0]
    assert gw.tolist() == [1.0, 2.0]


def test_a_cotangent_of_ones_that_is_held_keeps_its_gradient() -> None:
    x, w, ones = jt.array([1.0, 2.0]), jt.array([3.0, 4.0]), jt.ones(2)

    _, vjp = jt.vjp(lambda x: x * w, x)
    dx = vjp(ones)

    assert jt.grad((dx * w).sum(), ones).tolist() == [9.0, 16.0]
