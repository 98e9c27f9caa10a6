"""x[key] for ints and slices in range, the most of all indexing; ops/indexing.py has the general rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jittor_cy._var import Var

def set_general(function: Callable[[Var, Any], Var]) -> None: ...
def plain_steps(x: Var, key: Any) -> list[tuple] | None: ...
def getitem(x: Var, key: Any) -> Var: ...
