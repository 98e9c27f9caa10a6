"""Accuracy and cost of every function of the vector maths: writes docs/vector_maths.md.

python -m tests.acceptance.vector_maths

Nanoseconds are those of one core with data in the first-level cache, compiled with the flags of generated kernels;
the column of torch is empty where torch is not installed.
"""

from __future__ import annotations

import ctypes
import math
import sys
import time
from collections.abc import Callable

import numpy as np

from tests.jittor_cy.kernel_math_loops import DTYPES, FLOATS, ROOT, available, build, call, inputs
from tests.jittor_cy.test_kernel_math import BINARY, UNARY, measure_binary, measure_unary, ulp_distance

try:
    import torch
except ImportError:
    torch = None

DOCUMENT = ROOT / "docs" / "vector_maths.md"
COUNT = 2048
# Every 509th of the 2^32 float32: 8 million of all magnitudes.
FLOAT32_STRIDE = 509
RANGES = {
    "log": (0.01, 30), "log1p": (-0.9, 30), "asin": (-1, 1), "acos": (-1, 1), "atanh": (-0.99, 0.99),
    "acosh": (1, 30), "sqrt": (0, 30), "rsqrt": (0.01, 30), "pow": (0.01, 30),
}  # fmt: skip
NUMPY = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh",
         "atanh": "arctanh", "pow": "power", "atan2": "arctan2"}  # fmt: skip
HEAD = """\
# Vector maths: accuracy and cost

`runtime/exec/kernel_math.h` computes every function with plain arithmetic and selects: no library is called, and gcc
vectorizes each loop (a test reads its notes) except sin, cos and tan of float64, whose arguments above 10^6 branch.

* **ulp**: the largest error in units in the last place, and where it is. float32 against float64, at every 509th of
  all 2^32 arguments, dense sweeps and special values; float64 against extended precision (erf and erfc: the C library,
  within one unit), over random bits of the whole range, dense sweeps and special values. NaN, infinities, the sign of
  zero and subnormal results are NumPy's. `tests/jittor_cy/test_kernel_math.py` fails above 4, with `--full` over all
  magnitudes of float32. avx512 and avx2 agree in every bit.
* **ns**: nanoseconds of an element on one core, 2,048 elements in the first-level cache, compiled as generated kernels
  are; NumPy and torch (one thread) called on as many elements{torch}.
* log2 and log10 are log times a constant, gelu is x / 2 (1 + erf(x / sqrt 2)).

Written by `python -m tests.acceptance.vector_maths`."""


def composites(isa: str, suffix: str) -> dict[str, tuple[float, float]]:
    """Error of what the package composes from one function, operation by operation as it is recorded."""
    dtype, x = DTYPES[suffix], inputs(suffix)
    wide = np.float64 if suffix == "f32" else np.longdouble
    found = {}
    with np.errstate(all="ignore"):
        log = call(isa, f"log_{suffix}", dtype, x)
        for name, base, exact in (("log2", 2, np.log2), ("log10", 10, np.log10)):
            distance = ulp_distance(log * dtype(1 / math.log(base)), exact(x.astype(wide)))
            found[name] = float(distance.max()), float(x[distance.argmax()])
    return found


def accuracy(isa: str, name: str, suffix: str) -> tuple[float, float]:
    if name in BINARY:
        return measure_binary(isa, name, suffix)
    worst = measure_unary(isa, name, suffix)
    if suffix == "f64":
        return worst
    step = FLOAT32_STRIDE << 20
    parts = [np.arange(at, min(at + step, 1 << 32), FLOAT32_STRIDE, np.uint64) for at in range(0, 1 << 32, step)]
    return max([worst, *(measure_unary(isa, name, suffix, p.astype(np.uint32).view(np.float32)) for p in parts)])


def nanoseconds(run: Callable[[int], object], count: int) -> float:
    """Least time of an element over 15 repetitions of `run(times)`."""
    seconds = []
    for _ in range(15):
        start = time.perf_counter()
        run(20)
        seconds.append(time.perf_counter() - start)
    return min(seconds) / 20 / count * 1e9


def operands(name: str, suffix: str, count: int) -> list[np.ndarray]:
    random, dtype = np.random.default_rng(0), DTYPES[suffix]
    x = random.uniform(*RANGES.get(name, (-5, 5)), count).astype(dtype)
    return [x, random.uniform(-5, 5, count).astype(dtype)] if name in BINARY else [x]


def own_cost(isa: str, name: str, suffix: str) -> float:
    arrays = operands(name, suffix, COUNT)
    arrays.append(np.empty_like(arrays[0]))
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in arrays]
    repeat = getattr(build(isa)[0], f"repeat_{name}_{suffix}")
    return nanoseconds(lambda times: repeat(*pointers, ctypes.c_long(COUNT), ctypes.c_long(times)), COUNT)


def numpy_cost(name: str, suffix: str) -> float | None:
    function = getattr(np, NUMPY.get(name, name), None)
    if function is None:
        return None
    arrays = operands(name, suffix, COUNT)
    out = np.empty_like(arrays[0])
    return nanoseconds(lambda times: [function(*arrays, out=out) for _ in range(times)], COUNT)


def torch_cost(name: str, suffix: str) -> float | None:
    function = getattr(torch, name, None)
    if function is None:
        return None
    torch.set_num_threads(1)
    tensors = [torch.from_numpy(a) for a in operands(name, suffix, COUNT)]
    out = torch.empty_like(tensors[0])
    return nanoseconds(lambda times: [function(*tensors, out=out) for _ in range(times)], COUNT)


def accuracy_table(suffix: str) -> list[str]:
    fused = [isa for isa in available() if isa != "portable"]
    isas = [*fused[:1], "portable"]
    heads = [*(f"{'/'.join(fused)} | at" for _ in fused[:1]), "portable | at"]
    lines = [f"| {DTYPES[suffix].__name__}, ulp | " + " | ".join(heads) + " |", "|---" * (1 + 2 * len(isas)) + "|"]
    several = [composites(isa, suffix) for isa in isas]
    for name in (*UNARY, *BINARY, *several[0]):
        errors = [
            accuracy(isa, name, suffix) if name not in c else c[name] for isa, c in zip(isas, several, strict=True)
        ]
        lines.append(f"| {name} | " + " | ".join(f"{error:.2f} | {at:.7g}" for error, at in errors) + " |")
    return lines


def cost_table(suffix: str) -> list[str]:
    isas = available()
    heads = [*isas, "NumPy", "torch"]
    lines = [f"| {DTYPES[suffix].__name__}, ns | " + " | ".join(heads) + " |", "|---" * (1 + len(heads)) + "|"]
    for name in (*UNARY, *BINARY):
        costs = [own_cost(isa, name, suffix) for isa in isas] + [numpy_cost(name, suffix), torch_cost(name, suffix)]
        lines.append(f"| {name} | " + " | ".join("" if c is None else f"{c:.2f}" for c in costs) + " |")
    return lines


def document(tables: list[list[str]]) -> str:
    said = f" (torch {torch.__version__})" if torch else " (not installed here)"
    return "\n\n".join([HEAD.format(torch=said), *("\n".join(lines) for lines in tables)]) + "\n"


def main() -> int:
    tables = [make(suffix) for make in (accuracy_table, cost_table) for suffix in FLOATS]
    DOCUMENT.write_text(document(tables), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
