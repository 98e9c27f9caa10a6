// matmul and linear: one contraction, whatever the ranks.
#include <algorithm>

#include "graph/compose_support.h"
#include "graph/contraction.h"
#include "graph/rewrite.h"

namespace jtcy {
namespace {

void check_inner(const VarRef& a, const VarRef& b) {
  const int64_t inner_a = a->shape.back();
  const int64_t inner_b = b->shape[b->shape.size() > 1 ? b->shape.size() - 2 : 0];
  if (inner_a == inner_b) return;
  const bool transposed = b->shape.size() > 1 && b->shape.back() == inner_a;
  throw_error(ErrorKind::kShape,
              str_cat("matmul: inner sizes differ, ", inner_a, " and ", inner_b, operand_lines({a, b}),
                      transposed ? "\n  help: b looks transposed; did you mean matmul(a, b.T)?"
                                 : "\n  help: the last dim of a must equal the second last of b"));
}

Shape batch_of(const VarRef& x) {
  const std::size_t own = x->shape.size() > 2 ? x->shape.size() - 2 : 0;
  return Shape(x->shape.begin(), x->shape.begin() + own);
}

Shape joined_batch(const VarRef& a, const VarRef& b) {
  const Shape left = batch_of(a), right = batch_of(b);
  Shape batch(std::max(left.size(), right.size()), 1);
  for (const Shape* own : {&left, &right}) {
    for (std::size_t i = 0; i < own->size(); ++i) {
      int64_t& extent = batch[batch.size() - own->size() + i];
      JTCY_CHECK(extent == (*own)[i] || extent == 1 || (*own)[i] == 1, ErrorKind::kShape,
                 "matmul: batch dims do not broadcast, ", shape_text(left), " and ", shape_text(right),
                 operand_lines({a, b}),
                 "\n  help: dims before the last two align at the right; extents must be equal or 1");
      if ((*own)[i] != 1) extent = (*own)[i];
    }
  }
  return batch;
}

/// x without the batch dims that repeat (extent 1 where the result's is not), and the dims that are left.
VarRef without_repeats(const VarRef& x, const Shape& batch, SmallVector<ContractionDim, 6>* dims) {
  const Shape own = batch_of(x);
  Shape shape;
  for (std::size_t i = 0; i < own.size(); ++i) {
    const std::size_t axis = batch.size() - own.size() + i;
    if (own[i] == 1 && batch[axis] != 1) continue;
    shape.push_back(own[i]);
    dims->push_back(ContractionDim{static_cast<int64_t>(axis)});
  }
  for (std::size_t i = own.size(); i < x->shape.size(); ++i) shape.push_back(x->shape[i]);
  return make_reshape(x, shape, "matmul");
}

}  // namespace

VarRef compose_matmul(const VarRef& a_given, const VarRef& b_given) {
  JTCY_CHECK(!a_given->shape.empty() && !b_given->shape.empty(), ErrorKind::kShape,
             "matmul: needs at least one dim each", operand_lines({a_given, b_given}),
             "\n  help: multiply scalars with *");
  check_inner(a_given, b_given);
  const char* kept = nullptr;
  if (VarRef y = rewrite_weighted(a_given, b_given, &kept)) return y;
  const Dtype dtype = promote(a_given->dtype, b_given->dtype);
  const Shape batch = joined_batch(a_given, b_given);
  const bool rows = a_given->shape.size() > 1;     // a has M
  const bool columns = b_given->shape.size() > 1;  // b has N
  ContractionMap map;
  map.out_ndim = static_cast<int64_t>(batch.size()) + rows + columns;
  map.summed = 1;
  const VarRef a = without_repeats(make_cast(a_given, dtype), batch, &map.a);
  const VarRef b = without_repeats(make_cast(b_given, dtype), batch, &map.b);
  Shape shape = batch;
  if (rows) {
    map.a.push_back(ContractionDim{static_cast<int64_t>(shape.size())});
    shape.push_back(a->shape[a->shape.size() - 2]);
  }
  map.a.push_back(ContractionDim{map.out_ndim});
  map.b.push_back(ContractionDim{map.out_ndim});
  if (columns) {
    map.b.push_back(ContractionDim{static_cast<int64_t>(shape.size())});
    shape.push_back(b->shape.back());
  }
  const VarRef y = compose_contraction(a, b, map.to_attrs(), shape, "matmul");
  if (kept != nullptr) note_kept(*y, kept);
  return y;
}

VarRef compose_linear(const VarRef& x_given, const VarRef& weight_given, const VarRef& bias) {
  const char* function = "linear";
  JTCY_CHECK(
      !x_given->shape.empty() && weight_given->shape.size() == 2 && x_given->shape.back() == weight_given->shape[1],
      ErrorKind::kShape, function, ": inner sizes differ, x is (..., in) and weight (out, in)",
      operand_lines({x_given, weight_given}), "\n  help: the last dim of x must equal the last of weight");
  const Dtype dtype = promote(x_given->dtype, weight_given->dtype);
  const VarRef x = make_cast(x_given, dtype), weight = make_cast(weight_given, dtype);
  ContractionMap map;
  map.out_ndim = static_cast<int64_t>(x->shape.size());
  map.summed = 1;
  for (int64_t axis = 0; axis + 1 < map.out_ndim; ++axis) map.a.push_back(ContractionDim{axis});
  map.a.push_back(ContractionDim{map.out_ndim});
  map.b.push_back(ContractionDim{map.out_ndim - 1});
  map.b.push_back(ContractionDim{map.out_ndim});
  Shape shape = x->shape;
  shape.back() = weight->shape[0];
  const VarRef y = compose_contraction(x, weight, map.to_attrs(), shape, function);
  if (!bias) return y;
  JTCY_CHECK(bias->shape.size() == 1 && bias->shape[0] == weight->shape[0], ErrorKind::kShape, function,
             ": bias must be [", weight->shape[0], "], got ", shape_text(bias->shape),
             operand_lines({x_given, weight_given, bias}));
  return y + make_broadcast_to(make_cast(bias, dtype), shape, function);
}

}  // namespace jtcy
