// Rounding to integers, and remainder and floor division of floats.
#pragma once
#include "exec/kernel_math_base.h"

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

/* fmod by long division of the 53-bit fractions: exact; 11 bits a step. The loop keeps it from vectorizing. */
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
static inline double jt_floor_div_f64(double a, double b) {
  const double r = jt_fmod_f64(a, b);
  const double whole = (a - r) / b;
  const double q = r != 0.0 && (b < 0.0) != (r < 0.0) ? whole - 1.0 : whole;
  const double down = jt_floor_f64(q);
  const double near = q - down > 0.5 ? down + 1.0 : down;
  return b == 0.0 ? a / b : q == 0.0 ? jt_copysign_f64(0.0, a / b) : near;
}

/* x less the multiple of y 2^k nearest to it, roughly; y_k is y 2^k, and of_k its reciprocal. Exact: a product of y's
   24 bits and a quotient of 29 is, and one of more is not rounded where there is a fused multiply-add. */
static inline double jt_less_multiple_f64(double x, double y_k, double of_k) {
  const double n = JT_FMA_F64(x, of_k, JT_ROUND_F64) - JT_ROUND_F64;
  return JT_FMA_F64(-n, y_k, x);
}
/* fmod of float32 in float64, from the largest quotient (2^277) down; nothing branches */
static inline float jt_fmod_f32(float x, float y) {
  const double a = jt_abs_f64((double)y), d = a > 0x1p200 ? 0x1p200 : a, u = 1.0 / d; /* 2^200 stands for infinity */
  double r = (double)x;
#if JT_HAS_FMA
  r = jt_less_multiple_f64(r, d * 0x1p235, u * 0x1p-235);
  r = jt_less_multiple_f64(r, d * 0x1p188, u * 0x1p-188);
  r = jt_less_multiple_f64(r, d * 0x1p141, u * 0x1p-141);
  r = jt_less_multiple_f64(r, d * 0x1p94, u * 0x1p-94);
  r = jt_less_multiple_f64(r, d * 0x1p47, u * 0x1p-47);
#else
  r = jt_less_multiple_f64(r, d * 0x1p252, u * 0x1p-252);
  r = jt_less_multiple_f64(r, d * 0x1p224, u * 0x1p-224);
  r = jt_less_multiple_f64(r, d * 0x1p196, u * 0x1p-196);
  r = jt_less_multiple_f64(r, d * 0x1p168, u * 0x1p-168);
  r = jt_less_multiple_f64(r, d * 0x1p140, u * 0x1p-140);
  r = jt_less_multiple_f64(r, d * 0x1p112, u * 0x1p-112);
  r = jt_less_multiple_f64(r, d * 0x1p84, u * 0x1p-84);
  r = jt_less_multiple_f64(r, d * 0x1p56, u * 0x1p-56);
  r = jt_less_multiple_f64(r, d * 0x1p28, u * 0x1p-28);
#endif
  r = jt_less_multiple_f64(r, d, u);
  const double other = jt_copysign_f64(d, (double)x) + r;
  return (float)(r * (double)x < 0.0 ? other : r);
}
static inline float jt_mod_f32(float a, float b) {
  const float r = jt_fmod_f32(a, b), other = r + b;
  const float moved = (b < 0.0f) != (r < 0.0f) ? other : r;
  return r == 0.0f ? jt_copysign_f32(0.0f, b) : moved;
}
static inline float jt_floor_div_f32(float a, float b) {
  const float r = jt_fmod_f32(a, b);
  const float whole = (a - r) / b;
  const float q = r != 0.0f && (b < 0.0f) != (r < 0.0f) ? whole - 1.0f : whole;
  const float down = jt_floor_f32(q);
  const float near = q - down > 0.5f ? down + 1.0f : down;
  return b == 0.0f ? a / b : q == 0.0f ? jt_copysign_f32(0.0f, a / b) : near;
}
