// Scalar maths of every elementwise primitive: the one source of their bits, included by the interpreter and pasted
// into generated kernels. Longer than 400 lines because codegen takes single functions from one text.
//
// Plain C without headers (also valid C++). One function starts at a line `static inline <type> jt_...(` and ends with
// the first `}` at the start of a line, or on the same line; it uses only the preamble and functions defined above it.
// Selects instead of branches, so that loops over these functions vectorize once they are inlined whole (flatten).
// Accuracy is measured in docs/vector_maths.md: at most 4 units in the last place. Method of all: reduction of the
// argument, then a polynomial through Chebyshev nodes (computed with 50 digits, rounded to the type).
#pragma once
/* kernel-math-preamble-begin */
typedef unsigned short jt_f16;
typedef unsigned short jt_bf16;
#ifndef JT_HAS_FMA
#ifdef __FMA__
#define JT_HAS_FMA 1
#else
#define JT_HAS_FMA 0
#endif
#endif
#if JT_HAS_FMA
#define JT_FMA_F32(a, b, c) __builtin_fmaf((a), (b), (c))
#define JT_FMA_F64(a, b, c) __builtin_fma((a), (b), (c))
#else
#define JT_FMA_F32(a, b, c) ((a) * (b) + (c))
#define JT_FMA_F64(a, b, c) ((a) * (b) + (c))
#endif
/* Adding and subtracting these rounds to the nearest integer, which then stands in the low bits. */
#define JT_ROUND_F32 12582912.0f
#define JT_ROUND_F64 6755399441055744.0
#define JT_PHILOX_ROUND                                                                 \
  product0 = 0xD2511F53ull * c0, product1 = 0xCD9E8D57ull * c2;                         \
  c0 = (unsigned)(product1 >> 32) ^ c1 ^ k0, c2 = (unsigned)(product0 >> 32) ^ c3 ^ k1; \
  c1 = (unsigned)product1, c3 = (unsigned)product0;                                     \
  k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
/* kernel-math-preamble-end */

/* bits of a float and back */
static inline unsigned jt_bits_f32(float x) {
  unsigned u;
  __builtin_memcpy(&u, &x, 4);
  return u;
}
static inline float jt_from_bits_f32(unsigned u) {
  float x;
  __builtin_memcpy(&x, &u, 4);
  return x;
}
static inline unsigned long long jt_bits_f64(double x) {
  unsigned long long u;
  __builtin_memcpy(&u, &x, 8);
  return u;
}
static inline double jt_from_bits_f64(unsigned long long u) {
  double x;
  __builtin_memcpy(&x, &u, 8);
  return x;
}
static inline float jt_copysign_f32(float x, float s) {
  return jt_from_bits_f32((jt_bits_f32(x) & 0x7fffffffu) | (jt_bits_f32(s) & 0x80000000u));
}
static inline double jt_copysign_f64(double x, double s) {
  return jt_from_bits_f64((jt_bits_f64(x) & 0x7fffffffffffffffull) | (jt_bits_f64(s) & 0x8000000000000000ull));
}

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
static inline float jt_neg_f32(float a) { return -a; }
static inline double jt_neg_f64(double a) { return -a; }
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

/* 16-bit floats: rounded to nearest, ties to even */
static inline float jt_cast_f16_f32(jt_f16 x) {
  const unsigned shifted = (x & 0x7fffu) << 13, exponent = shifted & 0x0f800000u;
  const unsigned normal = shifted + 0x38000000u;
  const unsigned wide = exponent == 0x0f800000u ? normal + 0x38000000u : normal;
  const float small = jt_from_bits_f32(normal + 0x00800000u) - jt_from_bits_f32(0x38800000u); /* subnormal or 0 */
  return jt_from_bits_f32((exponent == 0 ? jt_bits_f32(small) : wide) | (x & 0x8000u) << 16);
}
static inline jt_f16 jt_cast_f32_f16(float x) {
  const unsigned u = jt_bits_f32(x), a = u & 0x7fffffffu;
  const unsigned special = a > 0x7f800000u ? 0x7e00u : 0x7c00u;
  const unsigned small = jt_bits_f32(jt_from_bits_f32(a) + 0.5f) - 0x3f000000u;
  const unsigned normal = (a + 0xc8000fffu + (a >> 13 & 1u)) >> 13;
  const unsigned half = a >= 0x47800000u ? special : a < 0x38800000u ? small : normal;
  return (jt_f16)(half | (u >> 16 & 0x8000u));
}
static inline float jt_cast_bf16_f32(jt_bf16 x) { return jt_from_bits_f32((unsigned)x << 16); }
static inline jt_bf16 jt_cast_f32_bf16(float x) {
  const unsigned u = jt_bits_f32(x);
  const unsigned rounded = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
  return (jt_bf16)((u & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u | (u >> 16 & 0x8000u) : rounded);
}
/* To float32 with the bits that are lost or-ed into the last one: a second rounding then cannot go wrong. */
static inline float jt_round_to_odd_f64(double x) {
  const unsigned long long u = jt_bits_f64(x);
  return (float)jt_from_bits_f64((u & ~0x1fffffffull) | (unsigned long long)((u & 0x1fffffffull) != 0) << 29);
}
static inline jt_f16 jt_cast_f64_f16(double x) { return jt_cast_f32_f16(jt_round_to_odd_f64(x)); }
static inline jt_bf16 jt_cast_f64_bf16(double x) { return jt_cast_f32_bf16(jt_round_to_odd_f64(x)); }
static inline unsigned long long jt_cast_f32_u64(float x) {
  const unsigned long long high = (unsigned long long)(long long)(x - 9223372036854775808.0f) ^ 0x8000000000000000ull;
  const unsigned long long low = (unsigned long long)(long long)x; /* the minimum where x does not fit */
  const unsigned long long upper = x < 18446744073709551616.0f ? high : low;
  return x >= 9223372036854775808.0f ? upper : low;
}
static inline unsigned long long jt_cast_f64_u64(double x) {
  const unsigned long long high = (unsigned long long)(long long)(x - 9223372036854775808.0) ^ 0x8000000000000000ull;
  const unsigned long long low = (unsigned long long)(long long)x; /* the minimum where x does not fit */
  const unsigned long long upper = x < 18446744073709551616.0 ? high : low;
  return x >= 9223372036854775808.0 ? upper : low;
}

/* casts: integers wrap; float to integer truncates, NaN and what is out of range give the minimum of int32 (int64 for
   64 bits; smaller integers are cut from int32, uint32 from int64); to bool: not zero */
static inline unsigned char jt_cast_b_b(unsigned char x) { return x; }
static inline unsigned char jt_cast_b_u8(unsigned char x) { return (unsigned char)x; }
static inline signed char jt_cast_b_i8(unsigned char x) { return (signed char)x; }
static inline short jt_cast_b_i16(unsigned char x) { return (short)x; }
static inline int jt_cast_b_i32(unsigned char x) { return (int)x; }
static inline long long jt_cast_b_i64(unsigned char x) { return (long long)x; }
static inline unsigned short jt_cast_b_u16(unsigned char x) { return (unsigned short)x; }
static inline unsigned jt_cast_b_u32(unsigned char x) { return (unsigned)x; }
static inline unsigned long long jt_cast_b_u64(unsigned char x) { return (unsigned long long)x; }
static inline jt_f16 jt_cast_b_f16(unsigned char x) { return jt_cast_f32_f16((float)x); }
static inline jt_bf16 jt_cast_b_bf16(unsigned char x) { return jt_cast_f32_bf16((float)x); }
static inline float jt_cast_b_f32(unsigned char x) { return (float)x; }
static inline double jt_cast_b_f64(unsigned char x) { return (double)x; }
static inline unsigned char jt_cast_u8_b(unsigned char x) { return (unsigned char)(x != 0); }
static inline unsigned char jt_cast_u8_u8(unsigned char x) { return x; }
static inline signed char jt_cast_u8_i8(unsigned char x) { return (signed char)x; }
static inline short jt_cast_u8_i16(unsigned char x) { return (short)x; }
static inline int jt_cast_u8_i32(unsigned char x) { return (int)x; }
static inline long long jt_cast_u8_i64(unsigned char x) { return (long long)x; }
static inline unsigned short jt_cast_u8_u16(unsigned char x) { return (unsigned short)x; }
static inline unsigned jt_cast_u8_u32(unsigned char x) { return (unsigned)x; }
static inline unsigned long long jt_cast_u8_u64(unsigned char x) { return (unsigned long long)x; }
static inline jt_f16 jt_cast_u8_f16(unsigned char x) { return jt_cast_f32_f16((float)x); }
static inline jt_bf16 jt_cast_u8_bf16(unsigned char x) { return jt_cast_f32_bf16((float)x); }
static inline float jt_cast_u8_f32(unsigned char x) { return (float)x; }
static inline double jt_cast_u8_f64(unsigned char x) { return (double)x; }
static inline unsigned char jt_cast_i8_b(signed char x) { return (unsigned char)(x != 0); }
static inline unsigned char jt_cast_i8_u8(signed char x) { return (unsigned char)x; }
static inline signed char jt_cast_i8_i8(signed char x) { return x; }
static inline short jt_cast_i8_i16(signed char x) { return (short)x; }
static inline int jt_cast_i8_i32(signed char x) { return (int)x; }
static inline long long jt_cast_i8_i64(signed char x) { return (long long)x; }
static inline unsigned short jt_cast_i8_u16(signed char x) { return (unsigned short)x; }
static inline unsigned jt_cast_i8_u32(signed char x) { return (unsigned)x; }
static inline unsigned long long jt_cast_i8_u64(signed char x) { return (unsigned long long)x; }
static inline jt_f16 jt_cast_i8_f16(signed char x) { return jt_cast_f32_f16((float)x); }
static inline jt_bf16 jt_cast_i8_bf16(signed char x) { return jt_cast_f32_bf16((float)x); }
static inline float jt_cast_i8_f32(signed char x) { return (float)x; }
static inline double jt_cast_i8_f64(signed char x) { return (double)x; }
static inline unsigned char jt_cast_i16_b(short x) { return (unsigned char)(x != 0); }
static inline unsigned char jt_cast_i16_u8(short x) { return (unsigned char)x; }
static inline signed char jt_cast_i16_i8(short x) { return (signed char)x; }
static inline short jt_cast_i16_i16(short x) { return x; }
static inline int jt_cast_i16_i32(short x) { return (int)x; }
static inline long long jt_cast_i16_i64(short x) { return (long long)x; }
static inline unsigned short jt_cast_i16_u16(short x) { return (unsigned short)x; }
static inline unsigned jt_cast_i16_u32(short x) { return (unsigned)x; }
static inline unsigned long long jt_cast_i16_u64(short x) { return (unsigned long long)x; }
static inline jt_f16 jt_cast_i16_f16(short x) { return jt_cast_f32_f16((float)x); }
static inline jt_bf16 jt_cast_i16_bf16(short x) { return jt_cast_f32_bf16((float)x); }
static inline float jt_cast_i16_f32(short x) { return (float)x; }
static inline double jt_cast_i16_f64(short x) { return (double)x; }
static inline unsigned char jt_cast_i32_b(int x) { return (unsigned char)(x != 0); }
static inline unsigned char jt_cast_i32_u8(int x) { return (unsigned char)x; }
static inline signed char jt_cast_i32_i8(int x) { return (signed char)x; }
static inline short jt_cast_i32_i16(int x) { return (short)x; }
static inline int jt_cast_i32_i32(int x) { return x; }
static inline long long jt_cast_i32_i64(int x) { return (long long)x; }
static inline unsigned short jt_cast_i32_u16(int x) { return (unsigned short)x; }
static inline unsigned jt_cast_i32_u32(int x) { return (unsigned)x; }
static inline unsigned long long jt_cast_i32_u64(int x) { return (unsigned long long)x; }
static inline jt_f16 jt_cast_i32_f16(int x) { return jt_cast_f32_f16((float)x); }
static inline jt_bf16 jt_cast_i32_bf16(int x) { return jt_cast_f32_bf16((float)x); }
static inline float jt_cast_i32_f32(int x) { return (float)x; }
static inline double jt_cast_i32_f64(int x) { return (double)x; }
static inline unsigned char jt_cast_i64_b(long long x) { return (unsigned char)(x != 0); }
static inline unsigned char jt_cast_i64_u8(long long x) { return (unsigned char)x; }
static inline signed char jt_cast_i64_i8(long long x) { return (signed char)x; }
static inline short jt_cast_i64_i16(long long x) { return (short)x; }
static inline int jt_cast_i64_i32(long long x) { return (int)x; }
static inline long long jt_cast_i64_i64(long long x) { return x; }
static inline unsigned short jt_cast_i64_u16(long long x) { return (unsigned short)x; }
static inline unsigned jt_cast_i64_u32(long long x) { return (unsigned)x; }
static inline unsigned long long jt_cast_i64_u64(long long x) { return (unsigned long long)x; }
static inline jt_f16 jt_cast_i64_f16(long long x) { return jt_cast_f32_f16((float)x); }
static inline jt_bf16 jt_cast_i64_bf16(long long x) { return jt_cast_f32_bf16((float)x); }
static inline float jt_cast_i64_f32(long long x) { return (float)x; }
static inline double jt_cast_i64_f64(long long x) { return (double)x; }
static inline unsigned char jt_cast_u16_b(unsigned short x) { return (unsigned char)(x != 0); }
static inline unsigned char jt_cast_u16_u8(unsigned short x) { return (unsigned char)x; }
static inline signed char jt_cast_u16_i8(unsigned short x) { return (signed char)x; }
static inline short jt_cast_u16_i16(unsigned short x) { return (short)x; }
static inline int jt_cast_u16_i32(unsigned short x) { return (int)x; }
static inline long long jt_cast_u16_i64(unsigned short x) { return (long long)x; }
static inline unsigned short jt_cast_u16_u16(unsigned short x) { return x; }
static inline unsigned jt_cast_u16_u32(unsigned short x) { return (unsigned)x; }
static inline unsigned long long jt_cast_u16_u64(unsigned short x) { return (unsigned long long)x; }
static inline jt_f16 jt_cast_u16_f16(unsigned short x) { return jt_cast_f32_f16((float)x); }
static inline jt_bf16 jt_cast_u16_bf16(unsigned short x) { return jt_cast_f32_bf16((float)x); }
static inline float jt_cast_u16_f32(unsigned short x) { return (float)x; }
static inline double jt_cast_u16_f64(unsigned short x) { return (double)x; }
static inline unsigned char jt_cast_u32_b(unsigned x) { return (unsigned char)(x != 0); }
static inline unsigned char jt_cast_u32_u8(unsigned x) { return (unsigned char)x; }
static inline signed char jt_cast_u32_i8(unsigned x) { return (signed char)x; }
static inline short jt_cast_u32_i16(unsigned x) { return (short)x; }
static inline int jt_cast_u32_i32(unsigned x) { return (int)x; }
static inline long long jt_cast_u32_i64(unsigned x) { return (long long)x; }
static inline unsigned short jt_cast_u32_u16(unsigned x) { return (unsigned short)x; }
static inline unsigned jt_cast_u32_u32(unsigned x) { return x; }
static inline unsigned long long jt_cast_u32_u64(unsigned x) { return (unsigned long long)x; }
static inline jt_f16 jt_cast_u32_f16(unsigned x) { return jt_cast_f32_f16((float)x); }
static inline jt_bf16 jt_cast_u32_bf16(unsigned x) { return jt_cast_f32_bf16((float)x); }
static inline float jt_cast_u32_f32(unsigned x) { return (float)x; }
static inline double jt_cast_u32_f64(unsigned x) { return (double)x; }
static inline unsigned char jt_cast_u64_b(unsigned long long x) { return (unsigned char)(x != 0); }
static inline unsigned char jt_cast_u64_u8(unsigned long long x) { return (unsigned char)x; }
static inline signed char jt_cast_u64_i8(unsigned long long x) { return (signed char)x; }
static inline short jt_cast_u64_i16(unsigned long long x) { return (short)x; }
static inline int jt_cast_u64_i32(unsigned long long x) { return (int)x; }
static inline long long jt_cast_u64_i64(unsigned long long x) { return (long long)x; }
static inline unsigned short jt_cast_u64_u16(unsigned long long x) { return (unsigned short)x; }
static inline unsigned jt_cast_u64_u32(unsigned long long x) { return (unsigned)x; }
static inline unsigned long long jt_cast_u64_u64(unsigned long long x) { return x; }
static inline jt_f16 jt_cast_u64_f16(unsigned long long x) { return jt_cast_f32_f16((float)x); }
static inline jt_bf16 jt_cast_u64_bf16(unsigned long long x) { return jt_cast_f32_bf16((float)x); }
static inline float jt_cast_u64_f32(unsigned long long x) { return (float)x; }
static inline double jt_cast_u64_f64(unsigned long long x) { return (double)x; }
static inline unsigned char jt_cast_f32_b(float x) { return (unsigned char)(x != 0); }
static inline unsigned char jt_cast_f32_u8(float x) { return (unsigned char)(int)x; }
static inline signed char jt_cast_f32_i8(float x) { return (signed char)(int)x; }
static inline short jt_cast_f32_i16(float x) { return (short)(int)x; }
static inline int jt_cast_f32_i32(float x) { return (int)x; }
static inline long long jt_cast_f32_i64(float x) { return (long long)x; }
static inline unsigned short jt_cast_f32_u16(float x) { return (unsigned short)(int)x; }
static inline unsigned jt_cast_f32_u32(float x) { return (unsigned)(long long)x; }
static inline float jt_cast_f32_f32(float x) { return x; }
static inline double jt_cast_f32_f64(float x) { return (double)x; }
static inline unsigned char jt_cast_f64_b(double x) { return (unsigned char)(x != 0); }
static inline unsigned char jt_cast_f64_u8(double x) { return (unsigned char)(int)x; }
static inline signed char jt_cast_f64_i8(double x) { return (signed char)(int)x; }
static inline short jt_cast_f64_i16(double x) { return (short)(int)x; }
static inline int jt_cast_f64_i32(double x) { return (int)x; }
static inline long long jt_cast_f64_i64(double x) { return (long long)x; }
static inline unsigned short jt_cast_f64_u16(double x) { return (unsigned short)(int)x; }
static inline unsigned jt_cast_f64_u32(double x) { return (unsigned)(long long)x; }
static inline float jt_cast_f64_f32(double x) { return (float)x; }
static inline double jt_cast_f64_f64(double x) { return x; }
static inline unsigned char jt_cast_f16_b(jt_f16 x) { return jt_cast_f32_b(jt_cast_f16_f32(x)); }
static inline unsigned char jt_cast_f16_u8(jt_f16 x) { return jt_cast_f32_u8(jt_cast_f16_f32(x)); }
static inline signed char jt_cast_f16_i8(jt_f16 x) { return jt_cast_f32_i8(jt_cast_f16_f32(x)); }
static inline short jt_cast_f16_i16(jt_f16 x) { return jt_cast_f32_i16(jt_cast_f16_f32(x)); }
static inline int jt_cast_f16_i32(jt_f16 x) { return jt_cast_f32_i32(jt_cast_f16_f32(x)); }
static inline long long jt_cast_f16_i64(jt_f16 x) { return jt_cast_f32_i64(jt_cast_f16_f32(x)); }
static inline unsigned short jt_cast_f16_u16(jt_f16 x) { return jt_cast_f32_u16(jt_cast_f16_f32(x)); }
static inline unsigned jt_cast_f16_u32(jt_f16 x) { return jt_cast_f32_u32(jt_cast_f16_f32(x)); }
static inline unsigned long long jt_cast_f16_u64(jt_f16 x) { return jt_cast_f32_u64(jt_cast_f16_f32(x)); }
static inline jt_f16 jt_cast_f16_f16(jt_f16 x) { return x; }
static inline jt_bf16 jt_cast_f16_bf16(jt_f16 x) { return jt_cast_f32_bf16(jt_cast_f16_f32(x)); }
static inline double jt_cast_f16_f64(jt_f16 x) { return (double)jt_cast_f16_f32(x); }
static inline unsigned char jt_cast_bf16_b(jt_bf16 x) { return jt_cast_f32_b(jt_cast_bf16_f32(x)); }
static inline unsigned char jt_cast_bf16_u8(jt_bf16 x) { return jt_cast_f32_u8(jt_cast_bf16_f32(x)); }
static inline signed char jt_cast_bf16_i8(jt_bf16 x) { return jt_cast_f32_i8(jt_cast_bf16_f32(x)); }
static inline short jt_cast_bf16_i16(jt_bf16 x) { return jt_cast_f32_i16(jt_cast_bf16_f32(x)); }
static inline int jt_cast_bf16_i32(jt_bf16 x) { return jt_cast_f32_i32(jt_cast_bf16_f32(x)); }
static inline long long jt_cast_bf16_i64(jt_bf16 x) { return jt_cast_f32_i64(jt_cast_bf16_f32(x)); }
static inline unsigned short jt_cast_bf16_u16(jt_bf16 x) { return jt_cast_f32_u16(jt_cast_bf16_f32(x)); }
static inline unsigned jt_cast_bf16_u32(jt_bf16 x) { return jt_cast_f32_u32(jt_cast_bf16_f32(x)); }
static inline unsigned long long jt_cast_bf16_u64(jt_bf16 x) { return jt_cast_f32_u64(jt_cast_bf16_f32(x)); }
static inline jt_f16 jt_cast_bf16_f16(jt_bf16 x) { return jt_cast_f32_f16(jt_cast_bf16_f32(x)); }
static inline jt_bf16 jt_cast_bf16_bf16(jt_bf16 x) { return x; }
static inline double jt_cast_bf16_f64(jt_bf16 x) { return (double)jt_cast_bf16_f32(x); }

/* round (ties to even), floor, ceil, trunc of float32 */
static inline float jt_round_f32(float x) {
#if JT_HAS_FMA
  return __builtin_rintf(x);
#else
  const float big = jt_copysign_f32(8388608.0f, x);
  const float rounded = jt_copysign_f32((x + big) - big, x);
  return jt_abs_f32(x) < 8388608.0f ? rounded : x;
#endif
}
static inline float jt_floor_f32(float x) {
#if JT_HAS_FMA
  return __builtin_floorf(x);
#else
  const float r = jt_round_f32(x);
  return r - (r > x ? 1.0f : 0.0f);
#endif
}
static inline float jt_ceil_f32(float x) { return -jt_floor_f32(-x); }
static inline float jt_trunc_f32(float x) { return jt_copysign_f32(jt_floor_f32(jt_abs_f32(x)), x); }

/* the smaller of x >= 0 (or a NaN) and limit, as bits: one instruction everywhere; limit for a positive NaN */
static inline float jt_least_bits_f32(float x, float limit) {
  const int u = (int)jt_bits_f32(x), v = (int)jt_bits_f32(limit);
  return jt_from_bits_f32((unsigned)(u > v ? v : u));
}

/* exp of float32: x = n ln2 + r, |r| <= ln2 / 2 */
/* e^r - 1 - r */
static inline float jt_exp_rest_f32(float r) {
  const float z = r * r;
  const float high = JT_FMA_F32(z, 1.38145417e-03f, JT_FMA_F32(r, 8.36874545e-03f, 4.1668389e-02f));
  return JT_FMA_F32(high, z, JT_FMA_F32(r, 1.66665211e-01f, 4.9999994e-01f)) * z;
}
/* 2^n for n = rounded - JT_ROUND_F32, -127 < n < 128 */
static inline float jt_power_of_two_f32(float rounded) { return jt_from_bits_f32((jt_bits_f32(rounded) + 127u) << 23); }
/* p 2^k for a quotient = k + JT_ROUND_F32; two factors, so that subnormal results are rounded once */
static inline float jt_scale_f32(float p, unsigned quotient) {
  const unsigned half = quotient >> 1, other = quotient - half;
  return p * jt_from_bits_f32((half << 23) + 0x3f800000u) * jt_from_bits_f32((other << 23) + 0x3f800000u);
}
/* e^(c - n ln2), n = quotient - JT_ROUND_F32 */
/* e^r, |r| <= ln2 / 2 */
static inline float jt_exp_fraction_f32(float r) {
  const float z = r * r;
  const float high = JT_FMA_F32(z, 1.38145417e-03f, JT_FMA_F32(r, 8.36874545e-03f, 4.1668389e-02f));
  return JT_FMA_F32(JT_FMA_F32(high, z, JT_FMA_F32(r, 1.66665211e-01f, 4.9999994e-01f)), z, r + 1.0f);
}
/* x - n ln2, n = quotient - JT_ROUND_F32 */
static inline float jt_reduce_ln2_f32(float x, float quotient) {
  const float n = quotient - JT_ROUND_F32;
  return JT_FMA_F32(n, -1.42860677e-06f, JT_FMA_F32(n, -6.93145752e-01f, x));
}
/* Above 88.7 the polynomial itself overflows; the quotient's bits are bounded, as those of an infinity would not do. */
static inline float jt_exp_f32(float x) {
  const float c = x < -104.0f ? -104.0f : x;
  const float quotient = jt_least_bits_f32(JT_FMA_F32(c, 1.44269504f, JT_ROUND_F32), JT_ROUND_F32 + 128.0f);
  return jt_scale_f32(jt_exp_fraction_f32(jt_reduce_ln2_f32(c, quotient)), jt_bits_f32(quotient));
}
/* (e^x - 1) / 4: a quarter, so that sinh and cosh overflow where they should */
static inline float jt_quarter_expm1_f32(float x) {
  const float a = x > 89.6f ? 89.6f : x, c = a < -30.0f ? -30.0f : a;
  const float rounded = c * 1.44269504f + JT_ROUND_F32, n = rounded - JT_ROUND_F32;
  const float high = JT_FMA_F32(n, -6.9311523e-01f, c), low = n * 3.1946183e-05f;
  const float r = high - low, tail = (high - r) - low;
  const float scale = jt_power_of_two_f32(rounded - 2.0f);
  return JT_FMA_F32(scale, r, scale - 0.25f) + scale * (jt_exp_rest_f32(r) + tail * (1.0f + r));
}
static inline float jt_expm1_f32(float x) {
  const float y = 4.0f * jt_quarter_expm1_f32(x);
  return jt_abs_f32(x) < 1e-8f ? x : y;
}
static inline float jt_sinh_f32(float x) {
  const float a = jt_abs_f32(x), quarter = jt_quarter_expm1_f32(a), t = quarter * 4.0f;
  const float y = a > 10.0f ? quarter + quarter + 0.5f : 0.5f * (t + t / (t + 1.0f));
  return a < 1e-8f ? x : jt_copysign_f32(y, x);
}
static inline float jt_cosh_f32(float x) {
  const float a = jt_abs_f32(x), quarter = jt_quarter_expm1_f32(a), e = quarter * 4.0f + 1.0f;
  return a > 10.0f ? quarter + quarter + 0.5f : 0.5f * e + 0.5f / e;
}
/* (e^(2 a) - 1) / (e^(2 a) + 1), both halved; 2 a = n ln2 + 2 r */
static inline float jt_tanh_f32(float x) {
  const float a = jt_abs_f32(x), c = a > 9.1f ? 9.1f : a;
  const float quotient = JT_FMA_F32(c, 2.88539008f, JT_ROUND_F32), n = quotient - JT_ROUND_F32;
  const float r = JT_FMA_F32(n, -7.14303385e-07f, JT_FMA_F32(n, -3.46572876e-01f, c)), z = r * r;
  const float scale = jt_power_of_two_f32(quotient);
  const float high = JT_FMA_F32(z, 4.44240533e-02f, JT_FMA_F32(r, 1.33865282e-01f, 3.33337605e-01f));
  const float p = JT_FMA_F32(JT_FMA_F32(high, z, JT_FMA_F32(r, 6.66661739e-01f, 9.9999994e-01f)), z, r);
  const float t = JT_FMA_F32(p, scale, JT_FMA_F32(scale, 0.5f, -0.5f));
  return jt_copysign_f32(t / (t + 1.0f), x);
}
static inline float jt_sigmoid_f32(float x) {
  const float a = x > 20.0f ? 20.0f : x, c = a < -104.0f ? -104.0f : a;
  const float quotient = JT_FMA_F32(c, 1.44269504f, JT_ROUND_F32);
  const float e = jt_scale_f32(jt_exp_fraction_f32(jt_reduce_ln2_f32(c, quotient)), jt_bits_f32(quotient));
  return e / (1.0f + e);
}

/* log of float32: x = 2^k (1 + f), 2/3 <= 1 + f < 4/3 */
/* log(x) + low + k0 ln2 for normal x */
static inline float jt_log_sum_f32(float x, float low, float k0) {
  const unsigned u = jt_bits_f32(x), e = (u - 0x3f2aaaabu) & 0xff800000u;
  const float k = (float)((int)e >> 23) + k0;
  const float f = jt_from_bits_f32(u - e) - 1.0f;
  float p = -1.24222e-01f;
  p = JT_FMA_F32(p, f, 1.3748309e-01f);
  p = JT_FMA_F32(p, f, -1.2288722e-01f);
  p = JT_FMA_F32(p, f, 1.4055812e-01f);
  p = JT_FMA_F32(p, f, -1.6673316e-01f);
  p = JT_FMA_F32(p, f, 2.0007233e-01f);
  p = JT_FMA_F32(p, f, -2.4999945e-01f);
  p = JT_FMA_F32(p, f, 3.3333272e-01f);
  p = JT_FMA_F32(p, f, -5.e-01f);
  p = JT_FMA_F32(p, f * f, JT_FMA_F32(k, 3.1946183e-05f, low));
  return JT_FMA_F32(k, 6.9311523e-01f, f + p);
}
static inline float jt_log_f32(float x) {
  const float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;
  const float y = jt_log_sum_f32(scaled, 0.0f, x < 1.17549435e-38f ? -23.0f : 0.0f);
  const float low = x == 0.0f ? -__builtin_inff() : __builtin_nanf("");
  return x > 0.0f ? (x == __builtin_inff() ? x : y) : low;
}
static inline float jt_log1p_f32(float x) {
  const float u = 1.0f + x;
  const float lost = u < 2.0f ? x - (u - 1.0f) : 1.0f - (u - x);
  const float y = jt_log_sum_f32(u, lost / u, 0.0f);
  const float low = u == 0.0f ? -__builtin_inff() : __builtin_nanf("");
  return jt_abs_f32(x) < 1e-8f ? x : u > 0.0f ? (x == __builtin_inff() ? x : y) : low;
}

/* erf(x) / x - 1, z = x^2 <= 1 */
static inline float jt_erf_rest_f32(float z) {
  const float w = z * z;
  const float p0 = JT_FMA_F32(z, -3.7612626e-01f, 1.28379166e-01f);
  const float p1 = JT_FMA_F32(z, -2.68538129e-02f, 1.12835854e-01f);
  const float p2 = JT_FMA_F32(z, -8.01019545e-04f, 5.18832821e-03f);
  return JT_FMA_F32(JT_FMA_F32(JT_FMA_F32(w, 7.8538651e-05f, p2), w, p1), w, p0);
}
/* erf of float32: a + a P(a^2) up to 1, beyond 1 - Q(a)^8: no division, and Q is smooth because erfc falls like a power
 */
static inline float jt_erf_f32(float x) {
  const float a = jt_abs_f32(x), t = jt_least_bits_f32(a, 4.0f), z = t * t;
  const float q0 = JT_FMA_F32(t, -1.42934710e-01f, 1.00037289e+00f);
  const float q1 = JT_FMA_F32(t, -7.04365782e-03f, -6.55388832e-02f);
  const float q2 = JT_FMA_F32(t, -1.49834238e-03f, 1.02486322e-02f);
  const float q3 = JT_FMA_F32(t, 1.57839513e-05f, -4.15251452e-05f);
  const float q = JT_FMA_F32(JT_FMA_F32(q3, z, q2), z * z, JT_FMA_F32(q1, z, q0));
  const float q_2 = q * q, q_4 = q_2 * q_2;
  const float near = JT_FMA_F32(a, jt_erf_rest_f32(z), a), far = JT_FMA_F32(-q_4, q_4, 1.0f);
  return jt_copysign_f32(a > 1.0f ? far : near, x);
}

/* a * b - product, exactly: what rounding took from a product */
static inline float jt_product_rest_f32(float a, float b, float product) {
#if JT_HAS_FMA
  return __builtin_fmaf(a, b, -product);
#else
  const float ah = jt_from_bits_f32(jt_bits_f32(a) & ~0xfffu), al = a - ah;
  const float bh = jt_from_bits_f32(jt_bits_f32(b) & ~0xfffu), bl = b - bh;
  return ((ah * bh - product) + (ah * bl + al * bh)) + al * bl;
#endif
}
/* erfc of float32: 1 - erf up to 0.4; beyond, e^(-a^2) P(t) / (a + 2) with t = (a - 2) / (a + 2), which covers all of
   [0.4, 10.1] (Shepherd & Laframboise 1981) */
static inline float jt_erfc_f32(float x) {
  const float a = jt_abs_f32(x), c = a > 10.1f ? 10.1f : a;
  const float square = c * c, lost = jt_product_rest_f32(c, c, square);
  const float below = c + 2.0f, u = 1.0f / below, t = JT_FMA_F32(u, -4.0f, 1.0f), z = t * t, w = z * z;
  const float error = jt_product_rest_f32(u, below, 1.0f) + u * (c - (below - 2.0f)); /* of u, relative */
  const float p0 = JT_FMA_F32(t, -6.87160730e-01f, 1.02158272e+00f);
  const float p1 = JT_FMA_F32(t, -3.64404321e-02f, 2.79471189e-01f);
  const float p2 = JT_FMA_F32(t, 6.46313559e-03f, -2.14970987e-02f);
  const float p3 = JT_FMA_F32(t, -7.89153331e-04f, 3.01746442e-03f);
  const float high = JT_FMA_F32(JT_FMA_F32(z, -4.97161818e-04f, p3), z, p2);
  const float p = JT_FMA_F32(high, w, JT_FMA_F32(p1, z, p0));
  const float quotient = JT_FMA_F32(square, -1.44269504f, JT_ROUND_F32);
  const float correction = JT_FMA_F32(JT_FMA_F32(u, 3.3f, 1.0f), error, lost); /* u P(t) is 1 + 3.3 u times as wrong */
  const float r = jt_reduce_ln2_f32(-square, quotient) - correction, e = u * p;
  const float y = jt_scale_f32(JT_FMA_F32(e, r + jt_exp_rest_f32(r), e), jt_bits_f32(quotient));
  const float near = 1.0f - JT_FMA_F32(x, jt_erf_rest_f32(square), x), far = x < 0.0f ? 2.0f - y : y;
  return a < 0.4f ? near : far;
}

/* atan of float32 from the ratio t of the smaller to the larger leg */
static inline float jt_atan_small_f32(float t) {
  const float z = t * t, w = z * z, v = w * w;
  const float p0 = JT_FMA_F32(z, 1.99985474e-01f, -3.33332986e-01f);
  const float p1 = JT_FMA_F32(z, 1.09521851e-01f, -1.42642409e-01f);
  const float p2 = JT_FMA_F32(z, 5.79575486e-02f, -8.40344802e-02f);
  const float p3 = JT_FMA_F32(z, 1.09145762e-02f, -3.11777964e-02f);
  const float high = JT_FMA_F32(v, -1.79361447e-03f, JT_FMA_F32(p3, w, p2));
  return JT_FMA_F32(JT_FMA_F32(high, v, JT_FMA_F32(p1, w, p0)), z * t, t);
}
static inline float jt_atan_f32(float x) {
  const float a = jt_abs_f32(x), above = a > 1.0f ? 1.0f : a, below = a > 1.0f ? a : 1.0f;
  const float r = jt_atan_small_f32(above / below);
  return jt_copysign_f32(a > 1.0f ? 1.57079637f - (r + 4.37113883e-08f) : r, x);
}
static inline float jt_atan2_f32(float y, float x) {
  const float ay = jt_abs_f32(y), ax = jt_abs_f32(x);
  const float above = ay > ax ? ax : ay, below = ay > ax ? ay : ax;
  const float same = above == 0.0f ? 0.0f : 1.0f, ratio = above / below;
  const float near = jt_atan_small_f32(above == below ? same : ratio);
  const float r = ay > ax ? 1.57079637f - (near + 4.37113883e-08f) : near;
  const float turned = (int)jt_bits_f32(x) < 0 ? 3.14159274f - (r + 8.74227766e-08f) : r;
  return x != x ? x : jt_copysign_f32(turned, y);
}

/* asin and acos of float32: for |x| > 1/2 from the square root of (1 - |x|) / 2 */
/* asin(s), z = s^2 <= 1/4 */
static inline float jt_asin_small_f32(float s, float z) {
  const float w = z * z;
  const float p0 = JT_FMA_F32(z, 7.49529749e-02f, 1.66667521e-01f), p1 = JT_FMA_F32(z, 2.4179507e-02f, 4.54703756e-02f);
  return JT_FMA_F32(JT_FMA_F32(JT_FMA_F32(w, 4.21663225e-02f, p1), w, p0), z * s, s);
}
static inline float jt_asin_f32(float x) {
  const float a = jt_abs_f32(x), z = a > 0.5f ? JT_FMA_F32(a, -0.5f, 0.5f) : a * a;
  const float root = jt_sqrt_f32(z), y = jt_asin_small_f32(a > 0.5f ? root : a, z);
  return jt_copysign_f32(a > 0.5f ? 1.57079637f - JT_FMA_F32(y, 2.0f, 4.37113883e-08f) : y, x);
}
static inline float jt_acos_f32(float x) {
  const float a = jt_abs_f32(x), z = a > 0.5f ? JT_FMA_F32(a, -0.5f, 0.5f) : a * a;
  const float root = jt_sqrt_f32(z), y = jt_asin_small_f32(a > 0.5f ? root : a, z);
  const float near = 1.57079637f - (jt_copysign_f32(y, x) + 4.37113883e-08f);
  const float far = x < 0.0f ? 3.14159274f - JT_FMA_F32(y, 2.0f, 8.74227766e-08f) : y + y;
  return a > 0.5f ? far : near;
}

/* asinh, acosh, atanh of float32 through log1p; far out log(2 a) */
static inline float jt_asinh_f32(float x) {
  const float a = jt_abs_f32(x), z = a * a, w = a + z / (1.0f + jt_sqrt_f32(1.0f + z));
  const float y = jt_log1p_f32(a > 1e9f ? a : w) + (a > 1e9f ? 6.93147181e-01f : 0.0f);
  return jt_copysign_f32(y, x);
}
static inline float jt_acosh_f32(float x) {
  const float t = x - 1.0f, w = t + jt_sqrt_f32(JT_FMA_F32(t, t, t + t));
  const float y = jt_log1p_f32(x > 1e9f ? x : w) + (x > 1e9f ? 6.93147181e-01f : 0.0f);
  return x < 1.0f ? __builtin_nanf("") : y;
}
static inline float jt_atanh_f32(float x) {
  const float a = jt_abs_f32(x);
  return jt_copysign_f32(0.5f * jt_log1p_f32((a + a) / (1.0f - a)), x);
}

/* round (ties to even), floor, ceil, trunc of float64 */
static inline double jt_round_f64(double x) {
#if JT_HAS_FMA
  return __builtin_rint(x);
#else
  const double big = jt_copysign_f64(4503599627370496.0, x);
  const double rounded = jt_copysign_f64((x + big) - big, x);
  return jt_abs_f64(x) < 4503599627370496.0 ? rounded : x;
#endif
}
static inline double jt_floor_f64(double x) {
#if JT_HAS_FMA
  return __builtin_floor(x);
#else
  const double r = jt_round_f64(x);
  return r - (r > x ? 1.0 : 0.0);
#endif
}
static inline double jt_ceil_f64(double x) { return -jt_floor_f64(-x); }
static inline double jt_trunc_f64(double x) { return jt_copysign_f64(jt_floor_f64(jt_abs_f64(x)), x); }

/* fmod by long division of the 53-bit fractions: exact; 11 bits a step. The loop keeps mod from vectorizing. */
static inline double jt_fmod_f64(double x, double y) {
  const unsigned long long a = jt_bits_f64(x) & 0x7fffffffffffffffull, b = jt_bits_f64(y) & 0x7fffffffffffffffull;
  const int ea = (int)(a >> 52), eb = (int)(b >> 52), base = eb == 0 ? 1 : eb;
  unsigned long long rest = (a & 0xfffffffffffffull) | (ea == 0 ? 0ull : 1ull << 52);
  const unsigned long long divisor = (b & 0xfffffffffffffull) | (eb == 0 ? 0ull : 1ull << 52);
  int distance = (ea == 0 ? 1 : ea) - base;
  double unit;
  if (ea == 2047 || b == 0 || b > 0x7ff0000000000000ull) return __builtin_nan("");
  if (a < b) return x;
  rest %= divisor;
  while (distance > 0) {
    const int step = distance < 11 ? distance : 11;
    rest = (rest << step) % divisor;
    distance -= step;
  }
  unit = jt_from_bits_f64(base > 52 ? (unsigned long long)(base - 52) << 52 : 1ull << (base - 1));
  return jt_copysign_f64((double)(long long)rest * unit, x);
}
static inline double jt_mod_f64(double a, double b) {
  const double r = jt_fmod_f64(a, b);
  const double moved = (b < 0.0) != (r < 0.0) ? r + b : r;
  return r == 0.0 ? jt_copysign_f64(0.0, b) : moved;
}
static inline float jt_mod_f32(float a, float b) { return (float)jt_mod_f64((double)a, (double)b); }
static inline double jt_floor_div_f64(double a, double b) {
  const double r = jt_fmod_f64(a, b);
  const double whole = (a - r) / b;
  const double q = r != 0.0 && (b < 0.0) != (r < 0.0) ? whole - 1.0 : whole;
  const double down = jt_floor_f64(q);
  const double near = q - down > 0.5 ? down + 1.0 : down;
  return b == 0.0 ? a / b : q == 0.0 ? jt_copysign_f64(0.0, a / b) : near;
}
static inline float jt_floor_div_f32(float a, float b) {
  const float r = (float)jt_fmod_f64((double)a, (double)b);
  const float whole = (a - r) / b;
  const float q = r != 0.0f && (b < 0.0f) != (r < 0.0f) ? whole - 1.0f : whole;
  const float down = jt_floor_f32(q);
  const float near = q - down > 0.5f ? down + 1.0f : down;
  return b == 0.0f ? a / b : q == 0.0f ? jt_copysign_f32(0.0f, a / b) : near;
}

/* exp of float64: x = n ln2 + r, |r| <= ln2 / 2 */
/* e^r - 1 - r */
static inline double jt_exp_rest_f64(double r) {
  double p = 2.091478897260216e-09;
  p = JT_FMA_F64(p, r, 2.5105359846830094e-08);
  p = JT_FMA_F64(p, r, 2.7557273397693973e-07);
  p = JT_FMA_F64(p, r, 2.7557255056538237e-06);
  p = JT_FMA_F64(p, r, 2.4801587325741483e-05);
  p = JT_FMA_F64(p, r, 0.00019841269875091932);
  p = JT_FMA_F64(p, r, 0.0013888888888883692);
  p = JT_FMA_F64(p, r, 0.008333333333326058);
  p = JT_FMA_F64(p, r, 0.04166666666666667);
  p = JT_FMA_F64(p, r, 0.1666666666666667);
  p = JT_FMA_F64(p, r, 0.5);
  return p * (r * r);
}
/* 2^n for n = rounded - JT_ROUND_F64, -1023 < n < 1024 */
static inline double jt_power_of_two_f64(double rounded) {
  return jt_from_bits_f64((jt_bits_f64(rounded) + 1023ull) << 52);
}
/* e^(x + low), low small against x; two factors, so that subnormal results are rounded once */
static inline double jt_exp_sum_f64(double x, double low) {
  const double a = x > 710.0 ? 710.0 : x, c = a < -746.0 ? -746.0 : a;
  const double n = (c * 1.4426950408889634 + JT_ROUND_F64) - JT_ROUND_F64;
  const double high = JT_FMA_F64(n, -0.6931471803691238, c);
  const double r = high + JT_FMA_F64(n, -1.9082149292705877e-10, low);
  const double half = n * 0.5 + JT_ROUND_F64;
  const double other = (n - (half - JT_ROUND_F64)) + JT_ROUND_F64;
  return (1.0 + (r + jt_exp_rest_f64(r))) * jt_power_of_two_f64(half) * jt_power_of_two_f64(other);
}
static inline double jt_exp_f64(double x) { return jt_exp_sum_f64(x, 0.0); }
/* (e^x - 1) / 4: a quarter, so that sinh and cosh overflow where they should */
static inline double jt_quarter_expm1_f64(double x) {
  const double a = x > 710.6 ? 710.6 : x, c = a < -60.0 ? -60.0 : a;
  const double rounded = c * 1.4426950408889634 + JT_ROUND_F64;
  const double n = rounded - JT_ROUND_F64;
  const double high = JT_FMA_F64(n, -0.6931471803691238, c);
  const double low = n * 1.9082149292705877e-10;
  const double r = high - low;
  const double tail = (high - r) - low;
  const double scale = jt_power_of_two_f64(rounded - 2.0);
  return JT_FMA_F64(scale, r, scale - 0.25) + scale * (jt_exp_rest_f64(r) + tail * (1.0 + r));
}
static inline double jt_expm1_f64(double x) {
  const double y = 4.0 * jt_quarter_expm1_f64(x);
  return jt_abs_f64(x) < 1e-17 ? x : y;
}
static inline double jt_sinh_f64(double x) {
  const double a = jt_abs_f64(x), quarter = jt_quarter_expm1_f64(a);
  const double t = quarter * 4.0;
  const double small = 0.5 * (t + t / (t + 1.0));
  const double y = a > 22.0 ? quarter + quarter + 0.5 : small;
  return a < 1e-17 ? x : jt_copysign_f64(y, x);
}
static inline double jt_cosh_f64(double x) {
  const double a = jt_abs_f64(x), quarter = jt_quarter_expm1_f64(a);
  const double e = quarter * 4.0 + 1.0;
  return a > 22.0 ? quarter + quarter + 0.5 : 0.5 * e + 0.5 / e;
}
static inline double jt_tanh_f64(double x) {
  const double a = jt_abs_f64(x), c = a > 20.0 ? 20.0 : a;
  const double t = 4.0 * jt_quarter_expm1_f64(c + c);
  return a < 1e-17 ? x : jt_copysign_f64(t / (t + 2.0), x);
}
static inline double jt_sigmoid_f64(double x) {
  const double e = jt_exp_f64(-jt_abs_f64(x));
  return (x < 0.0 ? e : x == x ? 1.0 : x) / (1.0 + e);
}

/* log of float64: x = 2^k (1 + f), s = f / (2 + f), log(1 + f) = 2 atanh(s) */
/* log(x) + low for normal x */
static inline double jt_log_sum_f64(double x, double low, double k0) {
  const unsigned long long shifted = jt_bits_f64(x) - 0x3fe6a09e667f3bcdull + (1023ull << 52);
  const double k = jt_from_bits_f64((shifted >> 52) | 0x4330000000000000ull) - 4503599627371519.0 + k0;
  const double f = jt_from_bits_f64((shifted & 0xfffffffffffffull) + 0x3fe6a09e667f3bcdull) - 1.0;
  const double s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;
  double p = 0.1308803485097477;
  p = JT_FMA_F64(p, z, 0.1326863836926161);
  p = JT_FMA_F64(p, z, 0.15386244737621896);
  p = JT_FMA_F64(p, z, 0.18181795547521132);
  p = JT_FMA_F64(p, z, 0.22222222392581045);
  p = JT_FMA_F64(p, z, 0.28571428570799784);
  p = JT_FMA_F64(p, z, 0.40000000000000885);
  p = JT_FMA_F64(p, z, 0.6666666666666666);
  p = s * (half + z * p) + JT_FMA_F64(k, 1.9082149292705877e-10, low);
  return k * 0.6931471803691238 - ((half - p) - f);
}
static inline double jt_log_f64(double x) {
  const double scaled = x < 2.2250738585072014e-308 ? x * 18014398509481984.0 : x;
  const double y = jt_log_sum_f64(scaled, 0.0, x < 2.2250738585072014e-308 ? -54.0 : 0.0);
  const double low = x == 0.0 ? -__builtin_inf() : __builtin_nan("");
  return x > 0.0 ? (x == __builtin_inf() ? x : y) : low;
}
static inline double jt_log1p_f64(double x) {
  const double u = 1.0 + x;
  const double lost = u < 2.0 ? x - (u - 1.0) : 1.0 - (u - x);
  const double y = jt_log_sum_f64(u, lost / u, 0.0);
  const double low = u == 0.0 ? -__builtin_inf() : __builtin_nan("");
  return jt_abs_f64(x) < 1e-17 ? x : u > 0.0 ? (x == __builtin_inf() ? x : y) : low;
}
static inline double jt_asinh_f64(double x) {
  const double a = jt_abs_f64(x), z = a * a;
  const double w = a > 1e150 ? a : a + z / (1.0 + jt_sqrt_f64(1.0 + z));
  const double y = jt_log1p_f64(w) + (a > 1e150 ? 0.6931471805599453 : 0.0);
  return a < 1e-17 ? x : jt_copysign_f64(y, x);
}
static inline double jt_acosh_f64(double x) {
  const double t = x - 1.0;
  const double w = x > 1e150 ? x : t + jt_sqrt_f64(2.0 * t + t * t);
  const double y = jt_log1p_f64(w) + (x > 1e150 ? 0.6931471805599453 : 0.0);
  return x >= 1.0 ? y : __builtin_nan("");
}
static inline double jt_atanh_f64(double x) {
  const double a = jt_abs_f64(x), t = a + a;
  const double y = 0.5 * jt_log1p_f64(t + t * a / (1.0 - a));
  return a < 1e-17 ? x : a <= 1.0 ? jt_copysign_f64(y, x) : __builtin_nan("");
}

/* a * b - product, exactly: what rounding took from a product */
static inline double jt_product_rest_f64(double a, double b, double product) {
#if JT_HAS_FMA
  return __builtin_fma(a, b, -product);
#else
  const double ah = jt_from_bits_f64(jt_bits_f64(a) & ~0x7ffffffull), al = a - ah;
  const double bh = jt_from_bits_f64(jt_bits_f64(b) & ~0x7ffffffull), bl = b - bh;
  return ((ah * bh - product) + (ah * bl + al * bh)) + al * bl;
#endif
}

/* pow(|x|, y) to pow(x, y): 0, infinity, NaN, 1 and negative bases */
static inline double jt_pow_special_f64(double power, double x, double y) {
  const double a = jt_abs_f64(x), inf = __builtin_inf();
  const double whole = jt_round_f64(y), half = jt_round_f64(y * 0.5);
  const double of_zero = y < 0.0 ? inf : 0.0, of_infinity = y < 0.0 ? 0.0 : inf;
  const double grows = y < 0.0 ? 0.0 : inf, shrinks = y < 0.0 ? inf : 0.0;
  const double signless = half == y * 0.5 ? 1.0 : jt_copysign_f64(1.0, x);
  const double sign = whole == y ? signless : 1.0;
  const double not_real = x < 0.0 ? __builtin_nan("") : 1.0;
  const double root = whole == y ? 1.0 : not_real;
  double r = power;
  r = jt_abs_f64(y) == inf ? (a > 1.0 ? grows : shrinks) : r;
  r = a == 1.0 ? 1.0 : r;
  r = r * root;
  r = a == 0.0 ? of_zero : r;
  r = a == inf ? of_infinity : r;
  r = r * sign;
  r = y != y ? y : r;
  r = x != x ? x : r;
  r = y == 0.0 ? 1.0 : r;
  return x == 1.0 ? 1.0 : r;
}

/* pow of float64: log2 with twice the digits, since an error in it is multiplied by up to 1024 */
static inline double jt_pow_f64(double x, double y) {
  const double a = jt_abs_f64(x);
  const double scaled = a < 2.2250738585072014e-308 ? a * 18014398509481984.0 : a;
  const unsigned long long shifted = jt_bits_f64(scaled) - 0x3fe6a09e667f3bcdull + (1023ull << 52);
  const double k = jt_from_bits_f64((shifted >> 52) | 0x4330000000000000ull) - 4503599627371519.0 -
                   (a < 2.2250738585072014e-308 ? 54.0 : 0.0);
  const double f = jt_from_bits_f64((shifted & 0xfffffffffffffull) + 0x3fe6a09e667f3bcdull) - 1.0;
  /* s = f / (2 + f) = s + sl */
  const double d = 2.0 + f, dl = f - (d - 2.0), s = f / d, sd = s * d;
  const double sl = (((f - sd) - jt_product_rest_f64(s, d, sd)) - s * dl) / d;
  /* atanh(s) = s + s w, w = z / 3 + z^2 (1/5 + z / 7 + ...), z = s^2 */
  const double z = s * s, zl = jt_product_rest_f64(s, s, z) + 2.0 * s * sl;
  const double third = z * 0.3333333333333333;
  const double thirdl =
      jt_product_rest_f64(z, 0.3333333333333333, third) + (z * 1.850371707708594e-17 + zl * 0.3333333333333333);
  double q = 0.0586216355180469;
  double w, wl, sw, swl, u, ul, l, ll, log2, log2l, e, el, n, r, result;
  q = JT_FMA_F64(q, z, 0.058530632299201364);
  q = JT_FMA_F64(q, z, 0.06667404399510495);
  q = JT_FMA_F64(q, z, 0.07692297443501243);
  q = JT_FMA_F64(q, z, 0.09090909168049952);
  q = JT_FMA_F64(q, z, 0.11111111110826383);
  q = JT_FMA_F64(q, z, 0.14285714285714685);
  q = JT_FMA_F64(q, z, 0.2) * (z * z);
  w = third + q;
  wl = (q - (w - third)) + thirdl;
  sw = s * w;
  swl = jt_product_rest_f64(s, w, sw) + (s * wl + sl * w);
  u = s + sw;
  ul = (sw - (u - s)) + (sl + swl);
  /* log2(x) = k + u * 2 / ln2 */
  l = u * 2.8853900817779268;
  ll = jt_product_rest_f64(u, 2.8853900817779268, l) + (u * 4.0710547481862066e-17 + ul * 2.8853900817779268);
  log2 = k + l;
  log2l = ((k - (log2 - (log2 - k))) + (l - (log2 - k))) + ll;
  /* 2^(y log2(x)) */
  e = y * log2;
  el = jt_product_rest_f64(y, log2, e) + y * log2l;
  el = jt_abs_f64(e) < 2000.0 ? el : 0.0;
  e = e > 1100.0 ? 1100.0 : e;
  e = e < -1200.0 ? -1200.0 : e;
  n = (e + JT_ROUND_F64) - JT_ROUND_F64;
  r = ((e - n) + el) * 0.6931471805599453;
  l = n * 0.5 + JT_ROUND_F64;
  ll = (n - (l - JT_ROUND_F64)) + JT_ROUND_F64;
  result = (1.0 + (r + jt_exp_rest_f64(r))) * jt_power_of_two_f64(l) * jt_power_of_two_f64(ll);
  return jt_pow_special_f64(result, x, y);
}

/* sin, cos, tan of float64 */
/* x above 2^20 or so: x 2 / pi modulo 4 with 192 bits of 2 / pi; a branch, since it is rare and long */
static inline double jt_reduce_far_f64(double x, double* low, int* quadrant) {
  const unsigned long long words[21] = {0ull,
                                        0xa2f9836e4e441529ull,
                                        0xfc2757d1f534ddc0ull,
                                        0xdb6295993c439041ull,
                                        0xfe5163abdebbc561ull,
                                        0xb7246e3a424dd2e0ull,
                                        0x06492eea09d1921cull,
                                        0xfe1deb1cb129a73eull,
                                        0xe88235f52ebb4484ull,
                                        0xe99c7026b45f7e41ull,
                                        0x3991d639835339f4ull,
                                        0x9c845f8bbdf9283bull,
                                        0x1ff897ffde05980full,
                                        0xef2f118b5a0a6d1full,
                                        0x6d367ecf27cb09b7ull,
                                        0x4f463f669e5fea2dull,
                                        0x7527bac7ebe5f17bull,
                                        0x3d0739f78a5292eaull,
                                        0x6bfb5fb11f8d5d08ull,
                                        0x56033046fc7b6babull,
                                        0xf0cfbc209af4361dull};
  const unsigned long long bits = jt_bits_f64(x), fraction = (bits & 0xfffffffffffffull) | 1ull << 52;
  const int exponent = (int)(bits >> 52 & 2047) - 1075;
  const int at = exponent + 62, word = at >> 6, shift = at & 63, back = (64 - shift) & 63;
  const unsigned long long keep = shift == 0 ? 0ull : ~0ull;
  const unsigned long long w0 = words[word] << shift | ((words[word + 1] >> back) & keep);
  const unsigned long long w1 = words[word + 1] << shift | ((words[word + 2] >> back) & keep);
  const unsigned long long w2 = words[word + 2] << shift | ((words[word + 3] >> back) & keep);
  const unsigned __int128 p2 = (unsigned __int128)fraction * w2;
  const unsigned __int128 p1 = (unsigned __int128)fraction * w1 + (unsigned long long)(p2 >> 64);
  const unsigned long long high = fraction * w0 + (unsigned long long)(p1 >> 64);
  const unsigned long long middle = (unsigned long long)p1, last = (unsigned long long)p2;
  const long long turn = (long long)(high << 2 | middle >> 62); /* what is left of a quarter turn, signed, 2^-64 */
  const unsigned long long rest = middle << 2 | last >> 62;
  const double t0 = (double)(int)(turn >> 32) * 2.3283064365386963e-10;
  const double t1 = (double)(unsigned)turn * 5.421010862427522e-20;
  const double t2 = (double)(unsigned)(rest >> 32) * 1.262177448353619e-29;
  const double a = t0 + t1, al = (t1 - (a - t0)) + t2;
  const double b = a + al, bl = al - (b - a);
  const double r = b * 1.5707963267948966;
  const double rl =
      jt_product_rest_f64(b, 1.5707963267948966, r) + (b * 6.123233995736766e-17 + bl * 1.5707963267948966);
  const int whole = (int)(high >> 62) + (turn < 0);
  const int negative = (bits >> 63) != 0;
  *quadrant = negative ? -whole : whole;
  *low = negative ? -rl : rl;
  return negative ? -r : r;
}
/* x - n pi / 2 = result + low; n modulo 4 in quadrant */
static inline double jt_reduce_f64(double x, double* low, int* quadrant) {
  const double rounded = x * 0.6366197723675814 + JT_ROUND_F64, n = rounded - JT_ROUND_F64;
  const double a = x - n * 1.5707963267341256; /* the three parts of pi / 2 have 33 bits: exact for |n| < 2^20 */
  const double p1 = n * 6.077100506303966e-11, p2 = n * 2.0222662487111665e-21, p3 = n * 8.4784276603689e-32;
  const double b = a - p1, t = b - a, bl = (a - (b - t)) - (p1 + t);
  const double c = b - p2, v = c - b, cl = (b - (c - v)) - (p2 + v);
  const double rest = (bl + cl) - p3;
  const double r = c + rest;
  if (__builtin_expect(jt_abs_f64(x) > 1e6 && jt_abs_f64(x) < __builtin_inf(), 0)) {
    return jt_reduce_far_f64(x, low, quadrant);
  }
  *low = rest - (r - c);
  *quadrant = (int)jt_bits_f64(rounded);
  return r;
}
static inline double jt_sin_near_f64(double r, double low) {
  const double z = r * r;
  double p = -7.586543634101805e-13;
  p = JT_FMA_F64(p, z, 1.6058529011960855e-10);
  p = JT_FMA_F64(p, z, -2.5052106215978872e-08);
  p = JT_FMA_F64(p, z, 2.7557319219291695e-06);
  p = JT_FMA_F64(p, z, -0.00019841269841265003);
  p = JT_FMA_F64(p, z, 0.008333333333333331);
  p = JT_FMA_F64(p, z, -0.16666666666666666);
  return r + (p * (z * r) + low * (1.0 - 0.5 * z));
}
static inline double jt_cos_near_f64(double r, double low) {
  const double z = r * r, half = 0.5 * z, w = 1.0 - half;
  double p = 4.7457865678651584e-14;
  p = JT_FMA_F64(p, z, -1.1470459438155824e-11);
  p = JT_FMA_F64(p, z, 2.08767557819242e-09);
  p = JT_FMA_F64(p, z, -2.7557319221376434e-07);
  p = JT_FMA_F64(p, z, 2.480158730158461e-05);
  p = JT_FMA_F64(p, z, -0.0013888888888888887);
  p = JT_FMA_F64(p, z, 0.041666666666666664);
  return w + (((1.0 - w) - half) + (p * (z * z) - r * low));
}
static inline double jt_sin_f64(double x) {
  double low;
  int quadrant;
  const double r = jt_reduce_f64(x, &low, &quadrant);
  const double s = jt_sin_near_f64(r, low), c = jt_cos_near_f64(r, low);
  const double y = (quadrant & 1) != 0 ? c : s;
  return jt_abs_f64(x) < 1e-9 ? x : (quadrant & 2) != 0 ? -y : y;
}
static inline double jt_cos_f64(double x) {
  double low;
  int quadrant;
  const double r = jt_reduce_f64(x, &low, &quadrant);
  const double s = jt_sin_near_f64(r, low), c = jt_cos_near_f64(r, low);
  const double y = (quadrant & 1) != 0 ? s : c;
  return ((quadrant + 1) & 2) != 0 ? -y : y;
}
static inline double jt_tan_f64(double x) {
  double low;
  int quadrant;
  const double r = jt_reduce_f64(x, &low, &quadrant);
  const double s = jt_sin_near_f64(r, low), c = jt_cos_near_f64(r, low);
  const double above = (quadrant & 1) != 0 ? -c : s, below = (quadrant & 1) != 0 ? s : c;
  return jt_abs_f64(x) < 1e-9 ? x : above / below;
}

/* atan of float64: one of five pieces, so that the polynomial sees |t| <= 7/16 */
/* atan(y / x) for y, x >= 0 */
static inline double jt_atan_ratio_f64(double y, double x) {
  double above = -x, below = y, high = 1.5707963267948966, low = 6.123233995736766e-17;
  above = y < 2.4375 * x ? y - 1.5 * x : above;
  below = y < 2.4375 * x ? x + 1.5 * y : below;
  high = y < 2.4375 * x ? 0.982793723247329 : high;
  low = y < 2.4375 * x ? 1.3903311031230998e-17 : low;
  above = y < 1.1875 * x ? y - x : above;
  below = y < 1.1875 * x ? y + x : below;
  high = y < 1.1875 * x ? 0.7853981633974483 : high;
  low = y < 1.1875 * x ? 3.061616997868383e-17 : low;
  above = y < 0.6875 * x ? 2.0 * y - x : above;
  below = y < 0.6875 * x ? 2.0 * x + y : below;
  high = y < 0.6875 * x ? 0.4636476090008061 : high;
  low = y < 0.6875 * x ? 2.2698777452961687e-17 : low;
  above = y < 0.4375 * x ? y : above;
  below = y < 0.4375 * x ? x : below;
  high = y < 0.4375 * x ? 0.0 : high;
  low = y < 0.4375 * x ? 0.0 : low;
  const double t = above / below, z = t * t;
  double p = 0.014759380407700941;
  p = JT_FMA_F64(p, z, -0.033114228762574215);
  p = JT_FMA_F64(p, z, 0.04491655674773601);
  p = JT_FMA_F64(p, z, -0.05216532007307311);
  p = JT_FMA_F64(p, z, 0.05876924062763192);
  p = JT_FMA_F64(p, z, -0.06666239748865271);
  p = JT_FMA_F64(p, z, 0.07692285419714513);
  p = JT_FMA_F64(p, z, -0.09090908350382434);
  p = JT_FMA_F64(p, z, 0.111111110965279);
  p = JT_FMA_F64(p, z, -0.14285714285565465);
  p = JT_FMA_F64(p, z, 0.19999999999999404);
  p = JT_FMA_F64(p, z, -0.3333333333333333);
  return high + (t + (p * (z * t) + low));
}
static inline double jt_atan_f64(double x) { return jt_copysign_f64(jt_atan_ratio_f64(jt_abs_f64(x), 1.0), x); }
static inline double jt_atan2_f64(double y, double x) {
  const double ay = jt_abs_f64(y), ax = jt_abs_f64(x), most = ay > ax ? ay : ax;
  const double scale = most > 1e300 ? 0.25 : most < 1e-290 ? 1.6069380442589903e60 : 1.0;
  const double inf = __builtin_inf();
  const double above = most == inf ? (ay == inf ? 1.0 : 0.0) : ay * scale;
  const double below = most == inf ? (ax == inf ? 1.0 : 0.0) : most == 0.0 ? 1.0 : ax * scale;
  const double r = jt_atan_ratio_f64(above, below);
  const double turned = (jt_bits_f64(x) >> 63) != 0 ? (1.2246467991473532e-16 - r) + 3.141592653589793 : r;
  return x != x || y != y ? x + y : jt_copysign_f64(turned, y);
}

/* asin and acos of float64: for |x| > 1/2 from the square root of t = (1 - |x|) / 2, with its lost half */
/* asin(sqrt(z)) / sqrt(z) - 1 */
static inline double jt_asin_rest_f64(double z) {
  double p = 0.029727286869701657;
  p = JT_FMA_F64(p, z, -0.01942149876370524);
  p = JT_FMA_F64(p, z, 0.01967836743041825);
  p = JT_FMA_F64(p, z, 0.002995311657043866);
  p = JT_FMA_F64(p, z, 0.009332327156197718);
  p = JT_FMA_F64(p, z, 0.009619629203681253);
  p = JT_FMA_F64(p, z, 0.011566722371197968);
  p = JT_FMA_F64(p, z, 0.013963758735074057);
  p = JT_FMA_F64(p, z, 0.017352817690741047);
  p = JT_FMA_F64(p, z, 0.02237215740373685);
  p = JT_FMA_F64(p, z, 0.030381944476347046);
  p = JT_FMA_F64(p, z, 0.04464285714254326);
  p = JT_FMA_F64(p, z, 0.07500000000000122);
  p = JT_FMA_F64(p, z, 0.16666666666666666);
  return p * z;
}
static inline double jt_asin_f64(double x) {
  const double a = jt_abs_f64(x);
  const double z = a < 0.5 ? a * a : 0.5 * (1.0 - a);
  const double s = jt_sqrt_f64(z), p = jt_asin_rest_f64(z);
  const double high = jt_from_bits_f64(jt_bits_f64(s) & ~0xffffffffull);
  const double lost = (z - high * high) / (s + high + (z == 0.0 ? 1.0 : 0.0));
  const double big =
      0.7853981633974483 - ((2.0 * s * p - (6.123233995736766e-17 - 2.0 * lost)) - (0.7853981633974483 - 2.0 * high));
  return jt_copysign_f64(a < 0.5 ? a + a * p : big, x);
}
static inline double jt_acos_f64(double x) {
  const double a = jt_abs_f64(x);
  const double z = a < 0.5 ? a * a : 0.5 * (1.0 - a);
  const double s = jt_sqrt_f64(z), p = jt_asin_rest_f64(z);
  const double high = jt_from_bits_f64(jt_bits_f64(s) & ~0xffffffffull);
  const double lost = (z - high * high) / (s + high + (z == 0.0 ? 1.0 : 0.0));
  const double near = 1.5707963267948966 - (x - (6.123233995736766e-17 - x * p));
  const double right = 2.0 * (high + (s * p + lost));
  const double left = 2.0 * (1.5707963267948966 - (s + (s * p - 6.123233995736766e-17)));
  return a < 0.5 ? near : x > 0.0 ? right : left;
}

/* erf and erfc of float64: a polynomial in x^2 up to 1.25; beyond, erfc(a) = e^(-a^2) (P(q) / (1 + 2 a)) with
   q = (a - 4) / (a + 4), which covers all of [0.45, 28] (Shepherd & Laframboise 1981) */
/* erf(x) / x - 1, z = x^2 <= 1.5625 */
static inline double jt_erf_rest_f64(double z) {
  double p = 7.890053404534469e-16;
  p = JT_FMA_F64(p, z, -2.335078750415201e-14);
  p = JT_FMA_F64(p, z, 4.309983893265991e-13);
  p = JT_FMA_F64(p, z, -6.675131377739665e-12);
  p = JT_FMA_F64(p, z, 9.416577968236494e-11);
  p = JT_FMA_F64(p, z, -1.228977636237365e-09);
  p = JT_FMA_F64(p, z, 1.4807119425983943e-08);
  p = JT_FMA_F64(p, z, -1.6365839506281977e-07);
  p = JT_FMA_F64(p, z, 1.646211409256012e-06);
  p = JT_FMA_F64(p, z, -1.4925650347793287e-05);
  p = JT_FMA_F64(p, z, 0.00012055332981492831);
  p = JT_FMA_F64(p, z, -0.0008548327023445077);
  p = JT_FMA_F64(p, z, 0.005223977625442113);
  p = JT_FMA_F64(p, z, -0.026866170645131245);
  p = JT_FMA_F64(p, z, 0.11283791670955126);
  p = JT_FMA_F64(p, z, -0.37612638903183754);
  return JT_FMA_F64(p, z, 0.1283791670955126);
}
static inline double jt_erfc_far_f64(double x) {
  const double a = x > 28.0 ? 28.0 : x;
  const double q = (a - 4.0) / (a + 4.0);
  const double square = a * a, lost = jt_product_rest_f64(a, a, square);
  double p = -7.13677520523515e-09;
  p = JT_FMA_F64(p, q, 7.3845471070179e-08);
  p = JT_FMA_F64(p, q, 5.273492296927376e-08);
  p = JT_FMA_F64(p, q, -7.809617441798015e-07);
  p = JT_FMA_F64(p, q, 3.1658779295215137e-07);
  p = JT_FMA_F64(p, q, 5.6781113780913265e-06);
  p = JT_FMA_F64(p, q, -1.1235945923454648e-05);
  p = JT_FMA_F64(p, q, -2.4385191491200735e-05);
  p = JT_FMA_F64(p, q, 0.00015062694638487333);
  p = JT_FMA_F64(p, q, -0.00019926066373691147);
  p = JT_FMA_F64(p, q, -0.0007577745390543104);
  p = JT_FMA_F64(p, q, 0.005031970687818958);
  p = JT_FMA_F64(p, q, -0.016197733876234053);
  p = JT_FMA_F64(p, q, 0.037167515460654645);
  p = JT_FMA_F64(p, q, -0.06633036582737813);
  p = JT_FMA_F64(p, q, 0.09373283500294903);
  p = JT_FMA_F64(p, q, -0.10103906603566247);
  p = JT_FMA_F64(p, q, 0.06809705425456565);
  p = JT_FMA_F64(p, q, 0.015379652102609241);
  p = JT_FMA_F64(p, q, -0.13962111684056147);
  p = JT_FMA_F64(p, q, 1.2329951186255526);
  return p / (1.0 + 2.0 * a) * jt_exp_sum_f64(-square, -lost);
}
static inline double jt_erf_f64(double x) {
  const double a = jt_abs_f64(x);
  const double near = a + a * jt_erf_rest_f64(a * a), far = 1.0 - jt_erfc_far_f64(a);
  return jt_copysign_f64(a < 1.25 ? near : far, x);
}
static inline double jt_erfc_f64(double x) {
  const double a = jt_abs_f64(x);
  const double near = 1.0 - (x + x * jt_erf_rest_f64(a * a)), far = jt_erfc_far_f64(a);
  return x < 0.46 ? (x > -1.25 ? near : 2.0 - far) : far;
}

/* sin, cos, tan of float32: x / (2 pi) modulo 1 in float64, 1 / (2 pi) in seven parts of 28 bits, so that every product
   is exact for every float32 and nothing branches */
static inline double jt_turns_part_f64(double x, double part) {
  const double t = x * part;
  return t - jt_round_f64(t);
}
/* x - n pi / 2; n modulo 4 in quadrant */
static inline float jt_reduce_f32(float x, int* quadrant) {
  const double t0 = jt_turns_part_f64((double)x, 0.15915494225919247);
  const double t1 = jt_turns_part_f64((double)x, 8.327028649945944e-10);
  const double t2 = jt_turns_part_f64((double)x, 4.038449450981451e-18);
  const double t3 = jt_turns_part_f64((double)x, 1.9241762118391763e-26);
  const double t4 = jt_turns_part_f64((double)x, 4.170716914254881e-35);
  const double t5 = (double)x * 2.8971783207221377e-44, t6 = (double)x * 1.7634897687090127e-52;
  const double rest = t2 + (t3 + (t4 + (t5 + t6)));
  const double rounded = JT_FMA_F64(t0 + (t1 + rest), 4.0, JT_ROUND_F64), n = rounded - JT_ROUND_F64;
  const double r = (JT_FMA_F64(n, -0.25, t0) + t1) + rest;
  *quadrant = (int)jt_bits_f64(rounded);
  return (float)(r * 6.283185307179586);
}
static inline float jt_sin_near_f32(float r) {
  const float z = r * r;
  float p = 2.7249148e-06f;
  p = JT_FMA_F32(p, z, -1.9840081e-04f);
  p = JT_FMA_F32(p, z, 8.333332e-03f);
  p = JT_FMA_F32(p, z, -1.6666667e-01f);
  return JT_FMA_F32(p, z * r, r);
}
static inline float jt_cos_near_f32(float r) {
  const float z = r * r;
  float p = -2.7300308e-07f;
  p = JT_FMA_F32(p, z, 2.4800594e-05f);
  p = JT_FMA_F32(p, z, -1.3888888e-03f);
  p = JT_FMA_F32(p, z, 4.1666668e-02f);
  p = JT_FMA_F32(p, z, -0.5f);
  return JT_FMA_F32(p, z, 1.0f);
}
static inline float jt_sin_f32(float x) {
  int quadrant;
  const float r = jt_reduce_f32(x, &quadrant), s = jt_sin_near_f32(r), c = jt_cos_near_f32(r);
  const float y = (quadrant & 1) != 0 ? c : s;
  return jt_abs_f32(x) < 1e-5f ? x : (quadrant & 2) != 0 ? -y : y;
}
static inline float jt_cos_f32(float x) {
  int quadrant;
  const float r = jt_reduce_f32(x, &quadrant), s = jt_sin_near_f32(r), c = jt_cos_near_f32(r);
  const float y = (quadrant & 1) != 0 ? s : c;
  return ((quadrant + 1) & 2) != 0 ? -y : y;
}
static inline float jt_tan_f32(float x) {
  int quadrant;
  const float r = jt_reduce_f32(x, &quadrant), s = jt_sin_near_f32(r), c = jt_cos_near_f32(r);
  const float above = (quadrant & 1) != 0 ? -c : s, below = (quadrant & 1) != 0 ? s : c;
  return jt_abs_f32(x) < 1e-5f ? x : above / below;
}

/* pow of float32 through float64: correct to half a unit */
/* pow of float32: y log2(|x|) in float64, since an error in it is multiplied by up to 150 */
static inline float jt_pow_f32(float x, float y) {
  const float inf = __builtin_inff(), half = y * 0.5f, whole = jt_round_f32(y);
  const float a = jt_abs_f32(x), scaled = a < 1.17549435e-38f ? a * 8388608.0f : a;
  const unsigned u = jt_bits_f32(scaled), e = (u - 0x3f3504f3u) & 0xff800000u;
  const float whole_k = (float)((int)e >> 23) - (a < 1.17549435e-38f ? 23.0f : 0.0f);
  const float some_k = a == 0.0f ? -inf : whole_k, k = a < inf ? some_k : a; /* infinite where log2(|x|) is */
  const double f = (double)(jt_from_bits_f32(u - e) - 1.0f), z = f * f, w = z * z;
  const double p0 = JT_FMA_F64(f, -0.7213475252118168, 1.4426950409394073),
               p1 = JT_FMA_F64(f, -0.36067280064226304, 0.48089832070637817);
  const double p2 = JT_FMA_F64(f, -0.2405041730441413, 0.2885406451804486),
               p3 = JT_FMA_F64(f, -0.17904692794390917, 0.20609621698426417);
  const double p4 = JT_FMA_F64(f, -0.15698274509125704, 0.15900187758472337),
               p5 = JT_FMA_F64(f, -0.08634395314846913, 0.15485628471560114);
  const double high = JT_FMA_F64(JT_FMA_F64(p5, z, p4), w, JT_FMA_F64(p3, z, p2));
  const double log2 = JT_FMA_F64(JT_FMA_F64(high, w, JT_FMA_F64(p1, z, p0)), f, (double)k);
  const double product = (double)y * log2, t = product < -152.0 ? -152.0 : product;
  const float quotient = jt_least_bits_f32((float)t + JT_ROUND_F32, JT_ROUND_F32 + 128.0f);
  const float r = (float)(t - (double)(quotient - JT_ROUND_F32)), s = r * r;
  const float q = JT_FMA_F32(s, 1.53533532e-04f, JT_FMA_F32(r, 1.33988739e-03f, 9.61843785e-03f));
  const float rest = JT_FMA_F32(JT_FMA_F32(q, s, JT_FMA_F32(r, 5.55033237e-02f, 2.40226477e-01f)), s, 1.0f);
  const float power = JT_FMA_F32(r, 6.93147182e-01f, rest);
  const float scaled_power = jt_scale_f32(power, jt_bits_f32(quotient)), of_one = a == 1.0f ? 1.0f : scaled_power;
  const unsigned odd = (unsigned)(whole == y) & (unsigned)(jt_round_f32(half) != half);
  const float with_sign = jt_from_bits_f32(jt_bits_f32(of_one) ^ (jt_bits_f32(x) & odd << 31));
  const float real = ((x < 0.0f) & (a < inf) & (whole != y)) != 0 ? __builtin_nanf("") : with_sign;
  return y == 0.0f ? 1.0f : real;
}

/* Philox 4x32-10 (Salmon et al. 2011): word index & 3 of block index >> 2 */
/* Words 0 and 1 (upper 0) or 2 and 3 (upper 1) of a block; the first in the low half. */
static inline unsigned long long jt_philox_pair(unsigned long long block, unsigned upper, unsigned long long seed,
                                                unsigned long long counter) {
  unsigned c0 = (unsigned)block, c1 = (unsigned)(block >> 32), c2 = (unsigned)counter, c3 = (unsigned)(counter >> 32);
  unsigned k0 = (unsigned)seed, k1 = (unsigned)(seed >> 32);
  unsigned long long product0, product1;
  JT_PHILOX_ROUND JT_PHILOX_ROUND JT_PHILOX_ROUND JT_PHILOX_ROUND JT_PHILOX_ROUND JT_PHILOX_ROUND JT_PHILOX_ROUND
          JT_PHILOX_ROUND JT_PHILOX_ROUND JT_PHILOX_ROUND return upper
      ? (unsigned long long)c3 << 32 | c2
      : (unsigned long long)c1 << 32 | c0;
}
static inline unsigned jt_philox_word(unsigned long long index, unsigned long long seed, unsigned long long counter) {
  const unsigned long long pair = jt_philox_pair(index >> 2, (unsigned)(index >> 1 & 1), seed, counter);
  return (index & 1) != 0 ? (unsigned)(pair >> 32) : (unsigned)pair;
}
static inline unsigned jt_random_u32(unsigned long long index, unsigned long long seed, unsigned long long counter) {
  return jt_philox_word(index, seed, counter);
}
/* [0, 1) in steps of 2^-24 */
static inline float jt_random_f32(unsigned long long index, unsigned long long seed, unsigned long long counter) {
  return (float)(int)(jt_philox_word(index, seed, counter) >> 8) * 5.9604645e-08f;
}
/* [0, 1) in steps of 2^-53 */
static inline double jt_random_f64(unsigned long long index, unsigned long long seed, unsigned long long counter) {
  const unsigned long long pair = jt_philox_pair(index >> 1, (unsigned)(index & 1), seed, counter);
  const double high = (double)(int)((unsigned)pair >> 5), low = (double)(int)((unsigned)(pair >> 32) >> 6);
  return (high * 67108864.0 + low) * 1.1102230246251565e-16;
}
