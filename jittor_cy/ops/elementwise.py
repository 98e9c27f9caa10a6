"""Unary and binary maths, comparisons, where and casts, element by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jittor_cy import _graph
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError
from jittor_cy.ops._rules import as_var, is_number

Operand = Any  # a Var, a Python number or a NumPy array


def unary(kind: str, name: str, doc: str, integers_stay: bool = False) -> Callable[[Var], Var]:
    """A public function for a unary primitive."""

    def function(x: Var) -> Var:
        x = as_var(x, name)
        if integers_stay and "float" not in str(x.dtype):
            return x
        return _graph.unary(kind, x, name)

    return named(function, name, doc)


def binary(kind: str, name: str, doc: str) -> Callable[[Operand, Operand], Var]:
    """A public function for a binary primitive."""

    def function(a: Operand, b: Operand) -> Var:
        if not isinstance(a, Var) and not isinstance(b, Var):
            a = as_var(a, name)
        return _graph.binary(kind, listed(a, name), listed(b, name), name)

    return named(function, name, doc)


def listed(value: Operand, name: str) -> Operand:
    return as_var(value, name) if isinstance(value, (list, tuple)) else value


def named(function: Callable, name: str, doc: str) -> Callable:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


REAL = "Dtypes:   floating; integers give float32"
abs = unary("Abs", "abs", "Absolute value.\n\nExample:  >>> jt.abs(jt.array([-2, 3])).tolist()\n          [2, 3]")  # noqa: A001
neg = unary("Neg", "neg", "The value with its sign turned.")
sign = unary("Sign", "sign", "-1, 0 or 1; NaN stays NaN.")
reciprocal = unary("Reciprocal", "reciprocal", f"1 / x.\n\n{REAL}")
sqrt = unary("Sqrt", "sqrt", f"Square root; NaN below 0.\n\n{REAL}")
rsqrt = unary("Rsqrt", "rsqrt", f"1 / sqrt(x).\n\n{REAL}")
exp = unary("Exp", "exp", f"e to the power of x.\n\n{REAL}")
exp2 = unary("Exp2", "exp2", f"2 to the power of x.\n\n{REAL}")
expm1 = unary("Expm1", "expm1", f"exp(x) - 1, exact near 0.\n\n{REAL}")
log = unary("Log", "log", f"Natural logarithm.\n\n{REAL}")
log1p = unary("Log1p", "log1p", f"log(1 + x), exact near 0.\n\n{REAL}")
sin = unary("Sin", "sin", f"Sine of x in radians.\n\n{REAL}")
cos = unary("Cos", "cos", f"Cosine of x in radians.\n\n{REAL}")
tan = unary("Tan", "tan", f"Tangent of x in radians.\n\n{REAL}")
asin = unary("Asin", "asin", f"Angle whose sine is x.\n\n{REAL}")
acos = unary("Acos", "acos", f"Angle whose cosine is x.\n\n{REAL}")
atan = unary("Atan", "atan", f"Angle whose tangent is x.\n\n{REAL}")
sinh = unary("Sinh", "sinh", f"Hyperbolic sine.\n\n{REAL}")
cosh = unary("Cosh", "cosh", f"Hyperbolic cosine.\n\n{REAL}")
tanh = unary("Tanh", "tanh", f"Hyperbolic tangent.\n\n{REAL}")
asinh = unary("Asinh", "asinh", f"Inverse of sinh.\n\n{REAL}")
acosh = unary("Acosh", "acosh", f"Inverse of cosh.\n\n{REAL}")
atanh = unary("Atanh", "atanh", f"Inverse of tanh.\n\n{REAL}")
sigmoid = unary("Sigmoid", "sigmoid", f"1 / (1 + exp(-x)).\n\n{REAL}")
erf = unary("Erf", "erf", f"Error function.\n\n{REAL}")
erfc = unary("Erfc", "erfc", f"1 - erf(x), exact for large x.\n\n{REAL}")
floor = unary("Floor", "floor", "The largest whole number that is not above x.", True)
ceil = unary("Ceil", "ceil", "The smallest whole number that is not below x.", True)
trunc = unary("Trunc", "trunc", "x without its fraction.", True)
isnan = unary("IsNan", "isnan", "Where x is NaN.")
isinf = unary("IsInf", "isinf", "Where x is positive or negative infinity.")
bitwise_not = unary("BitNot", "bitwise_not", "Every bit turned; for bool, the opposite.")

multiply = binary("Mul", "multiply", "a * b.")
true_divide = binary("Div", "divide", "a / b; integers give float32.")
floor_divide = binary(
    "FloorDiv", "floor_divide", "a / b rounded towards minus infinity; an integer divided by 0 gives 0."
)
remainder = binary("Mod", "remainder", "What floor_divide leaves, with the sign of b.")
pow = binary("Pow", "pow", "a to the power of b.")  # noqa: A001
atan2 = binary("Atan2", "atan2", "The angle of the point (b, a).")
maximum = binary("Maximum", "maximum", "The larger; NaN where either is NaN.")
minimum = binary("Minimum", "minimum", "The smaller; NaN where either is NaN.")
bitwise_and = binary("BitAnd", "bitwise_and", "Bits set in both.")
bitwise_or = binary("BitOr", "bitwise_or", "Bits set in either.")
bitwise_xor = binary("BitXor", "bitwise_xor", "Bits set in one of the two.")
left_shift = binary("ShiftLeft", "left_shift", "a with its bits moved up by b; past the width: 0.")
right_shift = binary("ShiftRight", "right_shift", "a with its bits moved down by b; past the width: the sign.")
equal = binary(
    "Eq", "equal", "Where a and b are equal, element by element (use `allclose` or (a == b).all() for one answer)."
)
not_equal = binary("Ne", "not_equal", "Where a and b differ.")
less = binary("Lt", "less", "Where a < b.")
less_equal = binary("Le", "less_equal", "Where a <= b.")
greater = binary("Gt", "greater", "Where a > b.")
greater_equal = binary("Ge", "greater_equal", "Where a >= b.")

negative, absolute, arctan2, mod, mul = neg, abs, atan2, remainder, multiply
arcsin, arccos, arctan, arcsinh, arccosh, arctanh = asin, acos, atan, asinh, acosh, atanh
eq, ne, lt, le, gt, ge = equal, not_equal, less, less_equal, greater, greater_equal


def divide(a: Operand, b: Operand, rounding_mode: str | None = None) -> Var:
    """a / b; rounding_mode "floor" or "trunc" rounds the quotient.

    Example:  >>> jt.divide(jt.array([7, -7]), 2, rounding_mode="floor").tolist()
              [3, -4]
    """
    if rounding_mode is None:
        return true_divide(a, b)
    if rounding_mode == "floor":
        return floor_divide(a, b)
    if rounding_mode != "trunc":
        raise ArgumentError(f"divide: rounding_mode is {rounding_mode!r}", help='None, "floor" or "trunc"')
    a, b = as_var(a, "divide"), as_var(b, "divide")
    quotient = floor_divide(a, b)
    inexact = not_equal(quotient * b, a)
    result = where(less(quotient, 0) & inexact, quotient + 1, quotient)
    return result if "float" not in str(result.dtype) else trunc(true_divide(a, b))


def log2(x: Var) -> Var:
    """Logarithm to base 2."""
    return log(x) * (1 / math.log(2))


def log10(x: Var) -> Var:
    """Logarithm to base 10."""
    return log(x) * (1 / math.log(10))


def square(x: Var) -> Var:
    """x times itself."""
    x = as_var(x, "square")
    return x * x


def isfinite(x: Var) -> Var:
    """Where x is neither NaN nor infinite."""
    x = as_var(x, "isfinite")
    return (x - x) == 0


def logical_not(x: Var) -> Var:
    """Where x is zero or False."""
    return as_var(x, "logical_not") == 0


def logical_and(a: Operand, b: Operand) -> Var:
    """Where both are not zero."""
    return bitwise_and(as_bool(a, "logical_and"), as_bool(b, "logical_and"))


def logical_or(a: Operand, b: Operand) -> Var:
    """Where either is not zero."""
    return bitwise_or(as_bool(a, "logical_or"), as_bool(b, "logical_or"))


def logical_xor(a: Operand, b: Operand) -> Var:
    """Where one of the two is not zero."""
    return bitwise_xor(as_bool(a, "logical_xor"), as_bool(b, "logical_xor"))


def as_bool(x: Operand, name: str) -> Var:
    x = as_var(x, name)
    return x if x.dtype == "bool" else x != 0


def hypot(a: Operand, b: Operand) -> Var:
    """sqrt(a * a + b * b)."""
    a, b = as_var(a, "hypot"), as_var(b, "hypot")
    return sqrt(a * a + b * b)


def lerp(start: Var, end: Var, weight: Operand) -> Var:
    """start + weight * (end - start)."""
    start = as_var(start, "lerp")
    return start + weight * (end - start)


def where(condition: Operand, a: Operand = None, b: Operand = None) -> Any:
    """a where the condition holds, else b; with the condition alone, the indices where it holds.

    Shapes:   all three broadcast
    Example:  >>> jt.where(jt.array([True, False]), 1.0, jt.zeros(2)).tolist()
              [1.0, 0.0]
    """
    condition = as_bool(condition, "where")
    if a is None and b is None:
        from jittor_cy.ops.indexing import nonzero

        return nonzero(condition, as_tuple=True)
    return _graph.where(
        condition,
        as_var(a, "where", "a", b if is_number(a) and isinstance(b, Var) else None),
        as_var(b, "where", "b", a if is_number(b) and isinstance(a, Var) else None),
    )


def clamp(x: Var, min: Operand = None, max: Operand = None, *, min_v: Operand = None, max_v: Operand = None) -> Var:  # noqa: A002
    """x with what is below `min` or above `max` put there; NaN stays NaN. (`min_v`, `max_v` are Jittor's names.)

    Gradient: x, where it is within the bounds or at one of them; the bounds elsewhere
    Example:  >>> jt.clamp(jt.array([-2.0, 0.5, 2.0]), 0, 1).tolist()
              [0.0, 0.5, 1.0]
    """
    low, high = min if min_v is None else min_v, max if max_v is None else max_v
    x = as_var(x, "clamp")
    if low is None and high is None:
        raise ArgumentError("clamp: at least one of min and max is needed")
    if low is not None:
        x = where(x >= low, x, maximum(x, low))  # at a bound all of the gradient is x's; maximum would give it half
    return x if high is None else where(x <= high, x, minimum(x, high))


def nan_to_num(x: Var, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Var:
    """x with NaN and infinities replaced; infinities by the largest and smallest finite values unless given."""
    x = as_var(x, "nan_to_num")
    if "float" not in str(x.dtype):
        return x
    limit = 3.3895313892515355e38 if x.dtype == "bfloat16" else float(np.finfo(str(x.dtype)).max)
    x = where(isnan(x), nan, x)
    x = where(x == math.inf, limit if posinf is None else posinf, x)
    return where(x == -math.inf, -limit if neginf is None else neginf, x)


def isclose(a: Var, b: Operand, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Var:
    """Where |a - b| <= atol + rtol |b|; infinities are close to themselves."""
    a, b = as_var(a, "isclose"), as_var(b, "isclose")
    close = ((abs(a - b) <= atol + rtol * abs(b)) & isfinite(b)) | (a == b)
    return close | (isnan(a) & isnan(b)) if equal_nan else close


def allclose(a: Var, b: Operand, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether isclose holds everywhere; computes."""
    return bool(isclose(a, b, rtol, atol, equal_nan).all())


def cast(x: Operand, dtype: Any) -> Var:
    """x in another dtype; the very Var where it has it already. Out of range and NaN to integer: see docs/bits.md.

    Example:  >>> jt.cast(jt.array([1.7, -1.7]), "int32").tolist()
              [1, -1]
    """
    return in_dtype(x, dtype, "cast")


def in_dtype(x: Operand, dtype: Any, function: str) -> Var:
    """x in the dtype that `function` was asked for; None: its own."""
    x = as_var(x, function)
    return x if dtype is None or x.dtype == dtype else _graph.cast(x, dtype, function)


def to(
    x: Var, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, non_blocking: bool = False
) -> Var:
    """x in another dtype or on another device ("cpu", "cuda"), or both; x itself where nothing changes.

    Gradient: x, on its own device
    """
    for argument in args:
        if isinstance(argument, Var):
            dtype, device = argument.dtype, argument.device
        elif isinstance(argument, str) and argument.split(":")[0] in ("cpu", "cuda"):
            device = argument
        elif not isinstance(argument, bool):
            dtype = argument
    result = in_dtype(x, dtype, "to")
    if device is not None and str(device) != result.device:
        from jittor_cy import _device

        result = _device.to_device(result, str(device))
    return result.clone() if copy and result is x else result


def result_type(*operands: Any) -> Any:
    """The dtype that Vars, dtypes and numbers have together, by PyTorch's rules."""
    variables = [x for x in operands if not is_number(x)]
    total = None
    for operand in [*variables, *(x for x in operands if is_number(x))]:
        x = _graph.full((1,), operand, 0) if isinstance(operand, str) else operand
        if is_number(x):
            total = _graph.full((), as_var(x, "result_type").dtype, 0) if total is None else total * x
        else:
            x = as_var(x, "result_type")
            total = x if total is None else _graph.full((1,), _graph.result_dtype(total, x), 0)
    if total is None:
        raise ArgumentError("result_type: there is nothing to join")
    return total.dtype


def float32(x: Var) -> Var:
    """x as float32."""
    return cast(x, "float32")


def float64(x: Var) -> Var:
    """x as float64."""
    return cast(x, "float64")


def float16(x: Var) -> Var:
    """x as float16."""
    return cast(x, "float16")


def bfloat16(x: Var) -> Var:
    """x as bfloat16."""
    return cast(x, "bfloat16")


def int32(x: Var) -> Var:
    """x as int32."""
    return cast(x, "int32")


def int64(x: Var) -> Var:
    """x as int64."""
    return cast(x, "int64")


def uint8(x: Var) -> Var:
    """x as uint8."""
    return cast(x, "uint8")


def boolean(x: Var) -> Var:
    """Where x is not zero."""
    return cast(x, "bool")


clip = clamp
div = divide
__all__ = [
    name
    for name, value in list(globals().items())
    if callable(value)
    and not name.startswith("_")
    and name
    not in {
        "Callable",
        "Any",
        "Var",
        "ArgumentError",
        "Operand",
        "as_bool",
        "in_dtype",
        "as_var",
        "is_number",
        "binary",
        "listed",
        "named",
        "unary",
        "float32",
        "float64",
        "float16",
        "bfloat16",
        "int32",
        "int64",
        "uint8",
        "boolean",
    }
]
