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


@pytest.mark.parametrize("parts", [(5, 9), (1, 30, 4), (0, 6, 0, 7), (3, 2, 5, 4, 6)], ids=str)
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("large", [False, True])
def test_each_part_has_a_loop(parts: tuple[int, ...], axis: int, large: bool, tmp_path: Path) -> None:
    r = Recorder()
    rest = (3, 37, 70)
    data = [data_of(*rest[:axis], n, *rest[axis + 1 :]) for n in parts]
    expected = np.concatenate(data, axis)
    y = r.op("Concat", [r.leaf(d) for d in data], expected.shape, structure=[axis])

    (found,) = r.run([r.op("Neg", [y])], tmp_path, cuts=5, large=large)

    np.testing.assert_array_equal(found, -expected)


def test_parts_have_no_guards() -> None:
    r = Recorder()
    y = r.op("Concat", [r.leaf(data_of(70, n)) for n in (65, 66, 67)], (70, 198), structure=[1])

    assert "part1" in text_of(r, y)
    assert " : 0)" not in text_of(r, y)
    assert " : 0)" in text_of(r, y, without=GUARDED)


@pytest.mark.parametrize("low", [0, 2, -3])
def test_parts_with_a_border(low: int, tmp_path: Path) -> None:
    """Outside of everything the first or last part is not read, though it is the one that is asked."""
    r = Recorder()
    data = [data_of(4, 9), data_of(4, 11), data_of(4, 8)]
    joined = r.op("Concat", [r.leaf(d) for d in data], (4, 28), structure=[1])
    wide = (6, 30 + low)
    y = r.op("Pad", [joined], wide, scalars=[1, low, 2.5])

    (found,) = r.run([y], tmp_path, cuts=4)

    expected = np.full(wide, 2.5, np.float32)
    whole = np.concatenate(data, 1)
    expected[1:5, max(low, 0) : 28 + low] = whole[:, max(-low, 0) :]
    np.testing.assert_array_equal(found, expected)


def test_parts_of_parts(tmp_path: Path) -> None:
    """What roll along two axes is."""
    r = Recorder()
    data = data_of(11, 70)
    once = r.op("Concat", [r.leaf(data[8:]), r.leaf(data[:8])], data.shape, structure=[0])
    ends = [r.op("Slice", [once], (11, n), structure=[1, 1], scalars=[0, start]) for start, n in ((67, 3), (0, 67))]
    y = r.op("Concat", ends, data.shape, structure=[1])

    (found,) = r.run([y], tmp_path, cuts=3)

    np.testing.assert_array_equal(found, np.roll(data, (3, 3), (0, 1)))


@pytest.mark.parametrize("first", [0, 1])
def test_a_region_beside_what_is_read_anyway(first: int, tmp_path: Path) -> None:
    """Not parts behind each other: the base is read on both sides of the region."""
    r = Recorder()
    base, region = data_of(5, 90), data_of(5, 20)
    y = r.op("Insert", [r.leaf(base), r.leaf(region)], base.shape, structure=[1, 1], scalars=[0, first * 33])

    (found,) = r.run([y], tmp_path, cuts=2)

    expected = base.copy()
    expected[:, first * 33 : first * 33 + 20] = region
    np.testing.assert_array_equal(found, expected)
