// Flush: choose the cut, find or make its Program, bind it, queue the run.
#include "exec/executor_flush.h"

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "base/trace.h"
#include "exec/compile_hook.h"
#include "exec/fresh_memory.h"

namespace jtcy {

namespace {

/// A read that finds the executor idle runs what is below this itself: a hand-over costs tens of microseconds, and the
/// waiting thread takes a core from the pool's. Others wait for the GIL no longer than Python's own switch interval.
constexpr int64_t kInlineNs = 5'000'000;
/// While the interpreter serves, others need the GIL: the planner, above all.
constexpr int64_t kInterpretedInlineNs = 100'000;

/// The interpreter stores every intermediate value. Where that takes this much, a few ops are compiled before they run,
/// and what saves as much by few kernels is waited for; so is what would be interpreted for longer than it compiles.
constexpr int64_t kLargeNbytes = int64_t{64} << 20;
constexpr int64_t kLongerThanCompilingNs = 150'000'000;
constexpr std::size_t kFewOps = 256;

/// Interpreted runs that take this long, by the Layout's rough figure, wait for their kernels when they come again; and
/// for how long at most.
constexpr int64_t kWorthWaitingNs = 2'000'000;
constexpr int64_t kLongestWaitNs = 1'500'000'000;

/// A Var of a cut counts as realized from here until its memory is planned (retire looks at that).
const Ref<Buffer>& placeholder() {
  static const Ref<Buffer> buffer = make_ref<Buffer>(nullptr, 0, Device{}, nullptr, nullptr);
  return buffer;
}

uint64_t flags_hash() noexcept {
  const RuntimeFlags& flags = runtime_flags();
  return uint64_t{flags.fuse} | uint64_t{flags.verify} << 1;
}

/// The context of this depth of flushes.
class ContextGuard {
 public:
  explicit ContextGuard(Executor::State& state) : state_(state) {
    if (state.contexts.size() == state.depth) state.contexts.push_back(std::make_unique<FlushContext>());
    context_ = state.contexts[state.depth++].get();
  }
  ~ContextGuard() {
    context_->bind.clear();
    --state_.depth;
  }
  FlushContext* get() const noexcept { return context_; }

 private:
  Executor::State& state_;
  FlushContext* context_;
};

/// Ops of one device from the front: in order of id, so their ancestors are among them.
void keep_one_device(std::vector<Op*>& cut) {
  const Device device = cut[0]->outputs[0]->device;
  const auto other = std::find_if(cut.begin(), cut.end(), [&](Op* op) { return !(op->outputs[0]->device == device); });
  cut.erase(other, cut.end());
}

}  // namespace

void Flush::run(const std::vector<Var*>& targets, bool everything) {
  for (bool first = true;; first = false) {
    for (const auto& lane : state_.lanes) {
      if (!lane || !lane->must_wait()) continue;
      const GilRelease release;
      lane->wait_for_room();
    }
    std::vector<Op*> cut = choose(targets, everything);
    if (cut.empty()) break;
    if (first) {
      ++state_.stats.flushes[static_cast<int>(reason_)];
      state_.policy.restart(everything);
    }
    keep_one_device(cut);
    const ContextGuard context(state_);
    context_ = context.get();
    run_cut(cut);
  }
  restore_targets(targets);
}

void Flush::run(const Prefix& prefix) {
  prefix_ = prefix;
  run({}, false);
}

std::vector<Op*> Flush::choose(const std::vector<Var*>& targets, bool everything) {
  std::vector<Op*> cut;
  if (!prefix_ && !everything) prefix_ = state_.policy.step_of(targets);
  if (!prefix_) {
    cut = choose_cut(targets, everything);
    if (!everything) prefix_ = state_.policy.step_of(cut);
    if (!prefix_) return cut;
  }
  cut = choose_prefix(*prefix_);
  return cut.empty() && !targets.empty() ? choose_cut(targets, false) : cut;
}

void Flush::run_cut(const std::vector<Op*>& cut) {
  const GraphSnapshot& snapshot = context_->snapshot;
  take_snapshot(cut, flags_hash(), &context_->snapshot);
  PlanEntry* const entry = find_entry(snapshot);
  if (ask_compiler(*entry) || wait_for_kernels(*entry) || wait_for_promotion(*entry)) return;
  bool again = false;
  const Ref<Layout> layout = pick_layout(*entry, snapshot, &again);
  if (again) return;
  const Ref<PlanEntry> alive(entry);
  bind_and_submit(*entry, layout, cut);
  compile_what_was_met(entry);
}

PlanEntry* Flush::find_entry(const GraphSnapshot& snapshot) {
  if (fresh_ && fresh_->snapshot.signature == snapshot.signature) return fresh_.get();
  if (runtime_flags().plan_cache) {
    if (PlanEntry* const entry = state_.cache.find(snapshot.signature)) {
      ++state_.stats.plan_hits;
      state_.last_reason.assign("hit");
      fresh_ = Ref<PlanEntry>(entry);
      return entry;
    }
  }
  ++state_.stats.plan_misses;
  fresh_ = state_.cache.insert(snapshot, &state_.last_reason);
  JTCY_TRACE(2, "plan", "signature=", snapshot.signature.hex(), " cache=miss reason=\"", state_.last_reason,
             "\" ops=", snapshot.ops.size());
  return fresh_.get();
}

/// The hook runs Python, which may record or flush: everything is chosen again afterwards.
bool Flush::ask_compiler(PlanEntry& entry) {
  const CompileHook hook = compile_hook();
  if (entry.asked || hook.compile == nullptr || runtime_flags().interpret || reason_ == FlushReason::kEager)
    return false;
  const Ref<PlanEntry> alive(&entry);
  if (!entry.recalled && hook.recall != nullptr) {
    entry.recalled = true;
    entry.fused = hook.recall(hook.context, entry.snapshot);
    entry.asked = static_cast<bool>(entry.fused);
    return true;
  }
  if (!runtime_flags().compile_at_once && !must_compile_now(entry)) return false;
  entry.asked = true;
  ++state_.stats.programs_compiled;
  entry.fused = hook.compile(hook.context, context_->snapshot);
  return true;
}

void Flush::compile_later(const Ref<PlanEntry>& entry) {
  const CompileHook hook = compile_hook();
  if (entry->asked || hook.compile_later == nullptr) return;
  entry->asked = true;
  ++state_.stats.programs_compiled;
  hook.compile_later(hook.context, entry);
}

/// A structure that the interpreter ran is compiled while others, or itself again, run: what runs but once in a process
/// costs that process no compile. An optimizer's step comes again: it is planned beside its first run.
void Flush::compile_what_was_met(PlanEntry* entry) {
  std::vector<Ref<PlanEntry>> met;
  met.swap(state_.met);
  if (!entry->asked && !runtime_flags().interpret && reason_ != FlushReason::kEager) {
    if (entry->updates) {
      compile_later(Ref<PlanEntry>(entry));
    } else {
      state_.met.emplace_back(entry);
    }
  }
  for (const Ref<PlanEntry>& earlier : met) compile_later(earlier);
}

bool Flush::must_compile_now(PlanEntry& entry) const {
  const Device device = entry.snapshot.device;
  if (runtime_flags().wait_for_kernels || runtime_flags().autotune || entry.own_bits || device.kind != DeviceKind::kCpu)
    return true;
  if (MemoryManager::of(device).budget() > 0) return true;
  if (entry.snapshot.ops.size() > kFewOps) return false;
  const int64_t between = peak_nbytes(context_->snapshot, *entry.interpreted) - output_nbytes(context_->snapshot);
  return between >= kLargeNbytes || is_long_interpreted(entry);
}

/// By the Layout's rough figure.
bool Flush::is_long_interpreted(PlanEntry& entry) const {
  const int threads = ThreadPool::instance().threads();
  return entry.layout(context_->snapshot, entry.interpreted, threads)->work_ns >= kLongerThanCompilingNs * threads;
}

bool Flush::wait_for_kernels(PlanEntry& entry) {
  if (runtime_flags().interpret || reason_ == FlushReason::kEager) return false;
  if (!entry.fused || entry.fused_ready() || entry.fused->failed()) return false;
  const Ref<Program> program = entry.fused;
  // A GPU's interpreter is the host: memory would go back and forth for each op.
  bool wanted = runtime_flags().wait_for_kernels || entry.own_bits || entry.snapshot.device.kind != DeviceKind::kCpu;
  if (!wanted && program->missing() <= ThreadPool::instance().threads()) {
    const int64_t interpreted = peak_nbytes(context_->snapshot, *entry.interpreted);
    wanted = interpreted - peak_nbytes(context_->snapshot, *program) >= kLargeNbytes || is_long_interpreted(entry);
  }
  if (!wanted) return false;
  FreshMemory memory(context_->snapshot, *program, MemoryManager::of(entry.snapshot.device));
  const GilRelease release;
  for (const Launch& launch : program->launches) {
    if (!launch.kernel) continue;
    memory.make_pages(*launch.kernel);
    KernelTable::instance().wait(*launch.kernel);
  }
  return true;
}

/// A structure that comes again while its kernels are made: interpreting it would take the cores from those who make
/// them. Waited for once, so that a compiler that is slow costs one pause and no more.
bool Flush::wait_for_promotion(PlanEntry& entry) {
  const bool first = !entry.met;
  entry.met = true;
  if (first || entry.waited || entry.fused_ready() || runtime_flags().interpret || reason_ == FlushReason::kEager)
    return false;
  const int threads = ThreadPool::instance().threads();
  if (entry.layout(context_->snapshot, entry.interpreted, threads)->work_ns < kWorthWaitingNs * threads) return false;
  const Ref<PlanEntry> alive(&entry);
  entry.waited = true;
  compile_later(alive);
  const int64_t deadline = now_ns() + kLongestWaitNs;
  while (entry.is_promised() && now_ns() < deadline) {
    const int64_t seen = KernelTable::instance().changes();
    const GilRelease release;
    KernelTable::instance().wait_for_change(seen, deadline);
  }
  return true;
}

Ref<Layout> Flush::pick_layout(PlanEntry& entry, const GraphSnapshot& snapshot, bool* again) {
  const int threads = ThreadPool::instance().threads();
  const bool interpret = runtime_flags().interpret || reason_ == FlushReason::kEager;
  const bool fused = !interpret && entry.fused_ready();
  Ref<Layout> layout = entry.layout(snapshot, fused ? entry.fused : entry.interpreted, threads);
  const MemoryManager& manager = MemoryManager::of(snapshot.device);
  if (manager.budget() == 0 || fused || interpret || !entry.fused || entry.fused->failed()) return layout;
  if (fits_budget(*layout, manager, snapshot)) return layout;
  // Unfused temporaries do not fit; the fused Program has fewer of them.
  const Ref<Program> program = entry.fused;
  const GilRelease release;
  for (const Launch& launch : program->launches) {
    if (launch.kernel) KernelTable::instance().wait(*launch.kernel);
  }
  *again = true;
  return layout;
}

void Flush::bind_and_submit(PlanEntry& entry, const Ref<Layout>& layout, const std::vector<Op*>& cut) {
  GraphSnapshot& snapshot = context_->snapshot;
  BindContext& context = context_->bind;
  Lane& lane = state_.lane(snapshot.device);
  MemoryManager& manager = MemoryManager::of(snapshot.device);
  Run& run = lane.next_run();
  if (manager.budget() > 0) check_budget(*layout, manager, snapshot, &run);
  run.layout = layout;
  run.updates = entry.updates;
  if (!entry.fallible.empty()) {
    entry.refresh_origins(snapshot);
    for (const FallibleOp& op : entry.fallible) {
      const Op& live = *snapshot.live_ops[static_cast<std::size_t>(op.op)];
      run.origins.push_back({op.op, op.origin, op.checked.empty() ? Shape() : indexed_var(live).shape});
    }
  }
  Binder binder(*layout, manager, run, context);
  binder.take(snapshot, lane.has_failures() ? 0 : lane.completed());
  for (auto& [slot, var] : context.outputs) {
    var->buffer = placeholder();
    var->offset = 0;
    var->strides = contiguous_strides(var->shape);
  }
  retire(cut);
  count(*layout, cut.size());
  try {
    const BinderScope scope(state_, &binder);
    binder.bind();
  } catch (...) {
    run.planned_failure = std::current_exception();
  }
  if (run.planned_failure) [[unlikely]]
    return abandon(run, context);
  for (auto& [slot, var] : context.outputs) {
    var->buffer = context.slots[static_cast<std::size_t>(slot)].buffer;
    var->buffer->holder = var.get();
  }
  const bool reading =
      reason_ == FlushReason::kRead || reason_ == FlushReason::kSyncAll || reason_ == FlushReason::kEager;
  const int64_t most_ns = layout->program == entry.fused ? kInlineNs * layout->threads : kInterpretedInlineNs;
  if (lane.submit(reading && layout->work_ns < most_ns)) ++state_.stats.runs_inline;
}

/// Memory ended while it was planned (the budget was checked before, so the machine has none): nothing is launched,
/// moves that were planned happen, and the outputs carry the error.
void Flush::abandon(Run& run, BindContext& context) {
  const std::exception_ptr failure = run.planned_failure;
  const Device device = context_->snapshot.device;
  run.layout.reset();
  for (RunStep& step : run.steps) step.before = 0;
  for (auto& [slot, var] : context.outputs) {
    var->buffer = make_ref<Buffer>(nullptr, 0, device, nullptr, nullptr);
    var->buffer->ticket = run.ticket;
  }
  for (Block* block : context.scratch) MemoryManager::of(device).free_block(block);
  context.scratch.clear();
  state_.lane(device).submit(false);
  std::rethrow_exception(failure);
}

void Flush::count(const Layout& layout, std::size_t ops) {
  ExecStats& stats = state_.stats;
  stats.launches += layout.launch_count;
  stats.interpreted_launches += layout.interpreted_count;
  stats.ops_run += static_cast<int64_t>(ops);
  ++stats.runs;
  state_.last_program = layout.program;
}

/// A realized Var that a budget moved to disk comes back before it is read.
void Flush::restore_targets(const std::vector<Var*>& targets) {
  for (Var* target : targets) {
    Buffer* const buffer = target->buffer.get();
    if (buffer == nullptr || buffer->residency() == Residency::kDevice) continue;
    state_.run_steps(buffer->device(), [&](Binder& binder) { binder.restore(*buffer, 0); });
  }
}

}  // namespace jtcy
