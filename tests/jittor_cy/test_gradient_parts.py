"""Gradients that arrive in parts: slices are laid side by side, products of one form are one product."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jittor_cy as jt

ROWS, COLUMNS = 6, 5


@st.composite
def slices(draw: st.DrawFn) -> tuple[slice, slice]:
    def of(extent: int) -> slice:
        start = draw(st.integers(0, extent))
        return slice(start, draw(st.integers(start, extent)), draw(st.sampled_from([1, 1, 1, 2])))

    whole = slice(None)
    return draw(st.sampled_from([(of(ROWS), whole), (whole, of(COLUMNS)), (of(ROWS), of(COLUMNS))]))


@settings(deadline=None)
@given(used=st.lists(slices(), min_size=1, max_size=8), dense=st.booleans())
def test_slices_of_a_var_add_up(used: list[tuple[slice, slice]], dense: bool) -> None:
    x = jt.array(np.ones((ROWS, COLUMNS), np.float32))
    expected = np.full((ROWS, COLUMNS), 100.0 if dense else 0.0)

    total = (x * 100.0).sum() if dense else jt.zeros(())
    for number, place in enumerate(used):
        weight = np.arange(1.0, ROWS * COLUMNS + 1).reshape(ROWS, COLUMNS)[place] + number
        total = total + (x[place] * jt.array(weight.astype(np.float32))).sum()
        expected[place] += weight

    np.testing.assert_array_equal(jt.grad(total, x).numpy(), expected)


def test_a_loop_over_rows_is_laid_side_by_side() -> None:
    x = jt.array(np.arange(12, dtype=np.float32).reshape(4, 3))

    gradient = jt.grad(sum((row**2).sum() for row in (x[0], x[3], x[2])), x)
    recorded = jt.debug.graph(gradient)

    assert recorded.count("= Concat(") == 1
    assert "= Pad(" not in recorded
    expected = 2 * x.numpy()
    expected[1] = 0
    np.testing.assert_array_equal(gradient.numpy(), expected)


def test_gradients_of_a_loop_have_gradients() -> None:
    x = jt.array(np.arange(1, 7, dtype=np.float32).reshape(3, 2))

    first = jt.grad(sum((x[t] ** 3).sum() for t in range(3)), x)

    np.testing.assert_array_equal(jt.grad(first.sum(), x).numpy(), 6 * x.numpy())


def weight_in_steps(width: int, batch: int, steps: int) -> tuple[jt.Var, np.ndarray, np.ndarray, jt.Var]:
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, steps, batch, width)).astype(np.float32)
    weight = jt.array(rng.standard_normal((width, width)).astype(np.float32))
    loss = sum((jt.array(x[t]) @ weight * jt.array(dy[t])).sum() for t in range(steps))
    return weight, x, dy, loss


@pytest.mark.parametrize(("batch", "products"), [(2, 1), (16, 1), (17, 5)])
def test_a_weight_of_many_steps_has_one_product(batch: int, products: int) -> None:
    """Operands of up to the weight's size wait for each other: 2 x 32 batch <= 32 x 32."""
    weight, x, dy, loss = weight_in_steps(32, batch, 5)

    gradient = jt.grad(loss, weight)

    assert jt.debug.graph(gradient).count("= Contraction(") == products
    expected = np.einsum("tni,tno->io", x.astype(np.float64), dy.astype(np.float64))
    np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-5, atol=1e-4)


def one_row_in_steps(width: int, steps: int) -> tuple[jt.nn.Linear, np.ndarray, jt.Var]:
    """A layer that meets one row a step, as a recurrent one with a batch of one; its products are sums of rows."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((steps, 1, width)).astype(np.float32)
    layer = jt.nn.Linear(width, width, bias=False)
    layer.weight.assign(jt.array(rng.standard_normal((width, width)).astype(np.float32)))
    return layer, x, sum((layer(jt.array(row)) ** 2).sum() for row in x)


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_outer_products_of_many_steps_are_one_product(steps: int) -> None:
    layer, x, loss = one_row_in_steps(64, steps)

    gradient = jt.grad(loss, layer.weight)

    assert jt.debug.graph(gradient).count("= Contraction(") == (steps > 1)
    rows = x[:, 0].astype(np.float64)
    expected = np.einsum("ti,to->io", 2 * rows @ layer.weight.numpy().astype(np.float64).T, rows)
    np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-5, atol=1e-4)


def test_outer_products_have_gradients() -> None:
    """Of (w_o . x)^2 summed over steps: dw = 2 (w_o . x) x, and the gradient of its sum 2 x (sum of x)."""
    layer, x, loss = one_row_in_steps(64, 3)

    second = jt.grad(jt.grad(loss, layer.weight).sum(), layer.weight)

    rows = x[:, 0].astype(np.float64)
    expected = np.broadcast_to((2 * rows * rows.sum(1, keepdims=True)).sum(0), (64, 64))
    np.testing.assert_allclose(second.numpy(), expected, rtol=1e-4, atol=1e-3)


def test_parts_have_the_same_bits_however_they_run() -> None:
    def gradient(**flags: bool) -> bytes:
        with jt.flags(**flags):
            weight, *_, loss = weight_in_steps(24, 3, 7)
            layer, _, rows = one_row_in_steps(64, 5)
            parts = jt.grad(loss + (weight[3:9] ** 2).sum() + weight[20:].sum(), weight)
            return parts.numpy().tobytes() + jt.grad(rows, layer.weight).numpy().tobytes()

    assert len({gradient(), gradient(eager=True), gradient(fuse=False), gradient(interpret=True)}) == 1


def test_products_of_other_forms_are_added() -> None:
    rng = np.random.default_rng(1)
    w, a, b = (rng.standard_normal((8, 8)).astype(np.float32) for _ in range(3))
    weight = jt.array(w)

    gradient = jt.grad((jt.array(a) @ weight).sum() + (weight @ jt.array(b)).sum() + weight.sum(), weight)

    np.testing.assert_allclose(gradient.numpy(), a.sum(0)[:, None] + b.sum(1)[None, :] + 1, rtol=1e-5, atol=1e-5)
