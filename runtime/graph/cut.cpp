// Choosing what a flush runs, and what stays of it afterwards.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "graph/graph_state.h"
#include "graph/rewrite.h"

namespace jtcy {

// Note [Cut]
// A cut is what the targets need: the ops of their unrealized ancestors, in order of id (Note [Collecting]). Siblings
// join: an op with a held output, recorded before the last target, that reads something of the cut and nothing pending
// outside it. An op whose outputs are realized is never met, because the walk goes through unrealized Vars only.
// A prefix is cut where the sequence of ops says so (Note [Step], exec/sync_policy.cpp): everything held up to there.

// Note [Saved]
// A Var of the cut gets a Buffer when it is held, a target, or saved. Saved is what would be dear to compute twice
// (contractions, reductions, random numbers, gathers and scatters, user code) and will be read again: by a pending op
// outside the cut, or by the sweep of a tape that outlives the cut (an op of a live gradient path whose own value is
// still wanted, see Note [Paths]). Everything else that is wanted again is computed again from what was saved; bits do
// not change by that (docs/bits.md), and its op stays with executed = true. What a pending op outside the cut reads is
// computed again only where that is one cheap op on saved or realized inputs: else each flush would repeat the chain of
// all earlier ones (an optimizer's moments, a recurrent state). What a value that loses its producer keeps for rewrites
// (Note [Rewrites] in rewrite.h) is saved too: it holds no op.

// Note [Paths]
// A realized Var needs its producer only for a gradient. The producer stays while it is differentiable, not released,
// and some differentiable float input is held or has a producer of that kind itself. Inside the cut this is decided in
// order of id, so each op asks its inputs only. An input realized by an earlier flush is asked once more, one level
// deep: it may have been kept for a handle that is gone by now. So `total += loss` drops the previous link at each
// step, and a long live tape is never walked again.

namespace {

enum Mark : int64_t { kOutside = -1, kInCut = 0, kLive = 1, kDead = 2, kTail = 3, kFree = 4 };

bool wanted_by_handle(const Op& op) noexcept {
  for (const Var* output : op.outputs) {
    if (output != nullptr && output->held > 0 && !output->realized()) return true;
  }
  return false;
}

// Note [Collecting]
// The list of pending ops is in order of id, so that a walk backwards meets every reader of an op before the op itself:
// one pass collects a cut in order, and it ends with the first op that is needed. Ops that were executed are in no list
// (Note [Saved]); they are followed with a stack, and sorted in.

/// Marks and collects the ops of one cut. There is one at a time, and it keeps its memory.
class Collector {
 public:
  void start() {
    ops_.clear();
    loose_.clear();
    stack_.clear();
    last_ = nullptr;
    open_ = linked_ = 0;
  }
  void need(const Var& var) {
    if (var.realized()) return;
    Op* op = var.producer.get();
    JTCY_ASSERT(op != nullptr, "a Var without data and producer");
    if (op->local == kOutside) take(op);
  }
  void take(Op* op) {
    op->local = kInCut;
    if (op->executed) {
      stack_.push_back(op);
    } else {
      ++open_;
      if (last_ == nullptr || op->id > last_->id) last_ = op;
    }
  }
  /// Everything that what was marked since the last call needs.
  void collect() {
    const std::size_t first = ops_.size();
    follow_executed();
    for (Op* op = last_; open_ > 0; op = op->previous_pending) {
      if (op->local != kInCut) continue;
      --open_;
      ops_.push_back(op);
      need_inputs(*op);
      if (!stack_.empty()) follow_executed();
    }
    last_ = nullptr;
    linked_ += ops_.size() - first;
    std::reverse(ops_.begin() + static_cast<std::ptrdiff_t>(first), ops_.end());
  }
  /// Ops of which all inputs are there already.
  void add(Op* op) {
    op->local = kInCut;
    ++linked_;
    loose_.push_back(op);
  }
  /// Whether nothing that is pending stays outside.
  bool covers_pending() const noexcept { return linked_ == static_cast<std::size_t>(g_graph.pending); }
  /// In order of id.
  std::vector<Op*> ops() {
    if (loose_.empty()) return ops_;
    ops_.insert(ops_.end(), loose_.begin(), loose_.end());
    std::sort(ops_.begin(), ops_.end(), [](const Op* a, const Op* b) { return a->id < b->id; });
    return ops_;
  }

 private:
  void need_inputs(const Op& op) {
    const std::size_t count = operand_count(op);
    for (std::size_t i = 0; i < count; ++i) need(*op.inputs[i]);
  }
  void follow_executed() {
    while (!stack_.empty()) {
      Op* op = stack_.back();
      stack_.pop_back();
      loose_.push_back(op);
      need_inputs(*op);
    }
  }

  std::vector<Op*> ops_, loose_, stack_;
  Op* last_ = nullptr;      // the last pending op that was marked and not collected yet
  std::size_t open_ = 0;    // how many there are
  std::size_t linked_ = 0;  // of the list of pending ops, in the cut
};
Collector g_collector;

bool is_sibling(const Op& op) noexcept {
  if (op.local != kOutside || !wanted_by_handle(op)) return false;
  bool reads_cut = false;
  const std::size_t count = operand_count(op);
  for (std::size_t i = 0; i < count; ++i) {
    const Var& input = *op.inputs[i];
    if (input.realized()) continue;
    if (input.producer->local == kOutside) return false;
    reads_cut = true;
  }
  return reads_cut;
}

void add_siblings(uint64_t last_id) {
  if (g_collector.covers_pending()) return;
  for (Op* op = g_graph.first_pending; op != nullptr && op->id < last_id; op = op->next_pending) {
    if (is_sibling(*op)) g_collector.add(op);
  }
}

/// Behind a prefix: kTail where an op needs values of the cut and nothing else that is pending, kFree where it needs
/// nothing pending at all (constants that others of the tail read), else kOutside.
Mark mark_behind(const Op& op) noexcept {
  Mark mark = kFree;
  const std::size_t count = operand_count(op);
  for (std::size_t i = 0; i < count; ++i) {
    const Var& input = *op.inputs[i];
    if (input.realized()) continue;
    if (input.producer->local == kOutside) return kOutside;
    if (input.producer->local != kFree) mark = kTail;
  }
  return mark;
}

void add_tail(Op* first, uint64_t end) {
  for (Op* op = first; op != nullptr && op->id < end; op = op->next_pending) {
    if (op->local == kOutside) op->local = mark_behind(*op);
  }
  std::vector<Op*> held;
  for (Op* op = first; op != nullptr && op->id < end; op = op->next_pending) {
    if (op->local == kTail && wanted_by_handle(*op)) held.push_back(op);
    if (op->local != kInCut) op->local = kOutside;
  }
  for (Op* op : held) g_collector.take(op);
  g_collector.collect();
}

bool is_dear(const Op& op) noexcept {
  switch (family_of(op.kind)) {
    case Family::kContraction:
    case Family::kAttention:
    case Family::kReduce:
    case Family::kScan:
    case Family::kRandom:
    case Family::kReindexReduce:
    case Family::kOpaque:
      return true;
    case Family::kReindex:
      return op.inputs.size() > 1;  // reads an index Var; a window is cheap to lay out again
    default:
      return false;
  }
}

/// A gradient can still pass through this op to something that somebody holds. Inputs in the cut were marked before.
bool path_is_live(const Op& op) noexcept {
  if (!op.differentiable || op.released) return false;
  for (const VarRef& input : op.inputs) {
    if (!takes_gradient(*input)) continue;
    if (input->held > 0) return true;
    const Op* producer = input->producer.get();
    if (producer == nullptr || !producer->differentiable || producer->released) continue;
    if (producer->local != kDead) return true;
  }
  return false;
}

/// An unrealized operand of an op of the cut is made in the cut.
bool made_in_cut(const Var& var) noexcept { return !var.realized(); }

/// Op::local becomes kLive or kDead, Var::local the number of references by operands of the cut.
void mark_live_and_count(const std::vector<Op*>& cut) noexcept {
  for (Op* op : cut) {
    op->local = path_is_live(*op) ? kLive : kDead;
    for (Var* output : op->outputs) {
      if (output == nullptr) continue;
      output->saved = false;
      output->local = 0;
    }
    const std::size_t count = operand_count(*op);
    for (std::size_t i = 0; i < count; ++i) {
      if (made_in_cut(*op->inputs[i])) ++op->inputs[i]->local;
    }
    for (Var* output : op->outputs) {
      if (output != nullptr && output->companion && made_in_cut(*output->companion)) ++output->companion->local;
    }
  }
}

/// Back from what is wanted afterwards; a tape's references do not count as the cut's own.
void mark_saved(const std::vector<Op*>& cut) noexcept {
  for (auto at = cut.rbegin(); at != cut.rend(); ++at) {
    Op* op = *at;
    bool wanted = false;
    for (Var* output : op->outputs) {
      if (output == nullptr) continue;
      const bool again = output->held > 0 || output->ref_count() > output->local;
      wanted = wanted || again;
      // What only a gradient reads is wanted where a tape is left, not because the value beside it lives.
      const Ref<Var>& companion = output->companion;
      if (again && op->local == kLive && companion && made_in_cut(*companion)) --companion->local;
      output->saved = output->saved || (again && is_dear(*op)) || (op->kind == OpKind::kCode && !output->ghost);
      output->local = -1;
      if ((output->held > 0 || output->saved) && op->local == kDead) save_recipe(*op);
    }
    if (!wanted || op->local != kLive) continue;
    const std::size_t count = operand_count(*op);
    for (std::size_t i = 0; i < count; ++i) {
      if (made_in_cut(*op->inputs[i])) --op->inputs[i]->local;
    }
  }
}

constexpr int64_t kWantedOutside = 1;

bool cheap_to_repeat(const Op& op) noexcept {
  if (op.update_group != 0 || (properties_of(op.kind) & kCostly) != 0) return false;
  const std::size_t count = operand_count(op);
  for (std::size_t i = 0; i < count; ++i) {
    if (!op.inputs[i]->realized() && !op.inputs[i]->saved) return false;
  }
  return true;
}

/// For the pending ops that stay behind: see Note [Saved].
void save_for_pending(const std::vector<Op*>& cut) noexcept {
  for (Op* op = g_graph.first_pending; op != nullptr; op = op->next_pending) {
    if (op->local != kOutside) continue;
    const std::size_t count = operand_count(*op);
    for (std::size_t i = 0; i < count; ++i) {
      const Var& input = *op->inputs[i];
      if (!input.realized() && input.producer->local != kOutside) op->inputs[i]->local = kWantedOutside;
    }
  }
  for (Op* op : cut) {
    for (Var* output : op->outputs) {
      if (output == nullptr || output->local != kWantedOutside) continue;
      output->local = -1;
      output->saved = output->saved || !cheap_to_repeat(*op);
    }
  }
}

std::vector<Op*> finish(const std::vector<Var*>& targets) {
  std::vector<Op*> cut = g_collector.ops();
  mark_live_and_count(cut);
  for (Var* target : targets) target->saved = !target->realized();
  mark_saved(cut);
  if (!g_collector.covers_pending()) save_for_pending(cut);
  for (Op* op : cut) op->local = kOutside;
  return cut;
}

bool has_value(const Op& op) noexcept {
  for (const Var* output : op.outputs) {
    if (output != nullptr && !output->ghost && !output->realized()) return false;
  }
  return true;
}

void drop_producer(Op* op) noexcept {
  const Ref<Op> alive(op);
  for (Var* output : op->outputs) {
    if (output == nullptr || output->ghost || !output->realized()) continue;
    output->released = output->released || op->released;
    forget_producer(output);
  }
}

/// Once more, for what an earlier flush realized (Note [Paths]).
void settle_inputs(const Op& op) noexcept {
  for (const VarRef& input : op.inputs) {
    Op* producer = input->producer.get();
    if (producer == nullptr || producer->pending || producer->local != kOutside) continue;
    if (!path_is_live(*producer)) drop_producer(producer);
  }
}

}  // namespace

std::vector<Op*> choose_cut(const std::vector<Var*>& targets, bool everything) {
  uint64_t last_id = 0;
  g_collector.start();
  for (Var* target : targets) {
    last_id = std::max(last_id, target->id);
    g_collector.need(*target);
  }
  if (everything) {
    for (Op* op = g_graph.first_pending; op != nullptr; op = op->next_pending) {
      if (op->local == kOutside && wanted_by_handle(*op)) g_collector.take(op);
    }
  }
  g_collector.collect();
  if (!everything) add_siblings(last_id);
  return finish(targets);
}

std::vector<Op*> choose_prefix(const Prefix& prefix) {
  g_collector.start();
  Op* op = g_graph.first_pending;
  for (; op != nullptr && op->id <= prefix.last; op = op->next_pending) {
    if (op->local == kOutside && wanted_by_handle(*op)) g_collector.take(op);
  }
  g_collector.collect();
  add_tail(op, prefix.end);
  return finish({});
}

void retire(const std::vector<Op*>& cut) {
  std::vector<Ref<Op>> alive;  // dropping a producer may free other ops of the cut
  alive.reserve(cut.size());
  for (Op* op : cut) {
    alive.emplace_back(op);
    op->local = kInCut;
    for (Var* output : op->outputs) {
      if (output != nullptr) output->saved = false;
    }
    op->executed = op->pending = !has_value(*op);
    unlink_pending(op);
  }
  for (Op* op : cut) {
    settle_inputs(*op);
    op->local = path_is_live(*op) ? kLive : kDead;
  }
  for (Op* op : cut) {
    const bool drop = op->local == kDead && !op->pending;
    op->local = kOutside;
    if (drop) drop_producer(op);
  }
}

}  // namespace jtcy
