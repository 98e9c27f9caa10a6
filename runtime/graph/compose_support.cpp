// Promotion, broadcasting and masks of axes.
#include "graph/compose_support.h"

#include <algorithm>

namespace jtcy {
namespace {

int category(Dtype dtype) noexcept { return dtype == Dtype::kBool ? 0 : floating(dtype) ? 2 : 1; }

}  // namespace

Dtype common_dtype(const VarRef& a, const VarRef& b) noexcept {
  if (a->dtype == b->dtype) return a->dtype;
  const bool a_scalar = a->shape.empty();
  if (a_scalar != b->shape.empty()) {
    const Dtype scalar = a_scalar ? a->dtype : b->dtype;
    const Dtype array = a_scalar ? b->dtype : a->dtype;
    if (category(array) >= category(scalar)) return array;
  }
  return promote(a->dtype, b->dtype);
}

Shape broadcast_shape(const VarRef& a, const VarRef& b, const char* function) {
  const std::size_t ndim = std::max(a->shape.size(), b->shape.size());
  Shape shape(ndim, 1);
  for (const VarRef* operand : {&a, &b}) {
    const Shape& own = (*operand)->shape;
    for (std::size_t i = 0; i < own.size(); ++i) {
      int64_t& extent = shape[ndim - own.size() + i];
      JTCY_CHECK(extent == own[i] || extent == 1 || own[i] == 1, ErrorKind::kShape, function,
                 ": shapes do not broadcast, ", shape_text(a->shape), " and ", shape_text(b->shape),
                 operand_lines({a, b}), "\n  help: axes align at the right; extents must be equal or 1");
      if (own[i] != 1) extent = own[i];
    }
  }
  return shape;
}

uint32_t axes_or_all(const VarRef& x, uint32_t axes) noexcept {
  return axes != 0 ? axes : (uint32_t{1} << x->shape.size()) - 1;
}

Shape with_ones(const Shape& shape, uint32_t axes) {
  Shape out = shape;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if ((axes >> axis & 1) != 0) out[axis] = 1;
  }
  return out;
}

int64_t count_of_axes(const Shape& shape, uint32_t axes) noexcept {
  int64_t count = 1;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if ((axes >> axis & 1) != 0) count *= shape[axis];
  }
  return count;
}

VarRef repeat_over(const VarRef& y, const Shape& shape, uint32_t axes) {
  SmallVector<int64_t, 6> from;
  int64_t next = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) from.push_back((axes >> axis & 1) != 0 ? -1 : next++);
  return make_broadcast(y, shape, from);
}

VarRef along_axis(const VarRef& y, const Shape& shape, int axis) {
  SmallVector<int64_t, 6> from(shape.size(), -1);
  from[axis] = 0;
  return make_broadcast(y, shape, from);
}

const char* reduce_name(ReduceKind kind) noexcept {
  constexpr const char* kNames[] = {"sum", "prod", "max", "min", "argmax", "argmin"};
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace jtcy
