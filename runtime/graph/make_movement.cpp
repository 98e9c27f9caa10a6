// Makers of Broadcast, Transpose, Reshape and Slice: views where the input is realized, nodes where it is not.
#include <algorithm>
#include <utility>
#include <vector>

#include "graph/graph_state.h"

namespace jtcy {
namespace {

/// Strides under which x's memory reads as `shape` in row-major order, or false: axes are matched from the left in
/// groups of equal counts, and each group must lie in memory as one.
bool reshaped_strides(const Var& x, const Shape& shape, Strides* out) {
  if (x.contiguous() || x.count() == 0) {
    *out = contiguous_strides(shape);
    return true;
  }
  SmallVector<int64_t, 6> extents, strides;
  for (std::size_t axis = 0; axis < x.shape.size(); ++axis) {
    if (x.shape[axis] == 1) continue;
    extents.push_back(x.shape[axis]);
    strides.push_back(x.strides[axis]);
  }
  out->resize(shape.size(), 0);
  std::size_t from = 0, to = 0;
  while (from < extents.size()) {
    int64_t taken = extents[from], made = 1;
    const std::size_t first_to = to;
    std::size_t last = from;
    while (made != taken) {
      if (made < taken) {
        made *= shape[to++];
      } else {
        ++last;
        if (strides[last - 1] != extents[last] * strides[last]) return false;
        taken *= extents[last];
      }
    }
    int64_t stride = strides[last];
    for (std::size_t axis = to; axis-- > first_to;) {
      (*out)[axis] = stride;
      stride *= shape[axis];
    }
    from = last + 1;
  }
  return true;
}

/// Where the elements of a movement of `x` lie, or false: not in x's memory under any strides.
bool view_place(OpKind kind, const Var& x, const Attrs& attrs, const Shape& shape, int64_t* offset, Strides* strides) {
  *offset = x.offset;
  if (kind == OpKind::kReshape) return reshaped_strides(x, shape, strides);
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const int64_t value = attrs.structure[axis];
    if (kind == OpKind::kSlice) {
      if (element_count(shape) > 0) *offset += attrs.scalars[axis].i * x.strides[axis];
      strides->push_back(x.strides[axis] * value);
    } else {
      strides->push_back(value < 0 ? 0 : x.strides[value]);
    }
  }
  return true;
}

VarRef move(OpKind kind, const VarRef& x, Attrs attrs, const Shape& shape) {
  int64_t offset = 0;
  Strides strides;
  if (x->realized() && view_place(kind, *x, attrs, shape, &offset, &strides)) {
    return make_view(kind, x, std::move(attrs), shape, offset, strides);
  }
  const Ref<Op> op = start_op(kind);
  op->inputs.push_back(x);
  op->attrs = std::move(attrs);
  return record(op, shape, x->dtype);
}

bool is_view_kind(OpKind kind) noexcept {
  return kind == OpKind::kBroadcast || kind == OpKind::kTranspose || kind == OpKind::kReshape || kind == OpKind::kSlice;
}

/// What make_view() would have made.
void become_view(Op* op) {
  Var* const out = op->outputs[0];
  const Var& x = *op->inputs[0];
  int64_t offset = 0;
  Strides strides;
  if (out == nullptr || !x.realized() || !view_place(op->kind, x, op->attrs, out->shape, &offset, &strides)) return;
  const Ref<Op> alive(op);
  out->buffer = x.buffer;
  out->offset = offset;
  out->strides = strides;
  op->pending = false;
  unlink_pending(op);
  if (!op->differentiable) forget_producer(out);
}

Shape with_inferred_extent(const VarRef& x, const Shape& shape, const char* function) {
  Shape full = shape;
  int64_t known = 1;
  int64_t unknown = -1;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == -1) {
      JTCY_CHECK(unknown < 0, ErrorKind::kShape, function, ": only one extent may be -1, got ", shape_text(shape));
      unknown = static_cast<int64_t>(axis);
    } else {
      JTCY_CHECK(shape[axis] >= 0, ErrorKind::kShape, function, ": extents cannot be negative, got ", shape_text(shape),
                 "\n  help: -1 stands for one extent to be found");
      known *= shape[axis];
    }
  }
  const int64_t count = x->count();
  if (unknown >= 0) full[unknown] = known > 0 && count % known == 0 ? count / known : -1;
  const bool fits = unknown >= 0 ? full[unknown] >= 0 : known == count;
  JTCY_CHECK(fits, ErrorKind::kShape, function, ": ", count, " elements do not fit the shape ", shape_text(shape),
             operand_lines({x}), "\n  help: the product of the extents must be ", count);
  return full;
}

}  // namespace

VarRef make_broadcast(const VarRef& x, const Shape& shape, const SmallVector<int64_t, 6>& input_axes) {
  JTCY_ASSERT(shape.size() == input_axes.size(), "broadcast: one input axis an output axis");
  bool identity = shape.size() == x->shape.size();
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const int64_t from = input_axes[axis];
    identity = identity && (from == static_cast<int64_t>(axis) || (shape[axis] == 1 && x->shape[axis] == 1));
    JTCY_CHECK(from < 0 || (from < static_cast<int64_t>(x->shape.size()) && x->shape[from] == shape[axis]),
               ErrorKind::kShape, "broadcast: axis ", axis, " of ", shape_text(shape), " cannot come from axis ", from,
               " of ", describe(*x));
  }
  if (identity) return x;
  check_size("broadcast", shape, itemsize(x->dtype));
  Attrs attrs;
  attrs.structure.assign(input_axes.begin(), input_axes.end());
  return move(OpKind::kBroadcast, x, std::move(attrs), shape);
}

VarRef make_broadcast_to(const VarRef& x, const Shape& shape, const char* function) {
  const std::size_t from_ndim = x->shape.size();
  bool fits = from_ndim <= shape.size();
  SmallVector<int64_t, 6> axes;
  for (std::size_t axis = 0; fits && axis < shape.size(); ++axis) {
    const int64_t from = static_cast<int64_t>(axis + from_ndim) - static_cast<int64_t>(shape.size());
    fits = from < 0 || x->shape[from] == shape[axis] || x->shape[from] == 1;
    axes.push_back(fits && from >= 0 && x->shape[from] == shape[axis] ? from : -1);
  }
  JTCY_CHECK(fits, ErrorKind::kShape, function, ": ", shape_text(x->shape), " does not broadcast to ",
             shape_text(shape), operand_lines({x}),
             "\n  help: axes align at the right; each extent must be equal or 1");
  return make_broadcast(x, shape, axes);
}

VarRef make_transpose(const VarRef& x, const SmallVector<int64_t, 6>& perm) {
  const std::size_t ndim = x->shape.size();
  JTCY_CHECK(perm.size() == ndim, ErrorKind::kValue, "permute: ", perm.size(), " dims were given for a ", ndim,
             "-d var", operand_lines({x}), "\n  help: name each dim once");
  uint32_t seen = 0;
  bool identity = true;
  Shape shape;
  Attrs attrs;
  for (std::size_t axis = 0; axis < ndim; ++axis) {
    const int from = checked_axis(perm[axis], ndim, "permute");
    JTCY_CHECK((seen >> from & 1) == 0, ErrorKind::kValue, "permute: dim ", from, " stands twice in ", shape_text(perm),
               "\n  help: name each dim once");
    seen |= uint32_t{1} << from;
    identity = identity && from == static_cast<int>(axis);
    shape.push_back(x->shape[from]);
    attrs.structure.push_back(from);
  }
  if (identity) return x;
  return move(OpKind::kTranspose, x, std::move(attrs), shape);
}

VarRef make_reshape(const VarRef& x, const Shape& wanted, const char* function) {
  const Shape shape = with_inferred_extent(x, wanted, function);
  if (shape == x->shape) return x;
  JTCY_CHECK(shape.size() <= kMaxDims, ErrorKind::kValue, function, ": ", shape.size(), " dims are more than the ",
             kMaxDims, " that a var may have");
  return move(OpKind::kReshape, x, Attrs(), shape);
}

VarRef make_slice(const VarRef& x, const SmallVector<int64_t, 6>& start, const SmallVector<int64_t, 6>& step,
                  const Shape& shape) {
  const std::size_t ndim = x->shape.size();
  JTCY_ASSERT(start.size() == ndim && step.size() == ndim && shape.size() == ndim, "slice: one entry an axis");
  bool identity = true;
  Attrs attrs;
  for (std::size_t axis = 0; axis < ndim; ++axis) {
    const int64_t last = start[axis] + (shape[axis] - 1) * step[axis];
    JTCY_CHECK(shape[axis] == 0 || (std::min(start[axis], last) >= 0 && std::max(start[axis], last) < x->shape[axis]),
               ErrorKind::kIndex, "slice: [", start[axis], " : : ", step[axis], "] of length ", shape[axis],
               " leaves axis ", axis, " of extent ", x->shape[axis], operand_lines({x}));
    identity = identity && start[axis] == 0 && shape[axis] == x->shape[axis] && (step[axis] == 1 || shape[axis] <= 1);
    attrs.structure.push_back(shape[axis] <= 1 ? 1 : step[axis]);
    attrs.add_int(shape[axis] == 0 ? 0 : start[axis]);
  }
  return identity ? x : move(OpKind::kSlice, x, std::move(attrs), shape);
}

void make_views_behind(uint64_t id) {
  std::vector<Ref<Op>> movements;
  for (Op* op = g_graph.last_pending; op != nullptr && op->id > id; op = op->previous_pending) {
    if (is_view_kind(op->kind)) movements.emplace_back(op);
  }
  for (auto at = movements.rbegin(); at != movements.rend(); ++at) become_view(at->get());
}

}  // namespace jtcy
