"""Reductions over all rows beside the rows' own kernel: which there are, and their bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.jittor_cy.compiler.harness import Node, Recorder, exact_sum
from tests.jittor_cy.compiler.patterns import MAX, SUM

APART = frozenset({"beside"})


def data_of(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(8).normal(size=shape).astype(dtype)


def centred(r: Recorder, x: Node) -> Node:
    """x minus the sum of its row."""
    rows = [*range(len(x.shape) - 1), -1]
    last = len(x.shape) - 1
    return r.op("Sub", [x, r.broadcast(r.reduce(SUM, x, last, last + 1), x.shape, rows)])


def launches(r: Recorder, outputs: list[Node], **options: object) -> int:
    return len(r.compile(outputs, **options).launches)


@pytest.mark.parametrize("rows", [1, 3, 255, 257, 1100])
@pytest.mark.parametrize("width", [3, 64, 130])
def test_sums_have_the_documented_order(rows: int, width: int, tmp_path: Path) -> None:
    r = Recorder()
    data = data_of(rows, width)
    x = r.leaf(data)
    y = centred(r, x)
    outputs = [y, r.reduce(SUM, x, 0, 1), r.reduce(SUM, y, 0, 1), r.reduce(MAX, y, 0, 1)]

    found = r.run(outputs, tmp_path, cuts=3)

    expected = data - exact_sum(data, 1, 2)[:, None]
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_array_equal(found[1], exact_sum(data, 0, 1))
    np.testing.assert_array_equal(found[2], exact_sum(expected, 0, 1))
    np.testing.assert_array_equal(found[3], expected.max(0))


def test_one_kernel_where_apart_there_are_two() -> None:
    r = Recorder()
    y = centred(r, r.leaf(data_of(300, 70)))
    outputs = [y, r.reduce(SUM, y, 0, 1)]

    assert launches(r, outputs) == 1
    assert launches(r, outputs, without=APART) == 2


@pytest.mark.parametrize("dtype", ["float16", "float64", "int32"])
def test_rows_over_several_axes_in_other_dtypes(dtype: str, tmp_path: Path) -> None:
    r = Recorder()
    x = r.leaf((data_of(20, 30, 40) * 9).astype(dtype))
    y = centred(r, x)
    bias = r.op("Neg", [r.reduce(SUM, y, 0, 2)])
    outputs = [y, bias]

    found = r.run(outputs, tmp_path, cuts=2)

    assert launches(r, outputs) == 1
    np.testing.assert_array_equal(found[1], -exact_sum(found[0], 0, 2).astype(dtype))
    for value, other in zip(found, r.run(outputs, tmp_path, without=APART), strict=True):
        np.testing.assert_array_equal(value, other)


def test_rows_that_wait_for_a_sum_are_another_kernel(tmp_path: Path) -> None:
    r = Recorder()
    data = data_of(300, 70)
    x = r.leaf(data)
    y = centred(r, x)
    total = r.reduce(SUM, x, 0, 1)
    z = centred(r, r.op("Mul", [y, r.broadcast(total, x.shape, [-1, 0])]))

    found = r.run([z, total], tmp_path, cuts=2)

    np.testing.assert_array_equal(found[1], exact_sum(data, 0, 1))
    product = (data - exact_sum(data, 1, 2)[:, None]) * found[1]
    np.testing.assert_array_equal(found[0], product - exact_sum(product, 1, 2)[:, None])


def test_the_other_way_round_in_a_square(tmp_path: Path) -> None:
    r = Recorder()
    data = data_of(90, 90)
    x = r.leaf(data)
    y = centred(r, x)
    turned = r.op("Transpose", [y], (90, 90), structure=[1, 0])

    found = r.run([y, r.reduce(SUM, turned, 0, 1)], tmp_path, cuts=2)

    expected = data - exact_sum(data, 1, 2)[:, None]
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_array_equal(found[1], exact_sum(expected.T, 0, 1))
