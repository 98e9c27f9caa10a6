// MemoryManager: Buffers, budget, eviction to disk and back, statistics, events, planted failures.
#include <cstring>
#include <new>

#include "check.h"
#include "device/backend.h"
#include "memory/manager.h"

namespace {

using namespace jtcy;

constexpr int64_t kMiB = int64_t{1} << 20;

unsigned char pattern(int64_t i, int64_t salt) { return static_cast<unsigned char>((i * 131 + salt) % 251); }

void fill(Buffer& buffer, int64_t salt) {
  auto* const bytes = static_cast<unsigned char*>(buffer.address());
  for (int64_t i = 0; i < buffer.nbytes(); ++i) bytes[i] = pattern(i, salt);
}

bool holds(const Buffer& buffer, int64_t salt) {
  const auto* const bytes = static_cast<const unsigned char*>(buffer.address());
  for (int64_t i = 0; i < buffer.nbytes(); ++i) {
    if (bytes[i] != pattern(i, salt)) return false;
  }
  return true;
}

void test_buffer_goes_back_when_its_last_reference_does() {
  MemoryManager manager(&backend_of(Device{}));
  {
    const Ref<Buffer> a = manager.allocate(1000, "zeros");
    const Ref<Buffer> b = a;
    CHECK_EQ(a->nbytes(), int64_t{1000});
    CHECK(!a->borrowed());
    CHECK_EQ(manager.stats().live_nbytes, int64_t{1024});
    CHECK_EQ(manager.live_buffers().size(), std::size_t{1});
  }
  CHECK_EQ(manager.stats().live_nbytes, int64_t{0});
  CHECK(manager.live_buffers().empty());
}

void test_borrowed_buffer_is_released_to_its_lender() {
  int released = 0;
  char bytes[16];
  {
    const Ref<Buffer> buffer =
        make_ref<Buffer>(bytes, 16, Device{}, [](void* context) { ++*static_cast<int*>(context); }, &released);
    CHECK(buffer->borrowed());
    CHECK(buffer->address() == bytes);
  }
  CHECK_EQ(released, 1);
}

void test_live_buffers_come_largest_first_and_survive_any_order_of_release() {
  MemoryManager manager(&backend_of(Device{}));
  Ref<Buffer> a = manager.allocate(100, "a"), b = manager.allocate(300, "b"), c = manager.allocate(200, "c");
  CHECK(manager.live_buffers() == (std::vector<Buffer*>{b.get(), c.get(), a.get()}));
  b.reset();
  CHECK(manager.live_buffers() == (std::vector<Buffer*>{c.get(), a.get()}));
  c.reset();
  CHECK(manager.live_buffers() == (std::vector<Buffer*>{a.get()}));
  a.reset();
  CHECK(manager.live_buffers().empty());
}

void test_counted_bytes_never_exceed_the_budget() {
  MemoryManager manager(&backend_of(Device{}));
  manager.set_budget(16 * kMiB, 0);
  std::vector<Ref<Buffer>> held;
  for (int i = 0; i < 40; ++i) {
    if (Ref<Buffer> buffer = manager.try_allocate((i % 7 + 1) * 700'000)) held.push_back(std::move(buffer));
    if (i % 3 == 0 && !held.empty()) held.erase(held.begin());
    CHECK(manager.counted_nbytes() <= 16 * kMiB);
  }
  CHECK(manager.stats().peak_counted_nbytes <= 16 * kMiB);
}

void test_allocation_over_the_budget_names_sizes_and_the_largest_buffers() {
  MemoryManager manager(&backend_of(Device{}));
  manager.set_budget(8 * kMiB, 0);
  const Ref<Buffer> held = manager.allocate(6 * kMiB, "rand");

  CHECK_ERROR(ErrorKind::kBudget, "zeros: 4194304 bytes do not fit the memory budget of 8388608 bytes",
              manager.allocate(4 * kMiB, "zeros"));
  CHECK_ERROR(ErrorKind::kBudget, "\n  6291456 bytes\n  help:", manager.allocate(4 * kMiB, "zeros"));
  CHECK(!manager.try_allocate(4 * kMiB));
  CHECK(static_cast<bool>(manager.try_allocate(2 * kMiB)));
}

void test_report_lists_ten_largest_with_what_the_hook_says() {
  MemoryManager manager(&backend_of(Device{}));
  std::vector<Ref<Buffer>> held;
  for (int i = 1; i <= 12; ++i) held.push_back(manager.allocate(i * 100, "x"));
  MemoryManager::set_report_hook([](const Buffer& buffer) { return "var of " + std::to_string(buffer.nbytes()); });

  const std::string text = manager.report_text();

  MemoryManager::set_report_hook(nullptr);
  CHECK(text.starts_with("  1200 bytes: var of 1200\n  1100 bytes: var of 1100\n"));
  CHECK(text.ends_with("  300 bytes: var of 300\n"));
}

void test_budget_below_what_is_live_is_refused_and_changes_nothing() {
  MemoryManager manager(&backend_of(Device{}));
  const Ref<Buffer> held = manager.allocate(6 * kMiB, "rand");

  CHECK_ERROR(ErrorKind::kBudget, "memory.budget: 4194304 bytes asked for, but 6291456 bytes are in use",
              manager.set_budget(4 * kMiB, 0));
  CHECK_ERROR(ErrorKind::kBudget, "at most 1048576 of them", manager.set_budget(4 * kMiB, kMiB));
  CHECK_ERROR(ErrorKind::kValue, "-1 bytes", manager.set_budget(-1, 0));
  CHECK_EQ(manager.budget(), int64_t{0});
  manager.set_budget(4 * kMiB, 2 * kMiB);  // eviction can make room
  CHECK_EQ(manager.budget(), 4 * kMiB);
  manager.set_budget(0, 0);
  CHECK(static_cast<bool>(manager.try_allocate(32 * kMiB)));
}

void test_new_budget_gives_cached_memory_back() {
  MemoryManager manager(&backend_of(Device{}));
  {
    const Ref<Buffer> a = manager.allocate(8 * kMiB, "x"), b = manager.allocate(4 * kMiB, "x");
  }
  CHECK_EQ(manager.stats().cached_nbytes, 12 * kMiB);

  manager.set_budget(4 * kMiB, 0);

  CHECK(manager.counted_nbytes() <= 4 * kMiB);
}

void test_evicted_bytes_come_back_the_same_at_another_address() {
  MemoryManager manager(&backend_of(Device{}));
  const Ref<Buffer> a = manager.allocate(5 * kMiB + 13, "a");
  fill(*a, 7);

  const MemoryManager::Move out = manager.evict(*a);
  manager.perform(out);
  CHECK_EQ(a->residency(), Residency::kDisk);
  CHECK_EQ(manager.stats().spilled_nbytes, 5 * kMiB + 13);
  CHECK_EQ(manager.stats().live_nbytes, int64_t{0});
  const Ref<Buffer> b = manager.allocate(5 * kMiB + 13, "b");
  CHECK(b->address() == out.address);  // stream order allows it
  fill(*b, 99);
  MemoryManager::Move in;
  CHECK(manager.restore(*a, &in));
  manager.perform(in);

  CHECK_EQ(a->residency(), Residency::kDevice);
  CHECK(holds(*a, 7));
  CHECK(holds(*b, 99));
  const MemoryStats stats = manager.stats();
  CHECK_EQ(stats.spilled_nbytes, int64_t{0});
  CHECK_EQ(stats.spill_written_nbytes, 5 * kMiB + 13);
  CHECK_EQ(stats.spill_read_nbytes, 5 * kMiB + 13);
  CHECK_EQ(stats.evictions, int64_t{1});
}

void test_restore_without_room_changes_nothing() {
  MemoryManager manager(&backend_of(Device{}));
  manager.set_budget(8 * kMiB, 0);
  const Ref<Buffer> a = manager.allocate(6 * kMiB, "a");
  manager.perform(manager.evict(*a));
  Ref<Buffer> b = manager.allocate(6 * kMiB, "b");
  MemoryManager::Move move;

  CHECK(!manager.restore(*a, &move));
  CHECK_EQ(a->residency(), Residency::kDisk);
  b.reset();
  CHECK(manager.restore(*a, &move));
}

void test_eviction_of_what_is_pinned_is_a_bug() {
  MemoryManager manager(&backend_of(Device{}));
  const Ref<Buffer> a = manager.allocate(100, "a");
  a->pins = 1;
  CHECK_ERROR(ErrorKind::kInternal, "evict", manager.evict(*a));
  CHECK_EQ(a->residency(), Residency::kDevice);
}

void test_buffer_dropped_on_disk_frees_its_slot() {
  MemoryManager manager(&backend_of(Device{}));
  Ref<Buffer> a = manager.allocate(100'000, "a"), b = manager.allocate(100'000, "b");
  const MemoryManager::Move first = manager.evict(*a);
  manager.perform(first);
  a.reset();
  CHECK_EQ(manager.stats().spilled_nbytes, int64_t{0});
  CHECK_EQ(manager.evict(*b).slot, first.slot);
}

void test_every_planted_failure_leaves_the_manager_usable() {
  for (int64_t n = 1; n <= 5; ++n) {
    MemoryManager manager(&backend_of(Device{}));
    manager.fail_allocation(n);
    int failed = 0;
    for (int64_t i = 1; i <= 6; ++i) {
      try {
        CHECK(manager.allocate(1000, "zeros")->address() != nullptr);
      } catch (const std::bad_alloc&) {
        CHECK_EQ(i, n);
        ++failed;
      }
    }
    CHECK_EQ(failed, 1);
    CHECK_EQ(manager.stats().live_nbytes, int64_t{0});
  }
}

void test_peaks_are_kept_and_reset() {
  MemoryManager manager(&backend_of(Device{}));
  manager.allocate(4 * kMiB, "x").reset();
  CHECK_EQ(manager.stats().peak_live_nbytes, 4 * kMiB);
  CHECK_EQ(manager.stats().peak_counted_nbytes, 4 * kMiB);
  manager.trim();
  manager.reset_peak();
  CHECK_EQ(manager.stats().peak_live_nbytes, int64_t{0});
  CHECK_EQ(manager.stats().peak_counted_nbytes, int64_t{0});
  CHECK_EQ(manager.stats().segment_allocations, int64_t{1});
}

void test_events_keep_the_last_ones_in_order() {
  MemoryManager manager(&backend_of(Device{}));
  for (int i = 0; i < kEventLogLength; ++i) manager.free_block(manager.try_allocate_block(64));
  Block* const last = manager.try_allocate_block(640);

  const std::vector<MemoryEvent> events = manager.events();

  CHECK_EQ(events.size(), static_cast<std::size_t>(kEventLogLength));
  CHECK_EQ(events.back().what, MemoryEvent::What::kAllocate);
  CHECK_EQ(events.back().nbytes, int64_t{640});
  CHECK(events.back().address == reinterpret_cast<uint64_t>(MemoryManager::address_of(last)));
  CHECK_EQ(events.back().counted_nbytes, 2 * kMiB);
  for (std::size_t i = 1; i < events.size(); ++i) {
    CHECK(events[i - 1].time_ns <= events[i].time_ns);
    CHECK(events[i - 1].what != events[i].what);
  }
  manager.free_block(last);
}

}  // namespace

int main() {
  return check::run_all({
      TEST(test_buffer_goes_back_when_its_last_reference_does),
      TEST(test_borrowed_buffer_is_released_to_its_lender),
      TEST(test_live_buffers_come_largest_first_and_survive_any_order_of_release),
      TEST(test_counted_bytes_never_exceed_the_budget),
      TEST(test_allocation_over_the_budget_names_sizes_and_the_largest_buffers),
      TEST(test_report_lists_ten_largest_with_what_the_hook_says),
      TEST(test_budget_below_what_is_live_is_refused_and_changes_nothing),
      TEST(test_new_budget_gives_cached_memory_back),
      TEST(test_evicted_bytes_come_back_the_same_at_another_address),
      TEST(test_restore_without_room_changes_nothing),
      TEST(test_eviction_of_what_is_pinned_is_a_bug),
      TEST(test_buffer_dropped_on_disk_frees_its_slot),
      TEST(test_every_planted_failure_leaves_the_manager_usable),
      TEST(test_peaks_are_kept_and_reset),
      TEST(test_events_keep_the_last_ones_in_order),
  });
}
