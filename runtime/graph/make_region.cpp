// Makers of Pad, Concat and Insert.
#include <algorithm>
#include <utility>

#include "graph/graph_state.h"

namespace jtcy {

VarRef make_pad(const VarRef& x, const SmallVector<int64_t, 6>& low, const Shape& shape, double value) {
  JTCY_ASSERT(low.size() == x->shape.size() && shape.size() == x->shape.size(), "pad: one entry an axis");
  if (shape == x->shape) return x;
  check_size("pad", shape, itemsize(x->dtype));
  Attrs attrs;
  for (std::size_t axis = 0; axis < low.size(); ++axis) {
    JTCY_CHECK(low[axis] >= 0 && low[axis] + x->shape[axis] <= shape[axis], ErrorKind::kValue, "pad: axis ", axis,
               " of extent ", x->shape[axis], " does not fit into ", shape[axis], " from ", low[axis],
               operand_lines({x}), "\n  help: padding cannot be negative");
    attrs.add_int(low[axis]);
  }
  if (floating(x->dtype)) {
    attrs.add_float(value);
  } else {
    attrs.add_int(static_cast<int64_t>(value));
  }
  return make_node(OpKind::kPad, {x}, std::move(attrs), shape, x->dtype);
}

VarRef make_concat(const SmallVector<VarRef, 2>& inputs, int axis_given, const char* function) {
  JTCY_CHECK(!inputs.empty(), ErrorKind::kValue, function, ": needs at least one var");
  const Var& first = *inputs[0];
  const int axis = checked_axis(axis_given, first.shape.size(), function);
  Shape shape = first.shape;
  shape[axis] = 0;
  for (const VarRef& input : inputs) {
    JTCY_CHECK(input->dtype == first.dtype, ErrorKind::kDtype, function, ": dtypes differ, ", dtype_name(first.dtype),
               " and ", dtype_name(input->dtype), operand_lines(inputs), "\n  help: convert with .astype(...)");
    bool fits = input->shape.size() == shape.size();
    for (std::size_t i = 0; fits && i < shape.size(); ++i) {
      fits = static_cast<int>(i) == axis || input->shape[i] == first.shape[i];
    }
    JTCY_CHECK(fits, ErrorKind::kShape, function, ": shapes differ outside dim ", axis, ", ", shape_text(first.shape),
               " and ", shape_text(input->shape), operand_lines(inputs));
    shape[axis] += input->shape[axis];
  }
  if (inputs.size() == 1) return inputs[0];
  check_size(function, shape, itemsize(first.dtype));
  Attrs attrs;
  attrs.structure.push_back(axis);
  return make_node(OpKind::kConcat, inputs, std::move(attrs), shape, first.dtype);
}

VarRef make_insert(const VarRef& x, const VarRef& v, const SmallVector<int64_t, 6>& start,
                   const SmallVector<int64_t, 6>& step) {
  const std::size_t ndim = x->shape.size();
  JTCY_ASSERT(start.size() == ndim && step.size() == ndim && v->shape.size() == ndim, "insert: one entry an axis");
  JTCY_CHECK(x->dtype == v->dtype, ErrorKind::kDtype, "setitem: dtypes differ, ", dtype_name(x->dtype), " and ",
             dtype_name(v->dtype), operand_lines({x, v}), "\n  help: convert with .astype(...)");
  Attrs attrs;
  for (std::size_t axis = 0; axis < ndim; ++axis) {
    const int64_t extent = v->shape[axis];
    const int64_t last = start[axis] + (extent - 1) * step[axis];
    JTCY_CHECK(extent == 0 || (step[axis] != 0 && std::min(start[axis], last) >= 0 &&
                               std::max(start[axis], last) < x->shape[axis]),
               ErrorKind::kIndex, "setitem: [", start[axis], " : : ", step[axis], "] of length ", extent,
               " leaves axis ", axis, " of extent ", x->shape[axis], operand_lines({x, v}));
    attrs.structure.push_back(extent <= 1 ? 1 : step[axis]);
    attrs.add_int(start[axis]);
  }
  return make_node(OpKind::kInsert, {x, v}, std::move(attrs), x->shape, x->dtype);
}

}  // namespace jtcy
