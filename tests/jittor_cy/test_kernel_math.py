"""Scalar maths of the kernels against NumPy: accuracy, special values, integers, casts, random words.

`python -m tests.jittor_cy.test_kernel_math` measures the accuracy anew and writes docs/vector_maths.md.
"""

from __future__ import annotations

import math
import re
import sys

import numpy as np
import pytest

from tests.jittor_cy.kernel_math_loops import (
    C_TYPES,
    DTYPES,
    FLOATS,
    HEADER,
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
DOCUMENT = ROOT / "docs" / "vector_maths.md"
MOST_ULP = 4.0


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# What each function should be, in extended precision (erf and erfc: the C library's, within one unit).
UNARY = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "sigmoid": sigmoid, "sqrt": np.sqrt,
    "erf": np.vectorize(math.erf, otypes=["g"]), "erfc": np.vectorize(math.erfc, otypes=["g"]),
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
        distance = np.abs(found.astype(np.longdouble) - expected) / np.spacing(np.abs(rounded)).astype(np.longdouble)
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


def measure_unary(isa: str, name: str, suffix: str) -> tuple[float, float]:
    """Largest error and where it is."""
    x = inputs(suffix)
    if name in ("erf", "erfc"):
        x = np.concatenate([x[::10], x[-23:]])
    with np.errstate(all="ignore"):
        expected = UNARY[name](x.astype(np.longdouble))
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


@pytest.mark.parametrize("isa", [name for name in available() if name != "portable"])
@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sigmoid", "erf", "sin", "cos", "pow", "expm1", "log1p"])
def test_float32_loop_vectorizes(isa, name):
    line = 1 + next(i for i, text in enumerate(source().splitlines()) if f"loop_{name}_f32(" in text)

    notes = build(isa)[1]

    assert re.search(rf"^loops\.c:{line}:.*vectorized", notes, re.MULTILINE)


def test_every_elementwise_primitive_has_its_functions():
    rows = re.findall(
        r"^JTCY_OP\((\w+), kElementwise, \d, \w+, ([\w| ]+)\)", OPS.read_text(encoding="utf-8"), re.MULTILINE
    )
    text = HEADER.read_text(encoding="utf-8")

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

    assert expected - set(re.findall(r"\bjt_\w+(?=\()", text)) == set()


def document() -> str:
    """docs/vector_maths.md with the errors measured on this machine."""
    lines = [
        "# Vector maths: how exact the functions are",
        "",
        "Largest error in units in the last place, against extended precision (erf, erfc: the C library), over dense",
        "sweeps, random bits of the whole range and special values. NaN, infinities and the sign of zero are NumPy's.",
        "Written by `python -m tests.jittor_cy.test_kernel_math`; `tests/jittor_cy/test_kernel_math.py` fails above 4.",
        "",
        "| function | " + " | ".join(f"{suffix} {isa}" for suffix in FLOATS for isa in available()) + " |",
        "|---" * (1 + len(FLOATS) * len(available())) + "|",
    ]
    for name in (*UNARY, *BINARY):
        measure = measure_unary if name in UNARY else measure_binary
        cells = [f"{measure(isa, name, suffix)[0]:.2f}" for suffix in FLOATS for isa in available()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
    sys.stdout.write(DOCUMENT.read_text(encoding="utf-8"))
