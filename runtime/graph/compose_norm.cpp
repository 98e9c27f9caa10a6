// Layer and batch normalisation.
#include "graph/compose_support.h"

namespace jtcy {
namespace {

void check_floating(const VarRef& x, const char* function) {
  JTCY_CHECK(floating(x->dtype), ErrorKind::kDtype, function, ": needs a floating dtype, got ", dtype_name(x->dtype),
             operand_lines({x}), "\n  help: convert with .float32()");
}

/// `name` is what the user calls the parameter.
void check_parameter(const VarRef& parameter, const Shape& shape, const char* name, const char* function) {
  if (!parameter) return;
  JTCY_CHECK(parameter->shape == shape, ErrorKind::kShape, function, ": ", name, " must be ", shape_text(shape),
             ", got ", shape_text(parameter->shape), operand_lines({parameter}));
}

}  // namespace

VarRef compose_layer_norm(const VarRef& x, int normalized_dims, const VarRef& weight, const VarRef& bias, double eps) {
  const int ndim = static_cast<int>(x->shape.size());
  check_floating(x, "layer_norm");
  JTCY_CHECK(normalized_dims >= 1 && normalized_dims <= ndim, ErrorKind::kShape, "layer_norm: cannot normalise ",
             normalized_dims, " dims of a ", ndim, "-d var", operand_lines({x}));
  const int first = ndim - normalized_dims;
  const Shape tail(x->shape.begin() + first, x->shape.end());
  check_parameter(weight, tail, "weight", "layer_norm");
  check_parameter(bias, tail, "bias", "layer_norm");
  const Dtype dtype = compute_dtype(x->dtype);
  const VarRef wide = make_cast(x, dtype);
  const VarRef sum = reduce_axes(wide, ReduceKind::kSum, first, ndim);
  const VarRef count = constant_like(sum, static_cast<double>(element_count(tail)));
  const VarRef centred = wide - repeat_axes(sum / count, x->shape, first, ndim);
  const VarRef variance = reduce_axes(square(centred), ReduceKind::kSum, first, ndim) / count;
  VarRef y = centred * repeat_axes(rsqrt(variance + eps), x->shape, first, ndim);
  if (weight) y = y * make_broadcast_to(make_cast(weight, dtype), x->shape, "layer_norm");
  if (bias) y = y + make_broadcast_to(make_cast(bias, dtype), x->shape, "layer_norm");
  return make_cast(y, x->dtype);
}

VarRef compose_batch_norm(const VarRef& x, const VarRef& mean, const VarRef& variance, const VarRef& weight,
                          const VarRef& bias, double eps, bool training, VarRef* batch_mean, VarRef* batch_variance) {
  const char* function = "batch_norm";
  check_floating(x, function);
  JTCY_CHECK(x->shape.size() >= 2, ErrorKind::kShape, function, ": needs (N, C, ...), got ", shape_text(x->shape),
             operand_lines({x}));
  const Shape channels{x->shape[1]};
  check_parameter(weight, channels, "weight", function);
  check_parameter(bias, channels, "bias", function);
  const Dtype dtype = compute_dtype(x->dtype);
  const uint32_t axes = ((uint32_t{1} << x->shape.size()) - 1) & ~uint32_t{2};
  const VarRef wide = make_cast(x, dtype);
  VarRef centred, spread;
  if (training) {
    const int64_t count = count_of_axes(x->shape, axes);
    JTCY_CHECK(count > 0, ErrorKind::kShape, function, ": an empty batch has no statistics", operand_lines({x}));
    *batch_mean = sum_over(wide, axes) / static_cast<double>(count);
    centred = wide - along_axis(*batch_mean, x->shape, 1);
    spread = *batch_variance = sum_over(square(centred), axes) / static_cast<double>(count);
  } else {
    check_parameter(mean, channels, "running_mean", function);
    check_parameter(variance, channels, "running_var", function);
    centred = wide - along_axis(make_cast(mean, dtype), x->shape, 1);
    spread = make_cast(variance, dtype);
  }
  VarRef scale = rsqrt(spread + eps);
  if (weight) scale = scale * make_cast(weight, dtype);
  VarRef y = centred * along_axis(scale, x->shape, 1);
  if (bias) y = y + along_axis(make_cast(bias, dtype), x->shape, 1);
  return make_cast(y, x->dtype);
}

}  // namespace jtcy
