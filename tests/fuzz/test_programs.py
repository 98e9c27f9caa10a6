"""Random programs give the same bits however they are run, and NumPy's values."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from jittor_cy.testing.fuzz import check_gradients, check_program
from jittor_cy.testing.programs import Choices, Program, build_program, random_program

FIXED_SEEDS = 300
GRADIENT_SEEDS = 100
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
