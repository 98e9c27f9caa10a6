// Executor: the public face of flushing and waiting.
#include "exec/executor.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/thread_pool.h"
#include "exec/compile_hook.h"
#include "exec/executor_flush.h"
#include "exec/kernel.h"

namespace jtcy {

namespace {

RuntimeFlags g_flags;
WaitHooks g_wait_hooks;
CompileHook g_compile_hook;

}  // namespace

RuntimeFlags& runtime_flags() noexcept { return g_flags; }
void set_wait_hooks(WaitHooks hooks) noexcept { g_wait_hooks = hooks; }
void set_compile_hook(CompileHook hook) noexcept { g_compile_hook = hook; }
CompileHook compile_hook() noexcept { return g_compile_hook; }

GilRelease::GilRelease() {
  if (g_wait_hooks.release_gil != nullptr) state_ = g_wait_hooks.release_gil();
}

GilRelease::~GilRelease() {
  if (g_wait_hooks.acquire_gil != nullptr) g_wait_hooks.acquire_gil(state_);
}

namespace {

/// What queued runs still use is freed behind them.
template <DeviceKind kKind>
void give_back(void* context, void* address, int64_t nbytes) {
  auto& state = *static_cast<Executor::State*>(context);
  Lane& lane = *state.lanes[static_cast<int>(kKind)];
  if (state.binder != nullptr) return state.binder->free_later(address, nbytes);
  lane.wait_until(lane.queued());
  backend_of(lane.device()).free(address, nbytes);
}

}  // namespace

Lane& Executor::State::lane(Device device) {
  std::unique_ptr<Lane>& lane = lanes[static_cast<int>(device.kind)];
  if (lane) return *lane;
  lane = std::make_unique<Lane>(device);
  MemoryManager::of(device).set_give_back(
      device.kind == DeviceKind::kCpu ? give_back<DeviceKind::kCpu> : give_back<DeviceKind::kCuda>, this);
  return *lane;
}

Executor& Executor::instance() {
  static Executor* const executor = [] {
    std::atexit([] { Executor::instance().stop(); });
    return new Executor();  // never destroyed: threads and finalisers may come late
  }();
  return *executor;
}

Executor::Executor() : state_(std::make_unique<State>().release()) { MemoryManager::set_report_hook(describe_holder); }

Executor::~Executor() = default;

void Executor::flush(const std::vector<Var*>& targets, FlushReason reason) {
  Flush(*state_, reason).run(targets, false);
}

void Executor::flush_everything(FlushReason reason) { Flush(*state_, reason).run({}, true); }

void Executor::after_record() {
  const RuntimeFlags& flags = runtime_flags();
  if (flags.eager) return flush_everything(FlushReason::kEager);
  const std::optional<Prefix> border = state_->policy.border(flags.window_ops, flags.window_nbytes);
  if (!border) return;
  Flush(*state_, FlushReason::kWindow).run(*border);
  make_views_behind(border->last);
}

Ref<Buffer> Executor::allocate(Device device, int64_t nbytes, const char* function) {
  MemoryManager& manager = MemoryManager::of(device);
  if (Ref<Buffer> buffer = manager.try_allocate(nbytes)) return buffer;
  if (manager.budget() == 0) return manager.allocate(nbytes, function);
  Ref<Buffer> buffer;
  state_->run_steps(device, [&](Binder& binder) { buffer = binder.allocate(nbytes); });
  return buffer;
}

void Executor::upload(Buffer& buffer, const void* host, int64_t nbytes) {
  const Device device = buffer.device();
  const bool now = state_->lane(device).idle();
  buffer.ticket = state_->run_steps(device, [&](Binder& binder) { binder.upload(buffer, host, nbytes, !now); });
}

void Executor::wait(const Buffer& buffer) {
  Lane* const lane = state_->lanes[static_cast<int>(buffer.device().kind)].get();
  if (lane == nullptr) return;
  const int64_t ticket = std::max(buffer.ticket, buffer.moved);
  if (lane->completed() < ticket) {
    ++state_->waits;
    lane->wait_until(ticket);
  }
  if (!lane->has_failures()) return;
  if (std::exception_ptr failure = lane->failure_of(buffer.ticket)) std::rethrow_exception(failure);
}

void Executor::wait_all() {
  for (const auto& lane : state_->lanes) {
    if (lane) lane->wait_until(lane->queued());
  }
}

void Executor::wait_for_queued(Device device) {
  Lane* const lane = state_->lanes[static_cast<int>(device.kind)].get();
  if (lane == nullptr) return;
  const int64_t ticket = lane->queued();
  const GilRelease release;
  lane->wait_until(ticket);
}

bool Executor::idle() const noexcept {
  for (const auto& lane : state_->lanes) {
    if (lane && !lane->idle()) return false;
  }
  return true;
}

ExecStats Executor::stats() const {
  ExecStats stats = state_->stats;
  stats.waits = state_->waits.load(std::memory_order_relaxed);
  return stats;
}

void Executor::reset_stats() {
  state_->stats = ExecStats();
  state_->waits = 0;
}

std::size_t Executor::plan_count() const noexcept { return state_->cache.size(); }
void Executor::clear_plans() {
  state_->cache.clear();
  state_->met.clear();
}

std::string Executor::last_plan_text() const { return state_->last_program ? state_->last_program->text() : ""; }
std::string Executor::last_plan_reason() const { return state_->last_reason; }

void Executor::set_budget(Device device, int64_t nbytes) {
  MemoryManager& manager = MemoryManager::of(device);
  state_->lane(device);  // so that memory which goes back waits for queued runs
  manager.set_budget(nbytes, evictable_nbytes(device));
  if (nbytes == 0 || manager.counted_nbytes() <= nbytes) return;
  state_->run_steps(device, [](Binder& binder) { binder.shrink_to_budget(); });
}

int64_t Executor::evictable_nbytes(Device device) const {
  int64_t total = 0;
  for (const Buffer* buffer : MemoryManager::of(device).live_buffers()) {
    if (buffer->pins == 0 && buffer->residency() == Residency::kDevice) total += buffer->nbytes();
  }
  return total;
}

void Executor::stop() noexcept {
  for (const auto& lane : state_->lanes) {
    if (lane) lane->stop();
  }
}

void Executor::after_fork() noexcept {
  ThreadPool::instance().stop();
  clear_plans();  // some wait for kernels that only the parent compiles
  KernelTable::instance().after_fork();
  for (std::unique_ptr<Lane>& lane : state_->lanes) {
    if (!lane) continue;
    auto heir = std::make_unique<Lane>(lane->device());
    heir->inherit(*lane);
    static_cast<void>(lane.release());  // its mutex may be held by a thread that does not exist here
    lane = std::move(heir);
  }
}

}  // namespace jtcy
