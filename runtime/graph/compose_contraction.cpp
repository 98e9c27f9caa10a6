// Sums of products: one Contraction, or a product and its sum where that is the faster way.
#include <algorithm>

#include "graph/compose_support.h"
#include "graph/contraction.h"

namespace jtcy {
namespace {

// Note [Products of rows]
// A matrix times a vector reads each element of the matrix once: the tiles of a Contraction have nothing to keep, and
// rows that lie along memory have to be turned for them. As a product and a reduction they go at the speed of memory.
// So does a product of which nothing is summed. The choice is made here, by axes and extents alone, since a product
// that is summed has bits of its own; a vector times a matrix, whose sums go across rows, stays a Contraction.

using Dims = SmallVector<ContractionDim, 6>;
using Axes = SmallVector<int64_t, 6>;

/// Rows of fewer elements than a reduction has lanes (docs/bits.md) are too short for one.
constexpr int64_t kShortestRow = 64;

bool all_plain(const Dims& dims) {
  return std::all_of(dims.begin(), dims.end(), [](const ContractionDim& d) { return d.plain() && d.offset == 0; });
}

/// The dim of an operand that an axis indexes; -1: none.
int64_t dim_of(const Dims& dims, int64_t axis) {
  for (std::size_t d = 0; d < dims.size(); ++d) {
    if (dims[d].axis1 == axis) return static_cast<int64_t>(d);
  }
  return -1;
}

struct Operand {
  VarRef x;
  const Dims& dims;

  /// Elements along the summed axes; -1: one of them is missing.
  int64_t summed_elements(const ContractionMap& map) const {
    int64_t n = 1;
    for (int64_t axis = map.out_ndim; axis < map.out_ndim + map.summed; ++axis) {
      const int64_t d = dim_of(dims, axis);
      if (d < 0) return -1;
      n *= x->shape[d];
    }
    return n;
  }

  /// Whether the summed axes come last, as they are listed, behind all axes of the result.
  bool is_rows(const ContractionMap& map, const Shape& shape) const {
    const auto first = static_cast<int64_t>(dims.size()) - map.summed;
    for (int64_t i = 0; i < map.summed; ++i) {
      if (first < 0 || dims[first + i].axis1 != map.out_ndim + i) return false;
    }
    for (int64_t axis = 0; axis < map.out_ndim; ++axis) {
      if (shape[axis] != 1 && dim_of(dims, axis) < 0) return false;
    }
    return true;
  }

  /// x with a dim for each of `axes`, turned and repeated; the axes that are left out have extent 1.
  VarRef laid_along(const Axes& axes, const Shape& shape, const char* function) const {
    Axes perm, from;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const int64_t d = dim_of(dims, axes[i]);
      from.push_back(d < 0 ? -1 : static_cast<int64_t>(perm.size()));
      if (d >= 0) perm.push_back(d);
    }
    const std::size_t kept = perm.size();
    for (std::size_t d = 0; d < dims.size(); ++d) {
      if (std::find(axes.begin(), axes.end(), dims[d].axis1) == axes.end()) perm.push_back(static_cast<int64_t>(d));
    }
    const VarRef turned = make_transpose(x, perm);
    const Shape own(turned->shape.begin(), turned->shape.begin() + kept);
    return make_broadcast(make_reshape(turned, own, function), shape, from);
  }
};

/// The products along the rows of `rows`, summed.
VarRef sum_of_rows(const Operand& rows, const Operand& other, const ContractionMap& map, const Shape& shape,
                   const char* function) {
  Axes axes, perm;
  uint32_t summed = 0;
  for (std::size_t d = 0; d < rows.dims.size(); ++d) {
    axes.push_back(rows.dims[d].axis1);
    if (rows.dims[d].axis1 >= map.out_ndim) summed |= uint32_t{1} << d;
  }
  const VarRef products = rows.x * other.laid_along(axes, rows.x->shape, function);
  const VarRef sums = make_reduce(products, ReduceKind::kSum, summed, function);
  for (int64_t axis = 0; axis < map.out_ndim; ++axis) {  // those of extent 1 that are missing come with the reshape
    if (const int64_t d = dim_of(rows.dims, axis); d >= 0) perm.push_back(d);
  }
  return make_reshape(make_transpose(sums, perm), shape, function);
}

VarRef product(const Operand& a, const Operand& b, const Shape& shape, const char* function) {
  Axes axes;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) axes.push_back(static_cast<int64_t>(axis));
  return a.laid_along(axes, shape, function) * b.laid_along(axes, shape, function);
}

/// Null where a Contraction is the better way.
VarRef as_product(const VarRef& a_given, const VarRef& b_given, const ContractionMap& map, const Shape& shape,
                  const char* function) {
  if (a_given->dtype != b_given->dtype || !floating(a_given->dtype)) return VarRef();
  if (!all_plain(map.a) || !all_plain(map.b)) return VarRef();
  const Operand from_a{a_given, map.a}, from_b{b_given, map.b};
  const int64_t terms = from_a.summed_elements(map);
  if (terms != from_b.summed_elements(map)) return VarRef();
  if (terms == 1) return product(from_a, from_b, shape, function);
  const bool a_rows = from_a.is_rows(map, shape);
  if (terms < kShortestRow || (!a_rows && !from_b.is_rows(map, shape))) return VarRef();
  const Dtype dtype = compute_dtype(a_given->dtype);  // 16-bit floats are rounded once, behind the sum
  const Operand a{make_cast(a_given, dtype), map.a}, b{make_cast(b_given, dtype), map.b};
  return make_cast(sum_of_rows(a_rows ? a : b, a_rows ? b : a, map, shape, function), a_given->dtype);
}

}  // namespace

VarRef compose_contraction(const VarRef& a, const VarRef& b, const Attrs& attrs, const Shape& shape,
                           const char* function) {
  if (g_graph.rewrites) {
    if (VarRef y = as_product(a, b, ContractionMap::from(attrs), shape, function)) return y;
  }
  return make_contraction(a, b, attrs, shape, function);
}

}  // namespace jtcy
