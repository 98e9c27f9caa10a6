// Contractions of tests: a map with its operands, its definition word for word, and a run of it.
#pragma once
#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "exec/contraction.h"
#include "graph/contraction.h"
#include "tensors.h"

namespace contractions {

using jtcy::ContractionDim;
using jtcy::Dtype;
using jtcy::OpKind;
using jtcy::Shape;
using jtcy::Strides;
using jtcy::TensorView;

inline constexpr const char* kSets[] = {"avx512", "avx2", "portable"};

struct Operand {
  Shape shape;
  Strides strides;
  std::vector<ContractionDim> dims;
};

/// A contraction without its numbers.
struct Map {
  std::vector<int64_t> extents;  // of all axes, the output's first
  int64_t out_ndim = 0;
  Operand operands[2];

  Shape out_shape() const { return Shape(extents.begin(), extents.begin() + out_ndim); }
  tensors::Op op(const TensorView& a, const TensorView& b) const {
    tensors::Op op{OpKind::kContraction, {a, b}};
    op.structure = {out_ndim, static_cast<int64_t>(extents.size()) - out_ndim,
                    static_cast<int64_t>(operands[0].dims.size()), static_cast<int64_t>(operands[1].dims.size())};
    for (const Operand& operand : operands) {
      for (const ContractionDim& d : operand.dims) {
        for (const int64_t value : {d.axis1, d.coef1, d.axis2, d.coef2, d.divisor}) op.structure.push_back(value);
        op.scalars.add_int(d.offset);
      }
    }
    return op;
  }
};

/// The element of an operand at the coordinates of the iteration axes; -1: outside.
inline int64_t place_of(const Operand& operand, const std::vector<int64_t>& at) {
  int64_t place = 0;
  for (std::size_t d = 0; d < operand.dims.size(); ++d) {
    const ContractionDim& dim = operand.dims[d];
    int64_t index = dim.coef1 * at[static_cast<std::size_t>(dim.axis1)] + dim.offset;
    if (dim.axis2 >= 0) index += dim.coef2 * at[static_cast<std::size_t>(dim.axis2)];
    if (index < 0 || index % dim.divisor != 0 || index / dim.divisor >= operand.shape[d]) return -1;
    place += index / dim.divisor * operand.strides[d];
  }
  return place;
}

inline bool advance(std::vector<int64_t>* at, const std::vector<int64_t>& extents, std::size_t begin, std::size_t end) {
  for (std::size_t axis = end; axis-- > begin;) {
    if (++(*at)[axis] < extents[axis]) return true;
    (*at)[axis] = 0;
  }
  return false;
}

template <typename T>
T multiply_add(T a, T b, T c, bool fused) {
  if constexpr (std::is_floating_point_v<T>) {
    if (fused) return std::fma(a, b, c);
    const T product = a * b;
    return product + c;
  } else {
    using Wide = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<Wide>(uint64_t(a) * uint64_t(b) + uint64_t(c)));
  }
}

/// runtime/graph/contraction.h word for word. `round` and `widen` go between the stored type and the accumulator.
template <typename Stored, typename Sum, typename Widen, typename Round>
std::vector<Stored> contract_as_defined(const Map& map, const std::vector<Stored>& a, const std::vector<Stored>& b,
                                        bool fused, Widen widen, Round round) {
  std::vector<Stored> out;
  std::vector<int64_t> at(map.extents.size(), 0);
  const auto out_ndim = static_cast<std::size_t>(map.out_ndim);
  if (jtcy::element_count(map.out_shape()) == 0) return out;
  do {
    Sum total = 0, block = 0;
    int64_t k = 0;
    const bool empty = std::count(map.extents.begin() + map.out_ndim, map.extents.end(), 0) > 0;
    bool more = !empty;
    while (more) {
      const int64_t i = place_of(map.operands[0], at), j = place_of(map.operands[1], at);
      const Sum x = i < 0 ? Sum(0) : widen(a[static_cast<std::size_t>(i)]);
      const Sum y = j < 0 ? Sum(0) : widen(b[static_cast<std::size_t>(j)]);
      block = multiply_add<Sum>(x, y, block, fused);
      more = advance(&at, map.extents, out_ndim, map.extents.size());
      if (++k % jtcy::kContractionBlock != 0 && more) continue;
      total = k <= jtcy::kContractionBlock ? block : static_cast<Sum>(total + block);
      block = 0;
    }
    out.push_back(round(total));
  } while (advance(&at, map.extents, 0, out_ndim));
  return out;
}

inline std::size_t storage(const Operand& operand) {
  int64_t last = 0;
  for (std::size_t d = 0; d < operand.shape.size(); ++d) last += (operand.shape[d] - 1) * operand.strides[d];
  return static_cast<std::size_t>(last + 1);
}

template <typename Stored>
std::vector<Stored> contract(const Map& map, Dtype dtype, std::vector<Stored>& a, std::vector<Stored>& b, int threads) {
  const Shape shape = map.out_shape();
  std::vector<Stored> out(static_cast<std::size_t>(jtcy::element_count(shape)), Stored(77));
  const TensorView x{a.data(), dtype, map.operands[0].shape, map.operands[0].strides};
  const TensorView y{b.data(), dtype, map.operands[1].shape, map.operands[1].strides};
  tensors::run(map.op(x, y), TensorView{out.data(), dtype, shape, jtcy::contiguous_strides(shape)}, threads);
  return out;
}

}  // namespace contractions
