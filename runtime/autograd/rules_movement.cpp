// Gradients of sources and of the Movement family.
#include "autograd/vjp.h"

namespace jtcy {
namespace {

SmallVector<int64_t, 6> integers(const Attrs& attrs, std::size_t count) {
  SmallVector<int64_t, 6> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(attrs.scalars[i].i);
  return values;
}

SmallVector<int64_t, 6> steps_of(const Attrs& attrs) {
  return SmallVector<int64_t, 6>(attrs.structure.begin(), attrs.structure.end());
}

bool all_ones(const SmallVector<int64_t, 6>& steps) {
  for (const int64_t step : steps) {
    if (step != 1) return false;
  }
  return true;
}

}  // namespace

JTCY_VJP(Full) {}
JTCY_VJP(Iota) {}
JTCY_VJP(Random) {}

JTCY_VJP(Broadcast) {
  const auto& from = v.op.attrs.structure;
  uint32_t repeated = 0;
  SmallVector<int64_t, 6> kept;  // input axes in the order of the output
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    if (from[axis] < 0) {
      repeated |= uint32_t{1} << axis;
    } else {
      kept.push_back(from[axis]);
    }
  }
  const VarRef sum = make_reduce(v.dy, ReduceKind::kSum, repeated, "broadcast");
  SmallVector<int64_t, 6> perm;  // named input axes, ascending
  for (std::size_t axis = 0; axis < v.x()->shape.size(); ++axis) {
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (kept[i] == static_cast<int64_t>(axis)) perm.push_back(static_cast<int64_t>(i));
    }
  }
  v.give(0, make_reshape(make_transpose(sum, perm), v.x()->shape, "broadcast"));
}

JTCY_VJP(Transpose) {
  const auto& perm = v.op.attrs.structure;
  SmallVector<int64_t, 6> inverse(perm.size());
  for (std::size_t axis = 0; axis < perm.size(); ++axis) inverse[perm[axis]] = static_cast<int64_t>(axis);
  v.give(0, make_transpose(v.dy, inverse));
}

JTCY_VJP(Reshape) { v.give(0, make_reshape(v.dy, v.x()->shape, "reshape")); }

JTCY_VJP(Slice) {
  const auto start = integers(v.op.attrs, v.x()->shape.size());
  const auto step = steps_of(v.op.attrs);
  if (all_ones(step)) {
    v.give(0, SliceGradient{v.dy, start});
  } else {
    v.give(0, make_insert(zeros_like(v.x()), v.dy, start, step));
  }
}

JTCY_VJP(Pad) {
  const std::size_t ndim = v.x()->shape.size();
  v.give(0, make_slice(v.dy, integers(v.op.attrs, ndim), SmallVector<int64_t, 6>(ndim, 1), v.x()->shape));
}

JTCY_VJP(Concat) {
  const std::size_t ndim = v.dy->shape.size();
  const auto axis = static_cast<std::size_t>(v.op.attrs.structure[0]);
  SmallVector<int64_t, 6> start(ndim, 0);
  for (std::size_t i = 0; i < v.op.inputs.size(); ++i) {
    if (v.wants(i)) v.give(i, make_slice(v.dy, start, SmallVector<int64_t, 6>(ndim, 1), v.x(i)->shape));
    start[axis] += v.x(i)->shape[axis];
  }
}

JTCY_VJP(Insert) {
  const auto start = integers(v.op.attrs, v.x()->shape.size());
  const auto step = steps_of(v.op.attrs);
  if (v.wants(0)) v.give(0, make_insert(v.dy, zeros_like(v.x(1)), start, step));
  if (v.wants(1)) v.give(1, make_slice(v.dy, start, step, v.x(1)->shape));
}

}  // namespace jtcy
