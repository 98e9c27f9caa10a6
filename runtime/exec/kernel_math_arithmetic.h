// Arithmetic of all dtypes: copy to maximum, division and powers of integers.
#pragma once
#include "exec/kernel_math_base.h"

/* copy, neg, abs, sign; on bool neg, abs and sign are the value itself */
static inline unsigned char jt_copy_b(unsigned char a) { return a; }
static inline unsigned char jt_copy_u8(unsigned char a) { return a; }
static inline signed char jt_copy_i8(signed char a) { return a; }
static inline short jt_copy_i16(short a) { return a; }
static inline int jt_copy_i32(int a) { return a; }
static inline long long jt_copy_i64(long long a) { return a; }
static inline unsigned short jt_copy_u16(unsigned short a) { return a; }
static inline unsigned jt_copy_u32(unsigned a) { return a; }
static inline unsigned long long jt_copy_u64(unsigned long long a) { return a; }
static inline float jt_copy_f32(float a) { return a; }
static inline double jt_copy_f64(double a) { return a; }
static inline unsigned char jt_neg_b(unsigned char a) { return a; }
static inline unsigned char jt_neg_u8(unsigned char a) { return (unsigned char)(0 - a); }
static inline signed char jt_neg_i8(signed char a) { return (signed char)(-a); }
static inline short jt_neg_i16(short a) { return (short)(-a); }
static inline int jt_neg_i32(int a) { return -a; }
static inline long long jt_neg_i64(long long a) { return -a; }
static inline unsigned short jt_neg_u16(unsigned short a) { return (unsigned short)(0 - a); }
static inline unsigned jt_neg_u32(unsigned a) { return (unsigned)(0 - a); }
static inline unsigned long long jt_neg_u64(unsigned long long a) { return (unsigned long long)(0 - a); }
/* By its bits: of -fma(a, b, c) gcc makes -(a * b) - c, which has the other sign where the sum is 0. */
static inline float jt_neg_f32(float a) { return jt_from_bits_f32(jt_bits_f32(a) ^ 0x80000000u); }
static inline double jt_neg_f64(double a) { return jt_from_bits_f64(jt_bits_f64(a) ^ 0x8000000000000000ull); }
static inline unsigned char jt_abs_b(unsigned char a) { return a; }
static inline unsigned char jt_abs_u8(unsigned char a) { return a; }
static inline signed char jt_abs_i8(signed char a) { return (signed char)(a < 0 ? -a : a); }
static inline short jt_abs_i16(short a) { return (short)(a < 0 ? -a : a); }
static inline int jt_abs_i32(int a) { return a < 0 ? -a : a; }
static inline long long jt_abs_i64(long long a) { return a < 0 ? -a : a; }
static inline unsigned short jt_abs_u16(unsigned short a) { return a; }
static inline unsigned jt_abs_u32(unsigned a) { return a; }
static inline unsigned long long jt_abs_u64(unsigned long long a) { return a; }
static inline float jt_abs_f32(float a) { return jt_from_bits_f32(jt_bits_f32(a) & 0x7fffffffu); }
static inline double jt_abs_f64(double a) { return jt_from_bits_f64(jt_bits_f64(a) & 0x7fffffffffffffffull); }
static inline unsigned char jt_sign_b(unsigned char a) { return a; }
static inline unsigned char jt_sign_u8(unsigned char a) { return (unsigned char)(a != 0); }
static inline signed char jt_sign_i8(signed char a) { return (signed char)((a > 0) - (a < 0)); }
static inline short jt_sign_i16(short a) { return (short)((a > 0) - (a < 0)); }
static inline int jt_sign_i32(int a) { return (int)((a > 0) - (a < 0)); }
static inline long long jt_sign_i64(long long a) { return (long long)((a > 0) - (a < 0)); }
static inline unsigned short jt_sign_u16(unsigned short a) { return (unsigned short)(a != 0); }
static inline unsigned jt_sign_u32(unsigned a) { return (unsigned)(a != 0); }
static inline unsigned long long jt_sign_u64(unsigned long long a) { return (unsigned long long)(a != 0); }
static inline float jt_sign_f32(float a) { return a > 0.0f ? 1.0f : a < 0.0f ? -1.0f : a == 0.0f ? 0.0f : a; }
static inline double jt_sign_f64(double a) { return a > 0.0 ? 1.0 : a < 0.0 ? -1.0 : a == 0.0 ? 0.0 : a; }

/* add, sub, mul: integers wrap; on bool or, xor, and */
static inline unsigned char jt_add_b(unsigned char a, unsigned char b) { return (unsigned char)(a | b); }
static inline unsigned char jt_add_u8(unsigned char a, unsigned char b) {
  return (unsigned char)((unsigned)a + (unsigned)b);
}
static inline signed char jt_add_i8(signed char a, signed char b) { return (signed char)((unsigned)a + (unsigned)b); }
static inline short jt_add_i16(short a, short b) { return (short)((unsigned)a + (unsigned)b); }
static inline int jt_add_i32(int a, int b) { return a + b; }
static inline long long jt_add_i64(long long a, long long b) { return a + b; }
static inline unsigned short jt_add_u16(unsigned short a, unsigned short b) {
  return (unsigned short)((unsigned)a + (unsigned)b);
}
static inline unsigned jt_add_u32(unsigned a, unsigned b) { return a + b; }
static inline unsigned long long jt_add_u64(unsigned long long a, unsigned long long b) { return a + b; }
static inline float jt_add_f32(float a, float b) { return a + b; }
static inline double jt_add_f64(double a, double b) { return a + b; }
static inline unsigned char jt_sub_b(unsigned char a, unsigned char b) { return (unsigned char)(a ^ b); }
static inline unsigned char jt_sub_u8(unsigned char a, unsigned char b) {
  return (unsigned char)((unsigned)a - (unsigned)b);
}
static inline signed char jt_sub_i8(signed char a, signed char b) { return (signed char)((unsigned)a - (unsigned)b); }
static inline short jt_sub_i16(short a, short b) { return (short)((unsigned)a - (unsigned)b); }
static inline int jt_sub_i32(int a, int b) { return a - b; }
static inline long long jt_sub_i64(long long a, long long b) { return a - b; }
static inline unsigned short jt_sub_u16(unsigned short a, unsigned short b) {
  return (unsigned short)((unsigned)a - (unsigned)b);
}
static inline unsigned jt_sub_u32(unsigned a, unsigned b) { return a - b; }
static inline unsigned long long jt_sub_u64(unsigned long long a, unsigned long long b) { return a - b; }
static inline float jt_sub_f32(float a, float b) { return a - b; }
static inline double jt_sub_f64(double a, double b) { return a - b; }
static inline unsigned char jt_mul_b(unsigned char a, unsigned char b) { return (unsigned char)(a & b); }
static inline unsigned char jt_mul_u8(unsigned char a, unsigned char b) {
  return (unsigned char)((unsigned)a * (unsigned)b);
}
static inline signed char jt_mul_i8(signed char a, signed char b) { return (signed char)((unsigned)a * (unsigned)b); }
static inline short jt_mul_i16(short a, short b) { return (short)((unsigned)a * (unsigned)b); }
static inline int jt_mul_i32(int a, int b) { return a * b; }
static inline long long jt_mul_i64(long long a, long long b) { return a * b; }
static inline unsigned short jt_mul_u16(unsigned short a, unsigned short b) {
  return (unsigned short)((unsigned)a * (unsigned)b);
}
static inline unsigned jt_mul_u32(unsigned a, unsigned b) { return a * b; }
static inline unsigned long long jt_mul_u64(unsigned long long a, unsigned long long b) { return a * b; }
static inline float jt_mul_f32(float a, float b) { return a * b; }
static inline double jt_mul_f64(double a, double b) { return a * b; }

/* div, reciprocal, sqrt, rsqrt */
static inline float jt_div_f32(float a, float b) { return a / b; }
static inline double jt_div_f64(double a, double b) { return a / b; }
static inline float jt_reciprocal_f32(float a) { return 1.0f / a; }
static inline double jt_reciprocal_f64(double a) { return 1.0 / a; }
static inline float jt_sqrt_f32(float a) { return __builtin_sqrtf(a); }
static inline double jt_sqrt_f64(double a) { return __builtin_sqrt(a); }
static inline float jt_rsqrt_f32(float a) { return 1.0f / jt_sqrt_f32(a); }
static inline double jt_rsqrt_f64(double a) { return 1.0 / jt_sqrt_f64(a); }

/* floor_div: rounds towards minus infinity; x / 0 is 0, minimum / -1 wraps to the minimum */
static inline unsigned char jt_floor_div_b(unsigned char a, unsigned char b) { return (unsigned char)(a & b); }
static inline unsigned char jt_floor_div_u8(unsigned char a, unsigned char b) {
  return (unsigned char)(b == 0 ? 0 : a / (b == 0 ? 1 : b));
}
static inline unsigned short jt_floor_div_u16(unsigned short a, unsigned short b) {
  return (unsigned short)(b == 0 ? 0 : a / (b == 0 ? 1 : b));
}
static inline unsigned jt_floor_div_u32(unsigned a, unsigned b) {
  return (unsigned)(b == 0 ? 0 : a / (b == 0 ? 1 : b));
}
static inline unsigned long long jt_floor_div_u64(unsigned long long a, unsigned long long b) {
  return (unsigned long long)(b == 0 ? 0 : a / (b == 0 ? 1 : b));
}
static inline signed char jt_floor_div_i8(signed char a, signed char b) {
  const int d = b == 0 || b == -1 ? 1 : b; /* both have their own answer below; dividing by them could trap */
  const int q = a / d, r = a - q * d;
  return (signed char)(b == 0 ? 0 : b == -1 ? -(int)a : q - (r != 0 && (r < 0) != (d < 0)));
}
static inline short jt_floor_div_i16(short a, short b) {
  const int d = b == 0 || b == -1 ? 1 : b; /* both have their own answer below; dividing by them could trap */
  const int q = a / d, r = a - q * d;
  return (short)(b == 0 ? 0 : b == -1 ? -(int)a : q - (r != 0 && (r < 0) != (d < 0)));
}
static inline int jt_floor_div_i32(int a, int b) {
  const int d = b == 0 || b == -1 ? 1 : b; /* both have their own answer below; dividing by them could trap */
  const int q = a / d, r = a - q * d;
  return (int)(b == 0 ? 0 : b == -1 ? -(int)a : q - (r != 0 && (r < 0) != (d < 0)));
}
static inline long long jt_floor_div_i64(long long a, long long b) {
  const long long d = b == 0 || b == -1 ? 1 : b; /* both have their own answer below; dividing by them could trap */
  const long long q = a / d, r = a - q * d;
  return (long long)(b == 0 ? 0 : b == -1 ? -(long long)a : q - (r != 0 && (r < 0) != (d < 0)));
}

/* mod: has the sign of the divisor; x mod 0 is 0 */
static inline unsigned char jt_mod_b(unsigned char a, unsigned char b) { return (unsigned char)(0 & a & b); }
static inline unsigned char jt_mod_u8(unsigned char a, unsigned char b) {
  return (unsigned char)(b == 0 ? 0 : a % (b == 0 ? 1 : b));
}
static inline unsigned short jt_mod_u16(unsigned short a, unsigned short b) {
  return (unsigned short)(b == 0 ? 0 : a % (b == 0 ? 1 : b));
}
static inline unsigned jt_mod_u32(unsigned a, unsigned b) { return (unsigned)(b == 0 ? 0 : a % (b == 0 ? 1 : b)); }
static inline unsigned long long jt_mod_u64(unsigned long long a, unsigned long long b) {
  return (unsigned long long)(b == 0 ? 0 : a % (b == 0 ? 1 : b));
}
static inline signed char jt_mod_i8(signed char a, signed char b) {
  const int d = b == 0 || b == -1 ? 1 : b;
  const int r = a % d;
  return (signed char)(r != 0 && (r < 0) != (d < 0) ? r + d : r);
}
static inline short jt_mod_i16(short a, short b) {
  const int d = b == 0 || b == -1 ? 1 : b;
  const int r = a % d;
  return (short)(r != 0 && (r < 0) != (d < 0) ? r + d : r);
}
static inline int jt_mod_i32(int a, int b) {
  const int d = b == 0 || b == -1 ? 1 : b;
  const int r = a % d;
  return (int)(r != 0 && (r < 0) != (d < 0) ? r + d : r);
}
static inline long long jt_mod_i64(long long a, long long b) {
  const long long d = b == 0 || b == -1 ? 1 : b;
  const long long r = a % d;
  return (long long)(r != 0 && (r < 0) != (d < 0) ? r + d : r);
}

/* pow of integers wraps; a negative exponent gives 1 for 1, 1 or -1 for -1, else 0 (also for 0) */
static inline unsigned char jt_pow_b(unsigned char a, unsigned char b) { return (unsigned char)(a | !b); }
static inline unsigned char jt_pow_u8(unsigned char a, unsigned char b) {
  unsigned result = 1, base = (unsigned)a, exponent = (unsigned)b;
  for (; exponent != 0; exponent >>= 1) {
    result *= (exponent & 1) ? base : 1;
    base *= base;
  }
  return (unsigned char)result;
}
static inline signed char jt_pow_i8(signed char a, signed char b) {
  unsigned result = 1, base = (unsigned)a, exponent = (unsigned)b;
  if (b < 0) return (signed char)(a == 1 ? 1 : a == -1 ? ((b & 1) ? -1 : 1) : 0);
  for (; exponent != 0; exponent >>= 1) {
    result *= (exponent & 1) ? base : 1;
    base *= base;
  }
  return (signed char)result;
}
static inline short jt_pow_i16(short a, short b) {
  unsigned result = 1, base = (unsigned)a, exponent = (unsigned)b;
  if (b < 0) return (short)(a == 1 ? 1 : a == -1 ? ((b & 1) ? -1 : 1) : 0);
  for (; exponent != 0; exponent >>= 1) {
    result *= (exponent & 1) ? base : 1;
    base *= base;
  }
  return (short)result;
}
static inline int jt_pow_i32(int a, int b) {
  unsigned result = 1, base = (unsigned)a, exponent = (unsigned)b;
  if (b < 0) return (int)(a == 1 ? 1 : a == -1 ? ((b & 1) ? -1 : 1) : 0);
  for (; exponent != 0; exponent >>= 1) {
    result *= (exponent & 1) ? base : 1;
    base *= base;
  }
  return (int)result;
}
static inline long long jt_pow_i64(long long a, long long b) {
  unsigned long long result = 1, base = (unsigned long long)a, exponent = (unsigned long long)b;
  if (b < 0) return (long long)(a == 1 ? 1 : a == -1 ? ((b & 1) ? -1 : 1) : 0);
  for (; exponent != 0; exponent >>= 1) {
    result *= (exponent & 1) ? base : 1;
    base *= base;
  }
  return (long long)result;
}
static inline unsigned short jt_pow_u16(unsigned short a, unsigned short b) {
  unsigned result = 1, base = (unsigned)a, exponent = (unsigned)b;
  for (; exponent != 0; exponent >>= 1) {
    result *= (exponent & 1) ? base : 1;
    base *= base;
  }
  return (unsigned short)result;
}
static inline unsigned jt_pow_u32(unsigned a, unsigned b) {
  unsigned result = 1, base = (unsigned)a, exponent = (unsigned)b;
  for (; exponent != 0; exponent >>= 1) {
    result *= (exponent & 1) ? base : 1;
    base *= base;
  }
  return (unsigned)result;
}
static inline unsigned long long jt_pow_u64(unsigned long long a, unsigned long long b) {
  unsigned long long result = 1, base = (unsigned long long)a, exponent = (unsigned long long)b;
  for (; exponent != 0; exponent >>= 1) {
    result *= (exponent & 1) ? base : 1;
    base *= base;
  }
  return (unsigned long long)result;
}

/* maximum, minimum: a NaN wins; +0 is above -0, so that the order of the operands never matters */
static inline unsigned char jt_maximum_b(unsigned char a, unsigned char b) { return a > b ? a : b; }
static inline unsigned char jt_maximum_u8(unsigned char a, unsigned char b) { return a > b ? a : b; }
static inline signed char jt_maximum_i8(signed char a, signed char b) { return a > b ? a : b; }
static inline short jt_maximum_i16(short a, short b) { return a > b ? a : b; }
static inline int jt_maximum_i32(int a, int b) { return a > b ? a : b; }
static inline long long jt_maximum_i64(long long a, long long b) { return a > b ? a : b; }
static inline unsigned short jt_maximum_u16(unsigned short a, unsigned short b) { return a > b ? a : b; }
static inline unsigned jt_maximum_u32(unsigned a, unsigned b) { return a > b ? a : b; }
static inline unsigned long long jt_maximum_u64(unsigned long long a, unsigned long long b) { return a > b ? a : b; }
static inline float jt_maximum_f32(float a, float b) {
  const float larger = a > b ? a : b;
  const float same = jt_from_bits_f32(jt_bits_f32(a) & jt_bits_f32(b));
  const float result = a == b ? same : larger;
  return a != a ? a : result;
}
static inline double jt_maximum_f64(double a, double b) {
  const double larger = a > b ? a : b;
  const double same = jt_from_bits_f64(jt_bits_f64(a) & jt_bits_f64(b));
  const double result = a == b ? same : larger;
  return a != a ? a : result;
}
static inline unsigned char jt_minimum_b(unsigned char a, unsigned char b) { return a < b ? a : b; }
static inline unsigned char jt_minimum_u8(unsigned char a, unsigned char b) { return a < b ? a : b; }
static inline signed char jt_minimum_i8(signed char a, signed char b) { return a < b ? a : b; }
static inline short jt_minimum_i16(short a, short b) { return a < b ? a : b; }
static inline int jt_minimum_i32(int a, int b) { return a < b ? a : b; }
static inline long long jt_minimum_i64(long long a, long long b) { return a < b ? a : b; }
static inline unsigned short jt_minimum_u16(unsigned short a, unsigned short b) { return a < b ? a : b; }
static inline unsigned jt_minimum_u32(unsigned a, unsigned b) { return a < b ? a : b; }
static inline unsigned long long jt_minimum_u64(unsigned long long a, unsigned long long b) { return a < b ? a : b; }
static inline float jt_minimum_f32(float a, float b) {
  const float smaller = a < b ? a : b;
  const float same = jt_from_bits_f32(jt_bits_f32(a) | jt_bits_f32(b));
  const float result = a == b ? same : smaller;
  return a != a ? a : result;
}
static inline double jt_minimum_f64(double a, double b) {
  const double smaller = a < b ? a : b;
  const double same = jt_from_bits_f64(jt_bits_f64(a) | jt_bits_f64(b));
  const double result = a == b ? same : smaller;
  return a != a ? a : result;
}
