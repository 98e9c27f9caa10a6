// Gradients of Scan: scans in the other direction.
#include "autograd/vjp.h"

namespace jtcy {
namespace {

/// All but one element along an axis, from `start` on.
VarRef all_but_one(const VarRef& x, int axis, int64_t start) {
  Shape shape = x->shape;
  --shape[axis];
  SmallVector<int64_t, 6> starts, steps;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    starts.push_back(static_cast<int>(i) == axis ? start : 0);
    steps.push_back(1);
  }
  return make_slice(x, starts, steps, shape);
}

/// One element more in front.
VarRef behind(const VarRef& x, int axis, const Shape& shape, double first) {
  SmallVector<int64_t, 6> low;
  for (std::size_t i = 0; i < shape.size(); ++i) low.push_back(static_cast<int>(i) == axis ? 1 : 0);
  return make_pad(x, low, shape, first);
}

}  // namespace

// A product's cotangents are a recurrence that multiplies by the elements behind; no division, so that zeros do no
// harm: with s[i] = dy[i] + x[i + 1] s[i + 1], dx[i] = s[i] y[i - 1]. Gradients of gradients go through recurrences
// again.
JTCY_VJP(Scan) {
  const auto kind = static_cast<ScanKind>(v.op.attrs.structure[0]);
  const int axis = static_cast<int>(v.op.attrs.structure[1]);
  const bool reverse = v.op.attrs.structure[2] != 0;
  const Shape& shape = v.x()->shape;
  if (shape[axis] == 0) return v.give(0, v.dy);
  switch (kind) {
    case ScanKind::kSum:
      return v.give(0, make_scan(v.dy, VarRef(), kind, axis, !reverse, "cumsum"));
    case ScanKind::kProd: {
      const VarRef s = make_scan(v.dy, v.x(), ScanKind::kLinear, axis, true, "cumprod");
      return v.give(0, s * behind(all_but_one(v.y, axis, 0), axis, shape, 1));
    }
    case ScanKind::kLinear: {
      const VarRef s = make_scan(v.dy, v.x(1), kind, axis, !reverse, "cumprod");
      if (v.wants(0)) v.give(0, s);
      if (!v.wants(1)) return;
      const VarRef products = all_but_one(s, axis, reverse ? 0 : 1) * all_but_one(v.y, axis, reverse ? 1 : 0);
      return v.give(1, behind(products, axis, shape, 0));
    }
  }
}

}  // namespace jtcy
