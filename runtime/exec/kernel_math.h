// Scalar maths of every elementwise primitive: the one source of their bits, included by the interpreter and pasted
// into generated kernels (jittor_cy/compiler/codegen/pasted.py joins these files and takes single functions).
//
// Plain C without system headers (also valid C++). One function starts at a line `static inline <type> jt_...(` and
// ends with the first `}` at the start of a line, or on the same line; it uses only kernel_math_base.h and functions
// above it. Selects instead of branches, so that loops over these functions vectorize once they are inlined whole
// (flatten). Accuracy and cost are measured in docs/vector_maths.md: at most 4 units in the last place. Method of all:
// reduction of the argument, then a polynomial of least largest error, rounded to the type; short chains of dependent
// operations.
#pragma once
#include "exec/kernel_math_arithmetic.h"
#include "exec/kernel_math_base.h"
#include "exec/kernel_math_cast.h"
#include "exec/kernel_math_circular.h"
#include "exec/kernel_math_float32.h"
#include "exec/kernel_math_float64.h"
#include "exec/kernel_math_logic.h"
#include "exec/kernel_math_random.h"
#include "exec/kernel_math_round.h"
