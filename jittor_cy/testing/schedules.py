"""Random schedules for random programs: those that keep the bits, and those that name an order of their own."""

from __future__ import annotations

import random
from dataclasses import fields
from typing import Any

from jittor_cy.compiler.ir.schedule import Schedule

__all__ = ["random_choices", "random_order"]

MOST_CHOICES = 4


def random_choices(generator: random.Random) -> dict[str, Any]:
    """Some choices of the same bits, each with a value that it may have: small ones, those of a search, or any."""
    keeping = [f for f in fields(Schedule) if not f.metadata["changes_bits"]]
    chosen = generator.sample(keeping, generator.randint(1, MOST_CHOICES))
    return {f.name: random_value(f, generator) for f in chosen}


def random_value(choice: Any, generator: random.Random) -> Any:
    about = choice.metadata
    if about["values"]:
        return generator.choice(about["values"])
    low, high = about["bounds"]
    return generator.choice(
        (low, min(high, low + generator.randint(1, 9)), *about["others"], generator.randint(low, high))
    )


def random_order(generator: random.Random) -> dict[str, Any]:
    """A reduction in an order that is not that of docs/bits.md."""
    return {"reduction": generator.choice(("serial", "vector", "tree"))}
