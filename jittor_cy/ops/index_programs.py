"""Index expressions: written as Jittor's strings or with Python operators, they become the runtime's index programs."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from jittor_cy.errors import ArgumentError, ArgumentTypeError

__all__ = ["Expression", "Scope", "checked_load", "for_writing", "plain_load", "program"]

# Tokens and modes as in runtime/graph/index_program.h.
AXIS, CONST, SLOT, EXTENT, LOAD, ADD, SUB, MUL, FLOOR_DIV, MOD, MIN, MAX, LT, EQ, SELECT, DIV_EXACT = range(16)
FREE, BOUNDED, CHECKED = range(3)
OUTSIDE = -1  # an index that a bounded program gives where a condition says «outside»


def checked_load(source: int, axes: Sequence[int | None], axis: int) -> list[int]:
    """[mode, length, tokens...] for an index read from input `source`; negative: from the end of `axis` of input 0.

    `axes`: for each axis of the index Var the result's axis, or None where its extent is 1.
    """
    load = [t for a in axes for t in ((CONST, 0) if a is None else (AXIS, a))] + [LOAD, source]
    tokens = [*load, CONST, 0, LT, 0, *load, EXTENT, axis, ADD, 0, *load, SELECT, 0]
    return [CHECKED, len(tokens) // 2, *tokens]


def plain_load(source: int, axes: Sequence[int]) -> list[int]:
    """As checked_load, for indices of which negative ones are out of range as well."""
    return [CHECKED, len(axes) + 1, *(t for a in axes for t in (AXIS, a)), LOAD, source]


def for_writing(structure: Sequence[int], shape: Sequence[int]) -> tuple[list[int], list[int]]:
    """The same programs for a ReindexReduce, whose indexed Var is its output: extents of input 0 become scalars."""
    out, scalars = [structure[0]], []
    at = 1
    for _ in range(structure[0]):
        length = structure[at + 1]
        out += structure[at : at + 2]
        for token, argument in zip(
            structure[at + 2 : at + 2 + 2 * length : 2], structure[at + 3 : at + 2 + 2 * length : 2], strict=True
        ):
            if token == EXTENT:
                scalars.append(shape[argument])
                token, argument = SLOT, len(scalars) - 1
            out += [token, argument]
        at += 2 + 2 * length
    return out, scalars


class Expression:
    """An integer for each place of a result, as a tree of tokens: i, i * 2 + 1, index[i]."""

    __slots__ = ("tree",)

    def __init__(self, *tree: Any) -> None:
        self.tree = tree

    @staticmethod
    def of(value: Any) -> Expression:
        if isinstance(value, Expression):
            return value
        if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
            return Expression(SLOT, int(value))
        raise ArgumentTypeError(
            f"compute: an index is made of index variables, ints and Vars, found {type(value).__name__}"
        )

    def __add__(self, other: Any) -> Expression:
        return Expression(ADD, self, Expression.of(other))

    def __radd__(self, other: Any) -> Expression:
        return Expression(ADD, Expression.of(other), self)

    def __sub__(self, other: Any) -> Expression:
        return Expression(SUB, self, Expression.of(other))

    def __rsub__(self, other: Any) -> Expression:
        return Expression(SUB, Expression.of(other), self)

    def __mul__(self, other: Any) -> Expression:
        return Expression(MUL, self, factor(other))

    def __rmul__(self, other: Any) -> Expression:
        return Expression(MUL, factor(other), self)

    def __floordiv__(self, other: Any) -> Expression:
        return Expression(FLOOR_DIV, self, factor(other))

    def __mod__(self, other: Any) -> Expression:
        return Expression(MOD, self, factor(other))

    def __neg__(self) -> Expression:
        return Expression(SUB, Expression(CONST, 0), self)


def factor(value: Any) -> Expression:
    """Numbers that multiply or divide are structure: strides decide what is generated."""
    return value if isinstance(value, Expression) else Expression(CONST, Expression.of(value).tree[1])


class Scope:
    """What the leaves of expressions mean: inputs (for loads and extents) and the scalars made of constants."""

    def __init__(self, inputs: Sequence[Any]) -> None:
        self.inputs = list(inputs)
        self.scalars: list[int] = []

    def tokens(self, expression: Expression) -> list[int]:
        """Postfix tokens; iterative over the operands' trees would not help, expressions are small."""
        kind, *rest = expression.tree
        if kind == SLOT:
            self.scalars.append(rest[0])
            return [SLOT, len(self.scalars) - 1]
        if kind in (AXIS, CONST, EXTENT):
            return [kind, rest[0]]
        if kind == LOAD:
            source, indices = rest
            return [t for index in indices for t in self.tokens(index)] + [LOAD, self.number(source)]
        return [t for operand in rest for t in self.tokens(operand)] + [kind, 0]

    def number(self, source: Any) -> int:
        for i, known in enumerate(self.inputs):
            if known is source and i > 0:
                return i
        self.inputs.append(source)
        return len(self.inputs) - 1


def program(scope: Scope, expression: Expression, outside: Sequence[Expression], mode: int) -> list[int]:
    """[mode, length, tokens...]; where one of the conditions `outside` holds, the index is outside."""
    tokens = scope.tokens(expression)
    for condition in outside:
        tokens = [*scope.tokens(condition), CONST, OUTSIDE, *tokens, SELECT, 0]
    return [mode, len(tokens) // 2, *tokens]


# ---- Jittor's strings ----

BINARY = {ast.Add: ADD, ast.Sub: SUB, ast.Mult: MUL, ast.Div: FLOOR_DIV, ast.FloorDiv: FLOOR_DIV, ast.Mod: MOD}


class Reader:
    """Reads "i0*2+i1", "@e0(i0)", "xshape1", conditions; `extras` are the Vars that @e0, @e1, ... name.

    `own`: the word whose number names an axis of the operand ("xshape" in reindex, "yshape" in reindex_reduce); the
    other word is about the result's `shape`.
    """

    def __init__(self, function: str, own: str, ndim: int, extras: Sequence[Any], shape: Sequence[int]) -> None:
        self.function, self.own, self.ndim, self.extras, self.shape = function, own, ndim, extras, shape

    def read(self, text: Any) -> Expression:
        if isinstance(text, Expression):
            return text
        if isinstance(text, int):
            return Expression(SLOT, text)
        source = re.sub(r"@e(\d+)", r"_e\1", str(text)).replace("&&", " and ").replace("||", " or ")
        try:
            tree = ast.parse(re.sub(r"!(?!=)", " not ", source).strip(), mode="eval").body
        except SyntaxError:
            raise self.wrong(text) from None
        return self.convert(tree, text)

    def wrong(self, text: Any) -> ArgumentError:
        return ArgumentError(
            f"{self.function}: {text!r} is not an index expression",
            help="i0, i1, ..., ints, + - * / %, xshape0, @e0(i0), comparisons and && || are understood",
        )

    def convert(self, node: ast.AST, text: Any) -> Expression:
        match node:
            case ast.Constant(value=int() as value) if not isinstance(value, bool):
                return Expression(SLOT, value)
            case ast.Name(id=name):
                return self.name(name, text)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                kind = BINARY[type(op)]
                parts = [self.convert(side, text) for side in (left, right)]
                return Expression(kind, *(structural(p) if kind in (MUL, FLOOR_DIV, MOD) else p for p in parts))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Expression(SUB, Expression(CONST, 0), self.convert(operand, text))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Expression(EQ, self.convert(operand, text), Expression(CONST, 0))
            case ast.BoolOp(op=op, values=values):
                parts = [self.convert(v, text) for v in values]
                join = MIN if isinstance(op, ast.And) else MAX
                out = parts[0]
                for p in parts[1:]:
                    out = Expression(join, out, p)
                return out
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.comparison(op, self.convert(left, text), self.convert(right, text), text)
            case ast.Call(func=ast.Name(id=name), args=args) if re.fullmatch(r"_e\d+", name):
                return self.load(int(name[2:]), [self.convert(a, text) for a in args], text)
        raise self.wrong(text)

    def name(self, name: str, text: Any) -> Expression:
        if found := re.fullmatch(r"i(\d+)", name):
            if int(found[1]) >= self.ndim:
                raise ArgumentError(f"{self.function}: {name} in {text!r}, but there are {self.ndim} axes")
            return Expression(AXIS, int(found[1]))
        if found := re.fullmatch(r"([xy]shape)(\d+)", name):
            axis = int(found[2])
            return Expression(EXTENT, axis) if found[1] == self.own else Expression(SLOT, int(self.shape[axis]))
        raise self.wrong(text)

    def load(self, number: int, indices: list[Expression], text: Any) -> Expression:
        if number >= len(self.extras):
            raise ArgumentError(f"{self.function}: {text!r} names @e{number}, but there are {len(self.extras)} extras")
        return Expression(LOAD, self.extras[number], tuple(indices))

    def comparison(self, op: ast.cmpop, a: Expression, b: Expression, text: Any) -> Expression:
        not_ = lambda e: Expression(EQ, e, Expression(CONST, 0))  # noqa: E731
        match op:
            case ast.Lt():
                return Expression(LT, a, b)
            case ast.Gt():
                return Expression(LT, b, a)
            case ast.LtE():
                return not_(Expression(LT, b, a))
            case ast.GtE():
                return not_(Expression(LT, a, b))
            case ast.Eq():
                return Expression(EQ, a, b)
            case ast.NotEq():
                return not_(Expression(EQ, a, b))
        raise self.wrong(text)


def structural(expression: Expression) -> Expression:
    return Expression(CONST, expression.tree[1]) if expression.tree[0] == SLOT else expression
