"""Schedule: how a kernel does what its Groups say; a value that can be printed, parsed, given by hand and searched."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from jittor_cy.errors import ArgumentError, ArgumentTypeError

__all__ = ["CHANGES_BITS", "Choices", "Schedule", "choices_of", "given_by", "merged", "not_applied", "number_of"]

# What was given by hand, in the order of the fields: a part of a Schedule.
Choices = tuple[tuple[str, Any], ...]

EVERY_KIND = ("map", "row", "column", "full")
REDUCING = ("row", "column", "full")


def choice(
    default: Any,
    doc: str,
    kinds: tuple[str, ...] = EVERY_KIND,
    values: tuple = (),
    bounds: tuple[int, int] = (0, 1),
    others: tuple = (),
    changes_bits: bool = False,
    everywhere: bool = False,
) -> Any:
    """A field. `kinds`: of Groups that it means something to; `values` or `bounds`: what it may be.

    others: what a search tries. everywhere: it means something on a GPU, too.
    """
    about = {
        "doc": doc,
        "kinds": kinds,
        "values": values,
        "bounds": bounds,
        "others": others,
        "changes_bits": changes_bits,
        "everywhere": everywhere,
    }
    return field(default=default, metadata=about)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The choices for one kernel, one field each; fields that change bits say so and are never searched.

    Example:  >>> from jittor_cy.compiler.ir.schedule import Schedule
              >>> Schedule(prefetch=0).differences()
              'prefetch=0'
    """

    fuse: bool = choice(True, "share a kernel with other operations", values=(False, True), everywhere=True)
    reduction: str = choice(
        "blocks",
        "order of a reduction: lanes within blocks, blocks pairwise; one after the other; lanes alone; a tree",
        kinds=REDUCING,
        values=("blocks", "serial", "vector", "tree"),
        changes_bits=True,
    )
    second_pass: bool = choice(
        False, "blocks of a reduction side by side, combined in a second pass", ("column", "full"), (False, True)
    )
    beside: bool = choice(
        True, "sums over all rows run in the kernel that passes over the rows", ("row", "column"), (False, True)
    )
    row_buffer: int = choice(
        4, "at most so many costly values of a row are kept for its next loop", ("row",), bounds=(0, 16), others=(0,)
    )
    prefetch: int = choice(
        1, "rows ahead that are fetched while a row is read again; 0: none", ("row",), bounds=(0, 16), others=(0, 2)
    )
    stream: str = choice(
        "large",
        "which outputs are written past the caches, where one loop writes them",
        values=("never", "large", "always"),
        others=("never",),
    )
    donate: bool = choice(True, "an output may take over an input's memory", ("map",), (False, True))
    grain: int = choice(
        10_000, "nanoseconds of work (estimated) that are worth a thread", bounds=(1, 1 << 50), others=(2_500, 40_000)
    )
    unroll: int = choice(
        0, "copies of a loop's body that the compiler is asked for; 0: it decides", bounds=(0, 64), others=(2, 4)
    )
    column_tile: int = choice(
        64, "columns of a reduction side by side", ("column",), bounds=(1, 256), others=(16, 32, 128)
    )
    wide_tile: int = choice(
        1024, "columns of a block of rows, where there is a second pass", ("column",), bounds=(1, 2048), others=(256,)
    )
    strip: int = choice(
        512,
        "elements for which long chains of costly functions run one loop after the other; 0: one loop",
        ("map", "row", "column"),
        values=(0, 128, 256, 512, 1024, 2048),
        others=(0, 256, 1024),
    )
    transpose_tile: int = choice(
        8, "rows that a transposition writes side by side", ("map",), bounds=(1, 256), others=(4, 16)
    )

    def __str__(self) -> str:
        """Every choice, as `parse` reads it."""
        return " ".join(f"{f.name}={getattr(self, f.name)}" for f in fields(self))

    def differences(self, other: Schedule | None = None) -> str:
        """The choices that are not those of `other` (the plain Schedule), in the same form."""
        other = other or Schedule()
        names = [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]
        return " ".join(f"{name}={getattr(self, name)}" for name in names)

    @staticmethod
    def parse(text: str) -> Schedule:
        """A Schedule from its text; what is not named keeps its default.

        Example:  >>> Schedule.parse(str(Schedule(grain=500))) == Schedule(grain=500)
                  True
        """
        words = [word.partition("=") for word in text.split()]
        return Schedule(**dict(choices_of({name: value for name, _, value in words}, "Schedule.parse")))

    @property
    def changes_bits(self) -> str:
        """The choices that make other bits than the default, as text; empty: none."""
        return " ".join(f"{f.name}={getattr(self, f.name)}" for f in changing() if getattr(self, f.name) != f.default)

    def given(self, choices: Choices) -> Schedule:
        """This Schedule with choices by hand."""
        return replace(self, **dict(choices))

    def neighbours(self, kinds: Iterable[str], fixed: Iterable[str] = ()) -> list[Schedule]:
        """Schedules of the same bits that differ in one choice, for Groups of these kinds; `fixed` names stay."""
        found = []
        for f in fields(self):
            if f.metadata["changes_bits"] or f.name in fixed or not set(f.metadata["kinds"]) & set(kinds):
                continue
            found += [replace(self, **{f.name: other}) for other in f.metadata["others"]]
        return [s for s in found if s != self]


BY_NAME = {f.name: f for f in fields(Schedule)}


def changing() -> list[Any]:
    return [f for f in BY_NAME.values() if f.metadata["changes_bits"]]


# ---- choices by hand ----


def choices_of(values: dict[str, Any], function: str = "schedule") -> Choices:
    """Checked choices, in the order of the fields.

    Raises: ArgumentError: there is no such choice; ArgumentTypeError: the value is not one of it
    """
    for name in values:
        if name not in BY_NAME:
            near = difflib.get_close_matches(name, BY_NAME, n=3, cutoff=0.5)
            help = f"did you mean {', '.join(near)}?" if near else f"choices are {', '.join(BY_NAME)}"
            raise ArgumentError(f"{function}: there is no choice {name!r}", help=help)
    return tuple((name, checked(name, values[name], function)) for name in BY_NAME if name in values)


def checked(name: str, value: Any, function: str) -> Any:
    """The value in the field's type; True of a number is its default, False is 0."""
    about, default = BY_NAME[name].metadata, BY_NAME[name].default
    allowed, (low, high) = about["values"], about["bounds"]
    if not allowed:
        number = default if value is True else parsed_int(value)
        if number is not None and low <= number <= high:
            return number
        raise ArgumentTypeError(
            f"{function}: {name} is a number from {low} to {high}, not {value!r}", help=about["doc"]
        )
    for known in allowed:
        if value == known or value == str(known):
            return known
    words = ", ".join(map(str, allowed))
    raise ArgumentTypeError(f"{function}: {name} is one of {words}, not {value!r}", help=about["doc"])


def parsed_int(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if isinstance(value, str) or number == value else None


def merged(outer: Choices, inner: Choices) -> Choices:
    """Both; where they differ the inner one wins."""
    both = dict(outer) | dict(inner)
    return tuple((name, both[name]) for name in BY_NAME if name in both)


def changes_bits(choices: Choices) -> bool:
    return any(BY_NAME[name].metadata["changes_bits"] and value != BY_NAME[name].default for name, value in choices)


# An op carries the number of what was given for it (runtime/graph/var.h); this bit says that it changes the bits.
CHANGES_BITS = 1 << 31
KNOWN: dict[int, Choices] = {0: ()}


def number_of(choices: Choices) -> int:
    """The number of these choices, the same in every process (plans are kept on disk by their Signature); 0: none."""
    if not choices:
        return 0
    digest = hashlib.sha256(repr(choices).encode()).digest()
    number = int.from_bytes(digest[:4], "little") & ~CHANGES_BITS | (CHANGES_BITS if changes_bits(choices) else 0)
    assert KNOWN.setdefault(number, choices) == choices, (
        f"internal error: schedule: {choices} and {KNOWN[number]} are one"
    )
    return number


def given_by(number: int) -> Choices:
    """The choices of a number that this process gave."""
    return KNOWN[number]


def not_applied(given: Choices, schedule: Schedule, kinds: Iterable[str], device: str) -> tuple[str, ...]:
    """Choices by hand that mean nothing to a kernel with this schedule, of Groups of these kinds."""

    def applies(name: str, value: Any) -> bool:
        about = BY_NAME[name].metadata
        here = device == "cpu" or about["everywhere"]
        return here and not set(kinds).isdisjoint(about["kinds"]) and getattr(schedule, name) == value

    return tuple(name for name, value in given if not applies(name, value))
