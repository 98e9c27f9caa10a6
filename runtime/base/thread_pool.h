// ThreadPool: parallel_for over a range; workers spin for a bounded time, then sleep on a futex.
#pragma once
#include <cstdint>
#include <memory>

namespace jtcy {

/// One parallel_for at a time (the executor's, or a reader's while the executor is idle: the caller holds the run
/// lock). No OpenMP. Threads start at the first parallel call and are joined by stop().
class ThreadPool {
 public:
  /// Body of a range: `thread` is 0 .. threads()-1 and picks the thread's own scratch memory.
  using Body = void (*)(void* context, int thread, int64_t begin, int64_t end);

  static ThreadPool& instance();

  int threads() const noexcept;
  /// Takes effect at the next parallel_for; at least 1.
  void set_threads(int threads);

  /// Splits [0, count) at multiples of `grain` into one contiguous part a thread; runs inline when one part is enough.
  /// What a part computes must not depend on where the cuts fall (docs/bits.md: bits depend on the operation alone).
  void parallel_for(int64_t count, int64_t grain, Body body, void* context);

  /// Lambda form: f(int thread, int64_t begin, int64_t end).
  template <typename F>
  void parallel_for(int64_t count, int64_t grain, F&& f) {
    parallel_for(
        count, grain,
        [](void* context, int thread, int64_t begin, int64_t end) {
          (*static_cast<std::remove_reference_t<F>*>(context))(thread, begin, end);
        },
        const_cast<void*>(static_cast<const void*>(&f)));
  }

  /// Joins the workers; the next parallel_for starts them anew. Also called in a forked child, where it only forgets.
  void stop() noexcept;

 private:
  ThreadPool();
  ~ThreadPool();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jtcy
