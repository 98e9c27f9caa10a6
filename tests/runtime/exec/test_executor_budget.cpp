// A memory budget: the same bits, never more counted bytes, moves to disk and back, and errors before anything changed.
#include "../check.h"
#include "recording.h"

using namespace recording;
using jtcy::ErrorKind;
using jtcy::MemoryManager;

namespace {

constexpr std::size_t kCount = std::size_t{1} << 20;  // 4 MiB of float32
constexpr int64_t kNbytes = static_cast<int64_t>(kCount) * 4;

Executor& executor() { return Executor::instance(); }
MemoryManager& manager() { return MemoryManager::of(Device{}); }

class Budget {
 public:
  explicit Budget(int64_t nbytes) {
    executor().wait_all();
    manager().trim();
    executor().set_budget(Device{}, nbytes);
    manager().reset_peak();
  }
  ~Budget() {
    executor().wait_all();
    executor().set_budget(Device{}, 0);
  }
};

/// Forward values that are all needed again on the way back, as in training.
std::vector<float> chain_and_back(int depth, FlushReason reason) {
  const Handle x = floats(std::vector<float>(kCount, 0.25f));
  std::vector<Handle> kept;
  for (int i = 0; i < depth; ++i) {
    kept.emplace_back(op(OpKind::kTanh, i == 0 ? *x : *kept.back()));
    if (reason == FlushReason::kWindow) executor().flush({(*kept.back()).get()}, reason);
  }
  Handle back = x;
  while (!kept.empty()) {
    back = Handle(op(OpKind::kAdd, *back, *kept.back()));
    if (reason == FlushReason::kWindow) executor().flush({(*back).get()}, reason);
    kept.pop_back();
  }
  return read(back);
}

void check_budget_keeps_bits(FlushReason reason) {
  const std::vector<float> expected = chain_and_back(12, reason);
  for (const int64_t buffers : {10, 6, 4}) {
    const Budget budget(buffers * kNbytes);
    const int64_t evictions = manager().stats().evictions;

    const std::vector<float> found = chain_and_back(12, reason);

    CHECK(found == expected);
    CHECK(manager().stats().peak_counted_nbytes <= buffers * kNbytes);
    CHECK(manager().stats().evictions > evictions);
  }
}

void any_budget_gives_the_same_bits_within_one_flush() { check_budget_keeps_bits(FlushReason::kRead); }
void any_budget_gives_the_same_bits_over_many_flushes() { check_budget_keeps_bits(FlushReason::kWindow); }

void a_value_on_disk_comes_back_when_it_is_read() {
  const Handle first = floats(std::vector<float>(kCount, 7.0f));
  const Budget budget(4 * kNbytes);
  std::vector<Handle> others;
  for (int i = 0; i < 6; ++i) others.push_back(floats(std::vector<float>(kCount, static_cast<float>(i))));
  CHECK(first->buffer->residency() == jtcy::Residency::kDisk);

  CHECK_EQ(read(first)[kCount - 1], 7.0f);
  for (std::size_t i = 0; i < others.size(); ++i) CHECK_EQ(read(others[i])[12345], static_cast<float>(i));
}

void a_budget_below_what_is_live_moves_the_oldest_to_disk_at_once() {
  std::vector<Handle> values;
  for (int i = 0; i < 6; ++i) values.push_back(floats(std::vector<float>(kCount, static_cast<float>(i))));
  const Budget budget(4 * kNbytes);

  CHECK(manager().counted_nbytes() <= 4 * kNbytes);
  CHECK(values[0]->buffer->residency() == jtcy::Residency::kDisk);
  for (std::size_t i = 0; i < values.size(); ++i) CHECK_EQ(read(values[i])[777], static_cast<float>(i));
}

void a_budget_below_what_cannot_move_is_refused() {
  const Handle pinned = floats(std::vector<float>(kCount, 1.0f));
  pinned->buffer->pins = 1;
  CHECK_ERROR(ErrorKind::kBudget, "memory.budget", executor().set_budget(Device{}, kNbytes / 2));
  CHECK_EQ(manager().budget(), int64_t{0});
  pinned->buffer->pins = 0;
}

void a_pinned_value_stays_where_it_is() {
  const Handle pinned = floats(std::vector<float>(kCount, 1.0f));
  pinned->buffer->pins = 1;
  const void* const address = pinned->buffer->address();
  {
    const Budget budget(4 * kNbytes);
    chain_and_back(6, FlushReason::kRead);
  }
  CHECK(pinned->buffer->address() == address);
  CHECK_EQ(static_cast<const float*>(address)[kCount - 1], 1.0f);
  pinned->buffer->pins = 0;
}

void an_op_that_can_never_fit_is_named_and_nothing_changes() {
  const Handle a = floats(std::vector<float>(kCount, 1.0f)), b = floats(std::vector<float>(kCount, 2.0f));
  const Handle sum(op(OpKind::kAdd, *a, *b));
  {
    const Budget budget(2 * kNbytes + kNbytes / 2);
    CHECK_ERROR(ErrorKind::kBudget, "Add needs 12582912 bytes at once, the budget is 10485760 bytes", read(sum));
    CHECK(!sum->realized());
    CHECK_EQ(jtcy::pending_ops(), int64_t{1});
  }
  CHECK_EQ(read(sum)[3], 3.0f);
}

void a_failed_allocation_fails_its_outputs_and_nothing_else() {
  const Handle x = floats(std::vector<float>(1000, 3.0f));
  const Handle bad(op(OpKind::kMul, *x, *x));
  manager().fail_allocation(1);
  CHECK_ERROR(ErrorKind::kBudget, "cannot be had", executor().flush({(*bad).get()}, FlushReason::kRead));
  manager().fail_allocation(0);
  CHECK_ERROR(ErrorKind::kBudget, "cannot be had", read(bad));
  CHECK_EQ(read(Handle(op(OpKind::kNeg, *x)))[999], -3.0f);
}

void memory_is_all_given_back() {
  executor().wait_all();
  manager().trim();
  CHECK_EQ(manager().stats().live_nbytes, int64_t{0});
  CHECK_EQ(manager().stats().spilled_nbytes, int64_t{0});
}

}  // namespace

int main() {
  const check::Test tests[] = {
      TEST(any_budget_gives_the_same_bits_within_one_flush),
      TEST(any_budget_gives_the_same_bits_over_many_flushes),
      TEST(a_value_on_disk_comes_back_when_it_is_read),
      TEST(a_budget_below_what_is_live_moves_the_oldest_to_disk_at_once),
      TEST(a_budget_below_what_cannot_move_is_refused),
      TEST(a_pinned_value_stays_where_it_is),
      TEST(an_op_that_can_never_fit_is_named_and_nothing_changes),
      TEST(a_failed_allocation_fails_its_outputs_and_nothing_else),
      TEST(memory_is_all_given_back),
  };
  return check::run_all(tests);
}
