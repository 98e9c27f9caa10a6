"""The texts that a headerless source pastes: the kernel ABI and the functions of kernel_math.h that it calls."""

from __future__ import annotations

import functools
import re
from pathlib import Path

__all__ = ["abi_text", "closure", "maths_text", "pasted_file", "preamble"]

HELPERS = {
    "jt_index_quotient": """\
static inline long long jt_index_quotient(long long a, long long b) {
#if defined(__AVX512DQ__) /* vectors of integers have no division; that of doubles is exact below 2^53 */
  return b > 0 ? (long long)((double)a / (double)b) : 0;
#else
  return b > 0 ? a / b : 0;
#endif
}""",
    "jt_index_exact": """\
static inline long long jt_index_exact(long long a, long long b) {
  const long long safe = b == 0 || b == -1 ? 1 : b;
  return b == 0 ? -1 : b == -1 ? -a : a % safe == 0 ? a / safe : -1;
}""",
    "jt_index_clamp": """\
static inline long long jt_index_clamp(long long i, long long extent) {
  return i < 0 || extent <= 0 ? 0 : i < extent ? i : extent - 1;
}""",
    "jt_blend_f32": """\
static inline float jt_blend_f32(unsigned chosen, float a, float b) {
  unsigned x, y;
  __builtin_memcpy(&x, &a, 4);
  __builtin_memcpy(&y, &b, 4);
  x = (x & chosen) | (y & ~chosen);
  __builtin_memcpy(&a, &x, 4);
  return a;
}""",
    "jt_blend_f64": """\
static inline double jt_blend_f64(unsigned long long chosen, double a, double b) {
  unsigned long long x, y;
  __builtin_memcpy(&x, &a, 8);
  __builtin_memcpy(&y, &b, 8);
  x = (x & chosen) | (y & ~chosen);
  __builtin_memcpy(&a, &x, 8);
  return a;
}""",
    "jt_stream_line": """\
static inline void jt_stream_line(void* to, const void* from) {
#if defined(__AVX512F__)
  typedef long long Part __attribute__((vector_size(64)));
#define JT_STREAM(to, part) __builtin_ia32_movntdq512(to, part)
#elif defined(__AVX__)
  typedef long long Part __attribute__((vector_size(32)));
#define JT_STREAM(to, part) __builtin_ia32_movntdq256(to, part)
#else
  typedef long long Part __attribute__((vector_size(16)));
#define JT_STREAM(to, part) __builtin_ia32_movntdq(to, part)
#endif
  for (int i = 0; i < 64; i += sizeof(Part)) {
    Part part;
    __builtin_memcpy(&part, (const char*)from + i, sizeof(Part));
    JT_STREAM((Part*)((char*)to + i), part);
  }
}""",
    "jt_put_lines": """\
static inline void jt_put_lines(void* to, const void* from, int nbytes, int streams) {
  if (streams && ((long long)to & 63) == 0) {
    for (int i = 0; i < nbytes; i += 64) jt_stream_line((char*)to + i, (const char*)from + i);
  } else {
    __builtin_memcpy(to, from, nbytes);
  }
}""",
    "jt_report": """\
static __attribute__((noinline, cold)) void jt_report(KernelError* error, int op, long long value, long long limit) {
  int none = 0;
  if (!__atomic_compare_exchange_n(&error->code, &none, 1, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) return;
  error->op = op;
  error->value = value;
  error->limit = limit;
}""",
}
INCLUDED = re.compile(r'^#include "exec/(kernel_math_\w+\.h)"\n', re.MULTILINE)
CALLED = re.compile(r"\bjt_\w+(?=\()")


def pasted_file(name: str) -> Path:
    """In an installed package beside this file, in a checkout under runtime/exec."""
    here = Path(__file__).resolve()
    installed = here.parent / "include" / name
    checkout = here.parents[3] / "runtime" / "exec" / name
    return checkout if checkout.exists() else installed


@functools.cache
def abi_text() -> str:
    """The structs, one paragraph each, without comments."""
    text = pasted_file("kernel_abi.h").read_text()
    text = text.split("/* kernel-abi-begin */")[1].split("/* kernel-abi-end */")[0]
    text = re.sub(r"[ \t]*/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"\n\s*\n+", "\n\n", text).strip()


@functools.cache
def maths_text() -> str:
    """kernel_math.h with the files that it includes in their places, each once."""
    seen = set()

    def joined(name: str) -> str:
        if name in seen:
            return ""
        seen.add(name)
        return INCLUDED.sub(lambda match: joined(match[1]), pasted_file(name).read_text(encoding="utf-8"))

    return joined("kernel_math.h")


@functools.cache
def maths() -> tuple[str, dict[str, str]]:
    """(what stands in front of the functions, name → text of each function in order)."""
    start = maths_text().split("/* kernel-math-preamble-begin */")[1]
    before, rest = start.split("/* kernel-math-preamble-end */")
    functions = {}
    lines = rest.splitlines()
    at = 0
    while at < len(lines):
        if not lines[at].startswith("static inline "):
            at += 1
            continue
        end = at
        while not (lines[end].startswith("}") or (end == at and lines[end].endswith("}"))):
            end += 1
        body = "\n".join(lines[at : end + 1])
        functions[re.search(r"\b(jt_\w+)\(", body).group(1)] = body  # type: ignore[union-attr]
        at = end + 1
    return before.strip(), functions


def preamble() -> str:
    """Macros and typedefs of the maths, without comments."""
    return re.sub(r"/\*.*?\*/\n", "", maths()[0])


@functools.cache
def calls_of(name: str) -> tuple[str, ...]:
    text = HELPERS.get(name) or maths()[1].get(name, "")
    return tuple(dict.fromkeys(c for c in CALLED.findall(text) if c != name))


def closure(text: str) -> list[str]:
    """Texts of all functions that `text` calls, directly or not, each below what it calls itself."""
    needed: dict[str, None] = {}
    stack = list(dict.fromkeys(CALLED.findall(text)))
    while stack:
        name = stack.pop()
        if name not in needed:
            needed[name] = None
            stack.extend(calls_of(name))
    in_order = [body for name, body in maths()[1].items() if name in needed]
    return in_order + [body for name, body in HELPERS.items() if name in needed]
