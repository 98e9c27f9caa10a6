"""The pass stream: which outputs it takes, and their values at any alignment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.jittor_cy.compiler.harness import Node, Recorder, exact_sum
from tests.jittor_cy.compiler.patterns import MAX, SUM


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float16", "int32", "float32", "float64"])
@pytest.mark.parametrize("count", [1, 63, 64, 1000])
def test_lines_of_every_dtype(dtype: str, count: int, tmp_path: Path) -> None:
    r = Recorder()
    data = (np.arange(count) % 7).astype(dtype)

    (y,) = r.run([r.op("Maximum", [r.leaf(data), r.leaf(data[::-1].copy())])], tmp_path, cuts=3, large=True)

    np.testing.assert_array_equal(y, np.maximum(data, data[::-1]))


def text_of(r: Recorder, outputs: list[Node], **options: object) -> str:
    (kernel,) = r.compile(outputs, **options).kernels
    return kernel.text


def test_what_one_loop_alone_writes_is_streamed() -> None:
    r = Recorder()
    x = r.leaf(np.zeros((8, 32), np.float32))
    y = r.op("Exp", [x])

    assert "streams" in text_of(r, [y])
    assert "streams" not in text_of(r, [y], without=frozenset({"stream"}))


def test_outputs_of_one_loop_are_streamed_together(tmp_path: Path) -> None:
    r = Recorder()
    data = np.random.default_rng(2).normal(size=(9, 77)).astype(np.float32)
    x = r.leaf(data)
    outputs = [r.op("Neg", [x]), r.op("Cast", [x], dtype="float64"), r.op("Lt", [x, r.full(0.0, x.shape)])]

    for found, expected in zip(r.run(outputs, tmp_path, cuts=3, large=True), (-data, data, data < 0), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert text_of(r, outputs).count("jt_put_lines(&out") == 3


@pytest.mark.parametrize("shape", [(5, 64), (7, 200), (3, 4500), (300, 90), (2, 1)], ids=str)
@pytest.mark.parametrize(("first", "end"), [(0, 1), (1, 2), (0, 2)])
def test_rows_that_are_written_beside_their_reduction(
    shape: tuple[int, ...], first: int, end: int, tmp_path: Path
) -> None:
    r = Recorder()
    data = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    y = r.op("Neg", [r.leaf(data)])

    found, total = r.run([y, r.reduce(SUM, y, first, end)], tmp_path, cuts=2, large=True)

    np.testing.assert_array_equal(found, -data)
    np.testing.assert_array_equal(total, exact_sum(-data, first, end))


def test_a_value_a_row_beside_the_rows_is_no_second_loop() -> None:
    r = Recorder()
    x = r.leaf(np.zeros((8, 32), np.float32))
    e = r.op("Exp", [r.op("Sub", [x, r.broadcast(r.reduce(MAX, x, 1, 2), x.shape, [0, -1])])])
    total = r.reduce(SUM, e, 1, 2)

    assert "streams" in text_of(r, [r.op("Div", [e, r.broadcast(total, x.shape, [0, -1])]), total])


@pytest.mark.parametrize("count", [1, 63, 64, 65, 1000])
@pytest.mark.parametrize("cuts", [1, 7])
def test_a_line_of_the_narrowest_input_at_a_time(count: int, cuts: int, tmp_path: Path) -> None:
    r = Recorder()
    rng = np.random.default_rng(3)
    mask, data = rng.random(count) > 0.5, rng.normal(size=count)
    y = r.op("Where", [r.leaf(mask), r.leaf(data), r.full(2.0, (count,), "float64")])

    (found,) = r.run([y], tmp_path, cuts=cuts, large=True)

    np.testing.assert_array_equal(found, np.where(mask, data, 2.0))
    assert "l < 64" in text_of(r, [y]) or count == 1
