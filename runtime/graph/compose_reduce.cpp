// Reductions as the user calls them, means and variances.
#include <algorithm>

#include "graph/compose_support.h"

namespace jtcy {
namespace {

/// Sums and products of bool and small integers give int64.
VarRef widened(ReduceKind kind, const VarRef& x) {
  if (kind != ReduceKind::kSum && kind != ReduceKind::kProd) return x;
  const bool small = !floating(x->dtype) && x->dtype != Dtype::kUint64;
  return small ? make_cast(x, Dtype::kInt64) : x;
}

bool is_index(ReduceKind kind) noexcept { return kind == ReduceKind::kArgMax || kind == ReduceKind::kArgMin; }

void check_not_empty(ReduceKind kind, const VarRef& x, uint32_t axes, const char* function) {
  if (kind == ReduceKind::kSum || kind == ReduceKind::kProd) return;
  JTCY_CHECK(count_of_axes(x->shape, axes) > 0, ErrorKind::kValue, function, ": of no elements is not defined",
             operand_lines({x}), "\n  help: reduce over dims with extent above 0");
}

}  // namespace

VarRef compose_reduce(ReduceKind kind, const VarRef& x, uint32_t axes, bool keepdims, const char* function) {
  const bool flat = is_index(kind) && (axes == 0 || x->shape.empty());
  if (flat) {
    const VarRef y = compose_reduce(kind, make_reshape(x, Shape{x->count()}, function), 1, false, function);
    return keepdims ? make_reshape(y, Shape(x->shape.size(), 1), function) : y;
  }
  axes = axes_or_all(x, axes);
  check_not_empty(kind, x, axes, function);
  const VarRef wide = widened(kind, x);
  VarRef y;
  if (half(x->dtype) && !is_index(kind)) {  // one rounding at the end, whatever the number of runs
    y = make_cast(make_reduce(make_cast(wide, Dtype::kFloat32), kind, axes, function), x->dtype);
  } else {
    y = make_reduce(wide, kind, axes, function);
  }
  return keepdims ? make_reshape(y, with_ones(x->shape, axes), function) : y;
}

VarRef compose_mean(const VarRef& x, uint32_t axes, bool keepdims) {
  axes = axes_or_all(x, axes);
  const VarRef wide = make_cast(x, compute_dtype(x->dtype));
  const VarRef mean = sum_over(wide, axes) / static_cast<double>(count_of_axes(x->shape, axes));
  const VarRef y = make_cast(mean, result_dtype(x->dtype));
  return keepdims ? make_reshape(y, with_ones(x->shape, axes), "mean") : y;
}

VarRef compose_variance(const VarRef& x, uint32_t axes, bool keepdims, double correction) {
  axes = axes_or_all(x, axes);
  const VarRef wide = make_cast(x, compute_dtype(x->dtype));
  const auto count = static_cast<double>(count_of_axes(x->shape, axes));
  const VarRef mean = sum_over(wide, axes) / count;
  const VarRef centred = wide - repeat_over(mean, x->shape, axes);
  const VarRef variance = sum_over(square(centred), axes) / std::max(0.0, count - correction);
  const VarRef y = make_cast(variance, result_dtype(x->dtype));
  return keepdims ? make_reshape(y, with_ones(x->shape, axes), "var") : y;
}

}  // namespace jtcy
