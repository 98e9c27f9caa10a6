// softmax, logsumexp and cross entropy, shifted by the maximum so that nothing overflows.
#include "graph/compose_support.h"
#include "graph/pick.h"
#include "graph/rewrite.h"

namespace jtcy {
namespace {

/// The maximum only shifts: whatever it is, the result is the same, so no gradient passes through it.
VarRef shift_of(const VarRef& x, uint32_t axes) {
  const NoGradScope no_grad;
  return make_reduce(x, ReduceKind::kMax, axes, "softmax");
}

/// An infinite shift would make inf - inf of it.
VarRef finite_shift_of(const VarRef& x, uint32_t axes) {
  const NoGradScope no_grad;
  const VarRef shift = shift_of(x, axes);
  return apply_where(apply(OpKind::kIsInf, shift), zeros_like(shift), shift);
}

VarRef logsumexp_of(const VarRef& x, uint32_t axes) {
  const VarRef shift = finite_shift_of(x, axes);
  return log(sum_over(exp(x - repeat_over(shift, x->shape, axes)), axes)) + shift;
}

struct CrossEntropy {
  VarRef logits;  // (N, C, ...), float32 or float64
  VarRef target;  // (N, ...), int64
  VarRef weight;  // (C) or null
  int class_axis = 1;
  int64_t ignore_index = -100;
  double label_smoothing = 0;

  VarRef ignored, safe_target, zero;

  void prepare() {
    const VarRef ignore = make_full_int(target->shape, Dtype::kInt64, ignore_index);
    ignored = equal(target, ignore);
    safe_target = apply_where(ignored, make_full_int(target->shape, Dtype::kInt64, 0), target);
    zero = constant(target->shape, logits->dtype, 0);
  }
  VarRef keep(const VarRef& x) const { return apply_where(ignored, zero, x); }
  uint32_t class_mask() const { return uint32_t{1} << class_axis; }
  /// What each element counts in a mean.
  VarRef importance() const {
    return keep(weight
                    ? make_pick(along_axis(weight, logits->shape, class_axis), safe_target, class_axis, "cross_entropy")
                    : constant(target->shape, logits->dtype, 1));
  }
  VarRef likelihood(const VarRef& normalizer, const VarRef& count) const {
    const VarRef loss = normalizer - make_pick(logits, safe_target, class_axis, "cross_entropy");
    return keep(weight ? loss * count : loss);
  }
  VarRef smooth(const VarRef& normalizer) const {
    VarRef loss = repeat_over(normalizer, logits->shape, class_mask()) - logits;
    if (weight) loss = loss * along_axis(weight, logits->shape, class_axis);
    return keep(sum_over(loss, class_mask()));
  }
  VarRef compute(int reduction) const {
    const VarRef normalizer = logsumexp_of(logits, class_mask());
    const VarRef count = importance();
    VarRef loss = likelihood(normalizer, count);
    if (label_smoothing > 0) {
      const auto classes = static_cast<double>(logits->shape[class_axis]);
      loss = loss * (1 - label_smoothing) + smooth(normalizer) * (label_smoothing / classes);
    }
    if (reduction == 0 || loss->shape.empty()) return reduction == 1 ? loss / count : loss;
    const uint32_t all = axes_or_all(loss, 0);
    const VarRef total = sum_over(loss, all);
    return reduction == 1 ? total / sum_over(count, all) : total;
  }
};

void check_cross_entropy(const VarRef& logits, const VarRef& target, const VarRef& weight, double label_smoothing) {
  const char* f = "cross_entropy";
  JTCY_CHECK(floating(logits->dtype), ErrorKind::kDtype, f, ": logits must be floating, got ",
             dtype_name(logits->dtype), operand_lines({logits, target}), "\n  help: convert with .float32()");
  JTCY_CHECK(is_integral(target->dtype), ErrorKind::kDtype, f, ": targets are class indices of an integer dtype, got ",
             dtype_name(target->dtype), operand_lines({logits, target}), "\n  help: convert with .int64()");
  JTCY_CHECK(!logits->shape.empty(), ErrorKind::kShape, f, ": logits need a dim of classes",
             operand_lines({logits, target}));
  Shape expected = logits->shape;
  expected.erase(logits->shape.size() == 1 ? 0 : 1);
  JTCY_CHECK(target->shape == expected, ErrorKind::kShape, f, ": targets must be ", shape_text(expected), ", got ",
             shape_text(target->shape), operand_lines({logits, target}),
             "\n  help: logits are (N, C, ...), targets (N, ...)");
  const Shape classes{logits->shape[logits->shape.size() == 1 ? 0 : 1]};
  JTCY_CHECK(!weight || weight->shape == classes, ErrorKind::kShape, f, ": weight must be ", shape_text(classes),
             ", got ", weight ? shape_text(weight->shape) : "");
  JTCY_CHECK(label_smoothing >= 0 && label_smoothing <= 1, ErrorKind::kValue, f,
             ": label_smoothing must be from 0 to 1, got ", label_smoothing);
}

}  // namespace

VarRef compose_softmax(const VarRef& x, int axis, bool logarithm) {
  const char* function = logarithm ? "log_softmax" : "softmax";
  if (x->shape.empty()) {
    checked_axis(axis, 1, function);
    const VarRef wide = make_reshape(x, Shape{1}, function);
    return make_reshape(compose_softmax(wide, 0, logarithm), Shape(), function);
  }
  const uint32_t axes = uint32_t{1} << checked_axis(axis, x->shape.size(), function);
  const VarRef wide = make_cast(x, compute_dtype(x->dtype));
  const VarRef centred = wide - repeat_over(shift_of(wide, axes), x->shape, axes);
  const VarRef e = exp(centred);
  const VarRef sum = sum_over(e, axes);
  // One division a row: a division an element costs as much as the exponential.
  const VarRef y = logarithm ? centred - repeat_over(log(sum), x->shape, axes)
                             : e * repeat_over(apply(OpKind::kReciprocal, sum), x->shape, axes);
  const VarRef result = make_cast(y, result_dtype(x->dtype));
  if (!logarithm && axes >> (x->shape.size() - 1) != 0) result->producer->function = kSoftmax;
  return result;
}

VarRef compose_logsumexp(const VarRef& x, uint32_t axes, bool keepdims) {
  axes = axes_or_all(x, axes);
  const VarRef wide = make_cast(x, compute_dtype(x->dtype));
  const VarRef y = make_cast(logsumexp_of(wide, axes), result_dtype(x->dtype));
  return keepdims ? make_reshape(y, with_ones(x->shape, axes), "logsumexp") : y;
}

VarRef compose_cross_entropy(const VarRef& logits, const VarRef& target, const VarRef& weight, int reduction,
                             int64_t ignore_index, double label_smoothing) {
  check_cross_entropy(logits, target, weight, label_smoothing);
  CrossEntropy c;
  const Dtype dtype = compute_dtype(logits->dtype);
  c.logits = make_cast(logits, dtype);
  c.target = make_cast(target, Dtype::kInt64);
  c.weight = weight ? make_cast(weight, dtype) : weight;
  c.class_axis = logits->shape.size() == 1 ? 0 : 1;
  c.ignore_index = ignore_index;
  c.label_smoothing = label_smoothing;
  c.prepare();
  return make_cast(c.compute(reduction), logits->dtype);
}

}  // namespace jtcy
