// Workers, each with its own futex word: those that a range does not need are not touched.
#include "base/thread_pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/trace.h"

namespace jtcy {

namespace {

// Launches of one step follow each other within some microseconds; a futex wake costs about as much as this spin.
constexpr int64_t kSpinNs = 30'000;
// Looking at the clock costs as much as a few pauses.
constexpr int kPausesPerClock = 32;

void futex_wait(std::atomic<uint32_t>& word, uint32_t expected) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void futex_wake(std::atomic<uint32_t>& word) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

/// Returns once `word` differs from `seen`. `asleep` tells the writer that a wake is needed.
/// Both sides use sequential consistency: the writer changes the word, then reads `asleep`; we do the reverse.
uint32_t wait_for_change(std::atomic<uint32_t>& word, uint32_t seen, std::atomic<bool>& asleep) noexcept {
  const int64_t deadline = now_ns() + kSpinNs;
  do {
    for (int i = 0; i < kPausesPerClock; ++i) {
      if (const uint32_t value = word.load(std::memory_order_acquire); value != seen) return value;
      __builtin_ia32_pause();
    }
  } while (now_ns() < deadline);
  asleep.store(true);
  uint32_t value = word.load();
  for (; value == seen; value = word.load()) futex_wait(word, seen);
  asleep.store(false);
  return value;
}

struct Job {
  ThreadPool::Body body = nullptr;
  void* context = nullptr;
  int64_t begin = 0;
  int64_t end = 0;
};

/// On a cache line of its own: written by the caller, spun on by the worker.
struct alignas(64) Worker {
  std::atomic<uint32_t> epoch{0};
  std::atomic<bool> asleep{false};
  Job job;  // null body: leave
  std::thread thread;

  void start_job(const Job& next) noexcept {
    job = next;
    epoch.fetch_add(1);
    if (asleep.load()) futex_wake(epoch);
  }
};

/// Which part this thread is working on; -1 outside. A nested parallel_for runs inline as that same thread.
thread_local int t_thread = -1;

void run_part(const Job& job, int thread) noexcept {
  const int outer = std::exchange(t_thread, thread);
  job.body(job.context, thread, job.begin, job.end);
  t_thread = outer;
}

int default_threads() {
  if (const char* text = std::getenv("JTCY_THREADS"); text != nullptr && *text != '\0') {
    char* end = nullptr;
    const long count = std::strtol(text, &end, 10);
    if (*end == '\0' && count >= 1 && count <= 4096) return static_cast<int>(count);
    JTCY_TRACE(1, "device", "JTCY_THREADS=", text, " ignored=not a count from 1 to 4096");
  }
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
}

}  // namespace

struct ThreadPool::State {
  std::mutex mutex;  // one parallel_for at a time
  std::atomic<int> wanted{default_threads()};
  std::vector<std::unique_ptr<Worker>> workers;  // worker i is thread i + 1
  // Of a cache line of its own: parts that are not done, and the caller that waits for them.
  alignas(64) std::atomic<uint32_t> pending{0};
  std::atomic<bool> caller_asleep{false};

  int grow(int threads) noexcept;
  void work(Worker& worker, int thread) noexcept;
  void wait_for_workers() noexcept;
  void join() noexcept;
};

/// Starts workers up to `threads` in all and returns how many threads there are; fewer where the system refuses.
int ThreadPool::State::grow(int threads) noexcept {
  // Workers take no signals: Python's belong to its own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    while (static_cast<int>(workers.size()) + 1 < threads) {
      auto worker = std::make_unique<Worker>();
      Worker& added = *worker;
      const int thread = static_cast<int>(workers.size()) + 1;
      workers.push_back(std::move(worker));
      try {
        added.thread = std::thread([this, &added, thread] { work(added, thread); });
      } catch (...) {
        workers.pop_back();
        throw;
      }
    }
  } catch (const std::exception& error) {
    wanted.store(static_cast<int>(workers.size()) + 1);  // not asked for again at each call
    JTCY_TRACE(1, "device", "threads=", workers.size() + 1, " wanted=", threads, " reason=", error.what());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return static_cast<int>(workers.size()) + 1;
}

void ThreadPool::State::work(Worker& worker, int thread) noexcept {
  uint32_t seen = 0;
  while (true) {
    seen = wait_for_change(worker.epoch, seen, worker.asleep);
    if (worker.job.body == nullptr) return;
    run_part(worker.job, thread);
    if (pending.fetch_sub(1) == 1 && caller_asleep.load()) futex_wake(pending);
  }
}

void ThreadPool::State::wait_for_workers() noexcept {
  for (uint32_t left = pending.load(std::memory_order_acquire); left != 0;) {
    left = wait_for_change(pending, left, caller_asleep);
  }
}

void ThreadPool::State::join() noexcept {
  for (auto& worker : workers) worker->start_job(Job{});
  for (auto& worker : workers) worker->thread.join();
  workers.clear();
}

ThreadPool& ThreadPool::instance() {
  // Never destroyed: at exit the executor may still be draining; stop() is what ends the workers.
  static ThreadPool* const pool = [] {
    auto* made = new ThreadPool();
    // The child has none of our threads and perhaps a locked mutex: it gets a fresh state, the old one is forgotten.
    pthread_atfork(nullptr, nullptr, [] {
      ThreadPool& forked = instance();
      const int wanted = forked.threads();
      static_cast<void>(forked.state_.release());
      forked.state_ = std::make_unique<State>();
      forked.state_->wanted.store(wanted);
      t_thread = -1;
    });
    return made;
  }();
  return *pool;
}

ThreadPool::ThreadPool() : state_(std::make_unique<State>()) {}
ThreadPool::~ThreadPool() { stop(); }

int ThreadPool::threads() const noexcept { return state_->wanted.load(std::memory_order_relaxed); }

void ThreadPool::set_threads(int threads) { state_->wanted.store(std::max(1, threads), std::memory_order_relaxed); }

void ThreadPool::parallel_for(int64_t count, int64_t grain, Body body, void* context) {
  if (count <= 0) return;
  grain = std::max<int64_t>(1, grain);
  const int64_t grains = (count - 1) / grain + 1;
  if (grains == 1 || t_thread >= 0 || threads() == 1) {
    run_part(Job{body, context, 0, count}, std::max(t_thread, 0));
    return;
  }
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  int available = threads();
  if (static_cast<int>(s.workers.size()) + 1 < available) available = s.grow(available);
  const int64_t parts = std::min<int64_t>(available, grains);
  // Part i starts at grain floor(i * grains / parts); split so that the product cannot overflow.
  const auto cut = [&](int64_t part) {
    const int64_t at = grains / parts * part + grains % parts * part / parts;
    return part == parts ? count : at * grain;
  };
  s.pending.store(static_cast<uint32_t>(parts - 1));
  for (int part = 1; part < parts; ++part) {
    s.workers[static_cast<std::size_t>(part - 1)]->start_job(Job{body, context, cut(part), cut(part + 1)});
  }
  run_part(Job{body, context, 0, cut(1)}, 0);
  s.wait_for_workers();
}

void ThreadPool::stop() noexcept {
  const std::lock_guard lock(state_->mutex);
  state_->join();
}

}  // namespace jtcy
