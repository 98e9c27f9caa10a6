// Blocks of a first run's results, and their pages.
#include "exec/fresh_memory.h"

#include <algorithm>
#include <vector>

#include "device/backend.h"
#include "exec/bind_layout.h"

namespace jtcy {

namespace {

// A huge page: a smaller result has its pages before a compiler has started.
constexpr int64_t kStepNbytes = int64_t{2} << 20;

/// By var: whether the run may write it into the memory of an input that nobody needs any more.
std::vector<bool> donated(const GraphSnapshot& snapshot, const Program& program) {
  std::vector<bool> found(snapshot.vars.size());
  for (const Launch& launch : program.launches) {
    for (const auto& [to, from] : launch.donations) {
      const int32_t donor = launch.buffers[static_cast<std::size_t>(from)];
      const bool held = donor < snapshot.leaf_count && snapshot.live_vars[static_cast<std::size_t>(donor)]->held > 0;
      if (!held) found[static_cast<std::size_t>(launch.buffers[static_cast<std::size_t>(to)])] = true;
    }
  }
  return found;
}

}  // namespace

FreshMemory::FreshMemory(const GraphSnapshot& snapshot, const Program& program, MemoryManager& manager)
    : manager_(manager) {
  if (manager.budget() > 0) return;
  const std::vector<bool> skipped = donated(snapshot, program);
  for (auto var = static_cast<int32_t>(snapshot.leaf_count); var < static_cast<int32_t>(snapshot.vars.size()); ++var) {
    const auto slot = static_cast<std::size_t>(var);
    const int64_t nbytes = nbytes_of(snapshot, var);
    if (!snapshot.vars[slot].output || skipped[slot] || nbytes < kStepNbytes) continue;
    Block* const block = manager.try_allocate_block(nbytes);
    if (block == nullptr) return;
    blocks_.push_back(block);
  }
}

FreshMemory::~FreshMemory() {
  for (Block* const block : blocks_) manager_.free_block(block);
}

void FreshMemory::make_pages(const Kernel& kernel) noexcept {
  while (block_ < blocks_.size() && kernel.state.load(std::memory_order_acquire) == Kernel::State::kCompiling) {
    const int64_t left = MemoryManager::nbytes_of(blocks_[block_]) - done_nbytes_;
    const int64_t step = std::min(left, kStepNbytes);
    manager_.backend().make_pages(static_cast<char*>(MemoryManager::address_of(blocks_[block_])) + done_nbytes_, step);
    done_nbytes_ += step;
    if (step < left) continue;
    ++block_;
    done_nbytes_ = 0;
  }
}

}  // namespace jtcy
