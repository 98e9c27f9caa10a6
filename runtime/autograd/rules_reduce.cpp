// Gradients of Reduce.
#include "autograd/vjp.h"

namespace jtcy {
namespace {

struct Run {
  Shape shape;
  int first = 0;
  int end = 0;
  VarRef reduce(const VarRef& x, ReduceKind kind) const { return reduce_axes(x, kind, first, end); }
  VarRef repeat(const VarRef& y) const { return repeat_axes(y, shape, first, end); }
};

// Note [Product of the others]
// A product's gradient is the product of the other elements. It is found without a division, which zeros, infinities
// and gradients of gradients would spoil: a tree of pairs multiplies upwards; downwards each half of a pair gets what
// lies outside the pair times the other half. 2 n multiplications, and gradients of any order go through them alone.

/// `x` is (O, n, I).
VarRef part_of_pairs(const VarRef& pairs, int64_t first, int64_t step, int64_t count) {
  Shape shape = pairs->shape;  // (O, n / 2, 2, I)
  shape[2] = count;
  return make_slice(pairs, {0, 0, first, 0}, {1, 1, step, 1}, shape);
}

VarRef product_of_others_in_tree(const VarRef& x) {
  const int64_t outer = x->shape[0], n = x->shape[1], inner = x->shape[2];
  if (n <= 1) return constant_like(x, 1);
  const int64_t half = (n + 1) / 2;
  const VarRef even = n % 2 == 0 ? x : make_pad(x, {0, 0, 0}, Shape{outer, n + 1, inner}, 1);
  const VarRef pairs = make_reshape(even, Shape{outer, half, 2, inner}, "prod");
  const VarRef products = part_of_pairs(pairs, 0, 1, 1) * part_of_pairs(pairs, 1, 1, 1);
  const VarRef outside = product_of_others_in_tree(make_reshape(products, Shape{outer, half, inner}, "prod"));
  const VarRef others = make_broadcast(outside, pairs->shape, {0, 1, -1, 2}) * part_of_pairs(pairs, 1, -1, 2);
  const VarRef whole = make_reshape(others, even->shape, "prod");
  return n % 2 == 0 ? whole : make_slice(whole, {0, 0, 0}, {1, 1, 1}, x->shape);
}

/// A kernel writes a whole tree into one expression, so trees stay small: what is longer is blocks, each of them a
/// tree, and their products, which are Reduces and so values of their own.
constexpr int64_t kTreeLeaves = 16;

VarRef product_of_others(const VarRef& x) {
  const int64_t outer = x->shape[0], n = x->shape[1], inner = x->shape[2];
  if (n <= kTreeLeaves) return product_of_others_in_tree(x);
  const int64_t blocks = (n + kTreeLeaves - 1) / kTreeLeaves, padded = blocks * kTreeLeaves;
  const VarRef whole = padded == n ? x : make_pad(x, {0, 0, 0}, Shape{outer, padded, inner}, 1);
  const VarRef rows = make_reshape(whole, Shape{outer, blocks, kTreeLeaves, inner}, "prod");
  const VarRef outside = product_of_others(reduce_axes(rows, ReduceKind::kProd, 2, 3));
  const VarRef flat = make_reshape(rows, Shape{outer * blocks, kTreeLeaves, inner}, "prod");
  const VarRef within = make_reshape(product_of_others_in_tree(flat), rows->shape, "prod");
  const VarRef others = within * make_broadcast(outside, rows->shape, {0, 1, -1, 2});
  const VarRef joined = make_reshape(others, whole->shape, "prod");
  return padded == n ? joined : make_slice(joined, {0, 0, 0}, {1, 1, 1}, x->shape);
}

VarRef prod_gradient(const Vjp& v, const Run& run) {
  const VarRef& x = v.x();
  Shape seen{1, 1, 1};
  for (int axis = 0; axis < static_cast<int>(x->shape.size()); ++axis) {
    seen[axis < run.first ? 0 : axis < run.end ? 1 : 2] *= x->shape[axis];
  }
  const VarRef others = product_of_others(make_reshape(x, seen, "prod"));
  return run.repeat(v.dy) * make_reshape(others, x->shape, "prod");
}

/// Shared equally among ties; NaN is the extreme of a run that holds one.
VarRef extreme_gradient(const Vjp& v, const Run& run) {
  const VarRef& x = v.x();
  const VarRef hit = apply(OpKind::kBitOr, equal(x, run.repeat(v.y)), apply(OpKind::kIsNan, x));
  const VarRef ties = run.reduce(make_cast(hit, x->dtype), ReduceKind::kSum);
  return apply_where(hit, run.repeat(v.dy / ties), zeros_like(x));
}

}  // namespace

JTCY_VJP(Reduce) {
  const auto& structure = v.op.attrs.structure;
  const Run run{v.x()->shape, static_cast<int>(structure[1]), static_cast<int>(structure[2])};
  switch (static_cast<ReduceKind>(structure[0])) {
    case ReduceKind::kSum:
      v.give(0, run.repeat(v.dy));
      break;
    case ReduceKind::kProd:
      v.give(0, prod_gradient(v, run));
      break;
    case ReduceKind::kMax:
    case ReduceKind::kMin:
      v.give(0, extreme_gradient(v, run));
      break;
    case ReduceKind::kArgMax:
    case ReduceKind::kArgMin:
      break;
  }
}

}  // namespace jtcy
