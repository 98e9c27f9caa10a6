"""Sums, differences and rounding with the further arguments that PyTorch gives them."""

from __future__ import annotations

from typing import Any

from jittor_cy import _graph
from jittor_cy._var import Var
from jittor_cy.errors import DtypeError
from jittor_cy.ops._rules import as_var, is_number
from jittor_cy.ops.elementwise import binary, cast, result_type, unary

__all__ = ["add", "round", "sub", "subtract"]

Operand = Any  # a Var, a Python number or a NumPy array

plain_add = binary("Add", "add", "a + b.")
plain_subtract = binary("Sub", "subtract", "a - b.")
whole = unary("Round", "round", "The nearest whole number, halves to even.", True)


def add(a: Operand, b: Operand, *, alpha: float = 1) -> Var:
    """a + alpha * b.

    Raises:   DtypeError: alpha is a fraction beside integers
    Example:  >>> jt.add(jt.array([1, 2]), jt.array([10, 20]), alpha=3).tolist()
              [31, 62]
    """
    return plain_add(a, b if alpha == 1 else scaled(a, b, alpha, "add"))


def subtract(a: Operand, b: Operand, *, alpha: float = 1) -> Var:
    """a - alpha * b.

    Raises:   DtypeError: alpha is a fraction beside integers
    """
    return plain_subtract(a, b if alpha == 1 else scaled(a, b, alpha, "subtract"))


def scaled(a: Operand, b: Operand, alpha: Any, function: str) -> Var:
    """alpha * b in the dtype that a and b have together."""
    a, b = (x if is_number(x) else as_var(x, function) for x in (a, b))
    dtype = result_type(a, b)
    if isinstance(alpha, float) and "float" not in str(dtype):
        raise DtypeError(f"{function}: alpha is {alpha} for {dtype}", help="give a whole alpha, or floating vars")
    wide = _graph.full((), dtype, b) if is_number(b) else cast(b, dtype)
    return cast(wide * alpha, dtype)


def round(x: Var, *, decimals: int = 0) -> Var:  # noqa: A001
    """The nearest number with so many decimals (default: the nearest whole number), halves to even.

    Args:     decimals: negative ones round to tens, hundreds, ...
    Raises:   DtypeError: integers are to be rounded to tens
    Example:  >>> jt.round(jt.array([0.125, 2.5]), decimals=2).tolist()
              [0.11999999731779099, 2.5]
    """
    x = as_var(x, "round")
    if decimals == 0 or (decimals > 0 and "float" not in str(x.dtype)):
        return whole(x)
    if "float" not in str(x.dtype):
        raise DtypeError(f"round: decimals is {decimals} for {x.dtype}", x=x, help="cast it to a floating dtype")
    power = 10.0 ** abs(decimals)
    return whole(x * power) / power if decimals > 0 else whole(x / power) * power


sub = subtract
