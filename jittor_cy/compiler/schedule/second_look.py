"""A second look at finished groups: which values several of them compute, and are better stored in the next round."""

from __future__ import annotations

from jittor_cy.compiler.ir.graph import Op
from jittor_cy.compiler.schedule.heuristic import CHEAP
from jittor_cy.compiler.schedule.reach import POINTWISE, Reaches

__all__ = ["computed_again"]


def computed_again(reaches: Reaches, readers: list[list[Op]], stored: dict[int, None]) -> list[int]:
    """Pointwise values that several groups compute: those in memory anyway, and costly ones at which their ways part.

    `readers`: of each var; `stored`: what an earlier look found.
    """
    graph, groups = reaches.graph, reaches.groups
    users: dict[int, int] = {}
    for group in groups.groups:
        for op in group.ops:
            users[op] = users.get(op, 0) + 1
    again = {o for o, count in users.items() if count > 1 and graph.ops[o].family in POINTWISE}
    found = []
    for number in sorted(again):
        out = graph.ops[number].outputs[0]
        if is_laid_out(graph.ops[number], readers[out]):
            continue
        loaded = groups.in_memory(out) and out not in stored
        # Who computes it only for one op that they all compute is better served with that op's value.
        parts = all(users.get(o.id) != users[number] for o in readers[out])
        if loaded or (parts and out not in stored and reaches.cost(out) > CHEAP):
            found.append(out)
    return found


def is_laid_out(op: Op, readers: list[Op]) -> bool:
    """A Reindex that lays windows side by side for their reductions: larger than what it reads."""
    return op.kind == "Reindex" and all(o.family == "window" or o.kind == "Reshape" for o in readers)
