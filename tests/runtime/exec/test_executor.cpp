// Flush, queue, wait, failures, windows, uploads: what a program sees of the executor.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "../check.h"
#include "exec/code_spec.h"
#include "exec/compile_hook.h"
#include "graph/compose.h"
#include "recording.h"

using namespace recording;
using jtcy::Attrs;
using jtcy::ErrorKind;
using jtcy::ExecStats;
using jtcy::Program;
using jtcy::Ref;

namespace {

Executor& executor() { return Executor::instance(); }

ExecStats fresh_stats() {
  executor().wait_all();
  executor().reset_stats();
  executor().clear_plans();
  return executor().stats();
}

void a_read_gives_the_value() {
  const Handle a = floats({1, 2, 3}), b = floats({10, 20, 30});
  const Handle sum(op(OpKind::kAdd, *a, *b));
  CHECK(read(sum) == std::vector<float>({11, 22, 33}));
}

void a_second_graph_of_the_same_structure_is_a_hit_for_any_extent() {
  fresh_stats();
  for (const std::size_t n : {20u, 20u, 30u}) {
    const Handle x = floats(std::vector<float>(n, 2.0f));
    CHECK(read(Handle(op(OpKind::kMul, *x, *x))) == std::vector<float>(n, 4.0f));
  }
  CHECK_EQ(executor().stats().plan_misses, int64_t{1});
  CHECK_EQ(executor().stats().plan_hits, int64_t{2});
  CHECK_EQ(executor().last_plan_reason(), std::string("hit"));
}

void a_miss_names_what_changed() {
  fresh_stats();
  read(Handle(op(OpKind::kNeg, *floats({1, 2, 3, 4, 5}))));
  read<int64_t>(Handle(op(OpKind::kNeg, *integers({1, 2, 3, 4, 5}))));
  CHECK_EQ(executor().last_plan_reason(), std::string("input 0 is now int64, was float32"));
  read(Handle(op(OpKind::kSqrt, *floats({1}))));
  CHECK_EQ(executor().last_plan_reason(), std::string("new structure"));
}

void a_small_read_runs_in_the_reading_thread_and_a_window_in_the_worker() {
  fresh_stats();
  const Handle x = floats({4});
  read(Handle(op(OpKind::kSqrt, *x)));
  CHECK_EQ(executor().stats().runs_inline, int64_t{1});

  const Handle y(op(OpKind::kSqrt, *x));
  executor().flush({(*y).get()}, FlushReason::kWindow);
  wait(*y);

  CHECK_EQ(executor().stats().runs_inline, int64_t{1});
  CHECK_EQ(executor().stats().runs, int64_t{2});
}

void values_come_in_order_through_a_full_queue() {
  Handle x = floats(std::vector<float>(1000, 0.0f));
  const Handle one = floats(std::vector<float>(1000, 1.0f));
  for (int step = 0; step < 200; ++step) {
    x = Handle(op(OpKind::kAdd, *x, *one));
    executor().flush({(*x).get()}, FlushReason::kWindow);
  }
  CHECK(read(x) == std::vector<float>(1000, 200.0f));
}

void an_upload_waits_its_turn_behind_queued_runs() {
  for (int round = 0; round < 50; ++round) {
    Handle x = floats(std::vector<float>(4096, 1.0f));
    for (int step = 0; step < 5; ++step) x = Handle(op(OpKind::kExp, *x));
    const Handle y(op(OpKind::kMul, *x, *x));
    executor().flush({(*y).get()}, FlushReason::kWindow);
    x = Handle();
    const Handle fresh = floats(std::vector<float>(4096, static_cast<float>(round)));
    CHECK(read(fresh) == std::vector<float>(4096, static_cast<float>(round)));
  }
}

void a_dying_operand_lends_its_memory() {
  Handle x(op(OpKind::kNeg, *floats(std::vector<float>(100'000, 1.0f))));
  read(x);
  auto& manager = jtcy::MemoryManager::of(Device{});
  const int64_t before = manager.stats().live_nbytes;
  for (int step = 0; step < 10; ++step) {
    Handle next(op(OpKind::kNeg, *x));
    x = Handle();
    read(next);
    CHECK(manager.stats().live_nbytes <= before);
    x = next;
  }
  CHECK_EQ(read(x)[99'999], -1.0f);
}

void a_held_operand_keeps_its_value() {
  const Handle x(op(OpKind::kNeg, *floats({1, 2})));
  read(x);
  const Handle y(op(OpKind::kNeg, *x));
  CHECK(read(y) == std::vector<float>({1, 2}));
  CHECK(read(x) == std::vector<float>({-1, -2}));
}

void a_window_is_a_count_of_recorded_ops() {
  fresh_stats();
  jtcy::runtime_flags().window_ops = 10;
  Handle x = floats({1});
  const Handle one = floats({1});
  for (int i = 0; i < 35; ++i) {
    x = Handle(op(OpKind::kAdd, *x, *one));
    executor().after_record();
  }
  CHECK_EQ(executor().stats().flushes[static_cast<int>(FlushReason::kWindow)], int64_t{3});
  CHECK_EQ(jtcy::pending_ops(), int64_t{5});
  CHECK_EQ(read(x)[0], 36.0f);
  jtcy::runtime_flags().window_ops = 4096;
}

void a_window_is_a_count_of_bytes_too() {
  fresh_stats();
  jtcy::runtime_flags().window_nbytes = 4 * 4 * 100;
  Handle x = floats(std::vector<float>(100, 1.0f));
  for (int i = 0; i < 9; ++i) {
    x = Handle(op(OpKind::kNeg, *x));
    executor().after_record();
  }
  CHECK_EQ(executor().stats().flushes[static_cast<int>(FlushReason::kWindow)], int64_t{2});
  jtcy::runtime_flags().window_nbytes = int64_t{1} << 32;
  CHECK_EQ(read(x)[7], -1.0f);
}

void eager_runs_each_op_at_once() {
  fresh_stats();
  jtcy::runtime_flags().eager = true;
  const Handle x = floats({3});
  const Handle y(op(OpKind::kMul, *x, *x));
  executor().after_record();
  CHECK_EQ(jtcy::pending_ops(), int64_t{0});
  CHECK(y->realized());
  jtcy::runtime_flags().eager = false;
  CHECK_EQ(read(y)[0], 9.0f);
}

Handle take(const Handle& x, const Handle& index) {
  Attrs attrs;  // x[index[i]], checked
  for (const int64_t value : {1, 2, 2, 0, 0, 4, 1}) attrs.structure.push_back(value);
  attrs.add_int(0);
  return Handle(jtcy::make_reindex({*x, *index}, attrs, {index->shape[0]}, "take"));
}

void an_index_outside_is_an_error_that_names_value_and_limit() {
  const Handle x = floats({1, 2, 3});
  const Handle bad = take(x, integers({0, 7}));
  CHECK_ERROR(ErrorKind::kIndex, "take: index 7 is out of range for dim 0 of 3 elements", read(bad));
  CHECK_ERROR(ErrorKind::kIndex, "index 7", read(bad));
  CHECK(read(take(x, integers({2, 0}))) == std::vector<float>({3, 1}));
}

void what_reads_a_failed_value_fails_with_the_first_error() {
  const Handle x = floats({1, 2, 3});
  const Handle bad = take(x, integers({9}));
  executor().flush({(*bad).get()}, FlushReason::kWindow);
  const Handle later(op(OpKind::kNeg, *bad)), fine(op(OpKind::kNeg, *x));
  CHECK_ERROR(ErrorKind::kIndex, "index 9", read(later));
  CHECK(read(fine) == std::vector<float>({-1, -2, -3}));
}

void code_gets_contiguous_inputs() {
  const int64_t id = jtcy::register_code("weighted", [](const jtcy::CodeTensor* in, const jtcy::CodeTensor* out,
                                                        const KernelScalar* scalars) {
    for (long long i = 0; i < in[0].shape[0] * in[0].shape[1]; ++i) {
      static_cast<float*>(out[0].data)[i] = static_cast<const float*>(in[0].data)[i] * static_cast<float>(scalars[0].f);
    }
  });
  const Handle x = leaf<float>({1, 2, 3, 4, 5, 6}, {2, 3}, Dtype::kFloat32);
  const Handle turned(jtcy::make_transpose(*x, {1, 0}));
  Attrs attrs;
  attrs.structure.push_back(id);
  attrs.add_float(10);
  const auto outputs = jtcy::make_code({*turned}, attrs, {{3, 2}}, {Dtype::kFloat32}, {});
  const Handle y(outputs[0]);
  CHECK(read(y) == std::vector<float>({10, 40, 20, 50, 30, 60}));
}

void a_matrix_product_runs() {
  const Handle a = leaf<float>({1, 2, 3, 4, 5, 6}, {2, 3}, Dtype::kFloat32);
  const Handle b = leaf<float>({1, 0, 0, 1, 2, -1}, {3, 2}, Dtype::kFloat32);
  CHECK(read(Handle(jtcy::compose_matmul(*a, *b))) == std::vector<float>({7, -1, 16, -1}));
}

/// The same Signature with other padding: sums of three neighbours, zeros outside.
void a_convolution_takes_its_padding_from_each_run() {
  const Handle x = leaf<float>({1, 2, 3, 4, 5}, {1, 1, 5}, Dtype::kFloat32);
  const Handle w = leaf<float>({1, 1, 1}, {1, 1, 3}, Dtype::kFloat32);
  const std::vector<float> expected[] = {{6, 9, 12}, {3, 6, 9, 12, 9}, {1, 3, 6, 9, 12, 9, 5}};
  for (const int64_t padding : {0, 1, 2}) {
    jtcy::ConvSpec spec{{1}, {padding}, {1}, 1};
    CHECK(read(Handle(jtcy::compose_conv(*x, *w, VarRef(), spec))) == expected[padding]);
  }
}

int g_compiles = 0;
Ref<Program> decline(void*, const jtcy::GraphSnapshot& snapshot) {
  g_compiles += static_cast<int>(snapshot.ops.size());
  return nullptr;
}

void a_compiler_is_asked_once_a_structure_and_may_decline() {
  fresh_stats();
  g_compiles = 0;
  jtcy::set_compile_hook({nullptr, decline});
  for (int i = 0; i < 3; ++i) CHECK_EQ(read(Handle(op(OpKind::kAbs, *floats({-5}))))[0], 5.0f);
  jtcy::set_compile_hook({});
  CHECK_EQ(g_compiles, 1);
  CHECK_EQ(executor().stats().programs_compiled, int64_t{1});
}

void readers_in_other_threads_wait_for_their_value() {
  std::vector<Handle> values;
  const Handle x = floats(std::vector<float>(20'000, 0.5f));
  for (int i = 0; i < 8; ++i) {
    values.emplace_back(op(OpKind::kExp, *x));
    executor().flush({(*values.back()).get()}, FlushReason::kWindow);
  }
  std::atomic<int> right{0};
  std::vector<std::thread> readers;
  for (const Handle& value : values) {
    readers.emplace_back([&right, buffer = value->buffer.get()] {
      executor().wait(*buffer);
      right += static_cast<const float*>(buffer->address())[19'999] > 1.6f;
    });
  }
  for (std::thread& reader : readers) reader.join();
  CHECK_EQ(right.load(), 8);
}

void work_goes_on_after_stop() {
  const Handle x = floats({2});
  executor().stop();
  const Handle y(op(OpKind::kMul, *x, *x));
  executor().flush({(*y).get()}, FlushReason::kWindow);
  CHECK_EQ(read(y)[0], 4.0f);
  CHECK(executor().idle());
}

void nothing_stays_alive_after_the_handles() {
  executor().wait_all();
  const int64_t vars = jtcy::live_vars(), ops = jtcy::live_ops();
  {
    Handle x = floats({1});
    for (int i = 0; i < 50; ++i) x = Handle(op(OpKind::kNeg, *x));
    read(x);
  }
  CHECK_EQ(jtcy::live_vars(), vars);
  CHECK_EQ(jtcy::live_ops(), ops);
}

#if defined(__SANITIZE_THREAD__)
constexpr FlushReason kInChild = FlushReason::kRead;  // the sanitizer refuses new threads after a fork
#else
constexpr FlushReason kInChild = FlushReason::kWindow;
#endif

void a_forked_child_reads_what_was_done_and_starts_anew() {
  executor().wait_all();
  const Handle x = floats({5});
  const pid_t child = ::fork();
  if (child == 0) {
    executor().after_fork();
    const Handle y(op(OpKind::kMul, *x, *x));
    executor().flush({(*y).get()}, kInChild);
    ::_exit(read(x)[0] == 5.0f && read(y)[0] == 25.0f ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace

int main() {
  const check::Test tests[] = {
      TEST(a_read_gives_the_value),
      TEST(a_second_graph_of_the_same_structure_is_a_hit_for_any_extent),
      TEST(a_miss_names_what_changed),
      TEST(a_small_read_runs_in_the_reading_thread_and_a_window_in_the_worker),
      TEST(values_come_in_order_through_a_full_queue),
      TEST(an_upload_waits_its_turn_behind_queued_runs),
      TEST(a_dying_operand_lends_its_memory),
      TEST(a_held_operand_keeps_its_value),
      TEST(a_window_is_a_count_of_recorded_ops),
      TEST(a_window_is_a_count_of_bytes_too),
      TEST(eager_runs_each_op_at_once),
      TEST(an_index_outside_is_an_error_that_names_value_and_limit),
      TEST(what_reads_a_failed_value_fails_with_the_first_error),
      TEST(code_gets_contiguous_inputs),
      TEST(a_matrix_product_runs),
      TEST(a_convolution_takes_its_padding_from_each_run),
      TEST(a_compiler_is_asked_once_a_structure_and_may_decline),
      TEST(readers_in_other_threads_wait_for_their_value),
      TEST(work_goes_on_after_stop),
      TEST(nothing_stays_alive_after_the_handles),
      TEST(a_forked_child_reads_what_was_done_and_starts_anew),
  };
  return check::run_all(tests);
}
