"""What every CUDA text begins with: the kernel ABI, built-ins by CUDA's names, the maths; what it says of itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["PRELUDE", "KernelShape", "cuda_math", "parameter_struct", "shape_line", "shapes_in"]

# The maths is written with gcc's built-ins. g++ has them when it compiles for the simulated GPU.
PRELUDE = """\
typedef union {
  double f;
  long long i;
} KernelScalar;
typedef struct {
  int code;
  int op;
  long long value;
  long long limit;
} KernelError;
#define restrict __restrict__
#ifdef __CUDACC__
#define JT_HAS_FMA 1
#define __builtin_memcpy memcpy
#define __builtin_fmaf __fmaf_rn
#define __builtin_fma __fma_rn
#define __builtin_sqrtf __fsqrt_rn
#define __builtin_sqrt __dsqrt_rn
#define __builtin_floorf floorf
#define __builtin_floor floor
#define __builtin_rintf rintf
#define __builtin_rint rint
#define __builtin_inff() __int_as_float(0x7f800000)
#define __builtin_inf() __longlong_as_double(0x7ff0000000000000ll)
#define __builtin_nanf(text) __int_as_float(0x7fc00000)
#define __builtin_nan(text) __longlong_as_double(0x7ff8000000000000ll)
#define __builtin_expect(value, likely) (value)
#endif
__device__ static inline long long jt_least(long long a, long long b) { return a < b ? a : b; }
/* The first problem is kept. */
__device__ static void jt_report(KernelError* error, int op, long long value, long long limit) {
  if (atomicCAS(&error->code, 0, 1) != 0) return;
  error->op = op;
  error->value = value;
  error->limit = limit;
}
/* A GPU's conversion saturates; the answer is x86's: the minimum for NaN and for what is out of range. */
__device__ static inline int jt_to_int(float x) {
  return x >= -2147483648.0f && x < 2147483648.0f ? (int)x : -2147483647 - 1;
}
__device__ static inline int jt_to_int(double x) {
  return x > -2147483649.0 && x < 2147483648.0 ? (int)x : -2147483647 - 1;
}
__device__ static inline long long jt_to_long(float x) {
  return x >= -9223372036854775808.0f && x < 9223372036854775808.0f ? (long long)x : -9223372036854775807ll - 1;
}
__device__ static inline long long jt_to_long(double x) {
  return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? (long long)x : -9223372036854775807ll - 1;
}
"""

# Casts of floats to integers, in which the conversions are exchanged.
FLOAT_CAST = re.compile(r"^static inline [\w ]+ jt_cast_f(?:32|64)_\w+\(.*?(?:\}$|^\})", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class KernelShape:
    """What the runtime must know of a phase to launch it (CudaKernelShape in runtime/device/cuda_backend.h)."""

    pointers: int
    dims: int
    scalars: int
    threads: int
    block_per_iteration: bool


def cuda_math(text: str) -> str:
    """Functions of kernel_math.h for a GPU: forced inline, with x86's conversion of floats to integers."""

    def exchange(match: re.Match[str]) -> str:
        body = re.sub(r"\(int\)x\b", "jt_to_int(x)", match.group(0))
        body = re.sub(r"\(long long\)x\b", "jt_to_long(x)", body)
        return body.replace("(long long)(x", "jt_to_long(x")

    text = FLOAT_CAST.sub(exchange, text)
    return re.sub(r"^static inline ", "__device__ static __forceinline__ ", text, flags=re.MULTILINE)


def parameter_struct(name: str, shape: KernelShape) -> str:
    """The one parameter of a kernel, passed by value: the arrays of KernelArgs inlined (Note [Kernel parameter])."""
    members = [("void* ptr", shape.pointers), ("long long dim", shape.dims), ("KernelScalar scalar", shape.scalars)]
    arrays = "".join(f"  {member}[{count}];\n" for member, count in members if count)
    return (
        f"typedef struct {{\n{arrays}  void* shared;\n  KernelError* error;\n  char* local;\n"
        f"  long long local_nbytes;\n}} {name};\n"
    )


def shape_line(phase: int, shape: KernelShape) -> str:
    """A comment that shapes_in() reads back, so that a text says all that its launch needs."""
    return (
        f"// phase {phase}: pointers={shape.pointers} dims={shape.dims} scalars={shape.scalars} "
        f"threads={shape.threads} together={int(shape.block_per_iteration)}\n"
    )


def shapes_in(text: str) -> tuple[KernelShape, ...]:
    """The shape of each phase of a CUDA text, in order."""
    found = re.findall(
        r"^// phase \d+: pointers=(\d+) dims=(\d+) scalars=(\d+) threads=(\d+) together=(\d)$", text, re.MULTILINE
    )
    return tuple(KernelShape(int(p), int(d), int(s), int(t), together == "1") for p, d, s, t, together in found)
