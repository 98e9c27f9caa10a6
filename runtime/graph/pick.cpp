// Writing, recognising and transposing a pick.
#include "graph/pick.h"

#include <utility>

#include "graph/arithmetic.h"
#include "graph/graph_state.h"
#include "graph/index_builder.h"

namespace jtcy {
namespace {

Attrs pick_attrs(const Var& x, std::size_t index_ndim, int axis) {
  Attrs attrs;
  IndexBuilder builder(&attrs, static_cast<int64_t>(x.shape.size()));
  for (int i = 0; i < static_cast<int>(x.shape.size()); ++i) {
    if (i != axis) {
      builder.begin(IndexMode::kFree).axis(i < axis ? i : i - 1);
      continue;
    }
    builder.begin(IndexMode::kChecked);
    for (std::size_t k = 0; k < index_ndim; ++k) builder.axis(static_cast<int64_t>(k));
    builder.put(IndexToken::kLoad, 1);
  }
  if (floating(x.dtype)) {
    attrs.add_float(0);
  } else {
    attrs.add_int(0);
  }
  return attrs;
}

}  // namespace

VarRef make_pick(const VarRef& x, const VarRef& index, int axis, const char* function) {
  Shape shape = x->shape;
  shape.erase(axis);
  JTCY_ASSERT(shape == index->shape, "pick: one index an element");
  return make_reindex({x, index}, pick_attrs(*x, index->shape.size(), axis), shape, function);
}

int read_pick(const Op& op) {
  if (op.inputs.size() != 2) return -1;
  const Var& x = *op.inputs[0];
  if (op.inputs[1]->shape.size() + 1 != x.shape.size()) return -1;
  for (int axis = 0; axis < static_cast<int>(x.shape.size()); ++axis) {
    Shape rest = x.shape;
    rest.erase(axis);
    if (rest != op.inputs[1]->shape) continue;
    if (pick_attrs(x, rest.size(), axis).structure == op.attrs.structure) return axis;
  }
  return -1;
}

VarRef pick_gradient(const VarRef& dy, const VarRef& index, const Shape& shape, int axis) {
  const VarRef place = make_iota(shape, index->dtype, axis, 0, 1);
  const VarRef hit = equal(place, repeat_axes(index, shape, axis, axis + 1));
  const VarRef wide = repeat_axes(dy, shape, axis, axis + 1);
  return apply_where(hit, wide, zeros_like(wide));
}

}  // namespace jtcy
