// Lists of element types and op names that the interpreter's loops are generated from; for _isa files only.
#pragma once
#include "exec/interpreter_table.h"
#include "exec/kernel_math.h"

// (suffix of kernel_math.h, C type, Dtype)
// clang-format off: its layout of these is not stable
#define JTCY_INTEGERS(X) \
  X(u8, unsigned char, kUint8) X(i8, signed char, kInt8) \
  X(i16, short, kInt16) X(i32, int, kInt32) X(i64, long long, kInt64) \
  X(u16, unsigned short, kUint16) X(u32, unsigned, kUint32) X(u64, unsigned long long, kUint64)
#define JTCY_FLOATS(X) X(f32, float, kFloat32) X(f64, double, kFloat64)
#define JTCY_NATIVE(X) X(b, unsigned char, kBool) JTCY_INTEGERS(X) JTCY_FLOATS(X)

#define JTCY_FLOAT_UNARY(X) \
  X(Reciprocal, reciprocal) X(Sqrt, sqrt) X(Rsqrt, rsqrt) \
  X(Exp, exp) X(Exp2, exp2) X(Expm1, expm1) X(Log, log) X(Log1p, log1p) \
  X(Sin, sin) X(Cos, cos) X(Tan, tan) X(Asin, asin) X(Acos, acos) X(Atan, atan) \
  X(Sinh, sinh) X(Cosh, cosh) X(Tanh, tanh) X(Asinh, asinh) X(Acosh, acosh) X(Atanh, atanh) \
  X(Sigmoid, sigmoid) X(Erf, erf) X(Erfc, erfc) \
  X(Floor, floor) X(Ceil, ceil) X(Round, round) X(Trunc, trunc)
#define JTCY_ANY_UNARY(X) X(Neg, neg) X(Abs, abs) X(Sign, sign)
#define JTCY_FLOAT_TEST(X) X(IsNan, is_nan) X(IsInf, is_inf)
#define JTCY_INTEGER_UNARY(X) X(BitNot, bit_not)

#define JTCY_FLOAT_BINARY(X) X(Div, div) X(Atan2, atan2)
#define JTCY_ANY_BINARY(X) \
  X(Add, add) X(Sub, sub) X(Mul, mul) X(FloorDiv, floor_div) X(Mod, mod) X(Pow, pow) \
  X(Maximum, maximum) X(Minimum, minimum)
#define JTCY_COMPARE(X) X(Eq, eq) X(Ne, ne) X(Lt, lt) X(Le, le) X(Gt, gt) X(Ge, ge)
#define JTCY_INTEGER_BINARY(X) X(BitAnd, bit_and) X(BitOr, bit_or) X(BitXor, bit_xor)
#define JTCY_SHIFT(X) X(ShiftLeft, shift_left) X(ShiftRight, shift_right)

// One entry of a table for each dtype.
#define JTCY_SET_EACH_FLOAT(SET, op) \
  SET(op, f32, kFloat32) SET(op, f64, kFloat64) SET(op, f16, kFloat16) SET(op, bf16, kBfloat16)
#define JTCY_SET_EACH_INTEGER(SET, op) \
  SET(op, b, kBool) SET(op, u8, kUint8) SET(op, i8, kInt8) SET(op, i16, kInt16) SET(op, i32, kInt32) \
  SET(op, i64, kInt64) SET(op, u16, kUint16) SET(op, u32, kUint32) SET(op, u64, kUint64)
// clang-format on

namespace jtcy::JTCY_ISA_NAME {

// Each fills its part of the table.
void fill_unary(IsaTable* table);
void fill_binary(IsaTable* table);
void fill_cast(IsaTable* table);
void fill_fold(IsaTable* table);
void fill_attention(IsaTable* table);
void fill_scan(IsaTable* table);

constexpr int index_of(OpKind kind) { return static_cast<int>(kind); }
constexpr int index_of(Dtype dtype) { return static_cast<int>(dtype); }

}  // namespace jtcy::JTCY_ISA_NAME
