// Gradients of Attention: a primitive of its own; what leads further is written in matrix products.
#include <limits>
#include <utility>

#include "autograd/vjp.h"
#include "graph/attention.h"
#include "graph/compose_support.h"

namespace jtcy {
namespace {

VarRef turned(const VarRef& x) {
  SmallVector<int64_t, 6> axes;
  for (std::size_t axis = 0; axis < x->shape.size(); ++axis) axes.push_back(static_cast<int64_t>(axis));
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return make_transpose(x, axes);
}

/// A product of matrices, which no rewrite makes the op that it explains.
VarRef product(const VarRef& a, const VarRef& b) {
  const RewriteScope plain(false);
  return compose_matmul(a, b);
}

/// Of the last axis, repeated along it.
VarRef row_sums(const VarRef& x) {
  const auto last = static_cast<int>(x->shape.size()) - 1;
  return repeat_axes(reduce_axes(x, ReduceKind::kSum, last, last + 1), x->shape, last, last + 1);
}

/// Attention in matrix products, in the accumulator's dtype.
struct Formula {
  AttentionSpec spec;
  Dtype dtype;
  VarRef q, k, v, mask;

  explicit Formula(const Op& op) : spec(AttentionSpec::from(op.attrs)), dtype(op.inputs[0]->dtype) {
    q = wide(op.inputs[0]);
    k = wide(op.inputs[1]);
    v = wide(op.inputs[2]);
    if (spec.mask != MaskKind::kNone) mask = op.inputs[3];
  }
  VarRef wide(const VarRef& x) const { return make_cast(x, compute_dtype(dtype)); }
  VarRef narrow(const VarRef& x) const { return make_cast(x, dtype); }

  VarRef probabilities() const {
    const double nothing = -std::numeric_limits<double>::infinity();
    VarRef s = product(q, turned(k)) * spec.scale;
    if (spec.mask == MaskKind::kAdded) s = s + make_broadcast_to(mask, s->shape, "attention");
    if (spec.mask == MaskKind::kKept) s = kept(s, spec.fill);
    const auto last = static_cast<int>(s->shape.size()) - 1;
    if (spec.causal) {
      const VarRef row = make_iota(s->shape, Dtype::kInt64, last - 1, 0, 1);
      s = apply_where(row >= make_iota(s->shape, Dtype::kInt64, last, 0, 1), s, constant_like(s, nothing));
    }
    if (!spec.zero_rows) return compose_softmax(s, last, false);
    const VarRef highest = repeat_axes(reduce_axes(s, ReduceKind::kMax, last, last + 1), s->shape, last, last + 1);
    const VarRef idle = equal(highest, nothing);
    return apply_where(idle, zeros_like(s), compose_softmax(apply_where(idle, zeros_like(s), s), last, false));
  }
  /// x where the mask is true.
  VarRef kept(const VarRef& x, double otherwise) const {
    if (spec.mask != MaskKind::kKept) return x;
    return apply_where(make_broadcast_to(mask, x->shape, "attention"), x, constant_like(x, otherwise));
  }
  /// The cotangent of the scores as that of the mask.
  VarRef of_mask(const VarRef& ds) const {
    uint32_t axes = 0;
    for (std::size_t axis = 0; axis < ds->shape.size(); ++axis) {
      if (mask->shape[axis] == 1 && ds->shape[axis] != 1) axes |= uint32_t{1} << axis;
    }
    return make_reshape(axes == 0 ? ds : sum_over(ds, axes), mask->shape, "attention");
  }
};

/// An adjoint that several terms add to.
void add_to(VarRef* sum, const VarRef& term) { *sum = *sum ? *sum + term : term; }

void give(Vjp& v, const Formula& f, std::size_t input, const VarRef& gradient) {
  if (v.wants(input) && gradient) v.give(input, f.narrow(gradient));
}

}  // namespace

JTCY_VJP(Attention) {
  const Formula f(v.op);
  SmallVector<VarRef, 2> inputs;
  for (const VarRef& input : v.op.inputs) inputs.push_back(input);
  const auto gradients = make_attention_gradient(inputs, f.spec, v.y, VarRef(v.op.outputs[1]), v.dy);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    if (v.wants(i)) v.give(i, gradients[i]);
  }
  if (f.spec.mask != MaskKind::kAdded || !v.wants(3)) return;
  const VarRef p = f.probabilities(), dp = product(f.wide(v.dy), turned(f.v));
  v.give(3, f.of_mask(p * (dp - row_sums(p * dp))));
}

// Note [Gradient of the gradient]
// With s the scores, p their softmax, dp = dy v^T, ds = p (dp - sum(p dp)), the op gives dq = scale ds k,
// dk = scale ds^T q and dv = p^T dy. The adjoints below go back through these lines, last one first.
JTCY_VJP(AttentionGradient) {
  const Formula f(v.op);
  const std::size_t last = v.op.inputs.size() - 1;
  const VarRef dy = f.wide(v.x(last)), &gq = v.dy, &gk = v.further[0], &gv = v.further[1];
  const VarRef p = f.probabilities(), dp = product(dy, turned(f.v));
  const VarRef centred = dp - row_sums(p * dp), ds = f.kept(p * centred, 0);
  VarRef q_bar, k_bar, v_bar, dy_bar, ds_bar, p_bar, dp_bar;
  if (gq) {
    add_to(&ds_bar, product(f.wide(gq), turned(f.k)) * f.spec.scale);
    add_to(&k_bar, product(turned(ds), f.wide(gq)) * f.spec.scale);
  }
  if (gk) {
    add_to(&ds_bar, product(f.q, turned(f.wide(gk))) * f.spec.scale);
    add_to(&q_bar, product(ds, f.wide(gk)) * f.spec.scale);
  }
  if (gv) {
    add_to(&p_bar, product(dy, turned(f.wide(gv))));
    add_to(&dy_bar, product(p, f.wide(gv)));
  }
  if (ds_bar) {
    const VarRef kept = f.kept(ds_bar, 0), mean = row_sums(kept * p);
    dp_bar = p * (kept - mean);
    add_to(&p_bar, kept * centred - dp * mean);
    add_to(&dy_bar, product(dp_bar, f.v));
    add_to(&v_bar, product(turned(dp_bar), dy));
  }
  const VarRef scores_bar = p * (p_bar - row_sums(p * p_bar)), s_bar = f.kept(scores_bar, 0);
  add_to(&q_bar, product(s_bar, f.k) * f.spec.scale);
  add_to(&k_bar, product(turned(s_bar), f.q) * f.spec.scale);
  give(v, f, 0, q_bar);
  give(v, f, 1, k_bar);
  give(v, f, 2, v_bar);
  give(v, f, last, dy_bar);
  if (f.spec.mask == MaskKind::kAdded && v.wants(3)) v.give(3, f.of_mask(scores_bar));
}

}  // namespace jtcy
