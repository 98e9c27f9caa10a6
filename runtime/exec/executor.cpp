// Executor: the public face of flushing and waiting.
#include "exec/executor.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "base/thread_pool.h"
#include "exec/compile_hook.h"
#include "exec/executor_flush.h"

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

Lane& Executor::State::lane(Device device) {
  std::unique_ptr<Lane>& lane = lanes[static_cast<int>(device.kind)];
  if (!lane) lane = std::make_unique<Lane>(device);
  return *lane;
}

Executor& Executor::instance() {
  static Executor* const executor = [] {
    std::atexit([] { Executor::instance().stop(); });
    return new Executor();  // never destroyed: threads and finalisers may come late
  }();
  return *executor;
}

Executor::Executor() : state_(std::make_unique<State>().release()) {}

Executor::~Executor() = default;

void Executor::flush(const std::vector<Var*>& targets, FlushReason reason) {
  Flush(*state_, reason).run(targets, false);
}

void Executor::flush_everything(FlushReason reason) { Flush(*state_, reason).run({}, true); }

void Executor::after_record() {
  const RuntimeFlags& flags = runtime_flags();
  if (flags.eager) return flush_everything(FlushReason::kEager);
  if (state_->policy.at_border(flags.window_ops, flags.window_nbytes)) flush_everything(FlushReason::kWindow);
}

void Executor::upload(Buffer& buffer, const void* host, int64_t nbytes) {
  Lane& lane = state_->lane(buffer.device());
  if (lane.must_wait()) {
    const GilRelease release;
    lane.wait_for_room();
  }
  Run& run = lane.next_run();
  RunStep step;
  step.what = RunStep::What::kUpload;
  step.address = buffer.address();
  step.nbytes = nbytes;
  buffer.ticket = run.ticket;
  if (lane.idle()) {
    step.source = host;
    run.steps.push_back(step);
    lane.submit(true);
    return;
  }
  run.uploads.push_back(std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(nbytes)));
  std::memcpy(run.uploads[0].get(), host, static_cast<std::size_t>(nbytes));
  step.source = run.uploads[0].get();
  run.steps.push_back(step);
  lane.submit(false);
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
void Executor::clear_plans() { state_->cache.clear(); }

std::string Executor::last_plan_text() const { return state_->last_program ? state_->last_program->text() : ""; }
std::string Executor::last_plan_reason() const { return state_->last_reason; }

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
  for (std::unique_ptr<Lane>& lane : state_->lanes) {
    if (!lane) continue;
    auto heir = std::make_unique<Lane>(lane->device());
    heir->inherit(*lane);
    static_cast<void>(lane.release());  // its mutex may be held by a thread that does not exist here
    lane = std::move(heir);
  }
}

}  // namespace jtcy
