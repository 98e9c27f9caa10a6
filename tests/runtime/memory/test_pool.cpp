// Pool: any order of allocations and frees keeps Blocks disjoint and every byte accounted for; reuse, limits, trimming.
#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "check.h"
#include "device/backend.h"
#include "memory/pool.h"

namespace {

using namespace jtcy;

constexpr int64_t kMiB = int64_t{1} << 20;

/// Counts what is held; fails where asked to.
class CountingBackend final : public Backend {
 public:
  Device device() const noexcept override { return Device{}; }
  DeviceMemory memory() override { return {}; }
  void* allocate(int64_t nbytes) override {
    if (nbytes > available - held) return nullptr;
    held += nbytes;
    ++calls;
    void* const address = backend_of(Device{}).allocate(nbytes);
    sizes[address] = nbytes;
    return address;
  }
  void free(void* address, int64_t nbytes) noexcept override {
    CHECK_EQ(sizes.at(address), nbytes);
    sizes.erase(address);
    held -= nbytes;
    backend_of(Device{}).free(address, nbytes);
  }
  bool host_visible() const noexcept override { return true; }
  void copy_to_host(void*, const void*, int64_t) override {}
  void copy_from_host(void*, const void*, int64_t) override {}
  void copy(void*, const void*, int64_t) override {}
  void launch(const PhaseLaunch&, const KernelArgs&) override {}
  void synchronize() override {}

  int64_t available = INT64_MAX;
  int64_t held = 0;
  int64_t calls = 0;
  std::map<void*, int64_t> sizes;
};

/// Takes any part of what it gave, as mmap does; counts bytes.
class PartsBackend final : public Backend {
 public:
  Device device() const noexcept override { return Device{}; }
  DeviceMemory memory() override { return {}; }
  void* allocate(int64_t nbytes) override {
    held += nbytes;
    ++calls;
    return backend_of(Device{}).allocate(nbytes);
  }
  void free(void* address, int64_t nbytes) noexcept override {
    held -= nbytes;
    backend_of(Device{}).free(address, nbytes);
  }
  bool frees_parts() const noexcept override { return true; }
  bool host_visible() const noexcept override { return true; }
  void copy_to_host(void*, const void*, int64_t) override {}
  void copy_from_host(void*, const void*, int64_t) override {}
  void copy(void*, const void*, int64_t) override {}
  void launch(const PhaseLaunch&, const KernelArgs&) override {}
  void synchronize() override {}

  int64_t held = 0;
  int64_t calls = 0;
};

template <typename B>
void check_accounts(const Pool& pool, const B& backend) {
  int64_t total = 0, live = 0;
  std::vector<Pool::Span> spans = pool.spans();
  std::sort(spans.begin(), spans.end(), [](const auto& a, const auto& b) { return a.address < b.address; });
  for (std::size_t i = 0; i < spans.size(); ++i) {
    total += spans[i].nbytes;
    live += spans[i].is_live ? spans[i].nbytes : 0;
    if (i > 0) CHECK(spans[i - 1].address + spans[i - 1].nbytes <= spans[i].address);
  }
  CHECK_EQ(total, pool.segment_nbytes());
  CHECK_EQ(total, backend.held);
  CHECK_EQ(live, pool.live_nbytes());
}

struct Held {
  Block* block;
  int64_t nbytes;
  unsigned char value;
};

/// Allocates and frees at random; every Block is filled and must be found as it was.
class RandomUser {
 public:
  RandomUser(Pool& pool, int64_t limit, unsigned seed) : pool_(pool), limit_(limit), random_(seed) {
    pool.set_limit(limit);
  }

  void step() {
    if (held_.empty() || (random_() % 5 < 3 && held_.size() < 60)) {
      allocate();
    } else {
      free(random_() % held_.size());
    }
  }
  void free_all() {
    while (!held_.empty()) free(held_.size() - 1);
  }

 private:
  void allocate() {
    const auto below = uint64_t{1} << (random_() % 23);
    const auto nbytes = static_cast<int64_t>(random_() % below);
    const int64_t before = pool_.segment_nbytes(), cost = pool_.cost_of(nbytes);
    Block* const block = pool_.allocate(nbytes);
    CHECK(pool_.segment_nbytes() <= limit_);
    if (limit_ == Pool::kUnlimited) CHECK_EQ(pool_.segment_nbytes() - before, cost);
    if (block == nullptr) {
      CHECK(limit_ != Pool::kUnlimited);
      return;
    }
    CHECK(block->nbytes() >= nbytes);
    CHECK_EQ(reinterpret_cast<uintptr_t>(block->address()) % 64, uintptr_t{0});
    const auto value = static_cast<unsigned char>(random_());
    std::memset(block->address(), value, static_cast<std::size_t>(nbytes));
    held_.push_back({block, nbytes, value});
  }
  void free(std::size_t at) {
    const Held held = held_[at];
    const auto* const bytes = reinterpret_cast<const unsigned char*>(held.block->address());
    CHECK(std::all_of(bytes, bytes + held.nbytes, [&](unsigned char b) { return b == held.value; }));
    pool_.free(held.block);
    held_[at] = held_.back();
    held_.pop_back();
  }

  Pool& pool_;
  int64_t limit_;
  std::mt19937_64 random_;
  std::vector<Held> held_;
};

template <typename B>
void check_any_order(int64_t limit, unsigned seed) {
  B backend;
  Pool pool(&backend);
  RandomUser user(pool, limit, seed);
  for (int step = 0; step < 4000; ++step) {
    user.step();
    if (step % 50 == 0) check_accounts(pool, backend);
    if (step % 997 == 0) pool.trim();
  }
  user.free_all();
  check_accounts(pool, backend);
  CHECK_EQ(pool.live_nbytes(), int64_t{0});
  CHECK_EQ(pool.trimmable_nbytes(), pool.segment_nbytes());  // everything was joined again
  pool.trim();
  CHECK_EQ(backend.held, int64_t{0});
}

void test_any_order_keeps_blocks_disjoint_and_bytes_intact() {
  for (const unsigned seed : {1u, 2u}) {
    check_any_order<CountingBackend>(Pool::kUnlimited, seed);
    check_any_order<CountingBackend>(24 * kMiB, seed);
  }
  check_any_order<PartsBackend>(Pool::kUnlimited, 3);
  check_any_order<PartsBackend>(24 * kMiB, 4);
}

void test_empty_requests_have_addresses_of_their_own() {
  CountingBackend backend;
  Pool pool(&backend);
  std::set<char*> addresses;
  for (int i = 0; i < 100; ++i) addresses.insert(pool.allocate(0)->address());
  CHECK_EQ(addresses.size(), std::size_t{100});
}

void test_best_fit_takes_the_smallest_hole() {
  CountingBackend backend;
  Pool pool(&backend);
  Block* const a = pool.allocate(6400);
  Block* const wall = pool.allocate(64);
  Block* const b = pool.allocate(640);
  Block* const wall2 = pool.allocate(64);
  char* const small_hole = b->address();
  pool.free(a);
  pool.free(b);

  CHECK(pool.allocate(600)->address() == small_hole);
  CHECK(wall != wall2);
}

void test_steady_steps_get_nothing_from_the_backend() {
  CountingBackend backend;
  Pool pool(&backend);
  for (int step = 0; step < 10; ++step) {
    std::vector<Block*> blocks;
    for (const int64_t nbytes : {100, 5000, 300000, 1 << 20, 3 << 20, 3 << 20, 64 << 20}) {
      blocks.push_back(pool.allocate(nbytes));
    }
    for (Block* block : blocks) pool.free(block);
    if (step == 0) backend.calls = 0;
  }
  CHECK_EQ(backend.calls, int64_t{0});
}

void test_large_segment_is_reused_up_to_a_quarter_more() {
  CountingBackend backend;
  Pool pool(&backend);
  pool.free(pool.allocate(20 * kMiB));

  CHECK_EQ(pool.cost_of(16 * kMiB), int64_t{0});
  CHECK_EQ(pool.cost_of(14 * kMiB), 14 * kMiB);
  CHECK_EQ(pool.cost_of(20 * kMiB + 1), 22 * kMiB);
  Block* const block = pool.allocate(16 * kMiB);
  CHECK_EQ(block->nbytes(), 20 * kMiB);
  CHECK_EQ(backend.calls, int64_t{1});
}

void test_with_a_limit_a_large_segment_is_reused_exactly() {
  CountingBackend backend;
  Pool pool(&backend);
  pool.set_limit(40 * kMiB);
  pool.free(pool.allocate(20 * kMiB));

  CHECK_EQ(pool.cost_of(16 * kMiB), 16 * kMiB);
  CHECK_EQ(pool.cost_of(20 * kMiB), int64_t{0});
}

void test_limit_is_held_by_trimming_what_is_cached_first() {
  CountingBackend backend;
  Pool pool(&backend);
  pool.set_limit(10 * kMiB);
  Block* const live = pool.allocate(4 * kMiB);
  pool.free(pool.allocate(6 * kMiB));

  Block* const second = pool.allocate(2 * kMiB);
  CHECK(second != nullptr);
  CHECK_EQ(pool.segment_nbytes(), 6 * kMiB);
  CHECK(pool.allocate(4 * kMiB + 1) == nullptr);
  CHECK_EQ(pool.live_nbytes(), 6 * kMiB);
  pool.free(live);
  CHECK(pool.allocate(8 * kMiB) != nullptr);
}

void test_small_requests_fit_limits_below_a_shared_segment() {
  CountingBackend backend;
  Pool pool(&backend);
  pool.set_limit(300 << 10);
  Block* const a = pool.allocate(100 << 10);
  Block* const b = pool.allocate(100 << 10);

  CHECK(a != nullptr && b != nullptr);
  CHECK(pool.segment_nbytes() <= 300 << 10);
  CHECK(pool.allocate(100 << 10) == nullptr);
}

void test_device_without_memory_gives_null_after_trimming() {
  CountingBackend backend;
  backend.available = 10 * kMiB;
  Pool pool(&backend);
  pool.free(pool.allocate(8 * kMiB));

  CHECK(pool.allocate(4 * kMiB) != nullptr);
  CHECK(pool.allocate(20 * kMiB) == nullptr);
  CHECK(pool.allocate(INT64_MAX) == nullptr);
  CHECK_EQ(pool.live_nbytes(), 4 * kMiB);
  check_accounts(pool, backend);
}

void test_trim_gives_back_the_fewest_segments() {
  CountingBackend backend;
  Pool pool(&backend);
  Block* const a = pool.allocate(4 * kMiB);
  Block* const b = pool.allocate(8 * kMiB);
  Block* const c = pool.allocate(16 * kMiB);
  for (Block* block : {a, b, c}) pool.free(block);

  CHECK_EQ(pool.trim(6 * kMiB), 8 * kMiB);
  CHECK_EQ(pool.trim(17 * kMiB), 20 * kMiB);
  CHECK_EQ(backend.held, int64_t{0});
}

void test_memory_that_goes_back_is_handed_over() {
  CountingBackend backend;
  Pool pool(&backend);
  std::vector<std::pair<void*, int64_t>> returned;
  pool.set_give_back(
      [](void* context, void* address, int64_t nbytes) {
        static_cast<std::vector<std::pair<void*, int64_t>>*>(context)->emplace_back(address, nbytes);
      },
      &returned);
  pool.free(pool.allocate(4 * kMiB));

  pool.trim();

  CHECK_EQ(pool.segment_nbytes(), int64_t{0});
  CHECK_EQ(returned.size(), std::size_t{1});
  CHECK_EQ(backend.held, 4 * kMiB);  // still there for what is queued
  for (const auto& [address, nbytes] : returned) backend.free(address, nbytes);
  CHECK_EQ(backend.held, int64_t{0});
}

void test_parts_of_free_memory_serve_other_sizes() {
  PartsBackend backend;
  Pool pool(&backend);
  pool.free(pool.allocate(64 * kMiB));

  std::vector<Block*> parts;
  for (const int64_t nbytes : {3 * kMiB, 20 * kMiB, 41 * kMiB}) parts.push_back(pool.allocate(nbytes));

  CHECK_EQ(backend.calls, int64_t{1});
  CHECK_EQ(pool.live_nbytes(), 64 * kMiB);
  for (Block* part : parts) pool.free(part);
  CHECK_EQ(pool.cost_of(64 * kMiB), int64_t{0});  // joined again
}

void test_a_part_takes_what_was_asked_for_rounded_to_64_kib() {
  PartsBackend backend;
  Pool pool(&backend);

  Block* const block = pool.allocate(3 * kMiB + 1);

  CHECK_EQ(block->nbytes(), 3 * kMiB + (64 << 10));
  CHECK_EQ(pool.segment_nbytes(), 4 * kMiB);
}

void test_trim_gives_parts_back_and_no_more_than_wanted() {
  PartsBackend backend;
  Pool pool(&backend);
  Block* const low = pool.allocate(8 * kMiB);
  Block* const middle = pool.allocate(8 * kMiB);
  Block* const high = pool.allocate(8 * kMiB);
  std::memset(low->address(), 1, 8 * kMiB);
  std::memset(high->address(), 2, 8 * kMiB);
  pool.free(middle);

  CHECK_EQ(pool.trim(3 * kMiB), 3 * kMiB);
  CHECK_EQ(pool.segment_nbytes(), 21 * kMiB);
  CHECK_EQ(pool.trimmable_nbytes(), 5 * kMiB);
  CHECK_EQ(pool.trim(), 5 * kMiB);
  check_accounts(pool, backend);
  CHECK_EQ(static_cast<int>(low->address()[8 * kMiB - 1]), 1);
  CHECK_EQ(static_cast<int>(high->address()[0]), 2);
  pool.free(low);
  pool.free(high);
  pool.trim();
  CHECK_EQ(backend.held, int64_t{0});
}

void test_a_limit_is_held_to_the_byte_with_parts() {
  PartsBackend backend;
  Pool pool(&backend);
  Block* const before = pool.allocate(6 * kMiB);
  pool.set_limit(16 * kMiB);

  CHECK(pool.allocate(10 * kMiB) != nullptr);
  CHECK(pool.allocate(kMiB) == nullptr);
  pool.free(before);
  CHECK(pool.allocate(6 * kMiB) != nullptr);
  CHECK_EQ(pool.segment_nbytes(), 16 * kMiB);
}

}  // namespace

int main() {
  return check::run_all({
      TEST(test_any_order_keeps_blocks_disjoint_and_bytes_intact),
      TEST(test_empty_requests_have_addresses_of_their_own),
      TEST(test_best_fit_takes_the_smallest_hole),
      TEST(test_steady_steps_get_nothing_from_the_backend),
      TEST(test_large_segment_is_reused_up_to_a_quarter_more),
      TEST(test_with_a_limit_a_large_segment_is_reused_exactly),
      TEST(test_limit_is_held_by_trimming_what_is_cached_first),
      TEST(test_small_requests_fit_limits_below_a_shared_segment),
      TEST(test_device_without_memory_gives_null_after_trimming),
      TEST(test_trim_gives_back_the_fewest_segments),
      TEST(test_memory_that_goes_back_is_handed_over),
      TEST(test_parts_of_free_memory_serve_other_sizes),
      TEST(test_a_part_takes_what_was_asked_for_rounded_to_64_kib),
      TEST(test_trim_gives_parts_back_and_no_more_than_wanted),
      TEST(test_a_limit_is_held_to_the_byte_with_parts),
  });
}
