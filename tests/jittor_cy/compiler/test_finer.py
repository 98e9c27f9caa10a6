"""Maps over the axes that a Reshape joined, and last axes of very few elements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir.conditions import FALSE, TRUE, settled
from tests.jittor_cy.compiler.harness import Node, Recorder

COARSE = frozenset({"finer"})
DIVIDES = "jt_index_quotient("


def data_of(*shape: int) -> np.ndarray:
    return np.random.default_rng(8).normal(size=shape).astype(np.float32)


def text_of(r: Recorder, output: Node, **options: object) -> str:
    return r.compile([output], **options).kernels[0].text.split("_work(", 1)[1]


def permuted(r: Recorder, data: np.ndarray, order: tuple[int, ...], shape: tuple[int, ...]) -> tuple[Node, np.ndarray]:
    """-data with its axes in another order, then some of them joined."""
    moved = data.transpose(order)
    turned = r.op("Transpose", [r.op("Neg", [r.leaf(data)])], moved.shape, structure=list(order))
    return r.op("Reshape", [turned], shape), -moved.reshape(shape)


def test_joined_axes_of_a_part_leave_the_whole_alone(tmp_path: Path) -> None:
    """The first part of a concat is read at the whole's own position, which goes on behind it."""
    r = Recorder()
    data = data_of(97, 70)
    joined, expected = permuted(r, data, (1, 0), (70 * 97,))
    y = r.op("Concat", [joined, joined], (2 * 70 * 97,), structure=[0])

    (found,) = r.run([y], tmp_path)

    np.testing.assert_array_equal(found, np.concatenate([expected, expected]))


@pytest.mark.parametrize(
    ("before", "order", "shape"),
    [
        ((97, 70, 83), (1, 0, 2), (70 * 97, 83)),
        ((97, 70, 83), (2, 1, 0), (83 * 70, 97)),
        ((65, 3, 66, 67), (0, 2, 1, 3), (65 * 66 * 3, 67)),
        ((5, 3, 14, 16, 9, 16), (0, 2, 4, 1, 3, 5), (5, 126, 768)),
        ((70, 2, 2, 66, 67), (0, 3, 1, 4, 2), (70, 132, 134)),
        ((70, 66, 2), (1, 0, 2), (66, 140)),
    ],
    ids=str,
)
@pytest.mark.parametrize("cuts", [1, 3])
def test_joined_axes_are_loops_again(
    before: tuple[int, ...], order: tuple[int, ...], shape: tuple[int, ...], cuts: int, tmp_path: Path
) -> None:
    r = Recorder()
    joined, expected = permuted(r, data_of(*before), order, shape)
    y = r.op("Mul", [joined, joined], shape)

    (found,) = r.run([y], tmp_path, cuts=cuts)

    np.testing.assert_array_equal(found, expected * expected)
    assert DIVIDES not in text_of(r, y)
    (coarse,) = r.run([y], tmp_path, cuts=cuts, without=COARSE)
    np.testing.assert_array_equal(coarse, found)
    assert text_of(r, y, without=COARSE) != text_of(r, y)


def test_what_needs_the_joined_axis_itself_is_found(tmp_path: Path) -> None:
    r = Recorder()
    joined, moved = permuted(r, data_of(70, 66, 67), (1, 0, 2), (66 * 70, 67))
    other, bias = data_of(66 * 70, 67), data_of(66 * 70)
    y = r.op(
        "Add", [joined, r.op("Mul", [r.leaf(other), r.broadcast(r.leaf(bias), moved.shape, [0, -1])])], moved.shape
    )

    (found,) = r.run([y], tmp_path, cuts=2)

    np.testing.assert_array_equal(found, moved + other * bias[:, None])


def test_two_reshapes_that_join_different_axes(tmp_path: Path) -> None:
    r = Recorder()
    first, a = permuted(r, data_of(70, 66, 67), (1, 0, 2), (66 * 70 * 67,))
    second, b = permuted(r, data_of(66, 67, 70), (2, 0, 1), (66 * 70 * 67,))
    y = r.op("Add", [first, second], a.shape)

    (found,) = r.run([y], tmp_path, cuts=3)

    np.testing.assert_array_equal(found, a + b)


@pytest.mark.parametrize("shape", [(0, 66, 67), (70, 0, 67), (70, 66, 0)], ids=str)
def test_no_elements(shape: tuple[int, ...], tmp_path: Path) -> None:
    r = Recorder()
    joined, expected = permuted(r, data_of(*shape), (1, 0, 2), (shape[0] * shape[1], shape[2]))

    (found,) = r.run([joined], tmp_path)

    assert found.shape == expected.shape


@pytest.mark.parametrize("count", [2, 3, 4, 5])
@pytest.mark.parametrize("rows", [9, 130])
def test_few_elements_of_a_last_axis(count: int, rows: int, tmp_path: Path) -> None:
    r = Recorder()
    data = [data_of(3, rows, 1) * number for number in range(1, count + 1)]
    y = r.op("Concat", [r.op("Neg", [r.leaf(d)]) for d in data], (3, rows, count), structure=[2])

    (found,) = r.run([y], tmp_path, cuts=3)

    np.testing.assert_array_equal(found, -np.concatenate(data, 2))
    assert ("part0" in text_of(r, y)) == (count == 5)


def test_a_part_of_a_last_axis_of_few(tmp_path: Path) -> None:
    r = Recorder()
    base, region = data_of(5, 90, 3), data_of(5, 90, 2)
    y = r.op(
        "Insert", [r.leaf(base), r.op("Neg", [r.leaf(region)])], base.shape, structure=[1, 1, 2], scalars=[0, 0, 0]
    )

    (found,) = r.run([y], tmp_path, cuts=2)

    expected = base.copy()
    expected[..., ::2] = -region
    np.testing.assert_array_equal(found, expected)


def within(i: int, least: int, bound: int) -> e.Expr:
    return e.op("Within", "bool", *(e.const(n) for n in (i, least, bound)))


def test_conditions_of_numbers_are_settled() -> None:
    a, b = e.load(0, "float32", e.axis("p0", e.dim(0)), within(1, 0, 2)), e.const(2.0, "float32")
    odd = e.op("IndexEq", "bool", e.op("IndexMod", "int64", e.const(-3), e.const(2)), e.const(1))
    unknown = e.op("Within", "bool", e.axis("p0", e.dim(0)), e.const(0), e.const(4))

    assert settled(within(4, 0, 4), {}) is FALSE
    assert settled(e.op("Both", "bool", odd, unknown), {}) is unknown
    assert settled(e.op("Both", "bool", unknown, within(5, 0, 4)), {}) is FALSE
    assert settled(e.select(odd, a, b), {}) is e.load(0, "float32", e.axis("p0", e.dim(0)))
    assert settled(e.select(unknown, a, b), {unknown: FALSE}) is b
    assert settled(e.select(unknown, b, a), {unknown: TRUE}) is b
