"""Kernel IR's expressions and simple statements → C text; what both targets share."""

from __future__ import annotations

from collections.abc import Callable

from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.index import terms_of, value_of
from jittor_cy.compiler.ir.kernel import Assign, Check, Define, Kernel, Statement
from jittor_cy.compiler.ir.primitives import CTYPE, REDUCE_OPS, SUFFIX, function_name, is_floating, is_half

__all__ = ["CACHE_LINE", "INDENT", "Printer", "combine_text", "held_type", "indent", "least", "literal"]

INDENT = "  "
CACHE_LINE = 64  # bytes
LEAST = {-(2**63): "(-9223372036854775807ll - 1)", -(2**31): "(-2147483647 - 1)"}


def held_type(dtype: str) -> str:
    """The C type of a local that holds a value of this dtype; 16-bit floats are held as float."""
    return "float" if is_half(dtype) else CTYPE[dtype]


def held_suffix(dtype: str) -> str:
    return SUFFIX["float32" if is_half(dtype) else dtype]


def literal(text: str, dtype: str) -> str:
    """A constant of this dtype."""
    if is_floating(dtype):
        if "inf" in text:
            name = "__builtin_inf()" if dtype == "float64" else "__builtin_inff()"
            return f"(-{name})" if text.startswith("-") else name
        return text if dtype == "float64" else f"{text}f"
    value = int(text)
    if value in LEAST:
        return LEAST[value]
    suffix = {"int64": "ll" if abs(value) >= 2**31 else "", "uint64": "ull", "uint32": "u"}.get(dtype, "")
    return f"({value}{suffix})" if value < 0 else f"{value}{suffix}"


def combine_text(kind: str, dtype: str, a: str, b: str) -> str:
    """One step of a reduction."""
    return f"jt_{function_name(REDUCE_OPS[kind])}_{SUFFIX[dtype]}({a}, {b})"


def least(a: str, b: str) -> str:
    """The smaller of two numbers, as C text."""
    return f"{a} < {b} ? {a} : {b}"


def indent(lines: list[str]) -> list[str]:
    return [line if line.startswith("#") else INDENT + line for line in lines]


class Printer:
    """Prints one kernel's expressions; `name` of a dim or scalar is local to the phase function."""

    def __init__(self, kernel: Kernel) -> None:
        self.buffers = kernel.buffers

    # ---- expressions ----

    def text(self, expr: Expr) -> str:
        match expr.kind:
            case "const":
                return literal(str(expr.data), expr.dtype)
            case "dim":
                return f"d{expr.data}"
            case "scalar":
                position, is_float = expr.data  # type: ignore[misc]
                return f"args->scalar[{position}].{'f' if is_float else 'i'}"
            case "axis" | "var":
                return str(expr.data)
            case "sum":
                return self.sum_text(expr)
            case "div":
                return self.quotient(expr)
            case "load":
                return self.load_text(expr)
            case "element":
                return f"{expr.data}[{self.text(expr.args[0])}]"
            case "random":
                index, seed, counter = (self.text(a) for a in expr.args)
                return f"jt_random_{SUFFIX[expr.dtype]}({index}, {seed}, {counter})"
        return self.operation(expr)

    def sum_text(self, expr: Expr) -> str:
        parts = []
        for coefficient, atoms in terms_of(expr):
            factors = [self.text(a) for a in atoms]
            if abs(coefficient) != 1 or not atoms:
                factors.insert(0, literal(str(abs(coefficient)), "int64"))
            parts.append(("- " if coefficient < 0 else "+ ") + " * ".join(factors))
        text = " ".join(parts).removeprefix("+ ")
        return f"({text})" if " " in text else text

    def quotient(self, expr: Expr) -> str:
        """A divisor that is not known may be 0 where no element exists; powers of two are shifts."""
        a, b = (self.text(x) for x in expr.args)
        known = value_of(expr.args[1])
        if known is not None and known & (known - 1) == 0:
            return f"({a} / {b})"
        return f"jt_index_quotient({a}, {b})"

    def load_text(self, expr: Expr) -> str:
        place = self.place(expr)
        return place if len(expr.args) == 1 else f"({self.text(expr.args[1])} ? {place} : 0)"

    def place(self, expr: Expr) -> str:
        """A load or element as a target."""
        name = self.buffers[int(str(expr.data))].name if expr.kind == "load" else str(expr.data)
        return f"{name}[{self.bare(expr.args[0])}]"

    def bare(self, expr: Expr) -> str:
        text = self.text(expr)
        return text[1:-1] if expr.kind == "sum" and text.startswith("(") and text.endswith(")") else text

    def operation(self, expr: Expr) -> str:
        args = [self.text(a) for a in expr.args]
        name = str(expr.data)
        special: dict[str, Callable[[list[str]], str]] = {
            "Where": lambda a: f"({a[0]} ? {a[1]} : {a[2]})",
            "Blend": lambda a: f"jt_blend_{held_suffix(expr.dtype)}({', '.join(a)})",
            "AllBits": lambda a: f"(-({CTYPE[expr.dtype]})({a[0]} != 0))",
            "Fma": lambda a: f"JT_FMA_{'F64' if expr.dtype == 'float64' else 'F32'}({', '.join(a)})",
            "Within": lambda a: f"(({a[0]} >= {a[1]}) & ({a[0]} < {a[2]}))",
            "Both": lambda a: f"({a[0]} & {a[1]})",
            "Index": lambda a: a[0],
            "IndexTrue": lambda a: f"({a[0]} != 0)",
            "IndexFloorDiv": lambda a: f"jt_floor_div_i64({a[0]}, {a[1]})",
            "IndexMod": lambda a: f"jt_mod_i64({a[0]}, {a[1]})",
            "IndexMin": lambda a: f"jt_minimum_i64({a[0]}, {a[1]})",
            "IndexMax": lambda a: f"jt_maximum_i64({a[0]}, {a[1]})",
            "IndexLt": lambda a: f"(long long)({a[0]} < {a[1]})",
            "IndexEq": lambda a: f"({a[0]} == {a[1]})",
            "IndexDivExact": lambda a: f"jt_index_exact({a[0]}, {a[1]})",
            "IndexClamp": lambda a: f"jt_index_clamp({a[0]}, {a[1]})",
        }
        if name in special:
            return special[name](args)
        return self.value_operation(expr, name, args)

    @staticmethod
    def value_operation(expr: Expr, name: str, args: list[str]) -> str:
        source = expr.args[0].dtype
        if name == "Widen16":
            return f"jt_cast_{SUFFIX[source]}_f32({args[0]})"
        if name == "Round16":
            return f"jt_round_{SUFFIX[expr.dtype]}_f32({args[0]})"
        if name == "Cast":
            return cast_text(source, expr.dtype, args[0])
        return f"jt_{function_name(name)}_{held_suffix(source)}({', '.join(args)})"

    # ---- statements ----

    def simple(self, statement: Statement) -> list[str]:
        """Define, Assign and Check."""
        match statement:
            case Define(target=target, value=value):
                kind = CTYPE[target.dtype] if value.kind == "load" else held_type(target.dtype)  # 16 bits as they lie
                return [f"const {kind} {target.data} = {self.outermost(value)};"]
            case Assign(target=target, value=value):
                return [f"{self.place(target)} = {self.stored(target, value)};"]
            case Check():
                return self.check(statement)
        raise AssertionError(f"internal error: codegen: {type(statement).__name__} is not a simple statement")

    def outermost(self, value: Expr) -> str:
        text = self.text(value)
        if value.kind == "op" and value.data in ("Where", "Within", "Both", "IndexTrue", "IndexEq"):
            return text[1:-1]
        return text

    def stored(self, target: Expr, value: Expr) -> str:
        text = self.outermost(value)
        if target.kind == "load" and is_half(target.dtype):
            return f"jt_cast_f32_{SUFFIX[target.dtype]}({text})"
        return text

    def check(self, statement: Check) -> list[str]:
        inside = self.text(statement.inside)
        guard = "" if statement.guard is None else f"{self.text(statement.guard)} && "
        index, limit = self.text(statement.index), self.text(statement.limit)
        return [f"if ({guard}!{inside}) jt_report(args->error, {statement.op}, {index}, {limit});"]


def cast_text(source: str, target: str, value: str) -> str:
    """A conversion between held values: 16-bit floats go by way of their 16 bits."""
    if is_half(source) and target == "float32":
        return value
    if is_half(target) and held_type(source) == "float":
        return f"jt_round_{SUFFIX[target]}_f32({value})"
    if is_half(source):
        value = f"jt_cast_f32_{SUFFIX[source]}({value})"
    text = f"jt_cast_{SUFFIX[source]}_{SUFFIX[target]}({value})"
    return f"jt_cast_{SUFFIX[target]}_f32({text})" if is_half(target) else text
