// Executor: flush, look up, bind, run, retire; one worker thread a device; and what a reader waits for.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "exec/program.h"
#include "graph/graph.h"

namespace jtcy {

enum class FlushReason : uint8_t { kRead = 0, kSyncAll = 1, kWindow = 2, kMemory = 3, kEager = 4 };
inline constexpr int kFlushReasonCount = 5;

/// Settings that the runtime reads; config.py writes them through api.h. Plain ints: the recording thread only.
struct RuntimeFlags {
  bool fuse = true;
  bool eager = false;             // every op at once, by the interpreter
  bool interpret = false;         // never use compiled kernels
  bool wait_for_kernels = false;  // a miss waits for its kernels instead of interpreting meanwhile
  bool autotune = false;          // the compiler wants to see live nodes: never later
  bool compile_at_once = true;    // when a structure is first met; else once something is flushed after its first run
  bool plan_cache = true;
  bool verify = false;
  int64_t window_ops = 4096;                 // pending ops at which a flush is made
  int64_t window_nbytes = int64_t{1} << 32;  // pending output bytes, likewise
  bool use_cuda = false;
  bool managed_memory = false;
};
RuntimeFlags& runtime_flags() noexcept;

/// How a call that must wait lets other Python threads go on; null functions: nothing to release (C++ programs).
struct WaitHooks {
  void* (*release_gil)() = nullptr;
  void (*acquire_gil)(void* state) = nullptr;
};
void set_wait_hooks(WaitHooks hooks) noexcept;

struct ExecStats {
  int64_t launches = 0;  // kernels and interpreted ops started (a batch counts once)
  int64_t interpreted_launches = 0;
  int64_t flushes[kFlushReasonCount] = {};
  int64_t programs_compiled = 0;  // calls of the compile hook
  int64_t plan_hits = 0;
  int64_t plan_misses = 0;
  int64_t runs = 0;
  int64_t runs_inline = 0;  // in the reading thread
  int64_t ops_run = 0;
  int64_t waits = 0;
};

class Executor {
 public:
  static Executor& instance();

  /// Binds what `targets` need (memory planned now, in order) and queues it; the Vars are realized on return, their
  /// bytes follow. Throws before anything changed: kBudget, kCompile; then the graph is still pending.
  void flush(const std::vector<Var*>& targets, FlushReason reason);
  void flush_everything(FlushReason reason);

  /// Called after each recorded op: flushes at the window's borders (a function of the op sequence alone).
  void after_record();

  /// Like MemoryManager::allocate, but with a budget others are moved to disk where that makes room. Fill it by
  /// upload().
  Ref<Buffer> allocate(Device device, int64_t nbytes, const char* function);
  /// Fills a fresh Buffer of a MemoryManager with host bytes, in stream order: its address may have been freed by what
  /// is still queued, so nobody may write there directly. `host` may go away on return.
  void upload(Buffer& buffer, const void* host, int64_t nbytes);

  /// Waits until the bytes of a realized Var are there (the caller released the GIL); throws the run's error.
  void wait(const Buffer& buffer);
  void wait_all();
  /// The same of what is queued on `device` now, for a thread that holds the GIL and lets it go meanwhile.
  void wait_for_queued(Device device);
  /// True when nothing is queued or running.
  bool idle() const noexcept;

  ExecStats stats() const;
  void reset_stats();
  /// Programs held; and forgetting them (a flag that changes kernels changed).
  std::size_t plan_count() const noexcept;
  void clear_plans();
  /// Text of the Program that the last flush ran, and why it was or was not found ("hit", "x is now strided", ...).
  std::string last_plan_text() const;
  std::string last_plan_reason() const;

  /// Drains or drops the queue and joins the worker; also registered for exit. Later calls start anew.
  void stop() noexcept;
  /// The bound on a device's counted bytes (0: none); what is above it moves to disk now. Throws kBudget and changes
  /// nothing where that cannot be.
  void set_budget(Device device, int64_t nbytes);
  /// Bytes of live Buffers that a budget could move to disk.
  int64_t evictable_nbytes(Device device) const;

  /// In a forked child: forget threads and queued runs.
  void after_fork() noexcept;

  struct State;

 private:
  Executor();
  ~Executor();
  State* state_;
};

}  // namespace jtcy
