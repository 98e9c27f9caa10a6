// Exponential, logarithmic, error and circular functions of float32.
#pragma once
#include "exec/kernel_math_arithmetic.h"
#include "exec/kernel_math_base.h"
#include "exec/kernel_math_round.h"

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
/* 2^r, |r| <= 1 / 2 */
static inline float jt_exp2_fraction_f32(float r) {
  const float s = r * r;
  const float q = JT_FMA_F32(s, 1.53533532e-04f, JT_FMA_F32(r, 1.33988739e-03f, 9.61843785e-03f));
  const float rest = JT_FMA_F32(JT_FMA_F32(q, s, JT_FMA_F32(r, 5.55033237e-02f, 2.40226477e-01f)), s, 1.0f);
  return JT_FMA_F32(r, 6.93147182e-01f, rest);
}
static inline float jt_exp2_f32(float x) {
  const float c = x < -152.0f ? -152.0f : x;
  const float quotient = jt_least_bits_f32(c + JT_ROUND_F32, JT_ROUND_F32 + 128.0f);
  return jt_scale_f32(jt_exp2_fraction_f32(c - (quotient - JT_ROUND_F32)), jt_bits_f32(quotient));
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
  const float power = jt_exp2_fraction_f32((float)(t - (double)(quotient - JT_ROUND_F32)));
  const float scaled_power = jt_scale_f32(power, jt_bits_f32(quotient)), of_one = a == 1.0f ? 1.0f : scaled_power;
  const unsigned odd = (unsigned)(whole == y) & (unsigned)(jt_round_f32(half) != half);
  const float with_sign = jt_from_bits_f32(jt_bits_f32(of_one) ^ (jt_bits_f32(x) & odd << 31));
  const float real = ((x < 0.0f) & (a < inf) & (whole != y)) != 0 ? __builtin_nanf("") : with_sign;
  return y == 0.0f ? 1.0f : real;
}
