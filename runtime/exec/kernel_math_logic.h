// Bit operations, shifts, comparisons and where of all dtypes.
#pragma once
#include "exec/kernel_math_base.h"

/* bit operations; shifts by a negative count or past the width: left 0, right the sign */
static inline unsigned char jt_bit_and_b(unsigned char a, unsigned char b) { return (unsigned char)(a & b); }
static inline unsigned char jt_bit_and_u8(unsigned char a, unsigned char b) { return (unsigned char)(a & b); }
static inline signed char jt_bit_and_i8(signed char a, signed char b) { return (signed char)(a & b); }
static inline short jt_bit_and_i16(short a, short b) { return (short)(a & b); }
static inline int jt_bit_and_i32(int a, int b) { return a & b; }
static inline long long jt_bit_and_i64(long long a, long long b) { return a & b; }
static inline unsigned short jt_bit_and_u16(unsigned short a, unsigned short b) { return (unsigned short)(a & b); }
static inline unsigned jt_bit_and_u32(unsigned a, unsigned b) { return a & b; }
static inline unsigned long long jt_bit_and_u64(unsigned long long a, unsigned long long b) { return a & b; }
static inline unsigned char jt_bit_or_b(unsigned char a, unsigned char b) { return (unsigned char)(a | b); }
static inline unsigned char jt_bit_or_u8(unsigned char a, unsigned char b) { return (unsigned char)(a | b); }
static inline signed char jt_bit_or_i8(signed char a, signed char b) { return (signed char)(a | b); }
static inline short jt_bit_or_i16(short a, short b) { return (short)(a | b); }
static inline int jt_bit_or_i32(int a, int b) { return a | b; }
static inline long long jt_bit_or_i64(long long a, long long b) { return a | b; }
static inline unsigned short jt_bit_or_u16(unsigned short a, unsigned short b) { return (unsigned short)(a | b); }
static inline unsigned jt_bit_or_u32(unsigned a, unsigned b) { return a | b; }
static inline unsigned long long jt_bit_or_u64(unsigned long long a, unsigned long long b) { return a | b; }
static inline unsigned char jt_bit_xor_b(unsigned char a, unsigned char b) { return (unsigned char)(a ^ b); }
static inline unsigned char jt_bit_xor_u8(unsigned char a, unsigned char b) { return (unsigned char)(a ^ b); }
static inline signed char jt_bit_xor_i8(signed char a, signed char b) { return (signed char)(a ^ b); }
static inline short jt_bit_xor_i16(short a, short b) { return (short)(a ^ b); }
static inline int jt_bit_xor_i32(int a, int b) { return a ^ b; }
static inline long long jt_bit_xor_i64(long long a, long long b) { return a ^ b; }
static inline unsigned short jt_bit_xor_u16(unsigned short a, unsigned short b) { return (unsigned short)(a ^ b); }
static inline unsigned jt_bit_xor_u32(unsigned a, unsigned b) { return a ^ b; }
static inline unsigned long long jt_bit_xor_u64(unsigned long long a, unsigned long long b) { return a ^ b; }
static inline unsigned char jt_bit_not_b(unsigned char a) { return (unsigned char)!a; }
static inline unsigned char jt_bit_not_u8(unsigned char a) { return (unsigned char)(~a); }
static inline signed char jt_bit_not_i8(signed char a) { return (signed char)(~a); }
static inline short jt_bit_not_i16(short a) { return (short)(~a); }
static inline int jt_bit_not_i32(int a) { return ~a; }
static inline long long jt_bit_not_i64(long long a) { return ~a; }
static inline unsigned short jt_bit_not_u16(unsigned short a) { return (unsigned short)(~a); }
static inline unsigned jt_bit_not_u32(unsigned a) { return ~a; }
static inline unsigned long long jt_bit_not_u64(unsigned long long a) { return ~a; }
static inline unsigned char jt_shift_left_b(unsigned char a, unsigned char b) { return (unsigned char)(b ? 0 : a); }
static inline unsigned char jt_shift_left_u8(unsigned char a, unsigned char b) {
  return (unsigned char)((unsigned)b < 8u ? (unsigned)a << ((unsigned)b & 31u) : 0);
}
static inline signed char jt_shift_left_i8(signed char a, signed char b) {
  return (signed char)((unsigned)b < 8u ? (unsigned)a << ((unsigned)b & 31u) : 0);
}
static inline short jt_shift_left_i16(short a, short b) {
  return (short)((unsigned)b < 16u ? (unsigned)a << ((unsigned)b & 31u) : 0);
}
static inline int jt_shift_left_i32(int a, int b) {
  return (int)((unsigned)b < 32u ? (unsigned)a << ((unsigned)b & 31u) : 0);
}
static inline long long jt_shift_left_i64(long long a, long long b) {
  return (long long)((unsigned long long)b < 64u ? (unsigned long long)a << ((unsigned long long)b & 63u) : 0);
}
static inline unsigned short jt_shift_left_u16(unsigned short a, unsigned short b) {
  return (unsigned short)((unsigned)b < 16u ? (unsigned)a << ((unsigned)b & 31u) : 0);
}
static inline unsigned jt_shift_left_u32(unsigned a, unsigned b) {
  return (unsigned)((unsigned)b < 32u ? (unsigned)a << ((unsigned)b & 31u) : 0);
}
static inline unsigned long long jt_shift_left_u64(unsigned long long a, unsigned long long b) {
  return (unsigned long long)((unsigned long long)b < 64u ? (unsigned long long)a << ((unsigned long long)b & 63u) : 0);
}
static inline unsigned char jt_shift_right_b(unsigned char a, unsigned char b) { return (unsigned char)(b ? 0 : a); }
static inline unsigned char jt_shift_right_u8(unsigned char a, unsigned char b) {
  return (unsigned char)((unsigned)b < 8u ? a >> ((unsigned)b & 7u) : 0);
}
static inline signed char jt_shift_right_i8(signed char a, signed char b) {
  return (signed char)(a >> ((unsigned)b < 8u ? (int)b : 7));
}
static inline short jt_shift_right_i16(short a, short b) { return (short)(a >> ((unsigned)b < 16u ? (int)b : 15)); }
static inline int jt_shift_right_i32(int a, int b) { return (int)(a >> ((unsigned)b < 32u ? (int)b : 31)); }
static inline long long jt_shift_right_i64(long long a, long long b) {
  return (long long)(a >> ((unsigned long long)b < 64u ? (int)b : 63));
}
static inline unsigned short jt_shift_right_u16(unsigned short a, unsigned short b) {
  return (unsigned short)((unsigned)b < 16u ? a >> ((unsigned)b & 15u) : 0);
}
static inline unsigned jt_shift_right_u32(unsigned a, unsigned b) {
  return (unsigned)((unsigned)b < 32u ? a >> ((unsigned)b & 31u) : 0);
}
static inline unsigned long long jt_shift_right_u64(unsigned long long a, unsigned long long b) {
  return (unsigned long long)((unsigned long long)b < 64u ? a >> ((unsigned long long)b & 63u) : 0);
}

/* comparisons: a NaN is unequal to everything */
static inline unsigned char jt_eq_b(unsigned char a, unsigned char b) { return (unsigned char)(a == b); }
static inline unsigned char jt_eq_u8(unsigned char a, unsigned char b) { return (unsigned char)(a == b); }
static inline unsigned char jt_eq_i8(signed char a, signed char b) { return (unsigned char)(a == b); }
static inline unsigned char jt_eq_i16(short a, short b) { return (unsigned char)(a == b); }
static inline unsigned char jt_eq_i32(int a, int b) { return (unsigned char)(a == b); }
static inline unsigned char jt_eq_i64(long long a, long long b) { return (unsigned char)(a == b); }
static inline unsigned char jt_eq_u16(unsigned short a, unsigned short b) { return (unsigned char)(a == b); }
static inline unsigned char jt_eq_u32(unsigned a, unsigned b) { return (unsigned char)(a == b); }
static inline unsigned char jt_eq_u64(unsigned long long a, unsigned long long b) { return (unsigned char)(a == b); }
static inline unsigned char jt_eq_f32(float a, float b) { return (unsigned char)(a == b); }
static inline unsigned char jt_eq_f64(double a, double b) { return (unsigned char)(a == b); }
static inline unsigned char jt_ne_b(unsigned char a, unsigned char b) { return (unsigned char)(a != b); }
static inline unsigned char jt_ne_u8(unsigned char a, unsigned char b) { return (unsigned char)(a != b); }
static inline unsigned char jt_ne_i8(signed char a, signed char b) { return (unsigned char)(a != b); }
static inline unsigned char jt_ne_i16(short a, short b) { return (unsigned char)(a != b); }
static inline unsigned char jt_ne_i32(int a, int b) { return (unsigned char)(a != b); }
static inline unsigned char jt_ne_i64(long long a, long long b) { return (unsigned char)(a != b); }
static inline unsigned char jt_ne_u16(unsigned short a, unsigned short b) { return (unsigned char)(a != b); }
static inline unsigned char jt_ne_u32(unsigned a, unsigned b) { return (unsigned char)(a != b); }
static inline unsigned char jt_ne_u64(unsigned long long a, unsigned long long b) { return (unsigned char)(a != b); }
static inline unsigned char jt_ne_f32(float a, float b) { return (unsigned char)(a != b); }
static inline unsigned char jt_ne_f64(double a, double b) { return (unsigned char)(a != b); }
static inline unsigned char jt_lt_b(unsigned char a, unsigned char b) { return (unsigned char)(a < b); }
static inline unsigned char jt_lt_u8(unsigned char a, unsigned char b) { return (unsigned char)(a < b); }
static inline unsigned char jt_lt_i8(signed char a, signed char b) { return (unsigned char)(a < b); }
static inline unsigned char jt_lt_i16(short a, short b) { return (unsigned char)(a < b); }
static inline unsigned char jt_lt_i32(int a, int b) { return (unsigned char)(a < b); }
static inline unsigned char jt_lt_i64(long long a, long long b) { return (unsigned char)(a < b); }
static inline unsigned char jt_lt_u16(unsigned short a, unsigned short b) { return (unsigned char)(a < b); }
static inline unsigned char jt_lt_u32(unsigned a, unsigned b) { return (unsigned char)(a < b); }
static inline unsigned char jt_lt_u64(unsigned long long a, unsigned long long b) { return (unsigned char)(a < b); }
static inline unsigned char jt_lt_f32(float a, float b) { return (unsigned char)(a < b); }
static inline unsigned char jt_lt_f64(double a, double b) { return (unsigned char)(a < b); }
static inline unsigned char jt_le_b(unsigned char a, unsigned char b) { return (unsigned char)(a <= b); }
static inline unsigned char jt_le_u8(unsigned char a, unsigned char b) { return (unsigned char)(a <= b); }
static inline unsigned char jt_le_i8(signed char a, signed char b) { return (unsigned char)(a <= b); }
static inline unsigned char jt_le_i16(short a, short b) { return (unsigned char)(a <= b); }
static inline unsigned char jt_le_i32(int a, int b) { return (unsigned char)(a <= b); }
static inline unsigned char jt_le_i64(long long a, long long b) { return (unsigned char)(a <= b); }
static inline unsigned char jt_le_u16(unsigned short a, unsigned short b) { return (unsigned char)(a <= b); }
static inline unsigned char jt_le_u32(unsigned a, unsigned b) { return (unsigned char)(a <= b); }
static inline unsigned char jt_le_u64(unsigned long long a, unsigned long long b) { return (unsigned char)(a <= b); }
static inline unsigned char jt_le_f32(float a, float b) { return (unsigned char)(a <= b); }
static inline unsigned char jt_le_f64(double a, double b) { return (unsigned char)(a <= b); }
static inline unsigned char jt_gt_b(unsigned char a, unsigned char b) { return (unsigned char)(a > b); }
static inline unsigned char jt_gt_u8(unsigned char a, unsigned char b) { return (unsigned char)(a > b); }
static inline unsigned char jt_gt_i8(signed char a, signed char b) { return (unsigned char)(a > b); }
static inline unsigned char jt_gt_i16(short a, short b) { return (unsigned char)(a > b); }
static inline unsigned char jt_gt_i32(int a, int b) { return (unsigned char)(a > b); }
static inline unsigned char jt_gt_i64(long long a, long long b) { return (unsigned char)(a > b); }
static inline unsigned char jt_gt_u16(unsigned short a, unsigned short b) { return (unsigned char)(a > b); }
static inline unsigned char jt_gt_u32(unsigned a, unsigned b) { return (unsigned char)(a > b); }
static inline unsigned char jt_gt_u64(unsigned long long a, unsigned long long b) { return (unsigned char)(a > b); }
static inline unsigned char jt_gt_f32(float a, float b) { return (unsigned char)(a > b); }
static inline unsigned char jt_gt_f64(double a, double b) { return (unsigned char)(a > b); }
static inline unsigned char jt_ge_b(unsigned char a, unsigned char b) { return (unsigned char)(a >= b); }
static inline unsigned char jt_ge_u8(unsigned char a, unsigned char b) { return (unsigned char)(a >= b); }
static inline unsigned char jt_ge_i8(signed char a, signed char b) { return (unsigned char)(a >= b); }
static inline unsigned char jt_ge_i16(short a, short b) { return (unsigned char)(a >= b); }
static inline unsigned char jt_ge_i32(int a, int b) { return (unsigned char)(a >= b); }
static inline unsigned char jt_ge_i64(long long a, long long b) { return (unsigned char)(a >= b); }
static inline unsigned char jt_ge_u16(unsigned short a, unsigned short b) { return (unsigned char)(a >= b); }
static inline unsigned char jt_ge_u32(unsigned a, unsigned b) { return (unsigned char)(a >= b); }
static inline unsigned char jt_ge_u64(unsigned long long a, unsigned long long b) { return (unsigned char)(a >= b); }
static inline unsigned char jt_ge_f32(float a, float b) { return (unsigned char)(a >= b); }
static inline unsigned char jt_ge_f64(double a, double b) { return (unsigned char)(a >= b); }

/* where, is_nan, is_inf */
static inline unsigned char jt_where_b(unsigned char c, unsigned char a, unsigned char b) { return c ? a : b; }
static inline unsigned char jt_where_u8(unsigned char c, unsigned char a, unsigned char b) { return c ? a : b; }
static inline signed char jt_where_i8(unsigned char c, signed char a, signed char b) { return c ? a : b; }
static inline short jt_where_i16(unsigned char c, short a, short b) { return c ? a : b; }
static inline int jt_where_i32(unsigned char c, int a, int b) { return c ? a : b; }
static inline long long jt_where_i64(unsigned char c, long long a, long long b) { return c ? a : b; }
static inline unsigned short jt_where_u16(unsigned char c, unsigned short a, unsigned short b) { return c ? a : b; }
static inline unsigned jt_where_u32(unsigned char c, unsigned a, unsigned b) { return c ? a : b; }
static inline unsigned long long jt_where_u64(unsigned char c, unsigned long long a, unsigned long long b) {
  return c ? a : b;
}
static inline float jt_where_f32(unsigned char c, float a, float b) { return c ? a : b; }
static inline double jt_where_f64(unsigned char c, double a, double b) { return c ? a : b; }
static inline jt_f16 jt_where_f16(unsigned char c, jt_f16 a, jt_f16 b) { return c ? a : b; }
static inline jt_bf16 jt_where_bf16(unsigned char c, jt_bf16 a, jt_bf16 b) { return c ? a : b; }
static inline unsigned char jt_is_nan_f32(float a) { return (unsigned char)(a != a); }
static inline unsigned char jt_is_nan_f64(double a) { return (unsigned char)(a != a); }
static inline unsigned char jt_is_inf_f32(float a) { return (unsigned char)(jt_abs_f32(a) == __builtin_inff()); }
static inline unsigned char jt_is_inf_f64(double a) { return (unsigned char)(jt_abs_f64(a) == __builtin_inf()); }
