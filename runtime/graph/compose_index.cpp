// Embedding and take: rows by an index Var.
#include <utility>

#include "graph/compose_support.h"
#include "graph/index_builder.h"

namespace jtcy {
namespace {

/// Pushes the element of input 1 at the axes [first, first + ndim).
void load_index(IndexBuilder* builder, std::size_t first, std::size_t ndim) {
  for (std::size_t k = 0; k < ndim; ++k) builder->axis(static_cast<int64_t>(first + k));
  builder->put(IndexToken::kLoad, 1);
}

void check_index(const VarRef& x, const VarRef& index, const char* function) {
  JTCY_CHECK(is_integral(index->dtype), ErrorKind::kIndex, function, ": the index must have an integer dtype, got ",
             dtype_name(index->dtype), operand_lines({x, index}), "\n  help: convert with .int64()");
}

/// Rows along `axis`; the index's axes stand where the axis was.
VarRef take_rows(const VarRef& x, const VarRef& index, int axis, bool wrap, const char* function) {
  const std::size_t index_ndim = index->shape.size();
  Shape shape;
  Attrs attrs;
  IndexBuilder builder(&attrs, static_cast<int64_t>(x->shape.size()));
  for (int i = 0; i < static_cast<int>(x->shape.size()); ++i) {
    if (i != axis) {
      builder.begin(IndexMode::kFree).axis(static_cast<int64_t>(shape.size()));
      shape.push_back(x->shape[i]);
      continue;
    }
    const std::size_t first = shape.size();
    builder.begin(IndexMode::kChecked);
    load_index(&builder, first, index_ndim);
    if (wrap) {  // index < 0 ? index + extent : index
      builder.put(IndexToken::kConst, 0).put(IndexToken::kLt);
      load_index(&builder, first, index_ndim);
      builder.put(IndexToken::kExtent, axis).put(IndexToken::kAdd);
      load_index(&builder, first, index_ndim);
      builder.put(IndexToken::kSelect);
    }
    for (const int64_t extent : index->shape) shape.push_back(extent);
  }
  if (floating(x->dtype)) {
    attrs.add_float(0);
  } else {
    attrs.add_int(0);
  }
  return make_reindex({x, index}, std::move(attrs), shape, function);
}

}  // namespace

VarRef compose_embedding(const VarRef& weight, const VarRef& index) {
  check_index(weight, index, "embedding");
  JTCY_CHECK(!weight->shape.empty(), ErrorKind::kShape, "embedding: weight needs rows", operand_lines({weight, index}));
  return take_rows(weight, index, 0, false, "embedding");
}

VarRef compose_take(const VarRef& x, const VarRef& index, int axis, const char* function) {
  check_index(x, index, function);
  return take_rows(x, index, checked_axis(axis, x->shape.size(), function), kind_of(index->dtype) == DtypeKind::kSigned,
                   function);
}

}  // namespace jtcy
