// Windows of recorded ops, optimizer steps, and where to cut.
#include "exec/sync_policy.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "graph/graph_state.h"

namespace jtcy {

// Note [Step]
// Equal steps are equal Programs only if they are cut at equal places. A step ends with the last op of its updates; it
// is cut there once an op reads an updated value (the next forward pass begins), so that what only looks back at the
// step (a sum of losses) goes with it. A read that needs something of a step which is recorded to its end runs all of
// it: whether a loss is read at each step, at some, or never, the Programs are the same, and the backward pass gets the
// values of the forward pass without a way through memory.
// Where no step ends before the window is full, the ops are looked at as a text: if it repeats from its start, whole
// periods are cut, and the next window starts where this one did.

std::optional<Prefix> SyncPolicy::border(int64_t window_ops, int64_t window_nbytes) {
  left_behind_ = flushed_here_ ? g_graph.pending : std::min(left_behind_, g_graph.pending);
  flushed_here_ = false;
  Op* first = g_graph.last_pending;
  if (first == nullptr || first->id <= seen_) return std::nullopt;
  while (first->previous_pending != nullptr && first->previous_pending->id > seen_) first = first->previous_pending;
  const std::optional<Prefix> found = border_within(first, window_ops, window_nbytes);
  if (!found) return found;
  flushed_here_ = true;
  seen_ = start_ = found->last;
  return found;
}

std::optional<Prefix> SyncPolicy::border_within(Op* first, int64_t window_ops, int64_t window_nbytes) {
  for (const Op* op = first; op != nullptr; op = op->next_pending) {
    if (step_end_ != 0 && reads_an_update(*op)) return step_before(op->id);
    if (op->update_group != 0) step_end_ = op->id;
    ++ops_;
    for (const Var* output : op->outputs) {
      if (output != nullptr) nbytes_ += output->nbytes();
    }
  }
  seen_ = g_graph.last_pending->id;
  if (ops_ >= window_ops || nbytes_ >= window_nbytes) return whole_periods();
  // Reads restart the window but may leave a chain that grows, such as total += loss.
  if (g_graph.pending - left_behind_ >= window_ops) return Prefix{seen_, 0};
  return std::nullopt;
}

/// Of another step than the op's own.
bool SyncPolicy::reads_an_update(const Op& op) const noexcept {
  const std::size_t count = operand_count(op);
  for (std::size_t i = 0; i < count; ++i) {
    const Var& input = *op.inputs[i];
    if (input.realized()) continue;
    const Op& producer = *input.producer;
    if (producer.update_group != 0 && producer.update_group != op.update_group && producer.id > flushed_) return true;
  }
  return false;
}

Prefix SyncPolicy::step_before(uint64_t end) noexcept {
  flushed_ = step_end_;
  return Prefix{std::exchange(step_end_, 0), end};
}

std::optional<Prefix> SyncPolicy::step_of(const std::vector<Op*>& cut) {
  if (step_end_ == 0 || cut.empty() || cut.front()->id > step_end_) return std::nullopt;
  return step_before(std::numeric_limits<uint64_t>::max());
}

std::optional<Prefix> SyncPolicy::step_of(const std::vector<Var*>& targets) {
  for (const Var* target : targets) {
    if (target->realized() || target->producer->id > step_end_) continue;
    return step_before(std::numeric_limits<uint64_t>::max());
  }
  return std::nullopt;
}

void SyncPolicy::restart(bool everything) noexcept {
  start_ = seen_;
  ops_ = nbytes_ = 0;
  if (!everything) return;
  flushed_ = std::max(flushed_, step_end_);
  step_end_ = 0;
}

/// By the failure function of Knuth, Morris and Pratt (1977) over the window's ops.
Prefix SyncPolicy::whole_periods() const {
  std::vector<const Op*> window;
  for (const Op* op = g_graph.last_pending; op != nullptr && op->id > start_; op = op->previous_pending) {
    window.push_back(op);
  }
  std::reverse(window.begin(), window.end());
  const std::size_t count = window.size();
  std::vector<std::size_t> border(count + 1, 0);
  for (std::size_t i = 1, length = 0; i < count; border[++i] = length) {
    while (length > 0 && window[i]->hash != window[length]->hash) length = border[length];
    if (window[i]->hash == window[length]->hash) ++length;
  }
  const std::size_t period = count - border[count];
  const std::size_t kept = 2 * period <= count ? count / period * period : count;
  return Prefix{window[kept - 1]->id, 0};
}

}  // namespace jtcy
