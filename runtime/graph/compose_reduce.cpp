// Reductions as the user calls them, means and variances.
#include <algorithm>
#include <bit>

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

bool is_one_run(uint32_t axes) noexcept {
  const uint32_t from_first = axes >> std::countr_zero(axes | 1u << 31);
  return (from_first & (from_first + 1)) == 0;
}

/// Extremes over axes that stand apart are one Reduce over axes put together: a chain of Reduces would share a gradient
/// among the ties of each run, not among all of them. An extreme's bits do not depend on the order.
VarRef reduce_extreme(ReduceKind kind, const VarRef& x, uint32_t axes, const char* function) {
  if (is_one_run(axes) || !records_gradient({x}, x->dtype)) return make_reduce(x, kind, axes, function);
  SmallVector<int64_t, 6> perm;
  const int ndim = static_cast<int>(x->shape.size());
  for (const uint32_t wanted : {0u, 1u}) {
    for (int axis = 0; axis < ndim; ++axis) {
      if ((axes >> axis & 1) == wanted) perm.push_back(axis);
    }
  }
  const int kept = ndim - std::popcount(axes);
  return reduce_axes(make_transpose(x, perm), kind, kept, ndim);
}

VarRef reduce_once(ReduceKind kind, const VarRef& x, uint32_t axes, const char* function) {
  const bool extreme = kind == ReduceKind::kMax || kind == ReduceKind::kMin;
  return extreme ? reduce_extreme(kind, x, axes, function) : make_reduce(x, kind, axes, function);
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
    y = make_cast(reduce_once(kind, make_cast(wide, Dtype::kFloat32), axes, function), x->dtype);
  } else {
    y = reduce_once(kind, wide, axes, function);
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
