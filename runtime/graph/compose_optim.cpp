// Optimizer updates, formula by formula as torch.optim has them. Hyperparameters are scalars, so they are Slots.
#include <cmath>
#include <utility>

#include "graph/compose_support.h"

namespace jtcy {
namespace {

/// Marks what is recorded while it lives as one update.
class UpdateScope {
 public:
  explicit UpdateScope(uint32_t group) : group_(group), first_id_(g_graph.next_id) {}
  ~UpdateScope() {
    for (Op* op = g_graph.last_pending; op != nullptr && op->id >= first_id_; op = op->previous_pending) {
      op->update_group = group_;
    }
  }
  UpdateScope(const UpdateScope&) = delete;
  UpdateScope& operator=(const UpdateScope&) = delete;

 private:
  NoGradScope no_grad_;
  uint32_t group_;
  uint64_t first_id_;
};

void check_update(const VarRef& p, const VarRef& g, const char* function) {
  JTCY_CHECK(p->shape == g->shape && p->dtype == g->dtype, ErrorKind::kShape, function, ": the gradient is ",
             describe(*g), ", the parameter ", describe(*p),
             "\n  help: a gradient has its parameter's shape and dtype");
}

/// The parameter's new value stands where the old one stood.
VarRef renewed(const VarRef& value, const VarRef& p) {
  value->stop_grad = p->stop_grad;
  value->trainable = p->trainable;
  return value;
}

VarRef square_root_of_second(const VarRef& v, VarRef* vmax, bool amsgrad) {
  if (!amsgrad) return sqrt(v);
  *vmax = *vmax ? apply(OpKind::kMaximum, *vmax, v) : v;
  return sqrt(*vmax);
}

}  // namespace

VarRef compose_sgd(const VarRef& p, const VarRef& g_given, VarRef* momentum, const SgdSpec& spec, uint32_t group) {
  check_update(p, g_given, "SGD");
  const UpdateScope scope(group);
  VarRef g = spec.maximize ? -g_given : g_given;
  if (spec.weight_decay != 0) g = g + p * spec.weight_decay;
  if (spec.momentum != 0) {
    const bool first = spec.first || !*momentum;
    *momentum = first ? g : *momentum * spec.momentum + g * (1 - spec.dampening);
    g = spec.nesterov ? g + *momentum * spec.momentum : *momentum;
  }
  return renewed(p - g * spec.lr, p);
}

VarRef compose_adam(const VarRef& p_given, const VarRef& g_given, VarRef* m, VarRef* v, VarRef* vmax,
                    const AdamSpec& spec, uint32_t group) {
  check_update(p_given, g_given, spec.decoupled ? "AdamW" : "Adam");
  const UpdateScope scope(group);
  VarRef g = spec.maximize ? -g_given : g_given;
  VarRef p = p_given;
  if (spec.weight_decay != 0) {
    if (spec.decoupled) {
      p = p * (1 - spec.lr * spec.weight_decay);
    } else {
      g = g + p * spec.weight_decay;
    }
  }
  const VarRef m_old = *m ? *m : zeros_like(p);
  const VarRef v_old = *v ? *v : zeros_like(p);
  *m = m_old + (g - m_old) * (1 - spec.beta1);
  *v = v_old * spec.beta2 + (g * (1 - spec.beta2)) * g;
  const auto step = static_cast<double>(spec.step);
  const double correction1 = 1 - std::pow(spec.beta1, step);
  const double correction2 = std::sqrt(1 - std::pow(spec.beta2, step));
  const VarRef denominator = square_root_of_second(*v, vmax, spec.amsgrad) / correction2 + spec.eps;
  return renewed(p - (*m / denominator) * (spec.lr / correction1), p_given);
}

}  // namespace jtcy
