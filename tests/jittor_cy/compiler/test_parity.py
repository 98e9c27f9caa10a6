"""The passes parity and overlap: loops over the cells of quotients and remainders, and whole vectors of short rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.jittor_cy.compiler.harness import Node, Recorder

COARSE = frozenset({"finer"})  # cells are needed where joined axes stay joined
CELLS = COARSE | {"parity"}
VECTORS = COARSE | {"overlap"}


def data_of(*shape: int) -> np.ndarray:
    return np.random.default_rng(8).normal(size=shape).astype(np.float32)


def text_of(r: Recorder, output: Node, **options: object) -> str:
    return r.compile([output], **options).kernels[0].text


def repeated(r: Recorder, data: np.ndarray, times: int) -> Node:
    """Each element `times` times: upsampling along the last axis."""
    *rows, columns = data.shape
    wide = r.broadcast(r.leaf(data), (*rows, columns, times), [*range(data.ndim), -1])
    return r.op("Neg", [r.op("Reshape", [wide], (*rows, columns * times))])


@pytest.mark.parametrize("times", [2, 3, 5, 8, 9])
@pytest.mark.parametrize("shape", [(37,), (5, 1), (5, 7), (3, 4, 70)], ids=str)
@pytest.mark.parametrize("without", [frozenset(), COARSE], ids=["finer", "coarse"])
def test_repeats(shape: tuple[int, ...], times: int, without: frozenset[str], tmp_path: Path) -> None:
    r = Recorder()
    data = data_of(*shape)
    y = repeated(r, data, times)

    (found,) = r.run([y], tmp_path, cuts=3, without=without)

    np.testing.assert_array_equal(found, -np.repeat(data, times, -1))


def test_cells_and_vectors_can_be_left_out() -> None:
    r = Recorder()
    y = repeated(r, data_of(5, 70), 2)

    assert "_cell" in text_of(r, y, without=COARSE)
    assert "_cell" not in text_of(r, y, without=CELLS)
    assert "_cell_count" in text_of(r, y, without=COARSE)
    assert "_cell_count" not in text_of(r, y, without=VECTORS)
