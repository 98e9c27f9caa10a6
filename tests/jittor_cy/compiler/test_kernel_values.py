"""Values of generated kernels against NumPy, with the exact order of docs/bits.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.jittor_cy.compiler.harness import Recorder, Runner, exact_sum

SEED = 11


def normal(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(SEED).normal(size=shape).astype(dtype)


def layouts(data: np.ndarray) -> dict[str, np.ndarray]:
    """The same values in other memory orders."""
    wide = np.zeros((*data.shape[:-1], 2 * data.shape[-1]), data.dtype)
    wide[..., ::2] = data
    return {
        "contiguous": data,
        "transposed": np.asfortranarray(data),
        "every second": wide[..., ::2],
        "backwards": data[..., ::-1].copy()[..., ::-1],
    }


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "every second", "backwards"])
def test_elementwise_reads_any_layout(layout: str, tmp_path: Path) -> None:
    r = Recorder()
    data, other = normal(7, 33, 5), normal(7, 33, 5) + 1
    x, y = r.leaf(layouts(data)[layout]), r.leaf(other)

    (z,) = r.run([r.op("Div", [r.op("Sub", [x, y]), y])], tmp_path, cuts=3)

    np.testing.assert_array_equal(z, (data - other) / other)


def test_repeated_leaf_is_read_in_place(tmp_path: Path) -> None:
    r = Recorder()
    x, bias = r.leaf(normal(4, 6, 10, 10)), normal(6)
    y = r.leaf(np.broadcast_to(bias[:, None, None], (4, 6, 10, 10)))

    (z,) = r.run([r.op("Add", [x, y])], tmp_path)

    np.testing.assert_array_equal(z, x.data + bias[:, None, None])


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "int64", "uint8", "bool"])
def test_addition_and_comparison_of_every_kind(dtype: str, tmp_path: Path) -> None:
    r = Recorder()
    values = normal(200) * 5
    a, b = (
        (values > 0, values < 1)
        if dtype == "bool"
        else (np.abs(values).astype(dtype), np.abs(values[::-1]).astype(dtype))
    )
    x, y = r.leaf(a), r.leaf(np.ascontiguousarray(b))

    total, less = r.run([r.op("Add", [x, y]), r.op("Lt", [x, y])], tmp_path)

    np.testing.assert_array_equal(total, a + b)
    np.testing.assert_array_equal(less, a < b)


def test_half_is_rounded_after_every_op(tmp_path: Path) -> None:
    r = Recorder()
    a, b = normal(500, dtype="float16"), normal(500, dtype="float16") + np.float16(3)
    x, y = r.leaf(a), r.leaf(b)

    (z,) = r.run([r.op("Mul", [r.op("Add", [x, y]), r.op("Div", [x, y])])], tmp_path)

    np.testing.assert_array_equal(z, (a + b) * (a / b))


@pytest.mark.parametrize("kind", ["Neg", "Abs", "Sign", "Floor", "Ceil", "Round", "Trunc", "Maximum", "Minimum"])
def test_what_is_a_half_already_is_not_rounded_again(kind: str, tmp_path: Path) -> None:
    numpy_of = {"Neg": np.negative, "Round": np.rint}
    r = Recorder()
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    data = [every, every[::-1].copy()] if kind in ("Maximum", "Minimum") else [every]
    y = r.op(kind, [r.leaf(d) for d in data])

    (found,) = r.run([y], tmp_path)

    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(found, numpy_of.get(kind, getattr(np, kind.lower(), None))(*data))
    assert "jt_round_f16_f32" not in r.compile([y]).kernels[0].text


REDUCED = [
    ((1,), 0, 1),
    ((10,), 0, 1),
    ((63,), 0, 1),
    ((64,), 0, 1),
    ((4096,), 0, 1),
    ((4097,), 0, 1),
    ((30000,), 0, 1),
    ((3, 5000), 1, 2),
    ((20, 7), 1, 2),
    ((20, 100), 1, 2),
    ((300, 1), 1, 2),
    ((17, 9, 11), 1, 3),
    ((4, 6, 25, 50), 2, 4),
    ((5, 9, 70), 1, 2),
    ((700, 33), 0, 1),
    ((2000, 3), 0, 1),
    ((40, 8, 8), 0, 1),
    ((3, 300, 2, 70), 1, 3),
    ((6, 4), 0, 2),
    ((0, 4), 0, 1),
    ((600, 1100), 0, 1),
    ((4, 0), 1, 2),
    ((0,), 0, 1),
]


@pytest.mark.parametrize(("shape", "first", "end"), REDUCED, ids=str)
def test_sum_has_the_documented_order(shape: tuple[int, ...], first: int, end: int, tmp_path: Path) -> None:
    r = Recorder()
    x = r.leaf(normal(*shape))

    (total,) = r.run([r.reduce(0, x, first, end)], tmp_path, cuts=4)

    np.testing.assert_array_equal(total, exact_sum(x.data, first, end))


@pytest.mark.parametrize("shape", [(5, 300), (300, 70), (10, 40, 5)], ids=str)
def test_sum_over_a_transposed_leaf_has_the_same_bits(shape: tuple[int, ...], tmp_path: Path) -> None:
    r = Recorder()
    data = normal(*shape)

    both = r.run(
        [r.reduce(0, r.leaf(data), 1, len(shape)), r.reduce(0, r.leaf(np.asfortranarray(data)), 1, len(shape))],
        tmp_path,
    )

    np.testing.assert_array_equal(*both)


@pytest.mark.parametrize(("first", "end"), [(0, 1), (1, 2), (0, 2)])
@pytest.mark.parametrize("kind", [1, 2, 3], ids=["prod", "max", "min"])
def test_other_reductions(kind: int, first: int, end: int, tmp_path: Path) -> None:
    op, identity = {1: (np.multiply, 1), 2: (np.maximum, -np.inf), 3: (np.minimum, np.inf)}[kind]
    r = Recorder()
    x = r.leaf(normal(70, 90) * 0.3 + 1)

    (result,) = r.run([r.reduce(kind, x, first, end)], tmp_path)

    np.testing.assert_array_equal(result, exact_sum(x.data, first, end, op, identity))


@pytest.mark.parametrize(("first", "end"), [(0, 1), (1, 2), (0, 2)])
def test_reductions_of_integers_wrap(first: int, end: int, tmp_path: Path) -> None:
    r = Recorder()
    data = np.random.default_rng(SEED).integers(-(2**31), 2**31, (300, 80)).astype(np.int32)
    x = r.leaf(data)

    total, top = r.run([r.reduce(0, x, first, end), r.reduce(2, x, first, end)], tmp_path)

    axis = tuple(range(first, end))
    np.testing.assert_array_equal(total, data.sum(axis, dtype=np.int32))
    np.testing.assert_array_equal(top, data.max(axis))


@pytest.mark.parametrize("with_nan", [False, True])
@pytest.mark.parametrize(
    ("shape", "first", "end"), [((9000,), 0, 1), ((600, 70), 0, 1), ((600, 70), 1, 2), ((3, 8), 1, 2)], ids=str
)
def test_index_of_the_first_extreme(
    shape: tuple[int, ...], first: int, end: int, with_nan: bool, tmp_path: Path
) -> None:
    r = Recorder()
    data = np.round(normal(*shape) * 3)
    if with_nan:
        data.flat[data.size // 3] = data.flat[data.size // 2] = np.nan
    x = r.leaf(data)

    largest, smallest = r.run([r.reduce(4, x, first, end), r.reduce(5, x, first, end)], tmp_path, cuts=3)

    np.testing.assert_array_equal(largest, data.argmax(first))
    np.testing.assert_array_equal(smallest, data.argmin(first))


def test_empty_reduction_feeds_what_depends_on_it(tmp_path: Path) -> None:
    r = Recorder()
    x = r.leaf(np.zeros((0,), np.float32))
    mean = r.op("Div", [r.reduce(0, x, 0, 1), r.full(2.0, ())])
    again = r.reduce(0, r.op("Sub", [x, r.broadcast(mean, x.shape, [-1])]), 0, 1)

    values = r.run([mean, again], tmp_path)

    assert [float(v) for v in values] == [0.0, 0.0]


def test_movement_against_numpy(tmp_path: Path) -> None:
    r = Recorder()
    data, small = normal(6, 8, 10), normal(6, 3, 10)
    x, y = r.leaf(data), r.leaf(small)
    padded = r.op("Pad", [x], (9, 8, 12), scalars=[2, 0, 1, 7.5])
    outputs = [
        r.op("Transpose", [x], (10, 6, 8), structure=[2, 0, 1]),
        r.op("Slice", [x], (3, 8, 4), structure=[2, -1, 1], scalars=[1, 7, 3]),
        padded,
        r.op("Concat", [x, y, x], (6, 19, 10), structure=[1]),
        r.op("Insert", [x, y], structure=[1, 2, 1], scalars=[0, 3, 0]),
        r.op("Reshape", [x], (48, 10)),
        r.op("Reshape", [r.op("Transpose", [x], (10, 8, 6), structure=[2, 1, 0])], (5, 96)),
        r.broadcast(
            r.op("Slice", [x], (6, 1, 10), structure=[1, 1, 1], scalars=[0, 4, 0]), (3, 6, 5, 10), [-1, 0, -1, 2]
        ),
    ]

    values = r.run(outputs, tmp_path)

    inserted = data.copy()
    inserted[:, 3:9:2] = small
    expected = [
        data.transpose(2, 0, 1),
        data[1:7:2, ::-1, 3:7],
        np.pad(data, ((2, 1), (0, 0), (1, 1)), constant_values=7.5),
        np.concatenate([data, small, data], 1),
        inserted,
        data.reshape(48, 10),
        data.T.reshape(5, 96),
        np.broadcast_to(data[:, 4][None, :, None], (3, 6, 5, 10)),
    ]
    for value, want in zip(values, expected, strict=True):
        np.testing.assert_array_equal(value, want)


def test_concat_with_an_empty_part(tmp_path: Path) -> None:
    r = Recorder()
    x, empty = r.leaf(normal(4, 5)), r.leaf(np.zeros((0, 5), np.float32))

    (both,) = r.run([r.op("Concat", [empty, x, empty], (4, 5), structure=[0])], tmp_path)

    np.testing.assert_array_equal(both, x.data)


def test_big_transposition_is_right(tmp_path: Path) -> None:
    r = Recorder()
    x = r.leaf(normal(203, 517))

    (y,) = r.run([r.op("Transpose", [r.op("Neg", [x])], (517, 203), structure=[1, 0])], tmp_path, cuts=5)

    np.testing.assert_array_equal(y, -x.data.T)


def gather(r: Recorder, x: np.ndarray, index: np.ndarray, mode: int) -> list:
    program = [mode, 2, 0, 0, 4, 1]  # axis 0, load input 1
    return [r.op("Reindex", [r.leaf(x), r.leaf(index)], index.shape, structure=[1, *program], scalars=[9.0])]


def test_gather_reads_what_the_index_says(tmp_path: Path) -> None:
    r = Recorder()
    x, index = normal(50), np.array([3, 49, 0, 3], np.int32)

    (y,) = r.run(gather(r, x, index, mode=2), tmp_path)

    np.testing.assert_array_equal(y, x[index])


def test_bounded_gather_fills_what_is_outside(tmp_path: Path) -> None:
    r = Recorder()
    x, index = normal(50), np.array([3, 50, -1, 49], np.int64)

    (y,) = r.run(gather(r, x, index, mode=1), tmp_path)

    np.testing.assert_array_equal(y, np.array([x[3], 9, 9, x[49]], np.float32))


@pytest.mark.parametrize("wrong", [50, -1, 2**40])
def test_checked_gather_reports_value_and_limit(wrong: int, tmp_path: Path) -> None:
    r = Recorder()
    outputs = gather(r, normal(50), np.array([3, wrong, 7], np.int64), mode=2)
    runner = Runner(r, r.compile(outputs), tmp_path)

    runner.run(outputs)

    assert (runner.error.code, runner.error.op, runner.error.value, runner.error.limit) == (1, 0, wrong, 50)


def test_right_indices_report_nothing(tmp_path: Path) -> None:
    r = Recorder()
    outputs = gather(r, normal(50), np.arange(50), mode=2)
    runner = Runner(r, r.compile(outputs), tmp_path)

    runner.run(outputs)

    assert runner.error.code == 0


def philox(seed: int, counter: int, block: int) -> list[int]:
    """Salmon et al. 2011, as in the paper: ten rounds on four words."""
    low = 0xFFFFFFFF
    x = [block & low, block >> 32, counter & low, counter >> 32]
    key = [seed & low, seed >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [b >> 32 ^ x[1] ^ key[0], b & low, a >> 32 ^ x[3] ^ key[1], a & low]
        key = [(key[0] + 0x9E3779B9) & low, (key[1] + 0xBB67AE85) & low]
    return x


def test_random_numbers_are_philox(tmp_path: Path) -> None:
    r = Recorder()
    seed, counter = 123456789012345, 987654321098765

    words, floats = r.run(
        [
            r.op("Random", [], (3, 7), "uint32", scalars=[seed, counter]),
            r.op("Random", [], (21,), "float32", scalars=[seed, counter]),
        ],
        tmp_path,
        cuts=4,
    )

    expected = [w for block in range(6) for w in philox(seed, counter, block)][:21]
    assert words.ravel().tolist() == expected
    np.testing.assert_array_equal(floats, (np.array(expected, np.uint32) >> 8).astype(np.float32) * np.float32(2**-24))


def test_philox_of_the_test_is_the_published_one() -> None:
    assert philox(0, 0, 0) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


def test_iota_computes_in_the_class_of_its_dtype(tmp_path: Path) -> None:
    r = Recorder()

    reals, wrapped = r.run(
        [
            r.op("Iota", [], (2, 5), "float32", structure=[1], scalars=[1.0, 0.1]),
            r.op("Iota", [], (5,), "uint8", structure=[0], scalars=[250, 3]),
        ],
        tmp_path,
    )

    np.testing.assert_array_equal(reals[1], (1 + 0.1 * np.arange(5.0)).astype(np.float32))
    assert wrapped.tolist() == [250, 253, 0, 3, 6]
