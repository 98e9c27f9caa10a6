// Binary, unary and ternary operators as the user calls them: promotion, broadcasting, scalars; relu, gelu, dropout.
#include <cmath>
#include <numbers>
#include <utility>

#include "graph/compose_support.h"
#include "graph/rewrite.h"

namespace jtcy {
namespace {

bool float_only(OpKind kind) noexcept { return (properties_of(kind) & kFloatOnly) != 0; }

/// Without the copies that a list in braces makes.
SmallVector<VarRef, 2> pair_of(VarRef a, VarRef b) {
  SmallVector<VarRef, 2> pair;
  pair.push_back(std::move(a));
  pair.push_back(std::move(b));
  return pair;
}

VarRef cast_and_spread(const VarRef& x, Dtype dtype, const Shape& shape, const char* function) {
  if (x->dtype == dtype && x->shape == shape) return x;
  return make_broadcast_to(make_cast(x, dtype), shape, function);
}

/// x^n by multiplications; n in 0 .. 4.
VarRef small_power(const VarRef& x, int64_t n) {
  if (n == 0) return constant_like(x, 1);
  if (n == 1) return x;
  const VarRef x2 = x * x;
  if (n == 2) return x2;
  return n == 3 ? x2 * x : x2 * x2;
}

/// The exponent if it is one of 0 .. 4.
int64_t small_exponent(bool is_float, double f, int64_t i) noexcept {
  if (!is_float) return i >= 0 && i <= 4 ? i : -1;
  return f >= 0 && f <= 4 && f == std::floor(f) ? static_cast<int64_t>(f) : -1;
}

Dtype scalar_dtype(const VarRef& x, bool is_float) noexcept {
  if (is_float) return result_dtype(x->dtype);
  return x->dtype == Dtype::kBool ? Dtype::kInt64 : x->dtype;
}

}  // namespace

VarRef compose_binary(OpKind kind, const VarRef& a, const VarRef& b, const char* function) {
  const bool to_float = float_only(kind);
  if (a->dtype == b->dtype && a->shape == b->shape && (!to_float || floating(a->dtype))) {
    return make_elementwise(kind, pair_of(a, b), function);
  }
  Dtype dtype = common_dtype(a, b);
  if (to_float) dtype = result_dtype(dtype);
  const Shape shape = broadcast_shape(a, b, function);
  return make_elementwise(
      kind, pair_of(cast_and_spread(a, dtype, shape, function), cast_and_spread(b, dtype, shape, function)), function);
}

VarRef compose_binary_scalar(OpKind kind, const VarRef& a, bool scalar_first, bool is_float, double f, int64_t i,
                             const char* function) {
  Dtype dtype = scalar_dtype(a, is_float);
  if (float_only(kind)) dtype = result_dtype(dtype);
  const VarRef x = make_cast(a, dtype);
  if (kind == OpKind::kPow && !scalar_first) {
    const int64_t n = small_exponent(is_float, f, i);
    if (n >= 0) return small_power(x, n);
    JTCY_CHECK(is_float || i >= 0 || floating(dtype), ErrorKind::kValue, function,
               ": an integer to the negative power ", i, " is not an integer", operand_lines({a}),
               "\n  help: convert with .float32()");
  }
  VarRef scalar = is_float ? make_full(x->shape, dtype, f) : make_full_int(x->shape, dtype, i);
  scalar->stop_grad = true;
  const VarRef y = make_elementwise(kind, scalar_first ? pair_of(scalar, x) : pair_of(x, scalar), function);
  y->producer->function = kWithNumber;
  return y;
}

VarRef compose_unary(OpKind kind, const VarRef& x, const char* function) {
  const bool is_float = floating(x->dtype);
  if (!is_float &&
      (kind == OpKind::kFloor || kind == OpKind::kCeil || kind == OpKind::kRound || kind == OpKind::kTrunc)) {
    return x;
  }
  if (!is_float && (kind == OpKind::kIsNan || kind == OpKind::kIsInf)) return constant(x->shape, Dtype::kBool, 0);
  if (x->dtype == Dtype::kBool && (kind == OpKind::kSign || kind == OpKind::kAbs)) return x;
  if (float_only(kind)) return make_elementwise(kind, {make_cast(x, result_dtype(x->dtype))}, function);
  return make_elementwise(kind, {x}, function);
}

VarRef compose_where(const VarRef& condition, const VarRef& a, const VarRef& b) {
  const char* function = "where";
  const Dtype dtype = common_dtype(a, b);
  const VarRef flag = make_cast(condition, Dtype::kBool);
  Shape shape = broadcast_shape(a, b, function);
  const VarRef wide = make_broadcast_to(make_cast(a, dtype), shape, function);
  shape = broadcast_shape(flag, wide, function);
  return make_elementwise(OpKind::kWhere,
                          {make_broadcast_to(flag, shape, function), make_broadcast_to(wide, shape, function),
                           cast_and_spread(b, dtype, shape, function)},
                          function);
}

VarRef compose_relu(const VarRef& x) {
  const VarRef zero = zeros_like(x);
  return apply_where(x <= zero, zero, x);  // a NaN stays one; the gradient at 0 is 0
}

VarRef compose_gelu(const VarRef& x_given, bool tanh_form) {
  const VarRef x = make_cast(x_given, compute_dtype(x_given->dtype));
  VarRef weight;
  if (tanh_form) {
    const double scale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
    weight = tanh((x + x * x * x * 0.044715) * scale);
  } else {
    weight = erf(x * (1 / std::numbers::sqrt2));
  }
  return make_cast(x * 0.5 * (weight + 1.0), result_dtype(x_given->dtype));
}

VarRef compose_dropout(const VarRef& x, double p, int64_t seed, int64_t counter) {
  JTCY_CHECK(p >= 0 && p <= 1, ErrorKind::kValue, "dropout: p must be from 0 to 1, got ", p);
  JTCY_CHECK(floating(x->dtype), ErrorKind::kDtype, "dropout: needs a floating dtype, got ", dtype_name(x->dtype),
             operand_lines({x}), "\n  help: convert with .float32()");
  VarRef drawn = make_random(x->shape, Dtype::kFloat32, seed, counter);
  drawn->stop_grad = true;
  const double scale = p < 1 ? 1 / (1 - p) : 0;
  return apply_where(drawn < p, zeros_like(x), x * scale);
}

}  // namespace jtcy
