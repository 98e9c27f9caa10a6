"""Index programs (runtime/graph/index_program.h) as index expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.graph import Op
from jittor_cy.compiler.ir.primitives import cast

if TYPE_CHECKING:
    from jittor_cy.compiler.schedule.values import Values

__all__ = ["BOUNDED", "CHECKED", "FREE", "evaluate", "loads", "split"]

FREE, BOUNDED, CHECKED = 0, 1, 2
(AXIS, CONST, SLOT, EXTENT, LOAD, ADD, SUB, MUL, FLOOR_DIV, MOD, MIN, MAX, LT, EQ, SELECT, DIV_EXACT) = range(16)
BINARY = {
    FLOOR_DIV: "IndexFloorDiv",
    MOD: "IndexMod",
    MIN: "IndexMin",
    MAX: "IndexMax",
    LT: "IndexLt",
    EQ: "IndexEq",
    DIV_EXACT: "IndexDivExact",
}
AXES_PER_INPUT = 16


def split(structure: tuple[int, ...]) -> tuple[list[int], list[list[tuple[int, int]]]]:
    """(mode of each axis, tokens of each axis)."""
    modes, programs, at = [], [], 1
    for _ in range(structure[0]):
        mode, length = structure[at], structure[at + 1]
        tokens = structure[at + 2 : at + 2 + 2 * length]
        modes.append(mode)
        programs.append(list(zip(tokens[::2], tokens[1::2], strict=True)))
        at += 2 + 2 * length
    return modes, programs


def loads(structure: tuple[int, ...]) -> bool:
    """Whether an index Var is read."""
    return any(token == LOAD for program in split(structure)[1] for token, _ in program)


def evaluate(
    values: Values, op: Op, program: list[tuple[int, int]], index: tuple[Expr, ...], guard: Expr | None
) -> Expr:
    """The index that a program computes from `index`."""
    stack: list[Expr] = []
    for token, argument in program:
        match token:
            case 0:
                stack.append(index[argument])
            case 1:
                stack.append(e.const(argument))
            case 2:
                stack.append(values.scalar(op, argument))
            case 3:
                var = values.graph.vars[op.inputs[argument // AXES_PER_INPUT]]
                stack.append(values.extent(var.shape[argument % AXES_PER_INPUT]))
            case 4:
                stack.append(load_index(values, op, argument, stack, guard))
            case 14:
                other, chosen, condition = stack.pop(), stack.pop(), stack.pop()
                stack.append(e.op("Where", "int64", e.op("IndexTrue", "bool", condition), chosen, other))
            case _:
                right, left = stack.pop(), stack.pop()
                stack.append(binary(token, left, right))
    return stack[0]


def binary(token: int, left: Expr, right: Expr) -> Expr:
    match token:
        case 5:
            return ix.add(left, right)
        case 6:
            return ix.sub(left, right)
        case 7:
            return ix.mul(left, right)
        case _ if token == DIV_EXACT and right is ix.ONE:
            return left
    return e.op(BINARY[token], "int64", left, right)


def load_index(values: Values, op: Op, argument: int, stack: list[Expr], guard: Expr | None) -> Expr:
    """An element of an index Var; a computed index is held inside the Var, as the interpreter does."""
    var = values.graph.vars[op.inputs[argument]]
    count = len(var.shape)
    found = stack[len(stack) - count :]
    del stack[len(stack) - count :]
    held = []
    for i, extent in zip(found, values.extents(var), strict=True):
        if extent is ix.ONE or ix.is_below(i, extent):
            held.append(ix.ZERO if extent is ix.ONE else i)
            continue
        held.append(e.op("IndexClamp", "int64", i, extent))
        guard = values.all_of(guard, values.within(ix.ZERO, ix.ZERO, extent))
    return cast(values.value(var.id, tuple(held), guard), "int64")
