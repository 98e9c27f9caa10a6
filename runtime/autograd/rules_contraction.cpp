// Gradients of Contraction: Contractions again, closed under repetition.
#include "autograd/vjp.h"
#include "graph/contraction.h"

namespace jtcy {
namespace {

// Note [Contraction gradients]
// The gradient of an operand has that operand's dims as output axes. A dim that one axis indexes alone becomes that
// axis. A dim v = (c1 t1 + c2 t2 + offset) / divisor has two: one of them is expressed by the other,
// t1 = (divisor v - c2 t2 - offset) / c1, which is a dim of the same form wherever t1 stood alone (in the cotangent, in
// the other operand); the axis that moves farther goes: of the other one, fewer elements meet an output. All axes that
// are left are summed. A convolution has the three indices of input, kernel and output with one relation; each of its
// gradients of any order keeps two. Where the other operand is indexed by a division that a summed axis must make
// exact (the filter's gradient of a transposed convolution), that index is summed over instead: no product is left out.

using Dims = SmallVector<ContractionDim, 6>;

class GradientMap {
 public:
  GradientMap(const ContractionMap& map, const Dims& own, const Dims& other, const SmallVector<int64_t, 8>& extents)
      : map_(map), other_(other), replaced_(extents.size()), known_(extents.size(), false) {
    for (std::size_t dim = 0; dim < own.size(); ++dim) {
      if (is_alone(own[dim])) replace(own[dim].axis1, ContractionDim{static_cast<int64_t>(dim)});
    }
    for (std::size_t dim = 0; dim < own.size(); ++dim) {
      if (!is_alone(own[dim])) eliminate(own[dim], static_cast<int64_t>(dim), extents);
    }
    next_axis_ = static_cast<int64_t>(own.size());
    for (std::size_t axis = 0; axis < replaced_.size(); ++axis) {
      if (known_[axis]) continue;
      const int64_t number = next_axis_++, old = static_cast<int64_t>(axis);
      const ContractionDim* const dim = divided_by(old);
      if (dim != nullptr) {
        express(*dim, old, number);
      } else {
        replace(old, ContractionDim{number});
      }
    }
    result_.out_ndim = static_cast<int64_t>(own.size());
    result_.summed = next_axis_ - result_.out_ndim;
  }

  /// The cotangent's dims are the output axes.
  Dims cotangent() const {
    Dims dims;
    for (int64_t axis = 0; axis < map_.out_ndim; ++axis) dims.push_back(rewrite(ContractionDim{axis}));
    return dims;
  }
  Dims other() const {
    Dims out;
    for (const ContractionDim& dim : other_) {
      const bool summed = dim.divisor != 1 && was_eliminated(exact_axis(dim));
      out.push_back(summed ? ContractionDim{replaced_[exact_axis(dim)].axis1} : rewrite(dim));
    }
    return out;
  }
  ContractionMap with(Dims a, Dims b) const {
    ContractionMap map = result_;
    map.a = std::move(a);
    map.b = std::move(b);
    return map;
  }

 private:
  static bool is_alone(const ContractionDim& dim) { return dim.plain() && dim.offset == 0; }

  void replace(int64_t axis, ContractionDim by) {
    JTCY_ASSERT(!known_[axis], "contraction: an axis indexes two dims of one operand");
    replaced_[axis] = by;
    known_[axis] = true;
  }

  void eliminate(const ContractionDim& dim, int64_t v, const SmallVector<int64_t, 8>& extents) {
    const auto reach = [&](int64_t axis, int64_t coef) { return extents[axis] * (coef < 0 ? -coef : coef); };
    const bool swap =
        dim.axis2 >= 0 &&
        (known_[dim.axis1] || (!known_[dim.axis2] && reach(dim.axis2, dim.coef2) > reach(dim.axis1, dim.coef1)));
    express(dim, swap ? dim.axis2 : dim.axis1, v);
  }

  /// The axis `gone` of a dim with the value v, by v and the dim's other axis.
  void express(const ContractionDim& dim, int64_t gone, int64_t v) {
    const bool swap = gone != dim.axis1;
    const int64_t stays = swap ? dim.axis1 : dim.axis2;
    const int64_t c_gone = swap ? dim.coef2 : dim.coef1;
    const int64_t c_stays = swap ? dim.coef1 : dim.coef2;
    const int64_t sign = c_gone < 0 ? -1 : 1;
    // `stays` is numbered later: kept as the old axis and renamed in rewrite().
    replace(gone, ContractionDim{v, sign * dim.divisor, stays, -sign * c_stays, sign * c_gone, -sign * dim.offset});
    eliminated_ |= uint64_t{1} << gone;
  }

  /// The axis of a dim of the other operand that makes its division exact; -1: there is none.
  int64_t exact_axis(const ContractionDim& dim) const {
    const auto moves = [this](int64_t axis, int64_t coef, int64_t stays) {
      return (coef == 1 || coef == -1) && is_output_of_map(axis) && stays >= 0 && !is_output_of_map(stays);
    };
    if (moves(dim.axis1, dim.coef1, dim.axis2)) return dim.axis1;
    return dim.axis2 >= 0 && moves(dim.axis2, dim.coef2, dim.axis1) ? dim.axis2 : -1;
  }
  bool is_output_of_map(int64_t axis) const { return axis < map_.out_ndim; }

  /// The only dim of the other operand that the axis indexes, if it is a division and its other axis is known.
  const ContractionDim* divided_by(int64_t axis) const {
    const ContractionDim* found = nullptr;
    for (const ContractionDim& dim : other_) {
      if (dim.axis1 != axis && dim.axis2 != axis) continue;
      if (found != nullptr) return nullptr;
      found = &dim;
    }
    if (found == nullptr || found->divisor == 1 || exact_axis(*found) != axis) return nullptr;
    const int64_t stays = found->axis1 == axis ? found->axis2 : found->axis1;
    return known_[stays] && !was_eliminated(stays) ? found : nullptr;
  }

  bool was_eliminated(int64_t axis) const { return axis >= 0 && (eliminated_ >> axis & 1) != 0; }

  ContractionDim rewrite(const ContractionDim& dim) const {
    if (was_eliminated(dim.axis1) && is_alone(dim)) {
      ContractionDim out = replaced_[dim.axis1];
      if (out.axis2 >= 0) out.axis2 = renamed(out.axis2);
      return out;
    }
    ContractionDim out = dim;
    out.axis1 = renamed(dim.axis1);
    if (dim.axis2 >= 0) out.axis2 = renamed(dim.axis2);
    return out;
  }
  int64_t renamed(int64_t axis) const {
    JTCY_ASSERT(!was_eliminated(axis), "contraction: a dim would have three axes");
    return replaced_[axis].axis1;
  }

  const ContractionMap& map_;
  const Dims& other_;
  SmallVector<ContractionDim, 8> replaced_;
  SmallVector<bool, 8> known_;
  uint64_t eliminated_ = 0;
  int64_t next_axis_ = 0;
  ContractionMap result_;
};

SmallVector<int64_t, 8> extents_of(const Vjp& v, const ContractionMap& map) {
  SmallVector<int64_t, 8> extents(static_cast<std::size_t>(map.out_ndim + map.summed), 0);
  const auto read = [&](const Dims& dims, const Var& operand) {
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (dims[i].plain() && dims[i].offset == 0) extents[dims[i].axis1] = operand.shape[i];
    }
  };
  read(map.a, *v.x(0));
  read(map.b, *v.x(1));
  for (int64_t axis = 0; axis < map.out_ndim; ++axis) extents[axis] = v.y->shape[axis];
  return extents;
}

}  // namespace

JTCY_VJP(Contraction) {
  const ContractionMap map = ContractionMap::from(v.op.attrs);
  const auto extents = extents_of(v, map);
  if (v.wants(0)) {
    const GradientMap gradient(map, map.a, map.b, extents);
    const Attrs attrs = gradient.with(gradient.cotangent(), gradient.other()).to_attrs();
    v.give(0, ProductGradient{v.dy, v.x(1), attrs});
  }
  if (v.wants(1)) {
    const GradientMap gradient(map, map.b, map.a, extents);
    const Attrs attrs = gradient.with(gradient.other(), gradient.cotangent()).to_attrs();
    v.give(1, ProductGradient{v.x(0), v.dy, attrs});
  }
}

}  // namespace jtcy
