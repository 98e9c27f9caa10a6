// Maker of Scan: running sums, products and linear recurrences along an axis.
#include "graph/graph_state.h"

namespace jtcy {

VarRef make_scan(const VarRef& x, const VarRef& factor, ScanKind kind, int64_t axis, bool reverse,
                 const char* function) {
  const int place = checked_axis(axis, x->shape.size(), function);
  JTCY_ASSERT(floating(x->dtype) || (x->dtype == Dtype::kInt64 && !factor), function, ": no scan of ",
              dtype_name(x->dtype));
  JTCY_ASSERT((kind == ScanKind::kLinear) == static_cast<bool>(factor), function, ": a factor and its kind");
  JTCY_ASSERT(kind != ScanKind::kProd || !reverse, function, ": products have no reverse");
  const Ref<Op> op = start_op(OpKind::kScan);
  op->inputs.push_back(x);
  if (factor) op->inputs.push_back(factor);
  op->attrs.structure = {static_cast<int64_t>(kind), place, reverse};
  return record(op, x->shape, x->dtype);
}

}  // namespace jtcy
