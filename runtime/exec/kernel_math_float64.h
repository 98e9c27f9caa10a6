// Exponential, logarithmic and error functions of float64, and pow.
#pragma once
#include "exec/kernel_math_arithmetic.h"
#include "exec/kernel_math_base.h"
#include "exec/kernel_math_round.h"

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
static inline double jt_exp2_f64(double x) {
  const double a = x > 1025.0 ? 1025.0 : x, c = a < -1076.0 ? -1076.0 : a;
  const double n = (c + JT_ROUND_F64) - JT_ROUND_F64, r = (c - n) * 0.6931471805599453;
  const double half = n * 0.5 + JT_ROUND_F64;
  const double other = (n - (half - JT_ROUND_F64)) + JT_ROUND_F64;
  return (1.0 + (r + jt_exp_rest_f64(r))) * jt_power_of_two_f64(half) * jt_power_of_two_f64(other);
}
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
