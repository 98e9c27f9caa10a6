"""Each instruction set that the machine has, forced at import: right values, the interpreter's bits, kernels apart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import _plan
from jittor_cy.errors import ArgumentError

ROOT = Path(__file__).resolve().parents[2]

# Prints the instruction set, whether kernels give the interpreter's bits, and results for the parent to compare.
PROGRAM = """
import sys
import numpy as np
import jittor_cy as jt
from jittor_cy import _plan

def compute():
    x, w = jt.array(np.load(sys.argv[1])), jt.array(np.load(sys.argv[2]))
    hidden = jt.matmul(x, w)
    rows = jt.softmax(hidden * 0.25, 1)
    return [rows.numpy(), jt.tanh(hidden).sum(0).numpy(), (x * 2 + 1).mean().numpy()]

with jt.flags(wait_for_kernels=True):
    compiled = compute()
with jt.flags(interpret=True):
    interpreted = compute()
assert all(a.tobytes() == b.tobytes() for a, b in zip(compiled, interpreted)), "bits differ"
np.savez(sys.argv[3], *compiled)
print(_plan.isa(), jt.stats()["kernels_compiled"])
"""


def run(isa: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "JTCY_ISA": isa, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-c", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray, np.ndarray]:
    folder = tmp_path_factory.mktemp("isa")
    generator = np.random.default_rng(3)
    x, w = (generator.standard_normal(s).astype(np.float32) for s in ((37, 70), (70, 301)))
    np.save(folder / "x.npy", x)
    np.save(folder / "w.npy", w)
    return folder, x, w


@pytest.mark.parametrize("isa", _plan.instruction_sets())
def test_forced_instruction_set_computes_as_numpy_and_as_its_interpreter(
    isa: str, inputs: tuple[Path, np.ndarray, np.ndarray]
) -> None:
    folder, x, w = inputs
    paths = [str(folder / "x.npy"), str(folder / "w.npy"), str(folder / f"{isa}.npz")]

    done = run(isa, PROGRAM, *paths, JTCY_CACHE_DIR=str(folder / "cache"))

    assert done.returncode == 0, done.stderr
    name, compiled = done.stdout.split()
    assert name == isa
    assert int(compiled) > 0, "the cache served kernels of another instruction set"
    hidden = x.astype(np.float64) @ w
    powers = np.exp(hidden * 0.25 - (hidden * 0.25).max(1, keepdims=True))
    expected = [powers / powers.sum(1, keepdims=True), np.tanh(hidden).sum(0), (x.astype(np.float64) * 2 + 1).mean()]
    found = np.load(paths[2])
    for number, value in enumerate(expected):
        np.testing.assert_allclose(found[f"arr_{number}"], value, rtol=1e-4, atol=1e-5)


def test_the_best_is_taken_where_nothing_is_said() -> None:
    done = run("", "from jittor_cy import _plan; print(_plan.isa())")

    assert done.stdout.split() == _plan.instruction_sets()[:1]


def test_every_machine_can_run_the_portable_one() -> None:
    assert _plan.instruction_sets()[-1] == "portable"


def test_unknown_name_in_the_environment_is_refused_at_import() -> None:
    done = run("avx521", "import jittor_cy")

    assert done.returncode != 0
    assert "JTCY_ISA: there is no instruction set 'avx521'" in done.stderr
    assert "did you mean avx512? this machine runs" in done.stderr


def test_unknown_name_of_the_flag_is_refused() -> None:
    with pytest.raises(ArgumentError, match="flags.isa: there is no instruction set 'neon'\n  help: this machine runs"):
        jt.flags.isa = "neon"


def test_known_name_that_the_machine_lacks_says_what_it_runs() -> None:
    lacking = [name for name in ("avx512", "avx2") if name not in _plan.instruction_sets()]
    if not lacking:
        pytest.skip("this machine runs every instruction set")

    with pytest.raises(ArgumentError, match=f"this machine cannot run '{lacking[0]}'"):
        jt.flags.isa = lacking[0]


def test_flag_in_a_block_is_put_back_to_the_best() -> None:
    before = _plan.isa()

    with jt.flags(isa="portable"):
        inside = _plan.isa()

    assert (inside, _plan.isa()) == ("portable", before)
