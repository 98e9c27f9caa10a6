// ContractionMap to and from Attrs, and the maker of Contraction.
#include "graph/contraction.h"

#include <utility>

#include "graph/graph_state.h"

namespace jtcy {
namespace {

constexpr std::size_t kHeader = 4;
constexpr std::size_t kPerDim = 5;

// In the structure: axis2 of a dim that is an axis of its own, of which no index is outside.
constexpr int64_t kAlone = -2;

ContractionDim read_dim(const Attrs& attrs, std::size_t number) {
  const int64_t* s = attrs.structure.data() + kHeader + number * kPerDim;
  return ContractionDim{s[0], s[1], s[2] == kAlone ? -1 : s[2], s[3], s[4], attrs.scalars[number].i};
}

void write_dim(const ContractionDim& dim, Attrs* attrs) {
  const int64_t axis2 = dim.plain() && dim.offset == 0 ? kAlone : dim.axis2;
  for (const int64_t value : {dim.axis1, dim.coef1, axis2, dim.coef2, dim.divisor}) attrs->structure.push_back(value);
  attrs->add_int(dim.offset);
}

/// Extents of all iteration axes; -1 where no dim tells.
SmallVector<int64_t, 8> extents_of(const ContractionMap& map, const Var& a, const Var& b, const Shape& shape) {
  SmallVector<int64_t, 8> extents(static_cast<std::size_t>(map.out_ndim + map.summed), -1);
  for (std::size_t axis = 0; axis < shape.size(); ++axis) extents[axis] = shape[axis];
  const auto read = [&](const SmallVector<ContractionDim, 6>& dims, const Var& operand) {
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (!dims[i].plain() || dims[i].offset != 0) continue;
      int64_t& extent = extents[dims[i].axis1];
      JTCY_ASSERT(extent < 0 || extent == operand.shape[i], "contraction: axis ", dims[i].axis1, " has extents ",
                  extent, " and ", operand.shape[i]);
      extent = operand.shape[i];
    }
  };
  read(map.a, a);
  read(map.b, b);
  return extents;
}

}  // namespace

ContractionMap ContractionMap::from(const Attrs& attrs) {
  ContractionMap map;
  map.out_ndim = attrs.structure[0];
  map.summed = attrs.structure[1];
  const auto a_ndim = static_cast<std::size_t>(attrs.structure[2]);
  const auto b_ndim = static_cast<std::size_t>(attrs.structure[3]);
  for (std::size_t i = 0; i < a_ndim; ++i) map.a.push_back(read_dim(attrs, i));
  for (std::size_t i = 0; i < b_ndim; ++i) map.b.push_back(read_dim(attrs, a_ndim + i));
  return map;
}

Attrs ContractionMap::to_attrs() const {
  Attrs attrs;
  attrs.structure = {out_ndim, summed, static_cast<int64_t>(a.size()), static_cast<int64_t>(b.size())};
  for (const ContractionDim& dim : a) write_dim(dim, &attrs);
  for (const ContractionDim& dim : b) write_dim(dim, &attrs);
  return attrs;
}

VarRef make_contraction(const VarRef& a, const VarRef& b, const Attrs& attrs, const Shape& shape,
                        const char* function) {
  JTCY_CHECK(a->dtype == b->dtype, ErrorKind::kDtype, function, ": dtypes differ, ", dtype_name(a->dtype), " and ",
             dtype_name(b->dtype), operand_lines({a, b}), "\n  help: convert with .astype(...)");
  JTCY_CHECK(a->dtype != Dtype::kBool, ErrorKind::kDtype, function, ": is not defined for bool", operand_lines({a, b}),
             "\n  help: convert with .int32()");
  check_size(function, shape, itemsize(a->dtype));
  const ContractionMap map = ContractionMap::from(attrs);
  JTCY_ASSERT(map.out_ndim == static_cast<int64_t>(shape.size()) && map.a.size() == a->shape.size() &&
                  map.b.size() == b->shape.size(),
              "contraction: the map does not fit its operands");
  for (const int64_t extent : extents_of(map, *a, *b, shape)) {
    JTCY_ASSERT(extent >= 0, "contraction: an axis stands alone nowhere");
  }
  return make_node(OpKind::kContraction, {a, b}, map.to_attrs(), shape, a->dtype);
}

}  // namespace jtcy
