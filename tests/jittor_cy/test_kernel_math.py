"""Scalar maths of the kernels against NumPy: accuracy, special values, integers, casts, random words.

`python -m tests.acceptance.vector_maths` measures accuracy and cost anew and writes docs/vector_maths.md.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from jittor_cy.compiler.codegen.pasted import maths_text
from tests.jittor_cy.kernel_math_loops import (
    C_TYPES,
    DTYPES,
    FLOATS,
    INTEGERS,
    ISAS,
    ROOT,
    available,
    build,
    call,
    inputs,
    pairs,
    same,
    source,
)

OPS = ROOT / "runtime" / "graph" / "op_kinds.def"
MOST_ULP = 4.0


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# What each function should be, in the precision of its argument (erf and erfc: the C library's, within one unit).
UNARY = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log1p": np.log1p,
    "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "sigmoid": sigmoid, "sqrt": np.sqrt,
    "erf": np.vectorize(math.erf, otypes=["d"]), "erfc": np.vectorize(math.erfc, otypes=["d"]),
    "rsqrt": lambda x: 1 / np.sqrt(x), "reciprocal": lambda x: 1 / x,
}  # fmt: skip
EXACT_UNARY = {"floor": np.floor, "ceil": np.ceil, "round": np.rint, "trunc": np.trunc, "abs": np.abs,
               "neg": np.negative, "sign": np.sign}  # fmt: skip
BINARY = {"pow": np.power, "atan2": np.arctan2}
EXACT_BINARY = {"mod": np.mod, "floor_div": np.floor_divide}


def ulp_distance(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Distance in units of the last place; infinite where NaN, infinity or the sign of zero differ."""
    dtype = found.dtype.type
    with np.errstate(all="ignore"):
        rounded = expected.astype(dtype)
        distance = np.abs(found.astype(expected.dtype) - expected) / np.spacing(np.abs(rounded)).astype(expected.dtype)
        finite = np.isfinite(found) & np.isfinite(rounded) & ((found != 0) | (np.signbit(found) == np.signbit(rounded)))
        # Beyond the largest number a result may round either way.
        edge = (
            np.isinf(found)
            & (np.abs(rounded) >= np.finfo(dtype).max * (1 - 1e-6))
            & (np.signbit(found) == np.signbit(rounded))
        )
    return np.where(
        same(found, rounded), np.where(finite, distance, 0), np.where(finite, distance, np.where(edge, 0, np.inf))
    )


def measure_unary(isa: str, name: str, suffix: str, x: np.ndarray | None = None) -> tuple[float, float]:
    """Largest error and where it is; float32 against float64, float64 against extended precision."""
    x = inputs(suffix) if x is None else x
    with np.errstate(all="ignore"):
        expected = UNARY[name](x.astype(np.float64 if suffix == "f32" else np.longdouble))
    distance = ulp_distance(call(isa, f"{name}_{suffix}", DTYPES[suffix], x), expected)
    worst = int(np.argmax(distance))
    return float(distance[worst]), float(x[worst])


def measure_binary(isa: str, name: str, suffix: str) -> tuple[float, float]:
    """Largest error and the first operand where it is. Extended pow is itself good to 11 bits more than float64."""
    a, b = pairs(suffix, name)
    with np.errstate(all="ignore"):
        expected = BINARY[name](a.astype(np.longdouble), b.astype(np.longdouble))
    distance = ulp_distance(call(isa, f"{name}_{suffix}", DTYPES[suffix], a, b), expected)
    worst = int(np.argmax(distance))
    return float(distance[worst]), float(a[worst])


FLOATING = pytest.mark.parametrize("suffix", FLOATS)


@ISAS
@FLOATING
@pytest.mark.parametrize("name", UNARY)
def test_unary_function_is_within_four_units(isa, name, suffix):
    distance, at = measure_unary(isa, name, suffix)

    assert distance <= MOST_ULP, f"{name}({at!r})"


@ISAS
@FLOATING
@pytest.mark.parametrize("name", BINARY)
def test_binary_function_is_within_four_units(isa, name, suffix):
    distance, at = measure_binary(isa, name, suffix)

    assert distance <= MOST_ULP, f"{name}({at!r}, ...)"


@ISAS
@FLOATING
@pytest.mark.parametrize("name", EXACT_UNARY)
def test_exact_function_equals_numpy(isa, name, suffix):
    x = inputs(suffix)

    found = call(isa, f"{name}_{suffix}", DTYPES[suffix], x)

    with np.errstate(all="ignore"):
        assert same(found, EXACT_UNARY[name](x)).all()


@ISAS
@FLOATING
@pytest.mark.parametrize("name", EXACT_BINARY)
def test_floor_division_and_modulo_of_floats_equal_numpy(isa, name, suffix):
    a, b = pairs(suffix, name)

    found = call(isa, f"{name}_{suffix}", DTYPES[suffix], a, b)

    with np.errstate(all="ignore"):
        assert same(found, EXACT_BINARY[name](a, b)).all()


@ISAS
@FLOATING
def test_extremes_propagate_nan_and_order_zeros(isa, suffix):
    a, b = pairs(suffix, "maximum")

    largest = call(isa, f"maximum_{suffix}", DTYPES[suffix], a, b)
    smallest = call(isa, f"minimum_{suffix}", DTYPES[suffix], a, b)

    zeros = (a == 0) & (b == 0)
    assert same(largest[~zeros], np.maximum(a, b)[~zeros]).all()
    assert same(smallest[~zeros], np.minimum(a, b)[~zeros]).all()
    assert (np.signbit(largest[zeros]) == (np.signbit(a) & np.signbit(b))[zeros]).all()
    assert (np.signbit(smallest[zeros]) == (np.signbit(a) | np.signbit(b))[zeros]).all()


# A branch for huge arguments or a loop keeps these from vectorizing.
SCALAR = {"sin_f64", "cos_f64", "tan_f64", "mod_f64", "floor_div_f64"}


@pytest.mark.parametrize("isa", [name for name in available() if name != "portable"])
@pytest.mark.parametrize(
    "name", [f"{n}_{s}" for n in (*UNARY, *BINARY, *EXACT_BINARY) for s in FLOATS if f"{n}_{s}" not in SCALAR]
)
def test_loop_vectorizes(isa, name):
    line = 1 + next(i for i, text in enumerate(source().splitlines()) if f" loop_{name}(" in text)

    notes = build(isa)[1]

    assert re.search(rf"^loops\.c:{line}:.*loop vectorized", notes, re.MULTILINE)


@pytest.mark.slow
@ISAS
@pytest.mark.parametrize("name", UNARY)
def test_float32_function_is_within_four_units_over_all_magnitudes(isa, name):
    x = np.arange(0, 1 << 32, 509, np.uint64).astype(np.uint32).view(np.float32)
    distance, at = measure_unary(isa, name, "f32", x)

    assert distance <= MOST_ULP, f"{name}({at!r})"


BITS = """
import numpy as np, jittor_cy as jt
names = [n for n in %r if hasattr(jt, n)]
random = np.random.default_rng(5)
for dtype in (np.float32, np.float64):
    bits = random.integers(0, 256, (4096, np.dtype(dtype).itemsize), np.uint8).view(dtype).ravel()
    x = np.concatenate([bits, random.normal(size=4000), [0.0, -0.0, np.inf, -np.inf, np.nan]]).astype(dtype)
    found = []
    for interpret in (True, False):
        with jt.flags(interpret=interpret, wait_for_kernels=True):
            found.append([getattr(jt, n)(jt.array(x)).numpy() for n in names])
    for name, a, b in zip(names, *found):
        same = (a.view(np.uint8) == b.view(np.uint8)).reshape(len(x), -1).all(1) | (np.isnan(a) & np.isnan(b))
        assert same.all(), (name, dtype, x[~same][:3], a[~same][:3], b[~same][:3])
print(len(names), jt.flags.isa)
"""


@ISAS
def test_interpreter_and_kernel_give_the_same_bits(isa):
    environment = os.environ | {"JTCY_ISA": isa}

    done = subprocess.run(
        [sys.executable, "-c", BITS % list(UNARY)], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == [str(len(UNARY)), isa]


def test_every_elementwise_primitive_has_its_functions():
    rows = re.findall(
        r"^JTCY_OP\((\w+), kElementwise, \d, \w+, ([\w| ]+)\)", OPS.read_text(encoding="utf-8"), re.MULTILINE
    )

    expected = set()
    for name, properties in rows:
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        suffixes = (
            FLOATS
            if "kFloatOnly" in properties
            else ("b", *INTEGERS)
            if "kIntOnly" in properties
            else ("b", *INTEGERS, *FLOATS)
        )
        if snake != "cast":
            expected |= {f"jt_{snake}_{suffix}" for suffix in suffixes}
    expected |= {f"jt_cast_{a}_{b}" for a in C_TYPES for b in C_TYPES}

    assert expected - set(re.findall(r"\bjt_\w+(?=\()", maths_text())) == set()
