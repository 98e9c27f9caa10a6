"""The pass split: long chains of costly functions run as several loops over strips, with the same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.jittor_cy.compiler.harness import Node, Recorder
from tests.jittor_cy.compiler.patterns import MAX, SUM

WHOLE = frozenset({"split"})


def chain(r: Recorder, x: Node, y: Node, links: int = 3) -> Node:
    for _ in range(links):
        x = r.op("Exp", [r.op("Tanh", [r.op("Add", [x, y])])])
    return x


def chain_of(x: np.ndarray, y: np.ndarray, links: int = 3) -> np.ndarray:
    x = x.astype(np.float64)
    for _ in range(links):
        x = np.exp(np.tanh(x + y))
    return x


def data_of(*shape: int, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    return rng.normal(size=shape).astype(dtype), rng.normal(size=shape).astype(dtype)


def both(r: Recorder, outputs: list[Node], folder: Path, cuts: int = 1) -> list[np.ndarray]:
    """Values of `outputs`, which are the same without the pass."""
    found = r.run(outputs, folder, cuts=cuts)
    for value, other in zip(found, r.run(outputs, folder, cuts=cuts, without=WHOLE), strict=True):
        np.testing.assert_array_equal(value, other)
    return found


@pytest.mark.parametrize("count", [5, 511, 512, 1500])
@pytest.mark.parametrize(("dtype", "close"), [("float32", 1e-5), ("float64", 1e-13), ("float16", 2e-2)])
def test_a_chain_in_flat_memory(count: int, dtype: str, close: float, tmp_path: Path) -> None:
    r = Recorder()
    x, y = data_of(count, dtype=dtype)
    z = chain(r, r.leaf(x), r.leaf(y))

    (found,) = both(r, [z], tmp_path, cuts=3)

    assert "strip1" in r.compile([z]).kernels[0].text
    np.testing.assert_allclose(found, chain_of(x, y), rtol=close)


def test_one_function_stays_in_one_loop() -> None:
    r = Recorder()
    x = r.leaf(data_of(100)[0])

    (kernel,) = r.compile([r.op("Exp", [r.op("Mul", [x, x])])]).kernels

    assert "strip" not in kernel.text


def test_values_on_the_way_are_stored_by_the_loop_that_has_them(tmp_path: Path) -> None:
    r = Recorder()
    x, y = data_of(40, 33)
    first = chain(r, r.leaf(x), r.leaf(y.T.copy().T), links=1)
    last = chain(r, first, r.leaf(y), links=2)

    found = both(r, [first, last], tmp_path, cuts=2)

    np.testing.assert_allclose(found[0], chain_of(x, y, links=1), rtol=1e-5)
    np.testing.assert_allclose(found[1], chain_of(x, y), rtol=1e-5)


@pytest.mark.parametrize("width", [63, 64, 200, 5000])
def test_a_chain_inside_a_reduction_of_rows(width: int, tmp_path: Path) -> None:
    r = Recorder()
    x, y = data_of(6, width)
    z = chain(r, r.leaf(x), r.leaf(y))

    found = both(r, [r.reduce(SUM, z, 1, 2), r.reduce(MAX, z, 1, 2)], tmp_path, cuts=2)

    expected = chain_of(x, y)
    np.testing.assert_allclose(found[0], expected.sum(1), rtol=1e-5)
    np.testing.assert_allclose(found[1], expected.max(1), rtol=1e-5)


@pytest.mark.parametrize("rows", [5, 300, 1100])
def test_a_chain_inside_a_reduction_of_columns(rows: int, tmp_path: Path) -> None:
    r = Recorder()
    x, y = data_of(rows, 70)
    z = chain(r, r.leaf(x), r.leaf(y))

    found = both(r, [z, r.reduce(SUM, z, 0, 1)], tmp_path, cuts=2)

    expected = chain_of(x, y)
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)
    np.testing.assert_allclose(found[1], expected.sum(0), rtol=1e-5)
