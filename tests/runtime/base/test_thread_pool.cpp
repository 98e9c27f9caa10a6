// ThreadPool: every index once, cuts at the grain, nesting, several callers, sleep, stop and fork.
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/thread_pool.h"
#include "check.h"

namespace {

using namespace jtcy;

struct Part {
  int thread;
  int64_t begin, end;
};

std::vector<Part> parts_of(int64_t count, int64_t grain) {
  std::mutex mutex;
  std::vector<Part> parts;
  ThreadPool::instance().parallel_for(count, grain, [&](int thread, int64_t begin, int64_t end) {
    const std::lock_guard lock(mutex);
    parts.push_back({thread, begin, end});
  });
  return parts;
}

void check_cover(int threads, int64_t count, int64_t grain) {
  std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
  std::atomic<uint64_t> used{0};
  ThreadPool::instance().parallel_for(count, grain, [&](int thread, int64_t begin, int64_t end) {
    CHECK(thread >= 0 && thread < threads);
    CHECK((used.fetch_or(uint64_t{1} << thread) & (uint64_t{1} << thread)) == 0);  // one part a thread
    CHECK(begin % grain == 0 && (end % grain == 0 || end == count) && begin < end);
    for (int64_t i = begin; i < end; ++i) seen[static_cast<std::size_t>(i)].fetch_add(1);
  });
  for (const auto& times : seen) CHECK_EQ(times.load(), 1);
}

void test_every_index_is_visited_once_for_any_count_grain_and_threads() {
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool::instance().set_threads(threads);
    for (const int64_t count : {1, 2, 3, 7, 8, 63, 64, 1000}) {
      for (const int64_t grain : {1, 2, 5, 64, 5000}) check_cover(threads, count, grain);
    }
  }
}

void test_empty_range_calls_nothing() {
  CHECK(parts_of(0, 1).empty());
  CHECK(parts_of(-5, 1).empty());
}

void test_range_of_one_grain_runs_inline() {
  ThreadPool::instance().set_threads(4);
  const auto caller = std::this_thread::get_id();

  ThreadPool::instance().parallel_for(100, 100, [&](int thread, int64_t begin, int64_t end) {
    CHECK_EQ(thread, 0);
    CHECK(std::this_thread::get_id() == caller);
    CHECK_EQ(end - begin, int64_t{100});
  });
}

void test_huge_count_does_not_overflow() {
  ThreadPool::instance().set_threads(3);
  const int64_t count = INT64_MAX - 1;

  const auto parts = parts_of(count, 1);

  int64_t total = 0;
  for (const Part& part : parts) total += part.end - part.begin;
  CHECK_EQ(parts.size(), std::size_t{3});
  CHECK_EQ(total, count);
}

void test_nested_range_runs_inline_as_the_same_thread() {
  ThreadPool& pool = ThreadPool::instance();
  pool.set_threads(3);
  std::atomic<int64_t> total{0};

  pool.parallel_for(3, 1, [&](int outer, int64_t, int64_t) {
    pool.parallel_for(10, 1, [&, outer](int inner, int64_t begin, int64_t end) {
      CHECK_EQ(inner, outer);
      total.fetch_add(end - begin);
    });
  });

  CHECK_EQ(total.load(), int64_t{30});
}

void test_callers_take_turns() {
  ThreadPool& pool = ThreadPool::instance();
  pool.set_threads(2);
  std::atomic<int64_t> total{0};
  std::vector<int64_t> unguarded(64, 0);  // a race here is what the thread sanitizer looks for

  std::vector<std::thread> callers;
  for (int c = 0; c < 3; ++c) {
    callers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        pool.parallel_for(64, 1, [&](int, int64_t begin, int64_t end) {
          for (int64_t k = begin; k < end; ++k) ++unguarded[static_cast<std::size_t>(k)];
          total.fetch_add(end - begin);
        });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();

  CHECK_EQ(total.load(), int64_t{3 * 200 * 64});
  for (const int64_t times : unguarded) CHECK_EQ(times, int64_t{600});
}

void test_writes_of_workers_are_seen_by_the_caller() {
  ThreadPool& pool = ThreadPool::instance();
  pool.set_threads(3);
  std::vector<int64_t> values(1000);

  for (int64_t round = 0; round < 300; ++round) {
    pool.parallel_for(1000, 10, [&](int, int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) values[static_cast<std::size_t>(i)] = i * round;
    });
    int64_t total = 0;
    for (const int64_t value : values) total += value;
    CHECK_EQ(total, round * 999 * 1000 / 2);
  }
}

int64_t process_cpu_ns() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * int64_t{1'000'000'000} + t.tv_nsec;
}

void test_idle_workers_sleep() {
  ThreadPool::instance().set_threads(4);
  parts_of(1000, 1);
  usleep(2000);

  const int64_t before = process_cpu_ns();
  usleep(100'000);
  const int64_t spent = process_cpu_ns() - before;

  CHECK(spent < 20'000'000);  // one spinning worker alone would take up to 100 ms
}

void test_sleeping_workers_wake_for_the_next_range() {
  ThreadPool::instance().set_threads(3);
  for (int i = 0; i < 20; ++i) {
    usleep(500);
    CHECK_EQ(parts_of(30, 1).size(), std::size_t{3});
  }
}

void test_pool_starts_anew_after_stop() {
  ThreadPool::instance().set_threads(3);
  for (int i = 0; i < 20; ++i) {
    CHECK_EQ(parts_of(9, 1).size(), std::size_t{3});
    ThreadPool::instance().stop();
  }
  ThreadPool::instance().stop();
}

void test_number_of_threads_can_shrink_and_grow() {
  for (const int threads : {4, 1, 2, 5, 3}) {
    ThreadPool::instance().set_threads(threads);
    CHECK_EQ(ThreadPool::instance().threads(), threads);
    CHECK_EQ(parts_of(100, 1).size(), static_cast<std::size_t>(threads));
  }
  ThreadPool::instance().set_threads(0);
  CHECK_EQ(ThreadPool::instance().threads(), 1);
}

#ifndef __SANITIZE_THREAD__  // its runtime refuses threads in a forked child
void test_forked_child_has_a_pool_of_its_own() {
  ThreadPool::instance().set_threads(3);
  parts_of(9, 1);

  const pid_t child = fork();
  if (child == 0) {
    const bool complete = parts_of(9, 1).size() == 3 && ThreadPool::instance().threads() == 3;
    ThreadPool::instance().stop();
    _exit(complete ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);

  CHECK_EQ(status, 0);
  CHECK_EQ(parts_of(9, 1).size(), std::size_t{3});
}
#endif

}  // namespace

int main() {
  const int result = check::run_all({
      TEST(test_every_index_is_visited_once_for_any_count_grain_and_threads),
      TEST(test_empty_range_calls_nothing),
      TEST(test_range_of_one_grain_runs_inline),
      TEST(test_huge_count_does_not_overflow),
      TEST(test_nested_range_runs_inline_as_the_same_thread),
      TEST(test_callers_take_turns),
      TEST(test_writes_of_workers_are_seen_by_the_caller),
      TEST(test_idle_workers_sleep),
      TEST(test_sleeping_workers_wake_for_the_next_range),
      TEST(test_pool_starts_anew_after_stop),
      TEST(test_number_of_threads_can_shrink_and_grow),
#ifndef __SANITIZE_THREAD__
      TEST(test_forked_child_has_a_pool_of_its_own),
#endif
  });
  jtcy::ThreadPool::instance().stop();
  return result;
}
