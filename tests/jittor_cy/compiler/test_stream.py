"""The pass stream: which outputs it takes, and their values at any alignment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.jittor_cy.compiler.harness import Node, Recorder
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
    assert "streams" not in text_of(r, [y, r.op("Neg", [y])])


def test_a_value_a_row_beside_the_rows_is_no_second_loop() -> None:
    r = Recorder()
    x = r.leaf(np.zeros((8, 32), np.float32))
    e = r.op("Exp", [r.op("Sub", [x, r.broadcast(r.reduce(MAX, x, 1, 2), x.shape, [0, -1])])])
    total = r.reduce(SUM, e, 1, 2)

    assert "streams" in text_of(r, [r.op("Div", [e, r.broadcast(total, x.shape, [0, -1])]), total])
