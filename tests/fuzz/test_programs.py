"""Random programs give the same bits however they are run, and NumPy's values."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from jittor_cy.testing import fuzz
from jittor_cy.testing.fuzz import check_gradients, check_program, check_schedules
from jittor_cy.testing.programs import Choices, Program, build_program, random_program

FIXED_SEEDS = 300
GRADIENT_SEEDS = 100
SCHEDULE_SEEDS = 100
BATCH = 25


class DrawnChoices(Choices):
    """Decisions drawn by hypothesis, so that a failure shrinks to few ops."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))


@st.composite
def programs(draw: Any, max_ops: int = 6) -> Program:
    return build_program(DrawnChoices(draw), max_ops)


@pytest.mark.parametrize("first", range(0, FIXED_SEEDS, BATCH))
def test_programs_of_fixed_seeds_agree_in_every_mode(first: int) -> None:
    for seed in range(first, first + BATCH):
        check_program(random_program(seed))


@pytest.mark.parametrize("first", range(0, GRADIENT_SEEDS, BATCH))
def test_gradients_of_programs_of_fixed_seeds_agree_in_every_mode(first: int) -> None:
    for seed in range(first, first + BATCH):
        check_gradients(random_program(seed))


@pytest.mark.parametrize("first", range(0, SCHEDULE_SEEDS, BATCH))
def test_programs_of_fixed_seeds_agree_under_random_schedules(first: int) -> None:
    for seed in range(first, first + BATCH):
        program = random_program(seed)
        check_schedules(program, check_program(program, ("interpreter",)), seed)


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(programs())
def test_drawn_programs_agree_in_every_mode(program: Program) -> None:
    check_program(program, ("fused", "unfused", "interpreter"))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FIXED_SEEDS, 10_000, 100))
def test_ten_thousand_programs_agree_in_every_mode(first: int) -> None:
    for seed in range(first, min(first + 100, 10_000)):
        check_program(random_program(seed))


def test_the_command_prints_what_it_reached(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["fuzz", "--count", "3", "--first-seed", "6", "--max-ops", "4", "--gradients"])

    assert fuzz.main() == 0

    printed = capsys.readouterr().out
    assert "fuzz: seeds 6 to 8, 0 mismatches" in printed
    assert "elementwise" in printed and "contiguous" in printed
    assert "portable" in printed and "reduction" in printed and " schedules, " in printed


def test_the_command_names_the_seed_of_a_mismatch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(program: Program) -> None:
        raise AssertionError("fused is not interpreted")

    monkeypatch.setattr(fuzz, "check_program", wrong)
    monkeypatch.setattr("sys.argv", ["fuzz", "--count", "9", "--stop", "2"])

    assert fuzz.main() == 1

    printed = capsys.readouterr().out
    assert "seed 0: fused is not interpreted" in printed
    assert "fuzz: seeds 0 to 1, 2 mismatches" in printed
