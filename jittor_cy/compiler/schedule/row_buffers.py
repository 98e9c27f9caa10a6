"""keep_costly: a costly value of a row that a later loop needs again is kept in a buffer of the thread."""

from __future__ import annotations

from dataclasses import replace

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.kernel import Array, Assign, Loop, ReduceLoop, Statement
from jittor_cy.compiler.ir.primitives import cost_of, is_half
from jittor_cy.compiler.ir.statements import replace_in, roots_of

__all__ = ["keep_costly"]

# A value above this cost (primitives.COSTS) is worth a store and a load of a cache line a row.
WORTH_KEEPING = 8


def keep_costly(statements: list[Statement], most: int) -> tuple[list[Statement], list[Array]]:
    """The loops of one iteration, and the buffers that they share, at most so many."""
    statements, arrays = list(statements), []
    users: dict[Expr, list[int]] = {}
    axes = [only_axis(s) for s in statements]
    for number, statement in enumerate(statements):
        if axes[number] is None:
            continue
        for node in e.postorder(roots_of(statement), into=lambda n: n.kind != "reduce"):
            if worth_keeping(node, axes[number]):
                users.setdefault(node, []).append(number)
    for node, numbers in users.items():
        same = [n for n in numbers if axes[n] is axes[numbers[0]]]
        if len(same) > 1 and len(arrays) < most and fits(arrays, axes[same[0]]):
            arrays.append(keep(node, same, axes[same[0]], f"row{len(arrays)}", statements))
    return statements, arrays


def fits(arrays: list[Array], axis: Expr | None) -> bool:
    """All row buffers have one length."""
    return not arrays or arrays[0].length is axis.args[0]  # type: ignore[union-attr]


def worth_keeping(node: Expr, axis: Expr | None) -> bool:
    costly = node.kind == "random" or (node.kind == "op" and cost_of(str(node.data)) > WORTH_KEEPING)
    return costly and str(axis.data) in node.free and not node.pinned  # type: ignore[union-attr]


def keep(node: Expr, users: list[int], axis: Expr | None, name: str, statements: list[Statement]) -> Array:
    held = "float32" if is_half(node.dtype) else node.dtype
    kept = e.element(name, node.dtype, axis)  # type: ignore[arg-type]
    first, *later = users
    before = statements[first]
    statements[first] = replace(before, body=(Assign(kept, node), *before.body))  # type: ignore[union-attr,type-var]
    for number in later:
        statements[number] = replace_in(statements[number], {node: kept})
    return Array(name, held, axis.args[0])  # type: ignore[union-attr]


def only_axis(statement: Statement) -> Expr | None:
    match statement:
        case ReduceLoop(axis=axis):
            return axis
        case Loop(axis=axis, body=body) if not any(isinstance(s, Loop) for s in body):
            return axis
    return None
