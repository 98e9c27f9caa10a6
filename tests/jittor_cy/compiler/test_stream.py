"""The pass stream: which outputs it takes, and their values at any alignment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.jittor_cy.compiler.harness import Recorder


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float16", "int32", "float32", "float64"])
@pytest.mark.parametrize("count", [1, 63, 64, 1000])
def test_lines_of_every_dtype(dtype: str, count: int, tmp_path: Path) -> None:
    r = Recorder()
    data = (np.arange(count) % 7).astype(dtype)

    (y,) = r.run([r.op("Maximum", [r.leaf(data), r.leaf(data[::-1].copy())])], tmp_path, cuts=3, large=True)

    np.testing.assert_array_equal(y, np.maximum(data, data[::-1]))


def test_only_a_single_output_along_its_memory_is_streamed() -> None:
    r = Recorder()
    x = r.leaf(np.zeros((8, 32), np.float32))
    y = r.op("Exp", [x])
    alone, two = r.compile([y]), r.compile([y, r.op("Neg", [y])])

    assert "streams" in alone.kernels[0].text
    assert "streams" not in two.kernels[0].text
    assert "streams" not in r.compile([y], without=frozenset({"stream"})).kernels[0].text
