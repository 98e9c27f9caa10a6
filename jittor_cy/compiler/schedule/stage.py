"""Store and Stage: what a kernel writes, and the reductions that run in one loop."""

from __future__ import annotations

from dataclasses import dataclass, field

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.graph import Var
from jittor_cy.compiler.ir.kernel import Assign, Loop, ReduceLoop, Statement, begin_of, end_of

__all__ = ["Stage", "Store", "store_loops"]


@dataclass(eq=False)
class Store:
    """A var that the kernel writes: its value at the index. `level`: of the reductions that the value waits for."""

    var: Var
    index: tuple[Expr, ...]
    target: Expr
    value: Expr
    level: int = 0

    @property
    def loops(self) -> tuple[Expr, ...]:
        """Axes inside one iteration, outermost first."""
        axes = {str(a.data): a for i in self.index for a in e.postorder([i]) if a.kind == "axis"}
        return tuple(axes[name] for name in sorted(axes) if name.startswith("r"))


@dataclass(eq=False)
class Stage:
    """Reductions of one level that run in one loop, and the stores that ride along."""

    level: int
    loop: ReduceLoop
    stores: list[Store] = field(default_factory=list)


def store_loops(stores: list[Store], columns: Expr | None) -> list[Statement]:
    """Loops that store; equal loops are shared, short nests come first."""
    nests: dict[tuple[Expr, ...], list[Statement]] = {}
    for s in stores:
        nests.setdefault(s.loops, []).append(Assign(s.target, s.value))
    out: list[Statement] = []
    for axes, body in sorted(nests.items(), key=lambda item: len(item[0])):
        inner = tuple(body)
        if columns is not None:
            inner = (Loop(columns, begin_of(columns), end_of(columns), True, inner),)
        for position, axis in enumerate(reversed(axes)):
            inner = (Loop(axis, ix.ZERO, axis.args[0], columns is None and position == 0, inner),)
        out += inner
    return out
