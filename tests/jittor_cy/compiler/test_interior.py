"""The pass interior: guarded elements, with and without their guards, at every border."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.jittor_cy.compiler.harness import Node, Recorder

GUARDED = frozenset({"interior"})


def data_of(*shape: int) -> np.ndarray:
    return np.random.default_rng(6).normal(size=shape).astype(np.float32)


def text_of(r: Recorder, output: Node, **options: object) -> str:
    return r.compile([output], **options).kernels[0].text


@pytest.mark.parametrize(("before", "after"), [(0, 0), (2, 3), (-2, -3), (40, 1), (-9, 20)])
@pytest.mark.parametrize("shape", [(37,), (5, 37), (3, 4, 21)], ids=str)
def test_padding_and_cropping(shape: tuple[int, ...], before: int, after: int, tmp_path: Path) -> None:
    r = Recorder()
    data = data_of(*shape)
    wide = (*(n + 3 for n in shape[:-1]), shape[-1] + before + after)
    y = r.op("Pad", [r.op("Neg", [r.leaf(data)])], wide, scalars=[*[1 for _ in shape[:-1]], before, 7.5])

    (found,) = r.run([y], tmp_path, cuts=3)

    first, last = max(before, 0), wide[-1] - max(after, 0)
    expected = np.full(wide, 7.5, np.float32)
    inside = (*(slice(1, 1 + n) for n in shape[:-1]), slice(first, last))
    expected[inside] = -data[..., first - before : last - before]
    np.testing.assert_array_equal(found, expected)
    assert "low0" in text_of(r, y)
    assert "low0" not in text_of(r, y, without=GUARDED)


@pytest.mark.parametrize("parts", [(5, 9), (1, 30, 4)])
@pytest.mark.parametrize("axis", [0, 1])
def test_parts_behind_each_other(parts: tuple[int, ...], axis: int, tmp_path: Path) -> None:
    r = Recorder()
    data = [data_of(*((n, 23) if axis == 0 else (23, n))) for n in parts]
    shape = (sum(parts), 23) if axis == 0 else (23, sum(parts))
    y = r.op("Concat", [r.op("Neg", [r.leaf(d)]) for d in data], shape, structure=[axis])

    (found,) = r.run([y], tmp_path, cuts=3)

    np.testing.assert_array_equal(found, -np.concatenate(data, axis))


@pytest.mark.parametrize("start", [0, 3, 20])
@pytest.mark.parametrize("step", [1, 2, -1, -3])
def test_a_region_put_into_its_place(start: int, step: int, tmp_path: Path) -> None:
    r = Recorder()
    base, region = data_of(4, 70), data_of(4, 7)
    begin = start if step > 0 else start + 6 * -step
    y = r.op(
        "Insert", [r.leaf(base), r.op("Neg", [r.leaf(region)])], base.shape, structure=[1, step], scalars=[0, begin]
    )

    (found,) = r.run([y], tmp_path, cuts=2)

    expected = base.copy()
    expected[:, begin + step * np.arange(7)] = -region
    np.testing.assert_array_equal(found, expected)
