"""What is compiled when: behind a first run, at once where memory asks for it, or by an earlier process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jittor_cy.compiler import plan_store

STEP = """
import json
import sys
import numpy as np
import jittor_cy as jt

n, steps = int(sys.argv[1]), int(sys.argv[2])
x = jt.array(np.linspace(-2, 2, n, dtype="float32"))
jt.sync_all(True)
rows = []
for step in range(steps):
    before = jt.stats()
    y = (x * 3 + step).tanh() - x
    jt.sync_all(True)
    after = jt.stats()
    rows.append({name: after[name] - before[name] for name in ("compiles", "interpreted_launches", "launches")})
    if step == 1:
        jt.debug.wait_for_compiles()
print(json.dumps({"rows": rows, "value": y.numpy().tobytes().hex(), "kernels": jt.stats()["kernels_compiled"],
                  "damaged": jt.stats()["cache_damaged"]}))
"""


TRAINING = STEP.replace(
    "    y = (x * 3 + step).tanh() - x\n",
    "    optimizer.step(((weight * x).tanh() * x).sum())\n    y = weight\n",
).replace(
    "rows = []", "weight = jt.nn.Parameter(x * 0.5)\njt.sync_all(True)\noptimizer = jt.optim.Adam([weight])\nrows = []"
)


def run(folder: Path, n: int = 1000, steps: int = 4, program: str = STEP, **environment: str) -> dict:
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = {"JTCY_CACHE_DIR": str(folder), "JTCY_COMPILE_AT_ONCE": "0", "JTCY_PLAN_STORE": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-c", program, str(n), str(steps)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_first_run_compiles_nothing_and_the_second_starts_it(tmp_path: Path) -> None:
    rows = run(tmp_path / "cache")["rows"]

    assert [row["compiles"] for row in rows] == [0, 1, 0, 0]
    assert [row["interpreted_launches"] > 0 for row in rows] == [True, True, False, False]
    assert rows[2]["launches"] == 1


def test_first_step_of_an_optimizer_is_planned_beside_its_run(tmp_path: Path) -> None:
    rows = run(tmp_path / "cache", program=TRAINING)["rows"]

    assert [row["interpreted_launches"] > 0 for row in rows] == [True, True, False, False]
    assert sum(row["compiles"] for row in rows[2:]) == 0


def test_step_that_takes_long_waits_for_its_kernels_when_it_comes_again(tmp_path: Path) -> None:
    found = run(tmp_path / "cache", n=1_000_000, program=TRAINING)
    interpreted = run(tmp_path / "cache", n=1_000_000, program=TRAINING, JTCY_INTERPRET="1")

    assert [row["interpreted_launches"] > 0 for row in found["rows"]] == [True, False, False, False]
    assert found["value"] == interpreted["value"]


def test_compile_at_once_starts_it_with_the_first_run(tmp_path: Path) -> None:
    rows = run(tmp_path / "cache", JTCY_COMPILE_AT_ONCE="1")["rows"]

    assert [row["compiles"] for row in rows] == [1, 0, 0, 0]


def test_few_ops_that_need_much_memory_are_compiled_before_they_run(tmp_path: Path) -> None:
    rows = run(tmp_path / "cache", n=20_000_000, steps=1)["rows"]

    assert rows == [{"compiles": 1, "interpreted_launches": 0, "launches": 1}]


def test_later_process_plans_and_compiles_nothing(tmp_path: Path) -> None:
    first = run(tmp_path / "cache")

    second = run(tmp_path / "cache")

    assert first["kernels"] == 1
    assert second["kernels"] == 0
    assert all(row == {"compiles": 0, "interpreted_launches": 0, "launches": 1} for row in second["rows"])
    assert second["value"] == first["value"]


def test_without_the_plan_store_each_process_plans_for_itself(tmp_path: Path) -> None:
    run(tmp_path / "cache")

    rows = run(tmp_path / "cache", JTCY_PLAN_STORE="0")["rows"]

    assert [row["compiles"] for row in rows] == [0, 1, 0, 0]


@pytest.mark.parametrize("damage", [b"", b"no checksum", b"0" * 64 + b"\n" + b"other bytes"])
def test_damaged_plan_is_made_again(tmp_path: Path, damage: bytes) -> None:
    first = run(tmp_path / "cache")
    (plan,) = (tmp_path / "cache" / "plans").iterdir()
    plan.write_bytes(damage)

    second = run(tmp_path / "cache")

    assert second["damaged"] == 1
    assert [row["compiles"] for row in second["rows"]] == [0, 1, 0, 0]
    assert second["value"] == first["value"]


def test_plan_whose_kernel_is_gone_is_made_again(tmp_path: Path) -> None:
    first = run(tmp_path / "cache")
    for entry in (tmp_path / "cache" / "keys").iterdir():
        entry.unlink()

    second = run(tmp_path / "cache")

    assert second["kernels"] == 1
    assert second["value"] == first["value"]


def test_interpreted_and_compiled_runs_give_the_same_bits(tmp_path: Path) -> None:
    compiled = run(tmp_path / "cache")

    interpreted = run(tmp_path / "cache", JTCY_INTERPRET="1")

    assert interpreted["kernels"] == 0
    assert interpreted["value"] == compiled["value"]
    expected = np.tanh(np.linspace(-2, 2, 1000, dtype="f4") * 3 + 3) - np.linspace(-2, 2, 1000, dtype="f4")
    np.testing.assert_allclose(np.frombuffer(bytes.fromhex(compiled["value"]), "f4"), expected, rtol=1e-5, atol=1e-6)


def test_key_of_a_plan_follows_from_structure_options_and_instruction_set() -> None:
    keys = {plan_store.key_of(*parts) for parts in [("a", "avx2", "x"), ("b", "avx2", "x"), ("a", "avx2", "y")]}

    assert len(keys | {plan_store.key_of("a", "portable", "x")}) == 4
    assert plan_store.key_of("a", "avx2", "x") in keys
