"""What each primitive computes, as an expression: the names and costs that every target prints from."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jittor_cy.compiler.ir.expr import Expr, const, node, op

__all__ = [
    "ACCUMULATOR",
    "COSTS",
    "CTYPE",
    "ITEMSIZE",
    "KINDS",
    "REDUCE_KINDS",
    "REDUCE_OPS",
    "SUFFIX",
    "cast",
    "cost_of",
    "elementwise",
    "function_name",
    "identity_of",
    "is_floating",
    "is_half",
    "round_half",
]

SUFFIX = {
    "bool": "b",
    "uint8": "u8",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint16": "u16",
    "uint32": "u32",
    "uint64": "u64",
    "float16": "f16",
    "bfloat16": "bf16",
    "float32": "f32",
    "float64": "f64",
}
CTYPE = {
    "bool": "unsigned char",
    "uint8": "unsigned char",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long long",
    "uint16": "unsigned short",
    "uint32": "unsigned",
    "uint64": "unsigned long long",
    "float16": "jt_f16",
    "bfloat16": "jt_bf16",
    "float32": "float",
    "float64": "double",
}
ITEMSIZE = {
    "bool": 1,
    "uint8": 1,
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "uint16": 2,
    "uint32": 4,
    "uint64": 8,
    "float16": 2,
    "bfloat16": 2,
    "float32": 4,
    "float64": 8,
}
HALVES = ("float16", "bfloat16")
COMPARISONS = ("Eq", "Ne", "Lt", "Le", "Gt", "Ge", "IsNan", "IsInf")

# What 16-bit floats give is one of them already.
EXACT = ("Neg", "Abs", "Sign", "Floor", "Ceil", "Round", "Trunc", "Maximum", "Minimum")

# Rough nanoseconds of eight elements on one thread; a polynomial counts as that many simple ops.
COSTS = {
    "Cast": 1,
    "Copy": 0,
    "Neg": 1,
    "Abs": 1,
    "Sign": 2,
    "Reciprocal": 3,
    "Sqrt": 4,
    "Rsqrt": 6,
    "Exp": 12,
    "Exp2": 12,
    "Expm1": 20,
    "Log": 16,
    "Log1p": 20,
    "Sin": 30,
    "Cos": 30,
    "Tan": 40,
    "Asin": 30,
    "Acos": 30,
    "Atan": 30,
    "Sinh": 30,
    "Cosh": 30,
    "Tanh": 20,
    "Asinh": 40,
    "Acosh": 40,
    "Atanh": 30,
    "Sigmoid": 16,
    "Erf": 24,
    "Erfc": 30,
    "Floor": 1,
    "Ceil": 1,
    "Round": 1,
    "Trunc": 1,
    "IsNan": 1,
    "IsInf": 1,
    "BitNot": 1,
    "Add": 1,
    "Sub": 1,
    "Mul": 1,
    "Div": 3,
    "FloorDiv": 8,
    "Mod": 8,
    "Pow": 50,
    "Atan2": 40,
    "Maximum": 1,
    "Minimum": 1,
    "BitAnd": 1,
    "BitOr": 1,
    "BitXor": 1,
    "ShiftLeft": 2,
    "ShiftRight": 2,
    "Eq": 1,
    "Ne": 1,
    "Lt": 1,
    "Le": 1,
    "Gt": 1,
    "Ge": 1,
    "Where": 1,
}
# Kinds that are not elementwise; together with COSTS these are the rows of op_kinds.def.
KINDS = (
    "Full",
    "Iota",
    "Random",
    "Broadcast",
    "Transpose",
    "Reshape",
    "Slice",
    "Pad",
    "Concat",
    "Insert",
    "Reindex",
    "ReindexReduce",
    "Reduce",
    "Scan",
    "Contraction",
    "Attention",
    "AttentionGradient",
    "Code",
)
# Beside elementwise ops; other movement costs nothing: its values are only read elsewhere.
OTHER_COSTS = {"Random": 30, "Reindex": 12}

REDUCE_KINDS = ("Sum", "Prod", "Max", "Min", "ArgMax", "ArgMin")
REDUCE_OPS = {"Sum": "Add", "Prod": "Mul", "Max": "Maximum", "Min": "Minimum"}
# The accumulator of a reduction, by the dtype of its input.
ACCUMULATOR = {dtype: "float32" if dtype in HALVES else dtype for dtype in SUFFIX}

INTEGER_RANGE = {
    "int8": (-(2**7), 2**7 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint8": (0, 2**8 - 1),
    "uint16": (0, 2**16 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
    "bool": (0, 1),
}


def is_half(dtype: str) -> bool:
    return dtype in HALVES


def is_floating(dtype: str) -> bool:
    return dtype in ("float16", "bfloat16", "float32", "float64")


def cost_of(kind: str) -> int:
    """Of one element, without its operands."""
    return OTHER_COSTS.get(kind) or COSTS.get(kind, 0)


def function_name(kind: str) -> str:
    """FloorDiv → floor_div, as kernel_math.h spells it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()


def round_half(value: Expr, dtype: str) -> Expr:
    """A float32 rounded to a 16-bit float; 16-bit values are held as the float32 that equals them."""
    return node("op", dtype, "Round16", (value,))


def elementwise(kind: str, dtype: str, operands: Sequence[Expr]) -> Expr:
    """The result of a primitive; an operand of 16 bits computes in float32 and is rounded after every op."""
    if kind == "Copy":
        return operands[0]
    if kind == "Cast":
        return cast(operands[0], dtype)
    if kind == "Where":
        return op("Where", dtype, *operands) if operands[1] is not operands[2] else operands[1]
    if is_half(dtype) and kind not in (*COMPARISONS, *EXACT):
        return round_half(op(kind, "float32", *operands), dtype)
    return op(kind, dtype, *operands)


def cast(value: Expr, dtype: str) -> Expr:
    """`value` as another dtype; what was only made wider and comes back is what it was."""
    if value.kind == "op" and value.data == "Cast" and value.args[0].dtype == dtype and holds(value.dtype, dtype):
        return value.args[0]
    return value if value.dtype == dtype else op("Cast", dtype, value)


def holds(wide: str, narrow: str) -> bool:
    """Whether an integer dtype has every value of another one of its sign."""
    same_sign = any(wide.startswith(sign) and narrow.startswith(sign) for sign in ("int", "uint"))
    return same_sign and ITEMSIZE[wide] >= ITEMSIZE[narrow]


def identity_of(kind: str, dtype: str) -> Expr:
    """What a reduction starts from, and what it gives where there is nothing."""
    if kind in ("Sum", "Prod"):
        value: float | int = 0 if kind == "Sum" else 1
        return const(float(value) if is_floating(dtype) else value, dtype)
    if is_floating(dtype):
        return const(float("-inf") if kind == "Max" else float("inf"), dtype)
    return const(INTEGER_RANGE[dtype][0 if kind == "Max" else 1], dtype)
