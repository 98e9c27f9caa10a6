// Flush: one pass from pending ops to a queued run; and the state that the executor's files share.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exec/bind.h"
#include "exec/compile_hook.h"
#include "exec/executor.h"
#include "exec/executor_lane.h"
#include "exec/plan_cache.h"
#include "exec/sync_policy.h"
#include "graph/snapshot.h"

namespace jtcy {

/// What one flush works with; a flush inside a flush (Python code of the compile hook, a finaliser) takes another one.
struct FlushContext {
  GraphSnapshot snapshot;
  BindContext bind;
};

struct Executor::State {
  PlanCache cache;
  std::unique_ptr<Lane> lanes[2];  // by DeviceKind
  SyncPolicy policy;
  ExecStats stats;
  std::atomic<int64_t> waits{0};  // counted by readers, who hold no GIL
  std::vector<std::unique_ptr<FlushContext>> contexts;
  std::size_t depth = 0;            // flushes in progress
  Binder* binder = nullptr;         // planning memory right now
  std::vector<Ref<PlanEntry>> met;  // interpreted by earlier flushes, to be compiled in the background
  Ref<Program> last_program;
  std::string last_reason = "nothing was run";

  /// Made at the first use of the device.
  Lane& lane(Device device);
  /// A run of steps alone, planned by `plan(binder)`; executed here when nothing is in flight. Returns its ticket.
  template <typename F>
  int64_t run_steps(Device device, const F& plan);
};

/// Marks the Binder that plans right now: memory that goes back meanwhile is freed by its run, in stream order.
class BinderScope {
 public:
  BinderScope(Executor::State& state, Binder* binder) noexcept : state_(state) { state.binder = binder; }
  ~BinderScope() { state_.binder = nullptr; }

 private:
  Executor::State& state_;
};

template <typename F>
int64_t Executor::State::run_steps(Device device, const F& plan) {
  Lane& target = lane(device);
  if (target.must_wait()) target.wait_for_room();
  Run& run = target.next_run();
  Layout nothing;
  nothing.uses.first.assign(1, 0);
  BindContext context;
  Binder binder(nothing, MemoryManager::of(device), run, context);
  std::exception_ptr failure;
  try {
    const BinderScope scope(*this, &binder);
    plan(binder);
  } catch (...) {
    failure = std::current_exception();  // moves planned so far must happen
  }
  const int64_t ticket = run.ticket;
  target.submit(true);
  if (failure) std::rethrow_exception(failure);
  return ticket;
}

/// Releases the GIL (where there is one) around a wait.
class GilRelease {
 public:
  GilRelease();
  ~GilRelease();

 private:
  void* state_ = nullptr;
};

CompileHook compile_hook() noexcept;

/// Recording thread. Made for each flush.
class Flush {
 public:
  Flush(Executor::State& state, FlushReason reason) : state_(state), reason_(reason) {}

  /// Until nothing of the targets (or nothing wanted at all) is pending.
  void run(const std::vector<Var*>& targets, bool everything);
  /// Until nothing of the prefix is.
  void run(const Prefix& prefix);

 private:
  std::vector<Op*> choose(const std::vector<Var*>& targets, bool everything);
  /// Returns early where the graph may have changed meanwhile (Python ran): the caller chooses again.
  void run_cut(const std::vector<Op*>& cut);
  PlanEntry* find_entry(const GraphSnapshot& snapshot);
  /// True when Python ran.
  bool ask_compiler(PlanEntry& entry);
  bool must_compile_now(PlanEntry& entry) const;
  bool is_long_interpreted(PlanEntry& entry) const;
  void compile_later(const Ref<PlanEntry>& entry);
  void compile_what_was_met(PlanEntry* entry);
  bool wait_for_kernels(PlanEntry& entry);
  /// True when it waited: others ran meanwhile.
  bool wait_for_promotion(PlanEntry& entry);
  Ref<Layout> pick_layout(PlanEntry& entry, const GraphSnapshot& snapshot, bool* again);
  void bind_and_submit(PlanEntry& entry, const Ref<Layout>& layout, const std::vector<Op*>& cut);
  void abandon(Run& run, BindContext& context);
  void count(const Layout& layout, std::size_t ops);
  void restore_targets(const std::vector<Var*>& targets);

  Executor::State& state_;
  const FlushReason reason_;
  FlushContext* context_ = nullptr;
  std::optional<Prefix> prefix_;  // runs first
  Ref<PlanEntry> fresh_;          // made by this flush; also found where the cache is off
};

}  // namespace jtcy
