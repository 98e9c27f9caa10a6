"""jt.schedule and flags.autotune in a program: what belongs to what, which bits, what is remembered."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy.compiler.ir.schedule import Schedule
from jittor_cy.errors import ArgumentError, ArgumentTypeError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def x() -> jt.Var:
    return jt.array(np.random.default_rng(0).standard_normal((50, 3001)).astype(np.float32))


def test_choice_holds_for_what_is_recorded_in_the_block(x: jt.Var) -> None:
    with jt.schedule(grain=777):
        inside = x.exp().sum(1)
    outside = x.exp().sum(1)

    assert [s.grain for _, s in jt.debug.schedules(inside)] == [777]
    assert [s.grain for _, s in jt.debug.schedules(outside)] == [10_000]


def test_choice_holds_though_the_run_comes_later(x: jt.Var) -> None:
    with jt.schedule(reduction="serial"):
        inside = x.sum(1)

    found = inside.numpy()

    expected = np.zeros(50, np.float32)
    for column in x.numpy().T:
        expected += column
    assert found.tobytes() == expected.tobytes()


def test_program_with_another_schedule_is_not_served_to_others(x: jt.Var) -> None:
    with jt.flags(interpret=True):
        expected = x.sum(1).numpy().copy()

    with jt.schedule(reduction="serial"):
        other = x.sum(1).numpy().copy()
    with jt.flags(wait_for_kernels=True):
        plain = x.sum(1).numpy().copy()

    assert plain.tobytes() == expected.tobytes()
    assert other.tobytes() != expected.tobytes()


def test_kernel_that_changes_bits_is_waited_for(x: jt.Var) -> None:
    with jt.schedule(reduction="vector"):
        runs = {x.sum(1).numpy().tobytes() for _ in range(3)}

    assert len(runs) == 1


def test_inner_block_adds_to_the_outer_one(x: jt.Var) -> None:
    with jt.schedule(grain=5, prefetch=0), jt.schedule(grain=6):
        both = jt.softmax(x, 1)

    ((_, found),) = jt.debug.schedules(both)
    assert (found.grain, found.prefetch) == (6, 0)


def test_function_can_be_decorated(x: jt.Var) -> None:
    @jt.schedule(row_buffer=0)
    def rows(v: jt.Var) -> jt.Var:
        return jt.softmax(v, 1)

    ((_, found),) = jt.debug.schedules(rows(x))
    assert found.row_buffer == 0


def test_block_is_left_when_an_exception_leaves_it(x: jt.Var) -> None:
    with pytest.raises(KeyError), jt.schedule(grain=5):
        raise KeyError

    assert [s.grain for _, s in jt.debug.schedules(x.exp())] == [10_000]


def test_whole_schedule_and_its_text_can_be_given(x: jt.Var) -> None:
    wanted = Schedule(grain=99, unroll=2)
    for form in (wanted, str(wanted)):
        with jt.schedule(form):
            y = x.exp()
        assert [s for _, s in jt.debug.schedules(y)] == [wanted]


def test_gradients_have_the_choices_of_where_they_are_asked_for(x: jt.Var) -> None:
    with jt.schedule(grain=44):
        (gradient,) = jt.grad((x.exp() * x).sum(), [x])

    assert {s.grain for _, s in jt.debug.schedules(gradient)} == {44}


def test_unknown_choice_is_refused_with_near_ones() -> None:
    with pytest.raises(ArgumentError, match="did you mean prefetch"):
        jt.schedule(prefetsch=1)


def test_value_out_of_range_is_refused() -> None:
    with pytest.raises(ArgumentTypeError, match="schedule: column_tile is a number from 1 to 256, not 0"):
        jt.schedule(column_tile=0)


def test_scope_says_that_it_changes_the_bits() -> None:
    assert jt.schedule(reduction="tree").changes_bits == "reduction=tree"
    assert repr(jt.schedule(reduction="tree")) == "schedule(reduction='tree')  # changes the bits: reduction=tree"
    assert repr(jt.schedule(grain=2)) == "schedule(grain=2)"


def test_explain_prints_schedules_what_changes_bits_and_what_means_nothing(x: jt.Var) -> None:
    with jt.schedule(reduction="serial", column_tile=32):
        y = x.sum(1)

    text = jt.debug.explain(y)

    assert "  schedule: fuse=True reduction=serial" in text
    assert "  changes the bits: reduction=serial" in text
    assert "  means nothing to row: column_tile" in text


def test_trace_names_what_changes_bits_and_what_means_nothing(x: jt.Var, capfd: pytest.CaptureFixture[str]) -> None:
    with jt.flags(debug="1,schedule"), jt.schedule(reduction="tree", column_tile=32):
        x.sum(1).numpy()

    printed = capfd.readouterr().err
    assert "changes_bits=reduction=tree" in printed
    assert "kind=row not_applied=column_tile" in printed


# ---- autotune ----

PROGRAM = """
import sys
import numpy as np
import jittor_cy as jt
from jittor_cy import _plan

x = jt.array(np.random.default_rng(4).standard_normal((300, 700)).astype(np.float32))

def compute():
    return [jt.softmax(x[:, ::2].exp(), 1).numpy(), x.transpose(1, 0).sum(1).numpy(), (x * 2).sum().numpy()]

with jt.flags(interpret=True):
    expected = [v.copy() for v in compute()]
jt.flags.wait_for_kernels = True
found = compute()
assert all(a.tobytes() == b.tobytes() for a, b in zip(found, expected)), "bits differ"
assert _plan.last_compile_error() is None
for line in jt.debug.tuned():
    print(line)
"""


def run_tuned(folder: Path, **more: str) -> list[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "JTCY_AUTOTUNE": "1",
        "JTCY_CACHE_DIR": str(folder),
        "JTCY_THREADS": "2",
    } | more
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_search_keeps_the_bits_and_a_later_process_remembers(tmp_path: Path) -> None:
    first = run_tuned(tmp_path)
    for path in (tmp_path / "schedules").iterdir():
        assert path.stat().st_mode & 0o077 == 0

    second = run_tuned(tmp_path)

    assert len(first) == len(second) > 0
    assert not any("(remembered)" in line for line in first)
    assert [line + " (remembered)" for line in first] == second


def test_damaged_choice_is_measured_again(tmp_path: Path) -> None:
    count = len(run_tuned(tmp_path))
    for path in (tmp_path / "schedules").iterdir():
        path.write_text(path.read_text().replace("grain=", "grain=1"))

    again = run_tuned(tmp_path)

    assert len(again) == count
    assert not any("(remembered)" in line for line in again)


def test_nothing_is_searched_without_the_flag(tmp_path: Path) -> None:
    assert run_tuned(tmp_path, JTCY_AUTOTUNE="0") == []
    assert not (tmp_path / "schedules").exists()
