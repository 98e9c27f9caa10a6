"""The cases, a file for each family; `select` finds them by name."""

from __future__ import annotations

import difflib
import fnmatch

from jittor_cy.bench.case import Case
from jittor_cy.bench.workloads import (
    contraction,
    convolution,
    elementwise,
    indexing,
    models,
    movement,
    optimizer,
    overhead,
    reduction,
)
from jittor_cy.errors import ArgumentError

__all__ = ["FAMILIES", "select"]

FAMILIES: dict[str, tuple[Case, ...]] = {
    "elementwise": elementwise.CASES,
    "reduction": reduction.CASES,
    "movement": movement.CASES,
    "indexing": indexing.CASES,
    "contraction": contraction.CASES,
    "convolution": convolution.CASES,
    "optimizer": optimizer.CASES,
    "overhead": overhead.CASES,
    "models": models.CASES,
}


def by_name() -> dict[str, Case]:
    return {case.name: case for cases in FAMILIES.values() for case in cases}


def select(text: str) -> list[Case]:
    """The cases that comma-separated names, families, patterns ("matmul_*") or parts of names mean; all where empty.

    Raises: ArgumentError: a word means none
    """
    known = by_name()
    words = [word.strip() for word in text.split(",") if word.strip()] or ["*"]
    chosen: dict[str, Case] = {}
    for word in words:
        found = cases_of(word, known)
        if not found:
            near = difflib.get_close_matches(word, [*known, *FAMILIES], n=3)
            help = f"did you mean {', '.join(near)}?" if near else "`python -m jittor_cy.bench --list` shows all"
            raise ArgumentError(f"bench: there is no workload {word!r}", help=help)
        chosen.update((case.name, case) for case in found)
    return list(chosen.values())


def cases_of(word: str, known: dict[str, Case]) -> list[Case]:
    if word in known:
        return [known[word]]
    if word in FAMILIES:
        return list(FAMILIES[word])
    pattern = word if "*" in word or "?" in word else f"*{word}*"
    return [known[name] for name in fnmatch.filter(known, pattern)]
