// Circular functions of float64 and their inverses.
#pragma once
#include "exec/kernel_math_arithmetic.h"
#include "exec/kernel_math_base.h"
#include "exec/kernel_math_float64.h"

/* sin, cos, tan of float64 */
/* the upper half of a product of 64 bits */
static inline unsigned long long jt_product_high_u64(unsigned long long a, unsigned long long b) {
  const unsigned long long al = a & 0xffffffffull, ah = a >> 32, bl = b & 0xffffffffull, bh = b >> 32;
  const unsigned long long lh = al * bh, hl = ah * bl;
  const unsigned long long middle = (al * bl >> 32) + (lh & 0xffffffffull) + (hl & 0xffffffffull);
  return ah * bh + (lh >> 32) + (hl >> 32) + (middle >> 32);
}
/* a number below 2^32 as a double, by its bits: conversions of other widths keep loops from becoming vectors */
static inline double jt_double_of_u32(unsigned long long x) {
  return jt_from_bits_f64(x | 0x4330000000000000ull) - 4503599627370496.0;
}
/* x above 2^20 or so: x 2 / pi modulo 4 with 192 bits of 2 / pi. No branch: both ways are computed, one is chosen */
static inline double jt_reduce_far_f64(double x, double* low, long long* quadrant) {
  static const unsigned long long words[21] = {0ull,
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
  const long long found = (long long)(bits >> 52 & 2047) - 1013;
  const long long at = found < 0 ? 0 : found, word = at >> 6, shift = at & 63, back = (64 - shift) & 63;
  const unsigned long long keep = shift == 0 ? 0ull : ~0ull;
  const unsigned long long w0 = words[word] << shift | ((words[word + 1] >> back) & keep);
  const unsigned long long w1 = words[word + 1] << shift | ((words[word + 2] >> back) & keep);
  const unsigned long long w2 = words[word + 2] << shift | ((words[word + 3] >> back) & keep);
  const unsigned long long last = fraction * w2, carried = jt_product_high_u64(fraction, w2);
  const unsigned long long middle = fraction * w1 + carried;
  const unsigned long long above = jt_product_high_u64(fraction, w1) + (middle < carried ? 1ull : 0ull);
  const unsigned long long high = fraction * w0 + above;
  const long long turn = (long long)(high << 2 | middle >> 62); /* what is left of a quarter turn, signed, 2^-64 */
  const unsigned long long rest = middle << 2 | last >> 62;
  const unsigned long long upper = ((unsigned long long)turn >> 32) ^ 0x80000000ull; /* 2^31 more than its number */
  const double t0 = (jt_double_of_u32(upper) - 2147483648.0) * 2.3283064365386963e-10;
  const double t1 = jt_double_of_u32((unsigned long long)turn & 0xffffffffull) * 5.421010862427522e-20;
  const double t2 = jt_double_of_u32(rest >> 32) * 1.262177448353619e-29;
  const double a = t0 + t1, al = (t1 - (a - t0)) + t2;
  const double b = a + al, bl = al - (b - a);
  const double r = b * 1.5707963267948966;
  const double rl =
      jt_product_rest_f64(b, 1.5707963267948966, r) + (b * 6.123233995736766e-17 + bl * 1.5707963267948966);
  const long long whole = (long long)(high >> 62) + (turn < 0 ? 1 : 0);
  const unsigned char negative = (bits >> 63) != 0;
  *quadrant = negative ? -whole : whole;
  *low = negative ? -rl : rl;
  return negative ? -r : r;
}
/* x - n pi / 2 = result + low; n modulo 4 in quadrant */
static inline double jt_reduce_f64(double x, double* low, long long* quadrant) {
  const double rounded = x * 0.6366197723675814 + JT_ROUND_F64, n = rounded - JT_ROUND_F64;
  const double a = x - n * 1.5707963267341256; /* the three parts of pi / 2 have 33 bits: exact for |n| < 2^20 */
  const double p1 = n * 6.077100506303966e-11, p2 = n * 2.0222662487111665e-21, p3 = n * 8.4784276603689e-32;
  const double b = a - p1, t = b - a, bl = (a - (b - t)) - (p1 + t);
  const double c = b - p2, v = c - b, cl = (b - (c - v)) - (p2 + v);
  const double rest = (bl + cl) - p3;
  const double r = c + rest;
  double far_low;
  long long far_quadrant;
  const double far = jt_reduce_far_f64(x, &far_low, &far_quadrant);
  const unsigned char is_far = (jt_abs_f64(x) > 1e6) & (jt_abs_f64(x) < __builtin_inf());
  *low = is_far ? far_low : rest - (r - c);
  *quadrant = is_far ? far_quadrant : (long long)jt_bits_f64(rounded);
  return is_far ? far : r;
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
  long long quadrant;
  const double r = jt_reduce_f64(x, &low, &quadrant);
  const double s = jt_sin_near_f64(r, low), c = jt_cos_near_f64(r, low);
  const double y = (quadrant & 1) != 0 ? c : s;
  return jt_abs_f64(x) < 1e-9 ? x : (quadrant & 2) != 0 ? -y : y;
}
static inline double jt_cos_f64(double x) {
  double low;
  long long quadrant;
  const double r = jt_reduce_f64(x, &low, &quadrant);
  const double s = jt_sin_near_f64(r, low), c = jt_cos_near_f64(r, low);
  const double y = (quadrant & 1) != 0 ? s : c;
  return ((quadrant + 1) & 2) != 0 ? -y : y;
}
static inline double jt_tan_f64(double x) {
  double low;
  long long quadrant;
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
