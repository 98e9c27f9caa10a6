// What every function of kernel_math.h may use: types, fused multiply-add, the bits of a float.
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
