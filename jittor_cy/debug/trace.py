"""One fact per line, `[jtcy stage] key=value`, where the trace level and channels ask for it."""

from __future__ import annotations

import sys

from jittor_cy import config

__all__ = ["is_on", "trace"]


def is_on(level: int, stage: str) -> bool:
    """Whether a line of this level and stage would be printed."""
    if config.trace_level() < level:
        return False
    channels = config.trace_channels()
    return not channels or stage in channels.split(",")


def trace(level: int, stage: str, **facts: object) -> None:
    """Prints the facts in the order given; those that are None are left out.

    Example:  >>> trace(9, "fuse", edge="exp->sum")
    """
    if is_on(level, stage):
        words = " ".join(f"{key}={value}" for key, value in facts.items() if value is not None)
        print(f"[jtcy {stage}] {words}", file=sys.stderr, flush=True)
