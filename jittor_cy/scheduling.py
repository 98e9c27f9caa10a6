"""jt.schedule: how the kernels of the operations recorded in a block are made, given by hand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from jittor_cy import _graph

if TYPE_CHECKING:
    from jittor_cy.compiler.ir.schedule import Choices, Schedule

__all__ = ["ScheduleScope", "schedule"]

Function = TypeVar("Function", bound=Callable[..., Any])

# Of the blocks that are open, from the outermost; what the last one says is carried by ops recorded now.
OPEN: list[Choices] = []


def schedule(whole: Schedule | str | None = None, /, **choices: Any) -> ScheduleScope:
    """Choices for the kernels of the operations recorded in a `with` block, or in a decorated function.

    A choice belongs to the operations, not to the moment at which they run: it holds wherever their kernel is made,
    is part of the Signature, and keeps them apart from operations with other choices. Gradients have the choices of
    the block in which they are asked for. Inner blocks add to outer ones. `jt.debug.schedules(y)` shows what comes of
    it; a choice that means nothing to a kernel (`row_buffer` where there are no rows) is named there and traced.

    The bits stay, whatever is chosen, but for `reduction`: "serial", "vector" and "tree" add in another order than
    docs/bits.md. Such kernels are waited for, since the interpreter (flags.interpret, flags.eager) knows the one order.

    Args:     whole: a Schedule, or its text, of which every choice is taken; choices: single ones, by name:
              fuse, reduction, second_pass, beside, row_buffer, prefetch, stream, donate, grain, unroll, column_tile,
              wide_tile, strip, transpose_tile
              (docs/schedules.md)
    Raises:   ArgumentError: there is no such choice; ArgumentTypeError: the value is not one of it
    Example:  >>> import jittor_cy as jt
              >>> with jt.schedule(row_buffer=0, grain=50_000):
              ...     y = jt.softmax(jt.ones((4, 300)), 1)
              >>> [s.differences() for _, s in jt.debug.schedules(y)]
              ['row_buffer=0 grain=50000']
    """
    from jittor_cy.compiler.ir.schedule import Schedule, choices_of

    if isinstance(whole, str):
        whole = Schedule.parse(whole)
    given = asdict(whole) if whole is not None else {}
    return ScheduleScope(choices_of(given | choices))


class ScheduleScope:
    """What `jt.schedule` gives: a `with` block or a decorator. `changes_bits` says which choices make other bits."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices

    @property
    def changes_bits(self) -> str:
        from jittor_cy.compiler.ir.schedule import Schedule

        return Schedule().given(self.choices).changes_bits

    def __repr__(self) -> str:
        words = ", ".join(f"{name}={value!r}" for name, value in self.choices)
        note = f"  # changes the bits: {self.changes_bits}" if self.changes_bits else ""
        return f"schedule({words}){note}"

    def __enter__(self) -> ScheduleScope:
        from jittor_cy.compiler.ir.schedule import merged, number_of

        OPEN.append(merged(OPEN[-1], self.choices) if OPEN else self.choices)
        _graph.set_schedule(number_of(OPEN[-1]))
        return self

    def __exit__(self, *error: object) -> None:
        from jittor_cy.compiler.ir.schedule import number_of

        OPEN.pop()
        _graph.set_schedule(number_of(OPEN[-1]) if OPEN else 0)

    def __call__(self, function: Function) -> Function:
        @functools.wraps(function)
        def with_schedule(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return with_schedule  # type: ignore[return-value]
