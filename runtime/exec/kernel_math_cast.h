// Casts between all dtypes, float16 and bfloat16 included.
#pragma once
#include "exec/kernel_math_base.h"

/* 16-bit floats: rounded to nearest, ties to even */
static inline float jt_cast_f16_f32(jt_f16 x) {
  const unsigned shifted = (x & 0x7fffu) << 13, normal = shifted + 0x38000000u;
  const unsigned wide = shifted >= 0x0f800000u ? shifted + 0x70000000u : normal;
  const float small = jt_from_bits_f32(shifted + 0x38800000u) - jt_from_bits_f32(0x38800000u); /* subnormal or 0 */
  return jt_from_bits_f32((shifted < 0x00800000u ? jt_bits_f32(small) : wide) | (x & 0x8000u) << 16);
}
/* A power of two whose last place is that of x >= 0 as a float16, 2^13 times its own: adding it rounds x. Numbers below
   the normal ones have the last place of the least of them; x is at most 2^16, which stands for infinity. */
static inline unsigned jt_rounds_f16(unsigned x) {
  const unsigned exponent = x & 0x7f800000u;
  return (exponent < 0x38800000u ? 0x38800000u : exponent) + 0x06800000u;
}
static inline jt_f16 jt_cast_f32_f16(float x) {
  const unsigned u = jt_bits_f32(x), a = u & 0x7fffffffu, least = a < 0x47800000u ? a : 0x47800000u;
  const unsigned big = jt_rounds_f16(least), sum = jt_bits_f32(jt_from_bits_f32(least) + jt_from_bits_f32(big));
  const unsigned half = a > 0x7f800000u ? 0x7e00u : sum - big + (big >> 13) - 0x1f800u;
  return (jt_f16)(half | (u >> 16 & 0x8000u));
}
static inline float jt_cast_bf16_f32(jt_bf16 x) { return jt_from_bits_f32((unsigned)x << 16); }
static inline jt_bf16 jt_cast_f32_bf16(float x) {
  const unsigned u = jt_bits_f32(x);
  const unsigned rounded = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
  return (jt_bf16)((u & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u | (u >> 16 & 0x8000u) : rounded);
}
/* The float32 that equals x rounded to 16 bits, without a way there and back */
static inline float jt_round_f16_f32(float x) {
  const unsigned a = jt_bits_f32(x) & 0x7fffffffu, least = a < 0x47800000u ? a : 0x47800000u;
  const float big = jt_from_bits_f32(jt_rounds_f16(least)), rounded = (jt_from_bits_f32(a) + big) - big;
  const float y = rounded >= 65536.0f ? __builtin_inff() : rounded;
  return jt_from_bits_f32(jt_bits_f32(y) | (jt_bits_f32(x) & 0x80000000u));
}
static inline float jt_round_bf16_f32(float x) {
  const unsigned u = jt_bits_f32(x), rounded = (u + 0x7fffu + (u >> 16 & 1u)) & 0xffff0000u;
  return jt_from_bits_f32((u & 0x7fffffffu) > 0x7f800000u ? 0x7fc00000u | (u & 0x80000000u) : rounded);
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
