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
