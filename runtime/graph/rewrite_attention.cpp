// Attention as users write it: products, scale, mask and softmax become one Attention.
#include <limits>
#include <memory>
#include <utility>

#include "graph/attention.h"
#include "graph/compose_support.h"
#include "graph/rewrite.h"
#include "graph/spread.h"

namespace jtcy {
namespace {

/// Values between the first product and the last: more are no attention.
constexpr std::size_t kMostSteps = 8;

/// Scores so far: scale q k^T + mask; or their softmax over the last axis.
struct Scores : Pattern {
  Scores() { of_scores = true; }

  VarRef q, keys, mask;
  bool turned = false;  // keys are (..., dims, positions)
  Shape mask_shape;     // as many dims as the scores have
  double scale = 1;
  bool weights = false;
  bool stopped = false;              // a gradient of q or k does not pass here
  SmallVector<uint64_t, 4> between;  // ids of the values so far
};

/// Axes of an operand of a Contraction, each read by one of them alone.
bool reads(const SmallVector<ContractionDim, 6>& dims, int64_t batch, int64_t last, int64_t very_last) {
  if (static_cast<int64_t>(dims.size()) != batch + 2) return false;
  for (int64_t i = 0; i < batch + 2; ++i) {
    const ContractionDim& dim = dims[i];
    if (!dim.plain() || dim.offset != 0 || dim.axis1 != (i < batch ? i : i == batch ? last : very_last)) return false;
  }
  return true;
}

/// Batches of products whose factors are smaller than what they make; layers' weights are no keys.
bool read_product(const Var& y, const Op& op, Scores* to) {
  const Var &q = *op.inputs[0], &keys = *op.inputs[1];
  if (y.shape.size() < 3 || !floating(y.dtype) || q.trainable || keys.trainable) return false;
  if (q.count() + keys.count() > y.count()) return false;
  const ContractionMap map = ContractionMap::from(op.attrs);
  const int64_t batch = map.out_ndim - 2;
  if (map.summed != 1 || !reads(map.a, batch, batch, batch + 2)) return false;
  to->turned = reads(map.b, batch, batch + 2, batch + 1);
  if (!to->turned && !reads(map.b, batch, batch + 1, batch + 2)) return false;
  to->q = op.inputs[0];
  to->keys = op.inputs[1];
  to->stopped = y.stop_grad && (takes_gradient(q) || takes_gradient(keys));
  return true;
}

/// The number beside x in what compose_binary_scalar made, as a factor; false: it is none.
bool read_factor(const Op& op, Var** x, double* factor) {
  if (op.function != kWithNumber || (op.kind != OpKind::kMul && op.kind != OpKind::kDiv)) return false;
  const bool first = op.inputs[0]->producer && op.inputs[0]->producer->kind == OpKind::kFull;
  const Op* const full = op.inputs[first ? 0 : 1]->producer.get();
  if (full == nullptr || full->kind != OpKind::kFull || (first && op.kind == OpKind::kDiv)) return false;
  const double number = full->attrs.float_scalars != 0 ? full->attrs.scalars[0].f : double(full->attrs.scalars[0].i);
  *x = op.inputs[first ? 1 : 0].get();
  *factor = op.kind == OpKind::kMul ? number : 1 / number;
  return true;
}

/// What compose_softmax was asked for, from its last op back.
Var* before_softmax(const Op& last) {
  const auto back = [](Var* x, OpKind kind) {
    const Op* op = x == nullptr ? nullptr : x->producer.get();
    return op == nullptr || op->released || op->kind != kind ? nullptr : op->inputs[0].get();
  };
  const Dtype dtype = last.outputs[0]->dtype;
  Var* y = last.kind == OpKind::kCast ? back(last.outputs[0], OpKind::kCast) : last.outputs[0];
  y = back(back(back(y, OpKind::kMul), OpKind::kExp), OpKind::kSub);
  return y != nullptr && y->dtype != dtype ? back(y, OpKind::kCast) : y;
}

/// What is added to scores like y, before it was repeated.
void read_mask(const VarRef& x, const Var& y, Scores* to) {
  Spread spread;
  bool plain = read_spread(x.get(), &spread) && spread.trouble == nullptr && !spread.stopped && !spread.bounded;
  Shape shape(y.shape.size(), 1);
  int64_t last = -1;
  for (std::size_t i = 0; plain && i < spread.dims.size(); ++i) {
    const ContractionDim& dim = spread.dims[i];
    if (dim.axis1 < 0) continue;
    plain = dim.plain() && dim.offset == 0 && dim.axis1 > last && spread.source->shape[i] == y.shape[dim.axis1];
    last = dim.axis1;
    shape[last] = y.shape[last];
  }
  to->mask = plain ? spread.source : x;
  to->mask_shape = plain ? shape : y.shape;
}

bool read_scores(Var* y, bool with_mask, std::size_t most_steps, Scores* to);

/// The scores that `op` is one step behind.
bool read_before(const Var& y, const Op& op, bool with_mask, std::size_t most_steps, Scores* to) {
  Var* x = nullptr;
  double factor = 1;
  if (op.kind == OpKind::kContraction) return read_product(y, op, to);
  if (op.function == kSoftmax) {
    x = before_softmax(op);
    if (x == nullptr || !read_scores(x, true, most_steps, to)) return false;
    to->weights = true;
  } else if (read_factor(op, &x, &factor)) {
    if (!read_scores(x, false, most_steps, to)) return false;
    to->scale *= factor;
  } else if (op.kind == OpKind::kAdd && with_mask) {
    const bool first = read_scores(op.inputs[0].get(), false, most_steps, to);
    if (!first) *to = Scores();
    if (!first && !read_scores(op.inputs[1].get(), false, most_steps, to)) return false;
    x = op.inputs[first ? 0 : 1].get();
    read_mask(op.inputs[first ? 1 : 0], y, to);
  } else {
    return false;
  }
  to->stopped = to->stopped || (y.stop_grad && takes_gradient(*x));
  return true;
}

/// `with_mask`: there may be one.
bool read_scores(Var* y, bool with_mask, std::size_t most_steps, Scores* to) {
  if (y->recipe) {
    if (!y->recipe->of_scores) return false;
    const Scores& kept = static_cast<const Scores&>(*y->recipe);
    if (kept.weights || (kept.mask && !with_mask) || kept.between.size() > most_steps) return false;
    *to = kept;
    return true;
  }
  const Op* op = y->producer.get();
  if (op == nullptr || op->released || most_steps == 0 || !read_before(*y, *op, with_mask, most_steps - 1, to))
    return false;
  to->between.push_back(y->id);
  return true;
}

/// What x says of itself, or what its producer says; null where it is no softmax of scores.
std::unique_ptr<Scores> weights_of(const VarRef& x) {
  if (x->recipe) {
    const bool found = x->recipe->of_scores && static_cast<const Scores&>(*x->recipe).weights;
    return found ? std::make_unique<Scores>(static_cast<const Scores&>(*x->recipe)) : nullptr;
  }
  if (!x->producer || x->producer->function != kSoftmax) return nullptr;
  auto weights = std::make_unique<Scores>();
  return read_scores(x.get(), true, kMostSteps, weights.get()) ? std::move(weights) : nullptr;
}

VarRef turned(const VarRef& x) {
  SmallVector<int64_t, 6> axes;
  for (std::size_t axis = 0; axis < x->shape.size(); ++axis) axes.push_back(static_cast<int64_t>(axis));
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return make_transpose(x, axes);
}

}  // namespace

VarRef rewrite_weighted(const VarRef& weights, const VarRef& v, const char** reason) {
  if (!g_graph.rewrites) return VarRef();
  const std::unique_ptr<Scores> scores = weights_of(weights);
  if (!scores) return VarRef();
  *reason = scores->stopped && g_graph.no_grad_depth == 0 ? "a value between was made without a gradient"
            : v->shape.size() < 2                         ? "the values have fewer than two dims"
                                                          : nullptr;
  if (*reason != nullptr) return VarRef();
  const VarRef keys = scores->turned ? turned(scores->keys) : scores->keys;
  const VarRef mask = scores->mask ? make_reshape(scores->mask, scores->mask_shape, "attention") : VarRef();
  *reason = why_no_attention(scores->q, keys, v, mask);
  if (*reason != nullptr) return VarRef();
  VarRef y = compose_attention(scores->q, keys, v, mask, scores->scale, -std::numeric_limits<double>::infinity(), false,
                               false);
  if (!y) return y;
  auto provenance = std::make_unique<Provenance>();
  provenance->passed = scores->between;
  y->producer->provenance = std::move(provenance);
  return y;
}

std::unique_ptr<Pattern> scores_recipe(Var* y, const Op& op) {
  const bool part = op.kind == OpKind::kContraction || op.kind == OpKind::kAdd || op.function == kWithNumber ||
                    op.function == kSoftmax;
  if (!part) return nullptr;
  auto scores = std::make_unique<Scores>();
  if (!read_scores(y, true, kMostSteps, scores.get())) return nullptr;
  return scores;
}

void save_scores(const Pattern& recipe) {
  const Scores& scores = static_cast<const Scores&>(recipe);
  for (const VarRef* x : {&scores.q, &scores.keys, &scores.mask}) {
    if (*x && !(*x)->realized()) (*x)->saved = true;
  }
}

}  // namespace jtcy
