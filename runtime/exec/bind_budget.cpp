// Binding under a budget: who is moved to disk, who comes back, and whether a launch can fit at all.
#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/trace.h"
#include "exec/bind.h"
#include "graph/graph.h"

namespace jtcy {

namespace {

/// Requests from here on are Segments of whole huge pages (memory/pool.h).
constexpr int64_t kLargeUnit = int64_t{2} << 20;
constexpr int64_t kSmallUnit = 64;

int64_t unit_of(int64_t nbytes) noexcept { return nbytes >= kLargeUnit ? kLargeUnit : kSmallUnit; }
int64_t rounded(int64_t nbytes) noexcept { return (nbytes + unit_of(nbytes) - 1) / unit_of(nbytes) * unit_of(nbytes); }

/// Bytes that no plan can move away and that its launches do not use: pinned Buffers, and the Backend's own.
int64_t fixed_nbytes(const MemoryManager& manager) {
  int64_t total = manager.backend().own_nbytes();
  for (const Buffer* buffer : manager.live_buffers()) {
    if (buffer->pins > 0 && buffer->residency() == Residency::kDevice) total += rounded(buffer->nbytes());
  }
  return total;
}

/// What launches [begin, end) need in memory at once.
struct WorkingSet {
  std::vector<Operand> operands;  // that could be on disk instead, were the launch able to work on them there
  int64_t fixed = 0;              // scratch
  int64_t total() const noexcept {
    return std::accumulate(operands.begin(), operands.end(), fixed,
                           [](int64_t sum, const Operand& operand) { return sum + operand.nbytes; });
  }
};

/// Each Buffer of the leaves once, and everything else that launches [begin, end) touch.
WorkingSet working_set(const Layout& layout, const GraphSnapshot& live, int32_t begin, int32_t end) {
  WorkingSet set;
  std::vector<int32_t> vars;
  for (int32_t i = begin; i < end; ++i) {
    const LaunchLayout& launch = layout.launches[static_cast<std::size_t>(i)];
    const auto first = layout.operands.begin() + launch.first_operand;
    vars.insert(vars.end(), first, first + launch.input_count + launch.output_count);
    if (launch.scratch_nbytes > 0) set.fixed += rounded(launch.scratch_nbytes);
  }
  std::sort(vars.begin(), vars.end());
  vars.erase(std::unique(vars.begin(), vars.end()), vars.end());
  std::vector<const Buffer*> seen;
  for (const int32_t var : vars) {
    if (var >= live.leaf_count) {
      set.operands.push_back({var, rounded(layout.nbytes[static_cast<std::size_t>(var)])});
      continue;
    }
    const Buffer* buffer = live.live_vars[static_cast<std::size_t>(var)]->buffer.get();
    const bool counted =
        buffer->borrowed() || buffer->pins > 0 || std::find(seen.begin(), seen.end(), buffer) != seen.end();
    if (!counted) set.operands.push_back({var, rounded(buffer->nbytes())});
    seen.push_back(buffer);
  }
  return set;
}

/// Generated kernels work on a part of their grid at a time; on a GPU only device memory will do.
bool can_work_mapped(const Layout& layout, int32_t begin, int32_t end) {
  return end - begin == 1 && layout.launches[static_cast<std::size_t>(begin)].kernel != nullptr;
}

struct Shortage {
  int32_t launch = -1;  // -1: everything fits
  int64_t needed = 0;
};

Shortage find_shortage(const Layout& layout, const GraphSnapshot& live, int64_t room, bool split) {
  const auto count = static_cast<int32_t>(layout.launches.size());
  for (int32_t i = 0; i < count;) {
    const LaunchLayout& launch = layout.launches[static_cast<std::size_t>(i)];
    const int32_t end = split ? launch.split_end : launch.batch_end;
    const WorkingSet set = working_set(layout, live, i, end);
    const bool can = split && live.device.kind == DeviceKind::kCpu && can_work_mapped(layout, i, end) &&
                     can_map(set.operands, set.fixed, room);
    if (set.total() > room && !can) return {i, set.total()};
    i = end;
  }
  return {};
}

/// What made the largest output: the first op of a fused kernel may be a constant.
const Op& telling_op(const Launch& launch, const Layout& layout, const GraphSnapshot& live) {
  const auto outputs = launch.buffers.end() - launch.output_count;
  const auto largest = std::max_element(outputs, launch.buffers.end(), [&](int32_t a, int32_t b) {
    return layout.nbytes[static_cast<std::size_t>(a)] < layout.nbytes[static_cast<std::size_t>(b)];
  });
  const int32_t producer = live.vars[static_cast<std::size_t>(*largest)].producer;
  return *live.live_ops[static_cast<std::size_t>(producer)];
}

[[noreturn]] void throw_shortage(const Shortage& shortage, const Layout& layout, const MemoryManager& manager,
                                 const GraphSnapshot& live, int64_t fixed) {
  const Launch& launch = layout.program->launches[static_cast<std::size_t>(shortage.launch)];
  const Op& op = telling_op(launch, layout, live);
  const std::string origin = op.outputs[0] != nullptr ? origin_text(*op.outputs[0]) : "";
  throw_error(ErrorKind::kBudget,
              str_cat("memory.budget: ", op_name(op.kind), origin.empty() ? "" : " from " + origin, " needs ",
                      shortage.needed, " bytes at once, the budget is ", manager.budget(), " bytes",
                      fixed > 0 ? str_cat(", of which ", fixed, " cannot be moved to disk") : "", "\n",
                      manager.report_text(), "  help: use a smaller batch, or raise jt.memory.budget"));
}

}  // namespace

bool fits_budget(const Layout& layout, const MemoryManager& manager, const GraphSnapshot& live) {
  const int64_t room = manager.budget() - fixed_nbytes(manager);
  return find_shortage(layout, live, room, true).launch < 0;
}

void check_budget(const Layout& layout, const MemoryManager& manager, const GraphSnapshot& live, Run* run) {
  const int64_t fixed = fixed_nbytes(manager);
  const int64_t room = manager.budget() - fixed;
  run->split_batches = find_shortage(layout, live, room, false).launch >= 0;
  run->room = room;
  if (!run->split_batches) return;
  const Shortage shortage = find_shortage(layout, live, room, true);
  if (shortage.launch >= 0) throw_shortage(shortage, layout, manager, live, fixed);
}

bool Binder::in_group(const Buffer* buffer) const noexcept {
  for (int32_t i = group_begin_; i < group_end_; ++i) {
    const LaunchLayout& launch = layout_.launches[static_cast<std::size_t>(i)];
    const auto first = static_cast<std::size_t>(launch.first_operand);
    const auto count = static_cast<std::size_t>(launch.input_count + launch.output_count);
    for (std::size_t k = first; k < first + count; ++k) {
      if (context_.slots[static_cast<std::size_t>(layout_.operands[k])].buffer.get() == buffer) return true;
    }
  }
  return false;
}

void Binder::find_foreign() {
  if (context_.foreign_known) return;
  context_.foreign_known = true;
  std::vector<const Buffer*> ours;
  for (const BindContext::Slot& slot : context_.slots) ours.push_back(slot.buffer.get());
  std::sort(ours.begin(), ours.end());
  for (Buffer* buffer : manager_.live_buffers()) {
    if (!std::binary_search(ours.begin(), ours.end(), static_cast<const Buffer*>(buffer)))
      context_.foreign.push_back(buffer);
  }
}

void Binder::add_candidate(Buffer* buffer, int32_t next, std::vector<Candidate>* candidates,
                           std::vector<Buffer*>* buffers) const {
  if (buffer == nullptr || buffer->borrowed() || buffer->pins > 0 || buffer->residency() != Residency::kDevice) return;
  if (in_group(buffer)) return;
  candidates->push_back({buffer->nbytes(), next, buffer->last_use});
  buffers->push_back(buffer);
}

/// Decides for one launch; the inputs among them go to disk now.
void Binder::choose_mapped_operands() {
  mapped_.clear();
  if (!run_.split_batches || !can_work_mapped(layout_, group_begin_, group_end_)) return;
  const LaunchLayout& launch = layout_.launches[static_cast<std::size_t>(group_begin_)];
  std::vector<Operand> operands;
  std::vector<const Buffer*> seen;
  const auto first = layout_.operands.begin() + launch.first_operand;
  const auto inputs_end = first + launch.input_count;
  // In front of inputs that are in memory: those would have to be written first, and pages that are written come alone.
  for (auto var = inputs_end; var != inputs_end + launch.output_count; ++var) {
    operands.push_back({*var, rounded(layout_.nbytes[static_cast<std::size_t>(*var)])});
  }
  for (auto var = first; var != inputs_end; ++var) {
    const Buffer* const buffer = context_.slots[static_cast<std::size_t>(*var)].buffer.get();
    if (buffer->borrowed() || buffer->pins > 0 || std::find(seen.begin(), seen.end(), buffer) != seen.end()) continue;
    operands.push_back({*var, rounded(buffer->nbytes()), buffer->residency() == Residency::kDisk});
    seen.push_back(buffer);
  }
  mapped_ = choose_mapped(operands, launch.scratch_nbytes > 0 ? rounded(launch.scratch_nbytes) : 0, run_.room);
  for (const int32_t var : mapped_) {
    Buffer* const buffer = context_.slots[static_cast<std::size_t>(var)].buffer.get();
    if (buffer != nullptr && buffer->residency() == Residency::kDevice) evict(buffer);
  }
  if (mapped_.empty()) return;
  JTCY_TRACE(1, "memory", "launch=", group_begin_, " mapped=", mapped_.size(), " operands=", operands.size(),
             " room=", run_.room, " reason=\"they do not fit together\"");
}

/// Of operands that share a Buffer all are.
bool Binder::find_mapped(int32_t var) const noexcept {
  const Buffer* const buffer = context_.slots[static_cast<std::size_t>(var)].buffer.get();
  return std::any_of(mapped_.begin(), mapped_.end(), [&](int32_t other) {
    return var == other ||
           (buffer != nullptr && context_.slots[static_cast<std::size_t>(other)].buffer.get() == buffer);
  });
}

bool Binder::evict_one() {
  if (manager_.budget() == 0) return false;
  find_foreign();
  std::vector<Candidate> candidates;
  std::vector<Buffer*> buffers;
  for (Buffer* buffer : context_.foreign) add_candidate(buffer, kNeverUsed, &candidates, &buffers);
  for (std::size_t var = 0; var < context_.slots.size(); ++var) {
    const int32_t next = next_use(layout_.uses, static_cast<int32_t>(var), group_end_);
    add_candidate(context_.slots[var].buffer.get(), next, &candidates, &buffers);
  }
  const int32_t victim = choose_victim(candidates);
  if (victim < 0) return false;
  evict(buffers[static_cast<std::size_t>(victim)]);
  return true;
}

void Binder::evict(Buffer* buffer) {
  RunStep step;
  step.before = group_begin_;
  step.move = manager_.evict(*buffer);
  run_.steps.push_back(step);
}

namespace {

[[noreturn]] void throw_no_room(const MemoryManager& manager, int64_t nbytes) {
  throw_error(
      ErrorKind::kBudget,
      str_cat("memory: ", nbytes, " bytes more cannot be had",
              manager.budget() > 0 ? str_cat(" within the budget of ", manager.budget(), " bytes") : " from the system",
              "\n", manager.report_text(), "  help: drop Vars that are no longer needed, or use a smaller batch"));
}

}  // namespace

Ref<Buffer> Binder::allocate_slowly(int64_t nbytes) {
  while (evict_one()) {
    if (Ref<Buffer> buffer = manager_.try_allocate(nbytes)) return buffer;
  }
  throw_no_room(manager_, nbytes);
}

Block* Binder::allocate_block_slowly(int64_t nbytes) {
  while (evict_one()) {
    if (Block* const block = manager_.try_allocate_block(nbytes)) return block;
  }
  throw_no_room(manager_, nbytes);
}

void Binder::shrink_to_budget() {
  while (manager_.counted_nbytes() > manager_.budget() && evict_one()) manager_.trim();
}

void Binder::make_resident(int32_t begin, int32_t end) {
  for (int32_t i = begin; i < end; ++i) {
    const LaunchLayout& launch = layout_.launches[static_cast<std::size_t>(i)];
    for (int32_t k = 0; k < launch.input_count; ++k) {
      const int32_t var = layout_.operands[static_cast<std::size_t>(launch.first_operand + k)];
      if (layout_.program->defined_at[static_cast<std::size_t>(var)] >= begin)
        continue;  // made by a neighbour of its batch
      Buffer* buffer = context_.slots[static_cast<std::size_t>(var)].buffer.get();
      JTCY_ASSERT(buffer != nullptr, "launch ", i, " reads var ", var, ", which is not in memory then");
      if (is_mapped(var)) continue;
      if (buffer->residency() == Residency::kDisk) [[unlikely]]
        restore(*buffer, begin);
    }
  }
}

void Binder::restore(Buffer& buffer, int32_t before) {
  RunStep step;
  step.before = before;
  while (!manager_.restore(buffer, &step.move)) {
    if (!evict_one()) throw_no_room(manager_, buffer.nbytes());
  }
  buffer.moved = run_.ticket;
  run_.steps.push_back(step);
}

}  // namespace jtcy
