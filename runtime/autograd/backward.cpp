// The reverse sweep: collect the path, number what leads to a target, go back in order of id.
#include "autograd/backward.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "autograd/cotangent.h"
#include "autograd/vjp.h"

namespace jtcy {
namespace {

// Note [Sweep]
// Ids are a topological order, so the path is collected with a stack, sorted, and worked off backwards; when an op's
// turn comes, the cotangents of its outputs are complete. Var::slot numbers the Vars that lead to a target (its slot),
// so nothing is computed for the rest. A releasing sweep records its nodes without a gradient path of their own: what
// they would lead through is given up. A user's Function may start a sweep of its own in the middle of this one: the
// outer one takes its marks back meanwhile.

[[noreturn]] void throw_released(const Var& var) {
  throw_error(
      ErrorKind::kGradient,
      str_cat("backward: the gradient path through ", describe(var), " was released by an earlier backward or step",
              "\n  help: pass retain_graph=True to the earlier call, or detach() what is carried over"));
}

/// Outputs of a user's Function wait for each other (GradientCallback::output).
struct CallbackGroup {
  SmallVector<VarRef, 2> cotangents;
  int32_t waiting = 0;
};

class Sweep {
 public:
  Sweep(const VarRef& loss, const std::vector<VarRef>& targets)
      : loss_(loss), targets_(targets), outer_(std::exchange(innermost_, this)) {
    if (outer_ != nullptr) outer_->take_marks_back();
  }
  ~Sweep() {
    take_marks_back();
    innermost_ = outer_;
    if (outer_ != nullptr) outer_->set_marks();
  }
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  void collect();
  void run(const VarRef& cotangent);
  void release() noexcept;
  VarRef gradient(const VarRef& target) { return target->slot >= 0 ? slots_[target->slot].value() : VarRef(); }

 private:
  bool is_target(const Var& var) const { return var.slot >= 0 && var.slot < target_slots_; }
  void visit(const Var& var);
  void number_path();
  void check_not_passed(const Op& op) const;
  bool leads_to_target(const Op& op) const;
  void differentiate(Op* op);
  void differentiate_callback(Op* op);
  void call_back(Op* op, const SmallVector<VarRef, 2>& cotangents, std::size_t first_input);
  void add(const Var& var, const Gradient& gradient);
  VarRef take_cotangent(Op* op, std::size_t output);
  void take_marks_back() noexcept;
  void set_marks() noexcept;

  static inline Sweep* innermost_ = nullptr;
  const VarRef& loss_;
  const std::vector<VarRef>& targets_;
  std::vector<Ref<Op>> path_;     // in order of id
  std::vector<VarRef> numbered_;  // whose local is a slot
  std::vector<Cotangent> slots_;
  std::vector<Op*> stack_;
  std::unordered_map<void*, CallbackGroup> groups_;
  int64_t target_slots_ = 0;
  std::vector<bool> leads_;  // for each op of the path: to a target
  Sweep* outer_;
};

void Sweep::visit(const Var& var) {
  if (!takes_gradient(var)) return;
  Op* op = var.producer.get();
  const bool gone = var.released || (op != nullptr && op->differentiable && op->released);
  if (gone) {
    if (is_target(var)) return;
    throw_released(var);
  }
  if (op == nullptr || !op->differentiable || op->slot >= 0) return;
  op->slot = 0;
  stack_.push_back(op);
  path_.emplace_back(op);
}

void Sweep::collect() {
  for (const VarRef& target : targets_) {
    if (target->slot >= 0) continue;  // asked for twice
    target->slot = target_slots_++;
    numbered_.push_back(target);
  }
  visit(*loss_);
  while (!stack_.empty()) {
    Op* op = stack_.back();
    stack_.pop_back();
    for (const VarRef& input : op->inputs) visit(*input);
  }
  std::sort(path_.begin(), path_.end(), [](const Ref<Op>& a, const Ref<Op>& b) { return a->id < b->id; });
  for (const Ref<Op>& op : path_) {
    if (op->provenance) check_not_passed(*op);
  }
  number_path();
}

/// A rewrite made one op of a pattern: gradients of what stands between its parts do not exist.
void Sweep::check_not_passed(const Op& op) const {
  const auto& passed = op.provenance->passed;
  for (const VarRef& target : targets_) {
    JTCY_CHECK(std::find(passed.begin(), passed.end(), target->id) == passed.end(), ErrorKind::kGradient,
               "grad: ", describe(*target), " lies between the parts of what a rewrite made one ", op_name(op.kind),
               ": its gradient goes past it\n  help: compute the loss in a block of jt.flags(rewrites=False)");
  }
}

bool Sweep::leads_to_target(const Op& op) const {
  for (const VarRef& input : op.inputs) {
    if (takes_gradient(*input) && input->slot >= 0) return true;
  }
  return false;
}

void Sweep::number_path() {
  for (const Ref<Op>& op : path_) {
    leads_.push_back(leads_to_target(*op));
    if (!leads_.back()) continue;
    op->slot = 1;
    if (op->gradient.call != nullptr && op->gradient.outputs > 1) ++groups_[op->gradient.context].waiting;
    for (Var* output : op->outputs) {
      if (output == nullptr || output->ghost || output->slot >= 0 || !takes_gradient(*output)) continue;
      output->slot = static_cast<int64_t>(numbered_.size());
      numbered_.emplace_back(output);
    }
  }
  slots_.resize(numbered_.size());
  for (std::size_t i = 0; i < path_.size(); ++i) {
    if (!leads_[i]) continue;
    for (const VarRef& input : path_[i]->inputs) {
      if (takes_gradient(*input) && input->slot >= 0) slots_[input->slot].expect();
    }
  }
}

void Sweep::add(const Var& var, const Gradient& gradient) {
  if (!takes_gradient(var) || var.slot < 0) return;
  Cotangent& slot = slots_[var.slot];
  if (const auto* const slice = std::get_if<SliceGradient>(&gradient)) return slot.add(*slice, var.shape);
  if (const auto* const product = std::get_if<ProductGradient>(&gradient)) return slot.add(*product, var.shape);
  const VarRef& value = std::get<VarRef>(gradient);
  if (!value) return;
  JTCY_ASSERT(value->shape == var.shape && value->dtype == var.dtype, "a rule gave ", describe(*value), " for ",
              describe(var));
  slot.add(value);
}

VarRef Sweep::take_cotangent(Op* op, std::size_t output) {
  const Var* var = op->outputs[output];
  if (var == nullptr || var->slot < 0) return VarRef();
  Cotangent& slot = slots_[var->slot];
  return is_target(*var) ? slot.value() : slot.take();
}

void Sweep::run(const VarRef& cotangent) {
  if (loss_->slot < 0) return;
  slots_[loss_->slot] = Cotangent(cotangent);
  for (auto at = path_.rbegin(); at != path_.rend(); ++at) {
    Op* op = at->get();
    if (op->slot != 1) continue;
    if (op->gradient.call != nullptr) {
      differentiate_callback(op);
    } else {
      differentiate(op);
    }
  }
}

void Sweep::differentiate(Op* op) {
  VarRef dy = take_cotangent(op, 0);
  SmallVector<VarRef, 2> further;
  bool any = static_cast<bool>(dy);
  for (std::size_t i = 1; i < op->outputs.size(); ++i) {
    further.push_back(take_cotangent(op, i));
    any = any || further.back();
  }
  if (!any) return;
  const DeviceScope scope(op->inputs[0]->device);
  Vjp v(*op, VarRef(op->outputs[0]), std::move(dy));
  v.further = std::move(further);
  vjp_of(op->kind)(v);
  for (std::size_t i = 0; i < op->inputs.size(); ++i) add(*op->inputs[i], v.gradients[i]);
}

void Sweep::differentiate_callback(Op* op) {
  const std::size_t first_input = op->kind == OpKind::kCopy ? 1 : 0;  // a Function's Copy has its value before
  SmallVector<VarRef, 2> own;
  for (std::size_t i = 0; i < op->outputs.size(); ++i) own.push_back(take_cotangent(op, i));
  if (op->gradient.outputs == 1) {
    call_back(op, own, first_input);
    return;
  }
  CallbackGroup& group = groups_[op->gradient.context];
  group.cotangents.resize(static_cast<std::size_t>(op->gradient.outputs));
  group.cotangents[op->gradient.output] = own[0];
  if (--group.waiting == 0) call_back(op, group.cotangents, first_input);
}

void Sweep::call_back(Op* op, const SmallVector<VarRef, 2>& cotangents, std::size_t first_input) {
  if (std::none_of(cotangents.begin(), cotangents.end(), [](const VarRef& v) { return static_cast<bool>(v); })) return;
  SmallVector<VarRef, 3> gradients;
  op->gradient.call(op->gradient.context, cotangents, &gradients);
  const std::size_t count = op->inputs.size() - first_input;
  JTCY_CHECK(gradients.size() <= count, ErrorKind::kGradient, "Function: backward gave ", gradients.size(),
             " gradients for ", count, " inputs\n  help: give one an input, None where there is none");
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const Var& input = *op->inputs[first_input + i];
    if (!gradients[i] || !takes_gradient(input)) continue;
    JTCY_CHECK(gradients[i]->shape == input.shape, ErrorKind::kGradient, "Function: backward gave a gradient of shape ",
               shape_text(gradients[i]->shape), " for input ", i, " of shape ", shape_text(input.shape),
               "\n  help: a gradient has its input's shape");
    JTCY_CHECK(gradients[i]->device == input.device, ErrorKind::kGradient, "Function: backward gave a gradient on ",
               gradients[i]->device.name(), " for input ", i, " on ", input.device.name(),
               "\n  help: a gradient is on its input's device; move it with .to(device)");
    add(input, make_cast(gradients[i], input.dtype));
  }
}

void Sweep::release() noexcept {
  for (const Ref<Op>& op : path_) {
    op->released = true;
    if (op->pending) continue;  // retire() drops it once it ran
    for (Var* output : op->outputs) {
      if (output == nullptr || output->ghost || !output->realized()) continue;
      output->released = true;
      forget_producer(output);
    }
  }
}

void Sweep::take_marks_back() noexcept {
  for (const Ref<Op>& op : path_) op->slot = -1;
  for (const VarRef& var : numbered_) var->slot = -1;
}

void Sweep::set_marks() noexcept {
  for (std::size_t i = 0; i < path_.size(); ++i) path_[i]->slot = leads_[i] ? 1 : 0;
  for (std::size_t i = 0; i < numbered_.size(); ++i) numbered_[i]->slot = static_cast<int64_t>(i);
}

/// For each Var that the loss depends on, but not differentiably: the Var nearest to the loss where the gradient stops.
class Borders {
 public:
  explicit Borders(const Var& loss) {
    std::vector<std::pair<const Var*, const Var*>> stack{{&loss, nullptr}}, behind;
    walk(&stack, &behind);
    walk(&behind, nullptr);
  }

  std::string why_unreached(const Var& target) const {
    if (!floating(target.dtype)) return str_cat("stopped: its dtype is ", dtype_name(target.dtype));
    const auto at = stop_of_.find(&target);
    if (at == stop_of_.end()) return "unused";
    const Var* stop = at->second != nullptr ? at->second : &target;
    const std::string origin = origin_text(*stop);
    const Op* op = stop->producer.get();
    const std::string_view what =
        stop->stop_grad || op == nullptr ? "a value made by detach or under no_grad" : op_name(op->kind);
    return str_cat("stopped at ", what, origin.empty() ? "" : ", ", origin);
  }

 private:
  using Stack = std::vector<std::pair<const Var*, const Var*>>;  // a Var and the stop it lies behind
  void walk(Stack* stack, Stack* behind) {
    while (!stack->empty()) {
      const auto [var, stop] = stack->back();
      stack->pop_back();
      const Op* op = var->producer.get();
      const bool passes = takes_gradient(*var) && op != nullptr && op->differentiable;
      if (behind != nullptr && !passes) {
        behind->emplace_back(var, var);
        continue;
      }
      if (!stop_of_.emplace(var, stop).second || op == nullptr) continue;
      for (const VarRef& input : op->inputs) stack->emplace_back(input.get(), stop);
    }
  }
  std::unordered_map<const Var*, const Var*> stop_of_;
};

void fill_report(const VarRef& loss, const std::vector<VarRef>& targets, const std::vector<VarRef>& gradients,
                 GradientReport* report) {
  report->unreached.assign(targets.size(), "");
  if (std::all_of(gradients.begin(), gradients.end(), [](const VarRef& v) { return static_cast<bool>(v); })) return;
  const Borders borders(*loss);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (!gradients[i]) report->unreached[i] = borders.why_unreached(*targets[i]);
  }
}

VarRef seed(const VarRef& loss, const VarRef& cotangent) {
  const DeviceScope scope(loss->device);
  JTCY_CHECK(floating(loss->dtype), ErrorKind::kGradient, "backward: needs a floating loss, got ", describe(*loss),
             "\n  help: convert with .float32()");
  if (!cotangent) {
    JTCY_CHECK(loss->count() == 1, ErrorKind::kGradient, "backward: the loss must have one element, got ",
               shape_text(loss->shape), operand_lines({loss}),
               "\n  help: reduce it, for example with .sum(), or give a gradient");
    return constant_like(loss, 1);
  }
  JTCY_CHECK(cotangent->shape == loss->shape, ErrorKind::kGradient, "backward: the gradient has shape ",
             shape_text(cotangent->shape), ", the loss ", shape_text(loss->shape), operand_lines({loss, cotangent}));
  JTCY_CHECK(cotangent->device == loss->device, ErrorKind::kDevice, "backward: the gradient is on ",
             cotangent->device.name(), ", the loss on ", loss->device.name(), operand_lines({loss, cotangent}),
             "\n  help: move it with .to(device)");
  return make_cast(cotangent, loss->dtype);
}

}  // namespace

void set_grad_enabled(bool enabled) noexcept { g_graph.no_grad_depth += enabled ? -1 : 1; }
bool grad_enabled() noexcept { return g_graph.no_grad_depth <= 0; }

std::vector<VarRef> backward(const VarRef& loss, const VarRef& cotangent, const std::vector<VarRef>& targets,
                             bool release, GradientReport* report) {
  const NoGradScope no_grad(release);
  const VarRef dloss = seed(loss, cotangent);
  Sweep sweep(loss, targets);
  sweep.collect();
  sweep.run(dloss);
  std::vector<VarRef> gradients;
  for (const VarRef& target : targets) gradients.push_back(sweep.gradient(target));
  if (report != nullptr) fill_report(loss, targets, gradients, report);
  if (release) sweep.release();
  return gradients;
}

std::vector<Var*> differentiable_leaves(const VarRef& loss) {
  std::vector<Var*> leaves;
  std::vector<Var*> stack{loss.get()};
  std::unordered_map<const Var*, bool> seen;
  while (!stack.empty()) {
    Var* var = stack.back();
    stack.pop_back();
    if (!takes_gradient(*var) || !seen.emplace(var, true).second) continue;
    const Op* op = var->producer.get();
    if (op != nullptr && op->differentiable) {
      for (const VarRef& input : op->inputs) stack.push_back(input.get());
    } else if (var->held > 0) {
      leaves.push_back(var);
    }
  }
  std::sort(leaves.begin(), leaves.end(), [](const Var* a, const Var* b) { return a->id < b->id; });
  return leaves;
}

}  // namespace jtcy
