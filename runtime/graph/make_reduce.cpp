// Maker of Reduce: one node a contiguous run of axes, innermost first.
#include <utility>

#include "graph/graph_state.h"
#include "graph/rewrite.h"

namespace jtcy {
namespace {

VarRef reduce_run(const VarRef& x, ReduceKind kind, int first, int end) {
  const int ndim = static_cast<int>(x->shape.size());
  Shape shape;
  for (int axis = 0; axis < first; ++axis) shape.push_back(x->shape[axis]);
  for (int axis = end; axis < ndim; ++axis) shape.push_back(x->shape[axis]);
  const bool index = kind == ReduceKind::kArgMax || kind == ReduceKind::kArgMin;
  const Ref<Op> op = start_op(OpKind::kReduce);
  op->inputs.push_back(x);
  for (const int value : {static_cast<int>(kind), first, end}) op->attrs.structure.push_back(value);
  return record(op, shape, index ? Dtype::kInt64 : x->dtype);
}

}  // namespace

VarRef make_reduce(const VarRef& x, ReduceKind kind, uint32_t axes, const char* function) {
  const int ndim = static_cast<int>(x->shape.size());
  JTCY_CHECK(ndim >= 32 || axes >> ndim == 0, ErrorKind::kIndex, function, ": a dim is out of range for a ", ndim,
             "-d var", operand_lines({x}));
  const bool index = kind == ReduceKind::kArgMax || kind == ReduceKind::kArgMin;
  const char* kept = nullptr;
  if (kind == ReduceKind::kSum) {
    if (VarRef y = rewrite_sum(x, axes, &kept)) return y;
  }
  VarRef y = x;
  int runs = 0;
  for (int end = ndim; end > 0;) {
    int first = end - 1;
    if ((axes >> first & 1) != 0) {
      while (first > 0 && (axes >> (first - 1) & 1) != 0) --first;
      JTCY_CHECK(!index || ++runs == 1, ErrorKind::kValue, function, ": dims must be adjacent", operand_lines({x}),
                 "\n  help: permute them together and reshape first");
      y = reduce_run(y, kind, first, end);
    }
    end = first;
  }
  JTCY_ASSERT(!index || axes != 0, "an index reduction needs an axis");
  if (kept != nullptr && axes != 0) note_kept(*y, kept);
  return y;
}

}  // namespace jtcy
