"""CUDA asked for where there is none: one line says so, and everything runs on the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "JTCY_DEBUG": "0"},
    )

    assert done.stdout.split(maxsplit=1) == ["cpu", "[2.0, 3.0]\n"], done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("jittor_cy: use_cuda is on, but there is no CUDA here (")
    assert done.stderr.endswith("; running on the CPU\n")


@pytest.mark.parametrize(
    "setting,environment",
    [
        ("jt.flags.use_cuda = 1", {}),
        ("jt.flags(use_cuda=True).__enter__()", {}),
        ("pass", {"JTCY_USE_CUDA": "1"}),
    ],
    ids=["attribute", "with", "environment"],
)
def test_refused_setting_does_not_read_as_set(setting: str, environment: dict[str, str]) -> None:
    program = "\n".join(
        [
            "import sys",
            "sys.modules['cuda'] = None",
            "import jittor_cy as jt",
            setting,
            "print(jt.flags.use_cuda, jt.ones(1).device)",
        ]
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "JTCY_DEBUG": "0", **environment},
    )

    assert done.stdout == "False cpu\n"
    assert done.stderr.count("\n") == 1


def test_importing_the_package_loads_nothing_of_cuda() -> None:
    program = (
        "import sys, jittor_cy; print([m for m in sys.modules if m.split('.')[0] == 'cuda' or m == 'jittor_cy._cuda'])"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
