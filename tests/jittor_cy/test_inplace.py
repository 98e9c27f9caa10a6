"""In-place operations and views behave as NumPy's: a write through either side is seen by the other."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jittor_cy as jt

VIEWS: dict[str, Callable[[Any], Any]] = {
    "row": lambda x: x[1],
    "column": lambda x: x[:, 1],
    "block": lambda x: x[1:, ::2],
    "reversed": lambda x: x[::-1, 1:],
    "transposed": lambda x: x.T,
    "reshaped": lambda x: x.reshape(2, 6),
    "with a new axis": lambda x: x[:, None, :],
    "view of a view": lambda x: x[1:].T[1],
    "reshaped row": lambda x: x[1].reshape(2, 2),
}


def start() -> np.ndarray:
    return np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
@pytest.mark.parametrize("realized", [True, False])
def test_write_through_a_view_is_seen_by_the_base(view: Callable, realized: bool) -> None:
    expected, x = start(), jt.array(start())
    x = x.sync() if realized else x * 1

    view(expected)[...] = -view(expected)
    part = view(x)
    part *= -1

    np.testing.assert_array_equal(x.numpy(), expected)
    np.testing.assert_array_equal(part.numpy(), view(expected))


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_write_to_the_base_is_seen_by_a_view(view: Callable) -> None:
    expected, x = start(), jt.array(start())
    part, expected_part = view(x), view(expected)

    x += 100
    expected += 100

    np.testing.assert_array_equal(part.numpy(), expected_part)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_write_through_a_view_is_seen_by_another_view_when_the_base_is_gone(view: Callable) -> None:
    expected, x = start(), jt.array(start())
    first, second = view(x), x[:]
    del x
    gc.collect()

    view(expected)[...] = 5
    first.fill_(5)

    np.testing.assert_array_equal(second.numpy(), expected)


def test_a_view_of_a_dead_base_stays_what_it_was() -> None:
    x = jt.array(start()) + 1
    part = x[1]
    x += 10
    del x

    np.testing.assert_array_equal(part.numpy(), start()[1] + 11)


def test_values_read_before_a_write_stay_as_they_were() -> None:
    x = jt.array([1.0, 2.0])
    before, doubled = x.numpy(), x * 2

    x += 1

    assert before.tolist() == [1.0, 2.0]
    assert doubled.tolist() == [2.0, 4.0]
    assert x.tolist() == [2.0, 3.0]


def test_advanced_indexing_copies() -> None:
    x = jt.array([1.0, 2.0, 3.0])
    copy = x[[0, 1]]

    copy += 10

    assert x.tolist() == [1.0, 2.0, 3.0]


def test_clone_does_not_share() -> None:
    x = jt.array([1.0])
    y = x.clone()

    y += 1

    assert x.tolist() == [1.0]


def test_detach_shares_values_and_stops_gradients() -> None:
    x = jt.array([1.0, 2.0])
    y = x.detach()

    y.zero_()

    assert x.tolist() == [0.0, 0.0]
    assert not y.requires_grad


def test_write_to_an_expanded_view_is_refused() -> None:
    wide = jt.zeros(1, 3).expand(2, 3)

    with pytest.raises(ValueError, match="expanded view"):
        wide += 1


@pytest.mark.parametrize(
    "name,arguments,expected",
    [
        ("add_", (1,), [2.0, 3.0]),
        ("mul_", (2,), [2.0, 4.0]),
        ("sub_", (1,), [0.0, 1.0]),
        ("divide_", (2,), [0.5, 1.0]),
        ("zero_", (), [0.0, 0.0]),
        ("fill_", (7,), [7.0, 7.0]),
        ("clamp_", (1.5, 3), [1.5, 2.0]),
        ("neg_", (), [-1.0, -2.0]),
        ("copy_", (5,), None),
        ("sqrt_", (), [1.0, 2.0**0.5]),
        ("relu_", (), [1.0, 2.0]),
    ],
)
def test_in_place_methods_put_their_result_into_the_var(
    name: str, arguments: tuple, expected: list[float] | None
) -> None:
    x = jt.array([1.0, 2.0])
    arguments = (jt.array([5.0, 6.0]),) if name == "copy_" else arguments

    returned = getattr(x, name)(*arguments)

    assert returned is x
    np.testing.assert_allclose(x.numpy(), expected or [5.0, 6.0], rtol=1e-6)


@pytest.mark.parametrize("symbol", ["+=", "-=", "*=", "/=", "//=", "%=", "**="])
def test_augmented_operators_are_numpys(symbol: str) -> None:
    scope = {"x": jt.array([7.0, -7.0]), "n": np.array([7.0, -7.0], np.float32)}

    exec(f"x {symbol} 2; n {symbol} np.float32(2)", {"np": np}, scope)

    np.testing.assert_allclose(scope["x"].numpy(), scope["n"])


@pytest.mark.parametrize("symbol", ["&=", "|=", "^=", "<<=", ">>="])
def test_augmented_bit_operators_are_numpys(symbol: str) -> None:
    scope = {"x": jt.array([6, 5]), "n": np.array([6, 5])}

    exec(f"x {symbol} 3; n {symbol} 3", {}, scope)

    assert scope["x"].tolist() == scope["n"].tolist()


def test_in_place_result_of_a_higher_category_is_refused() -> None:
    x = jt.array([1, 2])

    with pytest.raises(TypeError, match="a float32 result cannot be put into a int64 var"):
        x += 0.5
    assert x.tolist() == [1, 2]


def test_in_place_result_of_another_shape_is_refused() -> None:
    x = jt.zeros(2)

    with pytest.raises(ValueError):
        x += jt.zeros(3, 2)
    assert x.shape == (2,)


def test_gradient_through_a_write_sees_both_values() -> None:
    x = jt.array([1.0, 2.0])

    y = x * 3
    before = (y * y).sum()
    y *= 2
    found = jt.grad(before + y.sum(), x)

    np.testing.assert_allclose(found.numpy(), 18 * np.array([1.0, 2.0]) + 6)


def test_gradient_of_a_write_through_a_view() -> None:
    x = jt.array([[1.0, 2.0], [3.0, 4.0]])

    y = x * 1
    y[0] *= 10
    found = jt.grad((y * y).sum(), x)

    np.testing.assert_allclose(found.numpy(), [[200.0, 400.0], [6.0, 8.0]])


def test_update_cuts_the_gradient_path_and_assign_keeps_it() -> None:
    x, w = jt.array([2.0]), jt.array([3.0])
    updated, assigned = jt.zeros(1), jt.zeros(1)

    updated.update(w * x)
    assigned.assign(w * x)

    assert jt.grad(updated.sum(), w).tolist() == [0.0]
    assert jt.grad(assigned.sum(), w).tolist() == [2.0]


def test_a_view_alone_does_not_keep_the_bases_bytes_pending() -> None:
    with jt.flags(wait_for_kernels=True):
        jt.sync_all()
        before = jt.stats()["pending_ops"]
        parts = [(jt.ones(8, 8) * 2)[i] for i in range(4)]
        jt.sync_all()

    assert jt.stats()["pending_ops"] == before
    assert [p.sum().item() for p in parts] == [16.0] * 4
