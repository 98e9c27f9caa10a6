"""Integers, comparisons, casts and random words of the kernels, against Python's integers and NumPy."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tests.jittor_cy.kernel_math_loops import C_TYPES, DTYPES, FLOATS, INTEGERS, ISAS, call, inputs, pairs, same

INTEGER_BINARY = ("add", "sub", "mul", "floor_div", "mod", "pow", "maximum", "minimum", "bit_and", "bit_or", "bit_xor",
                  "shift_left", "shift_right")  # fmt: skip
COMPARISONS = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}


def integer_pairs(suffix: str) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of 8 bits; of wider integers the ends of the range, small and random numbers."""
    info = np.iinfo(DTYPES[suffix])
    if info.bits == 8:
        values = np.arange(info.min, info.max + 1)
    else:
        random = np.random.default_rng(3).integers(info.min, info.max, 40, DTYPES[suffix], endpoint=True)
        ends = [info.min, info.min + 1, info.max - 1, info.max]
        values = [*ends, *(v for v in range(-9, 70) if v >= info.min), *(int(v) for v in random)]
    both = np.array(list(itertools.product(values, values)), DTYPES[suffix])
    return both[:, 0].copy(), both[:, 1].copy()


def integer_answer(name: str, a: int, b: int, info: np.iinfo) -> int:
    """The definition in Python's integers, before wrapping."""
    match name:
        case "add" | "sub" | "mul":
            return {"add": a + b, "sub": a - b, "mul": a * b}[name]
        case "floor_div" | "mod":
            return 0 if b == 0 else a // b if name == "floor_div" else a % b
        case "pow":
            return pow(a, b, 1 << info.bits) if b >= 0 else {1: 1, -1: -1 if b % 2 else 1}.get(a, 0)
        case "maximum" | "minimum":
            return max(a, b) if name == "maximum" else min(a, b)
        case "bit_and" | "bit_or" | "bit_xor":
            return {"bit_and": a & b, "bit_or": a | b, "bit_xor": a ^ b}[name]
        case "shift_left":
            return a << b if 0 <= b < info.bits else 0
        case _:
            return a >> b if 0 <= b < info.bits else -1 if a < 0 else 0


@ISAS
@pytest.mark.parametrize("suffix", INTEGERS)
@pytest.mark.parametrize("name", INTEGER_BINARY)
def test_integer_function_follows_python_and_wraps(isa, name, suffix):
    a, b = integer_pairs(suffix)
    info, mask = np.iinfo(DTYPES[suffix]), (1 << np.iinfo(DTYPES[suffix]).bits) - 1

    found = call(isa, f"{name}_{suffix}", DTYPES[suffix], a, b)

    expected = [integer_answer(name, int(x), int(y), info) & mask for x, y in zip(a, b, strict=True)]
    assert [int(v) & mask for v in found] == expected


@ISAS
@pytest.mark.parametrize("suffix", (*INTEGERS, *FLOATS))
@pytest.mark.parametrize("name", COMPARISONS)
def test_comparison_equals_numpy(isa, name, suffix):
    a, b = pairs(suffix, name) if suffix in FLOATS else integer_pairs(suffix)

    found = call(isa, f"{name}_{suffix}", np.uint8, a, b)

    assert (found == COMPARISONS[name](a, b)).all()


def cast_inputs(suffix: str) -> np.ndarray:
    """Every 16-bit pattern; else special values, the ends of the range and random numbers of many sizes."""
    dtype = DTYPES[suffix]
    if suffix == "b":
        return np.array([0, 1], np.uint8)
    if dtype().itemsize <= 2:
        return np.arange(1 << 8 * dtype().itemsize).astype(f"u{dtype().itemsize}").view(dtype)
    if suffix in FLOATS:
        x = inputs(suffix)
        halves = np.arange(65536).astype(np.uint16).view(np.float16)
        with np.errstate(all="ignore"):
            near_ties = (halves.astype(dtype)[:, None] * np.array([1, 1 + 2.0**-11])).ravel()
        ends = np.array([2.0**e + d for e in (7, 8, 15, 16, 31, 32, 63, 64) for d in (-1, -0.5, 0, 1)], dtype)
        return np.concatenate([x, near_ties.astype(dtype), ends, -ends])
    return integer_pairs(suffix)[0]


def value_of(x: np.ndarray, suffix: str) -> np.ndarray:
    """The numbers that stored elements stand for."""
    return (x.astype(np.uint32) << 16).view(np.float32) if suffix == "bf16" else x


def float_to_integer(x: np.ndarray, suffix: str) -> np.ndarray:
    """The documented rule: truncate; what does not fit int32 (or int64) is its minimum; then wrap."""
    wide = 64 if suffix in ("i64", "u32", "u64") else 32
    least = -(2 ** (wide - 1))
    whole = [math.trunc(v) if math.isfinite(v) else None for v in x.astype(np.float64)]
    if suffix == "u64":  # from 2^63 on the upper half is reached directly
        fitting = [v if v is not None and least <= v < 2**64 else least for v in whole]
    else:
        fitting = [v if v is not None and least <= v < -least else least for v in whole]
    bits = np.iinfo(DTYPES[suffix]).bits
    return np.array([v % 2**bits for v in fitting], np.uint64)


def round_to_bfloat16(x: np.ndarray) -> np.ndarray:
    """float32 to the nearest of its two neighbours with 16 bits, ties to the even one."""
    bits = x.view(np.uint32)
    low, high = bits >> 16, (bits >> 16) + 1
    rest = (bits & 0xFFFF).astype(np.int64) - 0x8000
    chosen = np.where(rest > 0, high, np.where(rest < 0, low, np.where(low % 2 == 0, low, high)))
    return np.where(np.isnan(x), 0x7FC0, chosen).astype(np.uint16)


@ISAS
@pytest.mark.parametrize("suffix", C_TYPES)
@pytest.mark.parametrize("origin", C_TYPES)
def test_cast_follows_the_documented_rule(isa, origin, suffix):
    x = cast_inputs(origin)
    value = value_of(x, origin)

    found = call(isa, f"cast_{origin}_{suffix}", DTYPES[suffix], x)

    with np.errstate(all="ignore"):
        if suffix == "b":
            assert (found == (value != 0)).all()
        elif suffix in INTEGERS and origin in ("f16", "bf16", *FLOATS):
            bits = np.iinfo(DTYPES[suffix]).bits
            assert (found.view(f"u{bits // 8}").astype(np.uint64) == float_to_integer(value, suffix)).all()
        elif suffix == "bf16" and origin == "bf16":
            assert (found == x).all()
        elif suffix == "bf16" and origin == "f64":
            normal = ~(np.abs(value) < np.finfo(np.float32).tiny)
            nearest = value_of(found, "bf16").astype(np.float64)[normal]
            both_nan = np.isnan(nearest) & np.isnan(value[normal])
            close = np.abs(nearest - value[normal]) <= np.abs(value[normal]) * 2.0**-8
            assert (both_nan | close | np.isinf(nearest)).all()
        elif suffix == "bf16":
            single = value.astype(np.float32)
            ok = found == round_to_bfloat16(single)
            assert (ok | (np.isnan(single) & np.isnan(value_of(found, "bf16")))).all()
        else:
            expected = value.astype(DTYPES[suffix])
            if suffix in FLOATS or suffix == "f16":
                assert same(found, expected).all()
            else:
                assert (found == expected).all()


@ISAS
def test_rounding_in_place_is_a_cast_to_16_bits(isa):
    x = cast_inputs("f32")

    half, brain = (call(isa, f"round_{suffix}_f32", np.float32, x) for suffix in ("f16", "bf16"))

    with np.errstate(all="ignore"):
        assert same(half, x.astype(np.float16).astype(np.float32)).all()
    assert same(brain, np.where(np.isnan(x), x, value_of(round_to_bfloat16(x), "bf16"))).all()


# Random123's known answers: counter, key, words.
KNOWN_ANSWERS = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)


@ISAS
@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS)
def test_philox_gives_the_known_answers(isa, counter, key, words):
    joined = [np.array([low | high << 32], np.uint64) for low, high in (counter[:2], key, counter[2:])]
    block, seed, count = joined

    pairs_found = [
        int(call(isa, "philox_pair", np.uint64, block, np.array([upper], np.uint32), seed, count)[0])
        for upper in (0, 1)
    ]

    assert [word for pair in pairs_found for word in (pair & 0xFFFFFFFF, pair >> 32)] == list(words)


@ISAS
def test_random_floats_follow_from_the_words(isa):
    index = np.arange(4000, dtype=np.uint64)
    seed, counter = np.full(4000, 7, np.uint64), np.full(4000, 3, np.uint64)
    words = call(isa, "random_u32", np.uint32, index, seed, counter).astype(np.uint64)

    single = call(isa, "random_f32", np.float32, index, seed, counter)
    double = call(isa, "random_f64", np.float64, index[:2000], seed[:2000], counter[:2000])

    assert (single == ((words >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24))).all()
    high, low = words[0::2] >> np.uint64(5), words[1::2] >> np.uint64(6)
    assert (double == (high.astype(np.float64) * 2.0**26 + low.astype(np.float64)) * 2.0**-53).all()
    assert abs(float(double.mean()) - 0.5) < 5 / math.sqrt(12 * 2000)
