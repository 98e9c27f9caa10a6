"""The pass join: reductions over the same row within a loop over rows, and what keeps them apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.jittor_cy.compiler.harness import Node, Recorder, exact_sum
from tests.jittor_cy.compiler.patterns import MAX, SUM

# Axes 2 and 3 of each sample, then the samples: the sums of batch norm.
SHAPES = [(5, 3, 4, 4), (6, 2, 9, 7), (3, 4, 70, 70), (300, 2, 1, 5)]


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def over_samples(r: Recorder, x: Node, kind: int = SUM) -> Node:
    return r.reduce(kind, r.reduce(kind, x, 2, 4), 0, 1)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("without", [frozenset(), frozenset({"join"})], ids=["joined", "apart"])
def test_sums_of_the_same_rows_are_those_of_the_documented_order(
    shape: tuple[int, ...], without: frozenset[str], tmp_path: Path
) -> None:
    r = Recorder()
    dy, x = normal(1, *shape), normal(2, *shape)
    a, b = r.leaf(dy), r.leaf(x)
    outputs = [over_samples(r, a), over_samples(r, r.op("Mul", [a, b])), over_samples(r, b, MAX)]

    found = r.run(outputs, tmp_path, cuts=2, without=without)

    np.testing.assert_array_equal(found[0], exact_sum(exact_sum(dy, 2, 4), 0, 1))
    np.testing.assert_array_equal(found[1], exact_sum(exact_sum(dy * x, 2, 4), 0, 1))
    np.testing.assert_array_equal(found[2], x.max((0, 2, 3)))


def test_what_both_sums_need_is_read_once() -> None:
    r = Recorder()
    a, b = (r.leaf(np.zeros((5, 3, 9, 7), np.float32)) for _ in range(2))
    outputs = [over_samples(r, a), over_samples(r, r.op("Mul", [a, b]))]

    def loads(**options: object) -> int:
        (kernel,) = r.compile(outputs, **options).kernels
        return kernel.text.count("= in0[")

    assert 2 * loads() == loads(without=frozenset({"join"}))


def test_a_sum_that_needs_another_one_stays_behind_it(tmp_path: Path) -> None:
    r = Recorder()
    data = normal(3, 4, 3, 6, 5)
    x = r.leaf(data)
    total = r.reduce(SUM, x, 2, 4)
    centred = r.op("Sub", [x, r.broadcast(total, x.shape, [0, 1, -1, -1])])
    spread = r.reduce(SUM, centred, 2, 4)
    outputs = [r.reduce(SUM, total, 0, 1), r.reduce(SUM, spread, 0, 1)]

    found = r.run(outputs, tmp_path)

    totals = exact_sum(data, 2, 4)
    np.testing.assert_array_equal(found[0], exact_sum(totals, 0, 1))
    np.testing.assert_array_equal(found[1], exact_sum(exact_sum(data - totals[:, :, None, None], 2, 4), 0, 1))
