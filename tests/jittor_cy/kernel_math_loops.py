"""The functions of runtime/exec/kernel_math.h as loops over arrays, one library for each instruction set."""

from __future__ import annotations

import ctypes
import itertools
import math
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from jittor_cy.compiler.codegen.pasted import maths_text
from jittor_cy.compiler.toolchain.gcc import flags_for

ROOT = Path(__file__).resolve().parents[2]

# name → what /proc/cpuinfo must name
INSTRUCTION_SETS = {
    "avx512": "avx512f avx512bw avx512cd avx512dq avx512vl",
    "avx2": "avx2 fma bmi2 f16c",
    "portable": "",
}
C_TYPES = {
    "b": "unsigned char", "u8": "unsigned char", "i8": "signed char", "i16": "short", "i32": "int", "i64": "long long",
    "u16": "unsigned short", "u32": "unsigned", "u64": "unsigned long long", "f16": "jt_f16", "bf16": "jt_bf16",
    "f32": "float", "f64": "double",
}  # fmt: skip
DTYPES = {
    "b": np.uint8, "u8": np.uint8, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64, "u16": np.uint16,
    "u32": np.uint32, "u64": np.uint64, "f16": np.float16, "bf16": np.uint16, "f32": np.float32, "f64": np.float64,
}  # fmt: skip
INTEGERS = ("u8", "i8", "i16", "i32", "i64", "u16", "u32", "u64")
FLOATS = ("f32", "f64")


def available() -> list[str]:
    """The instruction sets that this machine runs, best first."""
    found = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    return [name for name, needed in INSTRUCTION_SETS.items() if set(needed.split()) <= found]


def source() -> str:
    """A loop over each function of the header, loop_<function>(x, ..., out, count), and its repetition for timing."""
    lines = ['#include "exec/kernel_math.h"']
    pattern = r"^static inline ([\w ]+?) jt_(\w+)\(([^)]*)\)"
    for kind, name, parameters in re.findall(pattern, maths_text(), re.MULTILINE | re.DOTALL):
        if "*" in parameters:
            continue
        types = [re.sub(r"(const )?([\w ]+?)\s+\w+$", r"\2", p.strip()) for p in parameters.split(",")]
        declared = ", ".join(f"const {t}* restrict a{i}" for i, t in enumerate(types))
        arguments = ", ".join(f"a{i}[i]" for i in range(len(types)))
        lines.append(
            f"__attribute__((flatten)) void loop_{name}({declared}, {kind}* restrict y, long n)"
            f" {{ for (long i = 0; i < n; i++) y[i] = jt_{name}({arguments}); }}"
        )
        if name.endswith(FLOATS):
            pointers = ", ".join(f"a{i}" for i in range(len(types)))
            lines.append(
                f"void repeat_{name}({declared}, {kind}* restrict y, long n, long times)"
                " { for (; times > 0; times--) {"
                f' loop_{name}({pointers}, y, n); __asm__ volatile("" ::: "memory"); }} }}'
            )
    return "\n".join(lines) + "\n"


@cache
def build(isa: str) -> tuple[ctypes.CDLL, str]:
    """The loops as a library that links to nothing, compiled as kernels are, and what gcc says of its loops."""
    folder = Path(tempfile.mkdtemp(prefix="jtcy_math_"))
    (folder / "loops.c").write_text(source(), encoding="utf-8")
    options = ["-shared", "-nostdlib", "-Wl,--no-undefined", "-fopt-info-vec", "-fno-tree-loop-distribute-patterns"]
    command = ["gcc", *flags_for(isa), *options, f"-I{ROOT / 'runtime'}", "loops.c", "-o", "loops.so"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return ctypes.CDLL(str(folder / "loops.so")), done.stderr


def call(isa: str, name: str, result: type, *arguments: np.ndarray) -> np.ndarray:
    """One function over arrays."""
    arguments = [np.ascontiguousarray(a) for a in arguments]
    y = np.empty(arguments[0].shape, result)
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*arguments, y)]
    getattr(build(isa)[0], f"loop_{name}")(*pointers, ctypes.c_long(y.size))
    return y


@cache
def inputs(suffix: str) -> np.ndarray:
    """Dense sweeps of the ranges where functions differ, random bits, and the special values."""
    dtype = DTYPES[suffix]
    random = np.random.default_rng(1)
    bits = random.integers(0, 256, (200_000, dtype().itemsize), np.uint8).view(dtype).ravel()
    scales = (1e-6, 0.01, 0.5, 1, 1.3, 2, 4, 10, 30, 100, 800, 1e5)
    sweeps = [random.uniform(-s, s, 30_000).astype(dtype) for s in scales]
    tiny = np.finfo(dtype).smallest_subnormal
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 2, -2, 0.5, -0.5, 1.25, -1.25, 3, 1e30, -1e30, tiny, -tiny,
               np.finfo(dtype).tiny, np.finfo(dtype).max, np.finfo(dtype).min, 2.0**23 + 1, 2.0**52 + 1]  # fmt: skip
    return np.concatenate([bits, *sweeps, random.uniform(0.9, 1.1, 30_000).astype(dtype), np.array(special, dtype)])


def same(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Equal with the sign of zero, or both NaN."""
    both_nan = np.isnan(found) & np.isnan(expected)
    return both_nan | ((found == expected) & (np.signbit(found) == np.signbit(expected)))


def pairs(suffix: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of special values, random pairs, and for pow pairs whose result is in range."""
    x, random = inputs(suffix), np.random.default_rng(2)
    special = np.array(list(itertools.product(x[-23:], x[-23:])), x.dtype)
    a, b = [special[:, 0], x[:20_000], random.uniform(-50, 50, 20_000)], [special[:, 1], random.permutation(x)[:20_000]]
    b.append(random.uniform(-5, 5, 20_000))
    if name == "pow":
        base = np.exp(random.uniform(-40, 40, 40_000))
        a.append(base)
        b.append(random.uniform(-1, 1, 40_000) * math.log(float(np.finfo(x.dtype).max)) / np.abs(np.log(base)))
    with np.errstate(all="ignore"):
        return np.concatenate(a).astype(x.dtype), np.concatenate(b).astype(x.dtype)


ISAS = pytest.mark.parametrize("isa", available())
