// Timing launches on scratch memory of the right sizes.
#include "exec/trial.h"

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "base/thread_pool.h"
#include "device/backend.h"
#include "exec/bind_layout.h"
#include "exec/executor.h"
#include "memory/manager.h"

namespace jtcy {

namespace {

constexpr int kLeastRounds = 3;
constexpr int kMostRounds = 50;

/// First and last element that a strided Var reaches, counted from its own first one.
struct Reach {
  int64_t first = 0;
  int64_t last = 0;
};

Reach reach_of(const Var& var) {
  Reach reach;
  for (std::size_t axis = 0; axis < var.shape.size(); ++axis) {
    const int64_t span = (std::max<int64_t>(1, var.shape[axis]) - 1) * var.strides[axis];
    (span < 0 ? reach.first : reach.last) += span;
  }
  return reach;
}

/// Values that cost what most values cost, and are in range as an index or a bool.
void fill(void* address, int64_t nbytes, Dtype dtype) {
  std::memset(address, is_floating(dtype) ? 0x3F : 0, static_cast<std::size_t>(nbytes));
}

/// The launches of one Layout with memory of their own.
class TrialRun {
 public:
  TrialRun(const GraphSnapshot& snapshot, const std::vector<Ref<Var>>& leaves, const Layout& layout)
      : snapshot_(snapshot), leaves_(leaves), layout_(layout), addresses_(snapshot.vars.size(), nullptr) {}

  /// False where there is no room.
  bool allocate() {
    for (const int32_t var : layout_.operands) {
      if (addresses_[static_cast<std::size_t>(var)] == nullptr && !allocate(static_cast<std::size_t>(var)))
        return false;
    }
    for (const LaunchLayout& launch : layout_.launches) {
      scratch_.push_back(block(launch.scratch_nbytes));
      if (scratch_.back() == nullptr) return false;
    }
    return true;
  }

  int64_t time(std::size_t number, const std::vector<KernelScalar>& scalars) {
    const LaunchLayout& launch = layout_.launches[number];
    const auto first = static_cast<std::size_t>(launch.first_operand);
    std::vector<void*> pointers;
    for (std::size_t i = 0; i < static_cast<std::size_t>(launch.input_count + launch.output_count); ++i) {
      pointers.push_back(addresses_[static_cast<std::size_t>(layout_.operands[first + i])]);
    }
    KernelError error{};
    const KernelArgs args{pointers.data(), layout_.dims.data() + launch.first_dim,
                          scalars.data(),  scratch_[number],
                          &error,          launch.output_nbytes};
    const int64_t begin = now_ns();
    for (int32_t i = 0; i < launch.phase_count; ++i) {
      PhaseLaunch phase = layout_.phases[static_cast<std::size_t>(launch.first_phase + i)];
      if (phase.local_threads > 0) phase.local = static_cast<char*>(scratch_[number]) + launch.shared_nbytes;
      if (phase.grid > 0) backend_of(Device{}).launch(phase, args);
    }
    return now_ns() - begin;
  }

 private:
  void* block(int64_t nbytes) {
    buffers_.push_back(MemoryManager::of(Device{}).try_allocate(std::max<int64_t>(nbytes, 1)));
    return buffers_.back() ? buffers_.back()->address() : nullptr;
  }

  bool allocate(std::size_t var) {
    const SnapshotVar& entry = snapshot_.vars[var];
    int64_t nbytes = layout_.nbytes[var], start = 0;
    if (entry.leaf == LeafLayout::kStrided) {
      const Reach reach = reach_of(*leaves_[var]);
      nbytes = (reach.last - reach.first + 1) * itemsize(entry.dtype);
      start = -reach.first * itemsize(entry.dtype);
    }
    void* const memory = block(nbytes);
    if (memory == nullptr) return false;
    fill(memory, nbytes, entry.dtype);
    addresses_[var] = static_cast<char*>(memory) + start;
    return true;
  }

  const GraphSnapshot& snapshot_;
  const std::vector<Ref<Var>>& leaves_;
  const Layout& layout_;
  std::vector<void*> addresses_;  // of each var
  std::vector<void*> scratch_;    // of each launch
  std::vector<Ref<Buffer>> buffers_;
};

}  // namespace

Trial::Trial(const GraphSnapshot& live) : snapshot_(live) {
  for (const Op* op : live.live_ops) {
    scalars_.emplace_back(op->attrs.scalars.begin(), op->attrs.scalars.end());
  }
  snapshot_.live_ops.clear();
  std::fill(snapshot_.live_vars.begin() + live.leaf_count, snapshot_.live_vars.end(), nullptr);
  for (int32_t leaf = 0; leaf < live.leaf_count; ++leaf) {
    leaves_.emplace_back(live.live_vars[static_cast<std::size_t>(leaf)]);
  }
}

std::vector<int64_t> Trial::extents() const {
  std::vector<int64_t> extents;
  for (const SnapshotSymbol& symbol : snapshot_.symbols) extents.push_back(symbol.value);
  return extents;
}

std::vector<KernelScalar> Trial::scalars_of(const Launch& launch) const {
  std::vector<KernelScalar> scalars;
  for (const ScalarRef& ref : launch.scalars) {
    scalars.push_back(scalars_[static_cast<std::size_t>(ref.op)][static_cast<std::size_t>(ref.scalar)]);
  }
  return scalars;
}

std::vector<int64_t> Trial::time(std::vector<Launch> launches, int64_t budget_ns) {
  const Ref<Program> program = make_ref<Program>();
  program->launches = std::move(launches);
  program->defined_at.assign(snapshot_.vars.size(), -1);
  program->last_use.assign(snapshot_.vars.size(), -1);
  const Ref<Layout> layout = make_layout(snapshot_, program, ThreadPool::instance().threads(), {});
  TrialRun run(snapshot_, leaves_, *layout);
  if (!run.allocate()) return {};
  std::vector<std::vector<KernelScalar>> scalars;
  for (const Launch& launch : program->launches) scalars.push_back(scalars_of(launch));
  Executor::instance().wait_all();  // from here on the threads are ours: whoever could queue more waits for this thread
  std::vector<int64_t> least(program->launches.size(), INT64_MAX);
  const int64_t end = now_ns() + budget_ns;
  for (int round = 0; round < kMostRounds && (round < kLeastRounds || now_ns() < end); ++round) {
    for (std::size_t i = 0; i < least.size(); ++i) least[i] = std::min(least[i], run.time(i, scalars[i]));
  }
  return least;
}

}  // namespace jtcy
