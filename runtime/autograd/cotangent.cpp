// Sums of gradients; slices and products that are put together.
#include "autograd/cotangent.h"

#include <iterator>
#include <utility>

#include "graph/arithmetic.h"
#include "graph/compose.h"

namespace jtcy {
namespace {

VarRef padded(const SliceGradient& gradient, const Shape& shape) {
  return make_pad(gradient.part, gradient.start, shape, 0);
}

VarRef contracted(const ProductGradient& gradient, const Shape& shape) {
  return compose_contraction(gradient.a, gradient.b, gradient.attrs, shape, "contraction");
}

/// The only axis along which a slice is shorter; -1: there are several.
int axis_of(const SliceGradient& gradient, const Shape& shape) {
  int found = -1;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (gradient.part->shape[axis] == shape[axis]) continue;
    if (found >= 0) return -1;
    found = static_cast<int>(axis);
  }
  return found;
}

/// The dim of an operand that the outermost summed axis indexes alone; -1: there is none.
int summed_dim(const SmallVector<ContractionDim, 6>& dims, int64_t axis) {
  int found = -1;
  for (std::size_t dim = 0; dim < dims.size(); ++dim) {
    if (dims[dim].axis1 != axis && dims[dim].axis2 != axis) continue;
    if (found >= 0 || !dims[dim].plain() || dims[dim].offset != 0) return -1;
    found = static_cast<int>(dim);
  }
  return found;
}

/// Dims of both operands along which products of one form are one product.
struct Seam {
  explicit Seam(const Attrs& attrs) {
    const ContractionMap map = ContractionMap::from(attrs);
    if (map.summed == 0) return;
    a = summed_dim(map.a, map.out_ndim);
    b = summed_dim(map.b, map.out_ndim);
  }
  int a = -1, b = -1;
};

bool same_form(const Attrs& attrs, const Attrs& other) {
  if (!(attrs.structure == other.structure) || attrs.scalars.size() != other.scalars.size()) return false;
  for (std::size_t i = 0; i < attrs.scalars.size(); ++i) {
    if (attrs.scalars[i].i != other.scalars[i].i) return false;
  }
  return true;
}

bool fits(const VarRef& x, const VarRef& other, int seam) {
  for (std::size_t axis = 0; axis < x->shape.size(); ++axis) {
    if (static_cast<int>(axis) != seam && x->shape[axis] != other->shape[axis]) return false;
  }
  return true;
}

VarRef side_by_side(const std::map<int64_t, VarRef>& slices, int axis, const Shape& shape) {
  SmallVector<VarRef, 2> parts;
  int64_t at = 0;
  const auto zeros_until = [&](int64_t begin) {
    if (begin == at) return;
    Shape gap = shape;
    gap[axis] = begin - at;
    parts.push_back(make_full(gap, slices.begin()->second->dtype, 0));
  };
  for (const auto& [begin, part] : slices) {
    zeros_until(begin);
    parts.push_back(part);
    at = begin + part->shape[axis];
  }
  zeros_until(shape[axis]);
  return make_concat(parts, axis, "slice");
}

ProductGradient one_product(const std::vector<ProductGradient>& products) {
  const Seam seam(products[0].attrs);
  SmallVector<VarRef, 2> a, b;
  for (const ProductGradient& product : products) {
    a.push_back(product.a);
    b.push_back(product.b);
  }
  return ProductGradient{make_concat(a, seam.a, "contraction"), make_concat(b, seam.b, "contraction"),
                         products[0].attrs};
}

}  // namespace

void Cotangent::add(const VarRef& gradient) {
  sum_up(gradient);
  arrived();
}

void Cotangent::add(const SliceGradient& gradient, const Shape& shape) {
  if (expected_ <= 1 && !parts_) return add(padded(gradient, shape));
  if (!put(gradient, &parts(shape))) sum_up(padded(gradient, shape));
  arrived();
}

void Cotangent::add(const ProductGradient& gradient, const Shape& shape) {
  if (expected_ <= 1 && !parts_) return add(contracted(gradient, shape));
  if (!put(gradient, &parts(shape))) sum_up(contracted(gradient, shape));
  arrived();
}

Cotangent::Parts& Cotangent::parts(const Shape& shape) {
  if (!parts_) {
    parts_ = std::make_unique<Parts>();
    parts_->shape = shape;
  }
  return *parts_;
}

/// False where it overlaps another one.
bool Cotangent::put(const SliceGradient& gradient, Parts* parts) {
  const int axis = axis_of(gradient, parts->shape);
  if (axis < 0 || (!parts->slices.empty() && axis != parts->axis)) return false;
  const int64_t begin = gradient.start[axis], end = begin + gradient.part->shape[axis];
  const auto next = parts->slices.lower_bound(begin);
  if (next != parts->slices.end() && next->first < end) return false;
  if (next != parts->slices.begin()) {
    const auto& [at, before] = *std::prev(next);
    if (at + before->shape[axis] > begin) return false;
  }
  parts->axis = axis;
  parts->slices.emplace_hint(next, begin, gradient.part);
  return true;
}

/// False where it has another form, or its operands are larger than the result: they would wait for the others.
bool Cotangent::put(const ProductGradient& gradient, Parts* parts) {
  const Seam seam(gradient.attrs);
  if (seam.a < 0 || seam.b < 0) return false;
  if (element_count(gradient.a->shape) + element_count(gradient.b->shape) > element_count(parts->shape)) return false;
  if (!parts->products.empty()) {
    const ProductGradient& first = parts->products[0];
    if (!same_form(gradient.attrs, first.attrs)) return false;
    if (!fits(gradient.a, first.a, seam.a) || !fits(gradient.b, first.b, seam.b)) return false;
  }
  parts->products.push_back(gradient);
  return true;
}

void Cotangent::sum_up(const VarRef& gradient) { sum_ = sum_ ? sum_ + gradient : gradient; }

void Cotangent::arrived() {
  if (--expected_ == 0) value();
}

const VarRef& Cotangent::value() {
  if (!parts_) return sum_;
  const std::unique_ptr<Parts> done = std::move(parts_);
  if (done->slices.size() == 1) {
    const auto& [begin, part] = *done->slices.begin();
    SmallVector<int64_t, 6> start(done->shape.size(), 0);
    start[done->axis] = begin;
    sum_up(make_pad(part, start, done->shape, 0));
  } else if (!done->slices.empty()) {
    sum_up(side_by_side(done->slices, done->axis, done->shape));
  }
  if (!done->products.empty()) {
    sum_up(contracted(done->products.size() == 1 ? done->products[0] : one_product(done->products), done->shape));
  }
  return sum_;
}

VarRef Cotangent::take() {
  value();
  return std::exchange(sum_, VarRef());
}

}  // namespace jtcy
