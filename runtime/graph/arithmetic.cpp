// Nodes of formulas.
#include "graph/arithmetic.h"

#include <utility>

#include "graph/graph_state.h"

namespace jtcy {
namespace {

Dtype result_dtype(OpKind kind, const VarRef& x) {
  return dtype_rule_of(kind) == DtypeRule::kBool ? Dtype::kBool : x->dtype;
}

}  // namespace

VarRef constant(const Shape& shape, Dtype dtype, double value) {
  if (!floating(dtype)) {
    VarRef out = make_full(shape, dtype, value);
    out->stop_grad = true;
    return out;
  }
  const Ref<Op> op = start_op(OpKind::kFull);  // what formulas are about has a size that was checked
  op->attrs.add_float(value);
  VarRef out = record(op, shape, dtype);
  out->stop_grad = true;
  return out;
}

VarRef apply(OpKind kind, const VarRef& x) {
  const Ref<Op> op = start_op(kind);
  op->inputs.push_back(x);
  return record(op, x->shape, result_dtype(kind, x));
}

VarRef apply(OpKind kind, const VarRef& a, const VarRef& b) {
  JTCY_ASSERT(a->shape == b->shape && a->dtype == b->dtype, op_name(kind), " of ", describe(*a), " and ", describe(*b));
  const Ref<Op> op = start_op(kind);
  op->inputs.push_back(a);
  op->inputs.push_back(b);
  return record(op, a->shape, result_dtype(kind, a));
}

VarRef apply_where(const VarRef& condition, const VarRef& a, const VarRef& b) {
  JTCY_ASSERT(condition->shape == a->shape && a->shape == b->shape && a->dtype == b->dtype, "where of ",
              describe(*condition), ", ", describe(*a), " and ", describe(*b));
  const Ref<Op> op = start_op(OpKind::kWhere);
  for (const VarRef* input : {&condition, &a, &b}) op->inputs.push_back(*input);
  return record(op, a->shape, a->dtype);
}

VarRef reduce_axes(const VarRef& x, ReduceKind kind, int first, int end) {
  uint32_t axes = 0;
  for (int axis = first; axis < end; ++axis) axes |= uint32_t{1} << axis;
  return make_reduce(x, kind, axes, "reduce");
}

VarRef repeat_axes(const VarRef& y, const Shape& shape, int first, int end) {
  SmallVector<int64_t, 6> axes;
  for (int axis = 0; axis < static_cast<int>(shape.size()); ++axis) {
    axes.push_back(axis < first ? axis : axis < end ? -1 : axis - (end - first));
  }
  return make_broadcast(y, shape, axes);
}

}  // namespace jtcy
