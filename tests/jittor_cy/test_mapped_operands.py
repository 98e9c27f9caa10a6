"""Kernels whose operands do not fit the budget together work on them in the spill file: the same bits, within it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MIB = 1 << 20
# A process each: what other tests still hold would count. Operands are 6 MiB, 18 of them together do not fit.
SETUP = """
import json
import numpy as np
import jittor_cy as jt
from jittor_cy import nn

jt.flags.compile_at_once = jt.flags.wait_for_kernels = True
generator = np.random.default_rng(5)
rows, columns = 1536, 1024
a, b = (generator.standard_normal((rows, columns), dtype=np.float32) for _ in range(2))
x, y = jt.array(a), jt.array(b)
jt.sync_all(True)
"""
CASES = {
    "map": "nn.gelu(x) * y + x",
    "rows": "nn.softmax(x * y, dim=1) + y",
    "columns": "(x - (x * y).mean(dim=0)) * y",
    "a sum over all": "(x * y).sum() + x * y",
    "views of one Var": "x[: rows // 2] * x[rows // 2 :] + y[1 : rows // 2 + 1]",
    "transposed": "(x + y).transpose(0, 1) * 2",
    "concatenated": "jt.concat([x, y], dim=0)[::2] + 1",
    "random": "jt.rand(rows, columns) + x * y",
    "gathered": "x[jt.array(generator.permutation(rows))] * y",
}
PROGRAM = (
    SETUP
    + """
def run():
    jt.seed(3)
    return ({case}).numpy()

expected = run().copy()
jt.memory.trim()
jt.memory.budget({budget})
jt.memory.reset_peak()
found = run()
stats = jt.memory.stats()
print(json.dumps(dict(stats, equal=found.tobytes() == expected.tobytes())))
"""
)


def run(program: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = folder / "program.py"
    path.write_text(program)
    return subprocess.run([sys.executable, str(path)], capture_output=True, text=True, env=os.environ | environment)


@pytest.mark.parametrize("case", CASES)
def test_the_bits_are_those_without_a_budget_and_the_budget_holds(case: str, tmp_path: Path) -> None:
    budget = 14 * MIB
    program = PROGRAM.replace(
        "{case}", CASES[case].replace("generator.permutation", "np.random.default_rng(1).permutation")
    )

    done = run(program.replace("{budget}", str(budget)), tmp_path)

    assert done.returncode == 0, done.stderr
    stats = json.loads(done.stdout)
    assert stats["equal"]
    assert 0 < stats["peak_counted_nbytes"] <= budget
    assert stats["spill_mapped_nbytes"] > 0


def test_without_need_nothing_is_mapped(tmp_path: Path) -> None:
    done = run(PROGRAM.replace("{case}", CASES["map"]).replace("{budget}", str(40 * MIB)), tmp_path)

    stats = json.loads(done.stdout)
    assert stats["equal"]
    assert stats["spill_mapped_nbytes"] == 0


def test_a_result_that_alone_exceeds_the_budget_is_refused_before_anything_ran(tmp_path: Path) -> None:
    program = SETUP + (
        "jt.memory.budget('14MiB')\n"
        "z = x.reshape(rows, 1, columns) + jt.ones((1, 4, 1))\n"
        "try:\n"
        "    z.sync()\n"
        "except jt.errors.MemoryBudgetError as error:\n"
        "    print(error)\n"
        "print((x.numpy() == a).all(), jt.memory.stats()['spill_mapped_nbytes'])\n"
    )

    done = run(program, tmp_path)

    lines = done.stdout.splitlines()
    assert lines[0].startswith("memory.budget: Add from program.py:14 needs "), done.stdout + done.stderr
    assert lines[-1] == "True 0"


def test_an_index_that_is_out_of_range_is_named_from_a_mapped_kernel(tmp_path: Path) -> None:
    program = SETUP + (
        "jt.memory.budget('14MiB')\n"
        "rows_of = jt.array(np.full(rows, rows))\n"
        "try:\n"
        "    (x[rows_of] * y).sync()\n"
        "except IndexError as error:\n"
        "    print(error)\n"
        "print((y * 2).sum().isfinite().item())\n"
    )

    done = run(program, tmp_path)

    assert "index 1536 is out of range" in done.stdout, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "True"


# A channel of all images is touched in steps of 50 KiB, and Linux maps 64 KiB of a file at a time, or more.
CHANNELS = """
import json
from pathlib import Path
import jittor_cy as jt
from jittor_cy import nn

jt.flags.compile_at_once = jt.flags.wait_for_kernels = True
norm, shape = nn.BatchNorm2d(16), (512, 16, 28, 28)

def peak_rss():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

def step(seed):
    jt.seed(seed)
    x, dy = jt.randn(*shape), jt.randn(*shape)
    jt.sync([x, dy])
    return jt.grad(norm(x), x, grad_outputs=dy).sum().item()

jt.memory.budget({budget})
step(1)
jt.memory.trim()
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
baseline = peak_rss()
step(2)
print(json.dumps(dict(jt.memory.stats(), resident=peak_rss() - baseline)))
"""


def test_of_a_mapped_operand_few_pages_are_resident(tmp_path: Path) -> None:
    budget = 36 * MIB  # one of the three tensors of 24.5 MiB

    # A checksum would read all pages.
    done = run(CHANNELS.replace("{budget}", str(budget)), tmp_path, JTCY_VERIFY="0")

    assert done.returncode == 0, done.stderr
    stats = json.loads(done.stdout)
    assert stats["spill_mapped_nbytes"] > 0
    assert stats["resident"] <= budget + 16 * MIB
