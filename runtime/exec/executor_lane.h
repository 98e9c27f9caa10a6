// Lane: the queue of runs of one device, its worker thread, and what was completed or failed.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include "device/device.h"
#include "exec/executor_run.h"

namespace jtcy {

// Note [Lane]
// Tickets count the runs of a lane: run t lies in the ring at t % kRing. The recording thread fills the run behind the
// last queued one and publishes it (`queued_`); whoever holds the run lock executes the run behind the last completed
// one and publishes that (`completed_`). Refs in a run are dropped when the recording thread fills its place again. A
// small run is executed by the recording thread itself when nothing else is in flight: handing over costs more than
// running it.

class Lane {
 public:
  static constexpr int64_t kRing = 16;
  /// Runs that may be in flight before the recording thread waits.
  static constexpr int64_t kMaxInFlight = 10;
  /// Optimizer steps likewise.
  static constexpr int64_t kMaxSteps = 2;

  explicit Lane(Device device) : device_(device) {}

  // Recording thread.
  /// The run to fill next; its ticket is set. Precondition: !must_wait().
  Run& next_run();
  /// Queues the run that next_run() gave, or executes it at once where `here` allows and nothing is in flight. True
  /// when it was executed.
  bool submit(bool here);
  bool must_wait() const noexcept;
  void wait_for_room();

  // Any thread.
  Device device() const noexcept { return device_; }
  int64_t queued() const noexcept { return queued_.load(std::memory_order_acquire); }
  int64_t completed() const noexcept { return completed_.load(std::memory_order_acquire); }
  bool idle() const noexcept { return completed() >= queued(); }
  void wait_until(int64_t ticket);
  bool has_failures() const noexcept { return failure_count_.load(std::memory_order_acquire) != 0; }
  /// Null when that run went well (or has not run).
  std::exception_ptr failure_of(int64_t ticket);

  /// Finishes what is queued and joins the worker.
  void stop() noexcept;
  /// In a forked child: what was in flight is failed with kFork; `before` is the parent's lane, which is never touched
  /// again.
  void inherit(const Lane& before);

 private:
  void execute_next();
  void note_failure(int64_t ticket, std::exception_ptr failure);
  std::exception_ptr failure_of_inputs(const Run& run);
  void start_worker();
  void work() noexcept;
  bool wait_for_work();
  void lock_run() noexcept;
  void unlock_run() noexcept { run_lock_.store(false, std::memory_order_release); }

  const Device device_;
  Run ring_[kRing];
  int64_t step_tickets_[kMaxSteps] = {};  // of the last runs with updates, oldest first
  alignas(64) std::atomic<int64_t> queued_{0};
  alignas(64) std::atomic<int64_t> completed_{0};
  std::atomic<bool> run_lock_{false};
  std::atomic<bool> worker_sleeps_{false};
  std::atomic<int> waiters_{0};
  std::atomic<int> failure_count_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable work_, done_;
  std::map<int64_t, std::exception_ptr> failures_;  // guarded by mutex_
  std::thread worker_;
};

}  // namespace jtcy
