"""Conditions whose answer is known: what is chosen by them is what is left of an expression."""

from __future__ import annotations

from collections.abc import Callable

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.index import value_of

__all__ = ["FALSE", "TRUE", "settled"]

TRUE, FALSE = e.const(1, "bool"), e.const(0, "bool")

OF_NUMBERS: dict[str, Callable[..., Expr]] = {
    "Within": lambda i, least, bound: TRUE if least <= i < bound else FALSE,
    "IndexEq": lambda a, b: TRUE if a == b else FALSE,
    "IndexMod": lambda a, b: e.const(a % b) if b else e.const(0),
    "IndexFloorDiv": lambda a, b: e.const(a // b) if b else e.const(0),
}


def settled(root: Expr, answers: dict[Expr, Expr]) -> Expr:
    """`root` where `answers` says which conditions are TRUE or FALSE; those of numbers alone are known anyway."""
    done = dict(answers)
    for node in e.postorder([root], into=lambda n: n not in answers):
        if node not in done:
            changed = {a: done[a] for a in node.args if done[a] is not a}
            (node_now,) = e.substitute([node], changed) if changed else (node,)
            done[node] = chosen(node_now)
    return done[root]


def chosen(node: Expr) -> Expr:
    """What a node is whose operands are settled."""
    if node.kind == "load" and len(node.args) > 1 and node.args[1] is TRUE:
        return e.load(int(str(node.data)), node.dtype, node.args[0])
    if node.kind != "op":
        return node
    if node.data == "Where" and node.args[0] in (TRUE, FALSE):
        return node.args[1 if node.args[0] is TRUE else 2]
    if node.data == "Both" and (TRUE in node.args or FALSE in node.args):
        a, b = node.args
        return FALSE if FALSE in node.args else b if a is TRUE else a
    if node.data in OF_NUMBERS:
        numbers = [value_of(a) for a in node.args]
        if None not in numbers:
            return OF_NUMBERS[str(node.data)](*numbers)
    return node
