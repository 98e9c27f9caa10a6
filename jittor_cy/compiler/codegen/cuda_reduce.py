"""Reductions of a CUDA kernel: by one thread, by a block of threads, or a column a thread; all in the order of docs/bits.md."""
from __future__ import annotations

from dataclasses import dataclass

from jittor_cy.compiler.ir.kernel import ReduceResult
from jittor_cy.compiler.ir.primitives import CTYPE, REDUCE_OPS, SUFFIX, function_name, is_floating, is_half

__all__ = ["PAIRWISE", "Fold", "fold_of", "fold_text"]

# Blocks are combined pairwise by index with a binary counter: the stack holds one partial result a bit of `count`.
PAIRWISE = """\
template <class T, class Fold>
struct Pairwise {
  T stack[40];
  int top = 0;
  long long count = 0;
  __device__ void push(T x) {
    for (long long carry = count++; carry & 1; carry >>= 1) x = Fold::of(stack[--top], x);
    stack[top++] = x;
  }
  __device__ T total() const {
    if (top == 0) return Fold::identity();
    T x = stack[top - 1];
    for (int i = top - 2; i >= 0; --i) x = Fold::of(stack[i], x);
    return x;
  }
};
"""

EXTREME = """\
struct {name} {{
  struct T {{
    {ctype} value;
    long long index; /* -1: nothing yet */
  }};
  __device__ static T identity() {{ return {{0, -1}}; }}
  __device__ static T at({ctype} value, long long index) {{ return {{value, index}}; }}
  __device__ static bool first(T a, T b) {{
    if (a.index < 0 || b.index < 0) return b.index < 0;
    {nan}if (a.value == b.value) return a.index < b.index;
    return a.value {sign} b.value;
  }}
  __device__ static T of(T a, T b) {{ return first(a, b) ? a : b; }}
  __device__ static long long result(T x) {{ return x.index; }}
}};
"""
# A NaN counts as the extreme, and the first NaN wins.
NAN = """if (a.value != a.value || b.value != b.value) {
      return a.value != a.value && (b.value == b.value || a.index < b.index);
    }
    """

PLAIN = """\
struct {name} {{
  typedef {ctype} T;
  __device__ static T identity() {{ return {identity}; }}
  __device__ static T at({ctype} value, long long) {{ return value; }}
  __device__ static T of(T a, T b) {{ return {function}(a, b); }}
  __device__ static {ctype} result(T x) {{ return x; }}
}};
"""

LOWEST = {"bool": "0", "uint8": "0", "uint16": "0", "uint32": "0", "uint64": "0", "int8": "-128", "int16": "-32768",
          "int32": "-2147483647 - 1", "int64": "-9223372036854775807ll - 1", "float32": "-__builtin_inff()",
          "float64": "-__builtin_inf()"}
HIGHEST = {"bool": "1", "uint8": "255", "uint16": "65535", "uint32": "4294967295u", "uint64": "18446744073709551615ull",
           "int8": "127", "int16": "32767", "int32": "2147483647", "int64": "9223372036854775807ll",
           "float32": "__builtin_inff()", "float64": "__builtin_inf()"}


@dataclass(frozen=True, slots=True)
class Fold:
    """How two partial results become one: the name of a struct, and the maths that it uses."""

    name: str
    kind: str
    dtype: str  # of what is folded

    @property
    def function(self) -> str | None:
        """The function of kernel_math.h behind it; none for the index of an extreme."""
        if self.kind.startswith("Arg"):
            return None
        return f"jt_{function_name(REDUCE_OPS[self.kind])}_{SUFFIX[self.dtype]}"


def fold_of(result: ReduceResult) -> Fold:
    """The Fold of a reduction; an extreme's is by the dtype of its values, which its index does not tell."""
    dtype = result.value.dtype if result.kind.startswith("Arg") else result.dtype
    dtype = "float32" if is_half(dtype) else dtype
    return Fold(f"Fold{result.kind}_{SUFFIX[dtype]}", result.kind, dtype)


def fold_text(fold: Fold) -> str:
    """The definition of a Fold's struct."""
    ctype = CTYPE[fold.dtype]
    if fold.kind.startswith("Arg"):
        return EXTREME.format(name=fold.name, ctype=ctype, nan=NAN if is_floating(fold.dtype) else "",
                              sign=">" if fold.kind == "ArgMax" else "<")
    return PLAIN.format(name=fold.name, ctype=ctype, function=fold.function, identity=identity_text(fold.kind, fold.dtype))


def identity_text(kind: str, dtype: str) -> str:
    match kind:
        case "Sum":
            return "0"
        case "Prod":
            return "1"
        case "Max":
            return LOWEST[dtype]
    return HIGHEST[dtype]
