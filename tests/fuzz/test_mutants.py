"""The random programs find planted mistakes of the compiler, and putting a mistake in leaves nothing behind."""

from __future__ import annotations

import pytest

from jittor_cy.testing.fuzz import check_program
from jittor_cy.testing.mutants import MUTANTS, find, main, planted
from jittor_cy.testing.programs import random_program

LIMIT = 2000
# Found by so few programs that the search takes seconds.
EASY = ("tail of a row loses its last element", "operands of sub swapped", "32 lanes in a row reduction")


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.name in EASY], ids=lambda m: m.name)
def test_an_easy_mutant_is_found(mutant) -> None:
    assert find(mutant, LIMIT) is not None


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.name not in EASY], ids=lambda m: m.name)
def test_every_mutant_is_found(mutant) -> None:
    assert find(mutant, LIMIT) is not None


def test_the_command_says_what_was_found_and_what_was_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["mutants", "--only", "operands of sub swapped", "--limit", "50"])
    found = main()
    monkeypatch.setattr("sys.argv", ["mutants", "--only", "32 lanes", "--limit", "1"])
    missed = main()

    lines = capsys.readouterr().out.splitlines()
    assert (found, missed) == (0, 1)
    assert "found by program" in lines[0]
    assert "NOT found by 1 programs" in lines[1]


def test_a_mutant_leaves_nothing_behind(tmp_path) -> None:
    program = random_program(3)
    for mutant in MUTANTS:
        with planted(mutant, str(tmp_path)):
            pass

    check_program(program, ("fused", "interpreter"))
