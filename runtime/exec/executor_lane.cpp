// The queue, the worker and the waiting of one device.
#include "exec/executor_lane.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/error.h"

namespace jtcy {

namespace {

/// Runs of one step follow each other within some microseconds; a futex wake costs about as much as this spin.
constexpr int64_t kSpinNs = 30'000;
constexpr int kPausesPerClock = 32;

/// True once `done()`; false when the spin was not enough.
template <typename F>
bool spin_until(const F& done) noexcept {
  const int64_t deadline = now_ns() + kSpinNs;
  do {
    for (int i = 0; i < kPausesPerClock; ++i) {
      if (done()) return true;
      __builtin_ia32_pause();
    }
  } while (now_ns() < deadline);
  return false;
}

}  // namespace

bool Lane::must_wait() const noexcept {
  const int64_t done = completed();
  return queued_.load(std::memory_order_relaxed) - done >= kMaxInFlight || step_tickets_[0] > done;
}

void Lane::wait_for_room() {
  const int64_t oldest = queued_.load(std::memory_order_relaxed) - kMaxInFlight + 1;
  wait_until(std::max(oldest, step_tickets_[0]));
}

Run& Lane::next_run() {
  const int64_t ticket = queued_.load(std::memory_order_relaxed) + 1;
  JTCY_ASSERT(ticket - completed() <= kRing, "the queue of ", device_.name(), " is full");
  Run& run = ring_[ticket % kRing];
  run.clear();
  run.ticket = ticket;
  return run;
}

bool Lane::submit(bool here) {
  const int64_t ticket = queued_.load(std::memory_order_relaxed) + 1;
  if (ring_[ticket % kRing].updates) {
    for (int64_t i = 0; i + 1 < kMaxSteps; ++i) step_tickets_[i] = step_tickets_[i + 1];
    step_tickets_[kMaxSteps - 1] = ticket;
  }
  if (here && idle()) {
    lock_run();  // held by the worker for a moment at most: there is nothing to do for it
    execute_next();
    queued_.store(ticket);  // only now, so that the worker does not wake up for it
    unlock_run();
    return true;
  }
  queued_.store(ticket);
  if (!worker_.joinable()) start_worker();
  if (worker_sleeps_.load()) {
    const std::lock_guard lock(mutex_);
    work_.notify_one();
  }
  return false;
}

void Lane::lock_run() noexcept {
  while (run_lock_.exchange(true, std::memory_order_acquire)) __builtin_ia32_pause();
}

/// The caller holds the run lock and knows that a run is queued.
void Lane::execute_next() {
  const int64_t ticket = completed_.load(std::memory_order_relaxed) + 1;
  Run& run = ring_[ticket % kRing];
  std::exception_ptr failure = run.planned_failure;
  if (!failure && has_failures()) failure = failure_of_inputs(run);
  failure = execute(run, device_, std::move(failure));
  if (failure) note_failure(ticket, std::move(failure));
  completed_.store(ticket);
  if (waiters_.load() == 0) return;
  const std::lock_guard lock(mutex_);
  done_.notify_all();
}

void Lane::note_failure(int64_t ticket, std::exception_ptr failure) {
  const std::lock_guard lock(mutex_);
  failures_[ticket] = std::move(failure);
  failure_count_.fetch_add(1, std::memory_order_release);
}

std::exception_ptr Lane::failure_of(int64_t ticket) {
  const std::lock_guard lock(mutex_);
  const auto at = failures_.find(ticket);
  return at == failures_.end() ? nullptr : at->second;
}

std::exception_ptr Lane::failure_of_inputs(const Run& run) {
  for (const int64_t ticket : run.reads) {
    if (std::exception_ptr failure = failure_of(ticket)) return failure;
  }
  return nullptr;
}

void Lane::wait_until(int64_t ticket) {
  const auto done = [&] { return completed() >= ticket; };
  if (done() || spin_until(done)) return;
  std::unique_lock lock(mutex_);
  waiters_.fetch_add(1);
  done_.wait(lock, [&] { return completed_.load() >= ticket; });
  waiters_.fetch_sub(1);
}

void Lane::start_worker() {
  stopping_.store(false);
  worker_ = std::thread([this] { work(); });
}

bool Lane::wait_for_work() {
  const auto ready = [&] { return queued() > completed(); };
  if (ready() || spin_until(ready)) return true;
  std::unique_lock lock(mutex_);
  worker_sleeps_.store(true);
  work_.wait(lock, [&] { return queued_.load() > completed_.load() || stopping_.load(); });
  worker_sleeps_.store(false);
  return queued() > completed();
}

void Lane::work() noexcept {
  while (true) {
    if (!wait_for_work()) {
      if (stopping_.load()) return;
      continue;
    }
    lock_run();
    if (queued() > completed()) execute_next();  // else the recording thread ran it
    unlock_run();
  }
}

void Lane::stop() noexcept {
  if (!worker_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_.store(true);
    work_.notify_one();
  }
  worker_.join();
}

void Lane::inherit(const Lane& before) {
  const int64_t done = before.completed_.load(), queued = before.queued_.load();
  const Error lost(ErrorKind::kFork,
                   "fork: this value was still being computed when the process was forked\n"
                   "  help: call jt.sync_all() before the fork, or start processes with forkserver");
  for (int64_t ticket = done + 1; ticket <= queued; ++ticket) {
    failures_[ticket] = std::make_exception_ptr(lost);
    failure_count_.fetch_add(1);
  }
  queued_.store(queued);
  completed_.store(queued);
}

}  // namespace jtcy
