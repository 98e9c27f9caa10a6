"""CUDA asked for where there is none: one line says so, and everything runs on the CPU."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
# Neither a driver nor cuda-python: what a machine without CUDA looks like.
sys.modules["cuda"] = None
import jittor_cy as jt
jt.flags.use_cuda = 1
x = jt.array([1.0, 2.0]) + 1
print(x.device, x.tolist())
"""


def test_missing_cuda_is_said_in_one_line_and_the_cpu_serves() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False,
                          env={**os.environ, "JTCY_DEBUG": "0"})

    assert done.stdout.split(maxsplit=1) == ["cpu", "[2.0, 3.0]\n"], done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("jittor_cy: use_cuda is on, but there is no CUDA here (")
    assert done.stderr.endswith("; running on the CPU\n")


def test_importing_the_package_loads_nothing_of_cuda() -> None:
    program = "import sys, jittor_cy; print([m for m in sys.modules if m.split('.')[0] == 'cuda' or m == 'jittor_cy._cuda'])"

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
