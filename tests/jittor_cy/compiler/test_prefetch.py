"""The pass prefetch_within: which rows are fetched ahead, and that values stay what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jittor_cy.compiler.codegen.cpu_reduce import FETCHED_NBYTES
from tests.jittor_cy.compiler.harness import Node, Recorder, exact_sum
from tests.jittor_cy.compiler.patterns import SUM

WITHIN = frozenset({"prefetch_within"})


def spread_of_channels(r: Recorder, x: Node) -> Node:
    """Sums of the squares of what differs from each channel's sum: a channel is read twice."""
    total = r.reduce(SUM, r.reduce(SUM, x, 2, 4), 0, 1)
    centred = r.op("Sub", [x, r.broadcast(total, x.shape, [-1, 0, -1, -1])])
    return r.reduce(SUM, r.reduce(SUM, r.op("Mul", [centred, centred]), 2, 4), 0, 1)


def text_of(shape: tuple[int, ...], **options: object) -> str:
    r = Recorder()
    (kernel,) = r.compile([spread_of_channels(r, r.leaf(np.zeros(shape, np.float32)))], **options).kernels
    return kernel.text


def test_the_next_channel_is_fetched_while_one_is_read_again() -> None:
    text = text_of((5, 3, 9, 70))

    assert text.count("__builtin_prefetch") == 1
    assert f"<= {FETCHED_NBYTES}" in text
    assert "__builtin_prefetch" not in text_of((5, 3, 9, 70), without=WITHIN)


def test_rows_of_less_than_a_set_of_lanes_are_not_fetched() -> None:
    assert "__builtin_prefetch" not in text_of((5, 3, 4, 4))


@pytest.mark.parametrize("shape", [(5, 3, 9, 70), (2, 2, 300, 200)], ids=str)
@pytest.mark.parametrize("without", [frozenset(), WITHIN], ids=["fetched", "not"])
def test_sums_of_channels_have_the_documented_bits(
    shape: tuple[int, ...], without: frozenset[str], tmp_path: Path
) -> None:
    r = Recorder()
    data = np.random.default_rng(4).normal(size=shape).astype(np.float32)

    (found,) = r.run([spread_of_channels(r, r.leaf(data))], tmp_path, cuts=2, without=without)

    centred = data - exact_sum(exact_sum(data, 2, 4), 0, 1)[:, None, None]
    np.testing.assert_array_equal(found, exact_sum(exact_sum(centred * centred, 2, 4), 0, 1))
