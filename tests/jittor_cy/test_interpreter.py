"""The interpreter computes every elementwise primitive of every dtype to the bits of the compiled kernels."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import _graph

TABLE = Path(__file__).parents[2] / "runtime" / "graph" / "op_kinds.def"
ROW = re.compile(r"JTCY_OP\((\w+), kElementwise, ([12]), \w+, ([\w| ]+)\)")
ROWS = [
    (kind, int(arity), flags) for kind, arity, flags in ROW.findall(TABLE.read_text()) if kind not in ("Cast", "Copy")
]
DTYPES = [str(d) for d in (jt.bool_, jt.uint8, jt.int8, jt.int16, jt.int32, jt.int64)]
DTYPES += [str(d) for d in (jt.uint16, jt.uint32, jt.uint64, jt.float16, jt.bfloat16, jt.float32, jt.float64)]
FLOATING = DTYPES[-4:]
# Arithmetic that PyTorch refuses for bool, as we do.
NOT_FOR_BOOL = ("Neg", "Sub", "Sign", "FloorDiv", "Mod", "Pow", "Abs", "Div", "ShiftLeft", "ShiftRight")
COUNT = 70  # a few whole vectors and a rest


def operands(dtype: str) -> list[jt.Var]:
    """Special values in front, random ones behind; two orders of them."""
    generator = np.random.default_rng(11)
    if dtype in FLOATING:
        special = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, np.inf, -np.inf, np.nan, 1e-40, 80.0, -90.0, 710.0]
        values = np.concatenate([special, generator.normal(0, 3, COUNT - len(special))])
    elif dtype == "bool":
        values = generator.integers(0, 2, COUNT)
    else:
        limits = np.iinfo(dtype)
        special = [0, 1, 2, 3, 7, 31, limits.max, limits.min, limits.max - 1]
        random = generator.integers(limits.min, limits.max, COUNT - len(special), dtype=dtype)
        values = np.concatenate([np.array(special, dtype), random])
    order = generator.permutation(COUNT)
    return [jt.array(v).astype(dtype) for v in (values, values[order])]


def kinds_of(dtype: str) -> list[tuple[str, int]]:
    floating = dtype in FLOATING
    return [
        (kind, arity)
        for kind, arity, flags in ROWS
        if not ("FloatOnly" in flags and not floating)
        and not ("IntOnly" in flags and floating)
        and not (dtype == "bool" and kind in NOT_FOR_BOOL)
    ]


def bits(x: jt.Var) -> bytes:
    """NaN counts as one value."""
    found = (x.float64() if str(x.dtype) in ("float16", "bfloat16") else x).numpy()
    return (
        np.where(found != found, np.full_like(found, np.nan), found).tobytes()
        if found.dtype.kind == "f"
        else found.tobytes()
    )


def different(dtype: str, names: list[str], make: Callable[[jt.Var, jt.Var], list[jt.Var]]) -> list[str]:
    """Those of `names` whose value, made from two operands, depends on who computes it."""
    found = []
    for way in ({"interpret": True}, {"wait_for_kernels": True}):
        with jt.flags(**way):
            a, b = operands(dtype)
            jt.sync_all()
            values = make(a, b)
            jt.sync_all()
            found.append([bits(v) for v in values])
    return [name for name, x, y in zip(names, *found, strict=True) if x != y]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_primitive_is_that_of_the_compiled_kernels(dtype: str) -> None:
    kinds = kinds_of(dtype)

    def make(a: jt.Var, b: jt.Var) -> list[jt.Var]:
        return [_graph.unary(kind, a, kind) if arity == 1 else _graph.binary(kind, a, b, kind) for kind, arity in kinds]

    assert not different(dtype, [kind for kind, _ in kinds], make)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_cast_is_that_of_the_compiled_kernels(dtype: str) -> None:
    assert not different(dtype, DTYPES, lambda a, b: [a.astype(to) for to in DTYPES])


@pytest.mark.parametrize("shape", [(), (1,), (3, 0), (512, 512)])
def test_constants_are_one_element_in_memory(shape: tuple[int, ...]) -> None:
    x = jt.array(np.full(shape, 0.5, np.float32))
    jt.sync_all(True)
    jt.memory.reset_peak()
    before = jt.memory.stats()["peak_counted_nbytes"]

    with jt.flags(interpret=1):
        y = (x * 2 + jt.full(shape, 3.0)).maximum(1) + jt.full(shape, 1.0).transpose().sum()
        found = y.numpy()

    np.testing.assert_array_equal(found, np.full(shape, 4.0 + np.prod(shape), np.float32))
    assert jt.memory.stats()["peak_counted_nbytes"] - before <= 2 * x.nbytes + (1 << 16)
