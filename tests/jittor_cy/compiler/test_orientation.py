"""Reductions of transposed values go along memory; their bits are those of a copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jittor_cy as jt
from jittor_cy import nn
from jittor_cy.compiler.schedule.fusion import fuse
from tests.jittor_cy.compiler.harness import Recorder, exact_sum

SUM = 0
REDUCTIONS = ("sum", "mean", "amax", "prod", "argmax")


def data_of(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("axis", "kind"), [(1, "column"), (0, "row")])
@pytest.mark.parametrize("view", [True, False], ids=["a view", "an op"])
def test_a_transposed_matrix_is_read_as_it_lies(axis: int, kind: str, view: bool, tmp_path: Path) -> None:
    data = data_of(300, 5000).T if axis == 1 else data_of(5000, 300).T
    r = Recorder()
    x = r.leaf(data) if view else r.op("Transpose", [r.leaf(data.T.copy())], data.shape, structure=[1, 0])
    total = r.reduce(SUM, x, axis, axis + 1)

    ((group,),), _ = fuse(r.graph([total]))
    ((as_written,),), _ = fuse(r.graph([total]), along_memory=False)
    (found,) = r.run([total], tmp_path, cuts=2)

    assert (group.kind, as_written.kind) == (kind, "row" if kind == "column" else "column")
    np.testing.assert_array_equal(found, exact_sum(data, axis, axis + 1))


def test_what_lies_both_ways_is_reduced_as_it_is_written() -> None:
    r = Recorder()
    x, y = r.leaf(data_of(70, 90).T), r.leaf(data_of(90, 70))

    ((group,),), _ = fuse(r.graph([r.reduce(SUM, r.op("Mul", [x, y]), 1, 2)]))

    assert group.kind == "row"


def test_several_reductions_of_a_transposed_value_share_a_kernel() -> None:
    r = Recorder()
    x = r.leaf(data_of(70, 90).T)
    mean = r.reduce(SUM, x, 1, 2)
    centred = r.op("Sub", [x, r.broadcast(mean, x.shape, [0, -1])])

    ((group,),), _ = fuse(r.graph([mean, r.reduce(SUM, r.op("Mul", [centred, centred]), 1, 2)]))

    assert (group.kind, group.turned, len(group.reduces)) == ("column", True, 2)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.lists(st.integers(1, 40), min_size=2, max_size=4),
    seed=st.integers(0, 1000),
    name=st.sampled_from(REDUCTIONS),
    along_memory=st.booleans(),
)
def test_the_bits_of_a_view_are_those_of_its_copy(shape: list[int], seed: int, name: str, along_memory: bool) -> None:
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(shape)).tolist()
    axis = int(generator.integers(len(shape)))
    data = generator.uniform(0.5, 1.5, size=shape).astype(np.float32)
    moved = np.ascontiguousarray(data.transpose(order))

    with jt.flags(without_passes="" if along_memory else "along_memory"):
        view = jt.array(data).permute(*order)
        found = getattr(view * 2, name)(axis).numpy()
        copied = getattr(jt.array(moved) * 2, name)(axis).numpy()

    np.testing.assert_array_equal(found, copied)
    expected = getattr(np, name)(moved * 2, axis)
    np.testing.assert_allclose(found, expected, rtol=2e-5)


@pytest.mark.parametrize("order", [(1, 0), (0, 1)])
@pytest.mark.parametrize("dim", [0, 1])
def test_a_softmax_of_a_transposed_matrix(order: tuple[int, int], dim: int) -> None:
    data = data_of(130, 257)
    moved = data.transpose(order)

    found = nn.softmax(jt.array(data).permute(*order), dim).numpy()

    powers = np.exp(moved.astype(np.float64) - moved.max(dim, keepdims=True))
    np.testing.assert_allclose(found, powers / powers.sum(dim, keepdims=True), rtol=1e-5)
    np.testing.assert_array_equal(found, nn.softmax(jt.array(np.ascontiguousarray(moved)), dim).numpy())
