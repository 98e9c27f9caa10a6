// The CPU's Backend: memory, copies, phases over threads, scratch memory of each thread.
#include <cstring>
#include <numeric>
#include <set>
#include <vector>

#include "base/thread_pool.h"
#include "check.h"
#include "device/backend.h"

namespace {

using namespace jtcy;

Backend& cpu() { return backend_of(Device{}); }

void test_registry_has_the_cpu_and_refuses_cuda_until_enabled() {
  CHECK(has_backend(Device{}));
  CHECK(!has_backend(Device{DeviceKind::kCuda, 0}));
  CHECK_ERROR(ErrorKind::kDevice, "device cuda:0 is not enabled", backend_of(Device{DeviceKind::kCuda, 0}));
  CHECK(&backend_of(Device{}) == &cpu());
}

void test_memory_is_aligned_and_writable_to_its_end() {
  for (const int64_t nbytes : {1, 63, 64, 65536, 1 << 20, 2 << 20, (2 << 20) + 1, 9 << 20}) {
    char* const address = static_cast<char*>(cpu().allocate(nbytes));
    CHECK(address != nullptr);
    CHECK_EQ(reinterpret_cast<uintptr_t>(address) % (nbytes >= 2 << 20 ? 2u << 20 : 64u), uintptr_t{0});
    std::memset(address, 1, static_cast<std::size_t>(nbytes));
    cpu().free(address, nbytes);
  }
}

void test_memory_that_no_machine_has_is_refused() { CHECK(cpu().allocate(int64_t{1} << 58) == nullptr); }

void test_memory_totals_are_plausible() {
  const DeviceMemory memory = cpu().memory();
  CHECK(memory.total > int64_t{64} << 20);
  CHECK(memory.free > 0 && memory.free <= memory.total);
}

void test_copies() {
  const std::vector<int> from{1, 2, 3, 4};
  std::vector<int> to(4);
  cpu().copy_from_host(to.data(), from.data(), 16);
  CHECK(to == from);
  std::vector<int> back(4);
  cpu().copy_to_host(back.data(), to.data(), 8);
  CHECK(back == (std::vector<int>{1, 2, 0, 0}));
  cpu().copy(to.data() + 1, to.data(), 12);  // may overlap
  CHECK(to == (std::vector<int>{1, 1, 2, 3}));
  cpu().copy(nullptr, nullptr, 0);
}

/// Fills its scratch, then doubles x into y: another thread's scratch must not be the same.
void double_with_scratch(const KernelArgs* args, void* local, long long begin, long long end) {
  const long long nbytes = args->dim[0];
  auto* const scratch = static_cast<unsigned char*>(local);
  for (long long i = begin; i < end; ++i) {
    std::memset(scratch, static_cast<int>(i % 251), static_cast<std::size_t>(nbytes));
    long long same = 0;
    for (long long k = 0; k < nbytes; ++k) same += scratch[k] == i % 251;
    static_cast<long long*>(args->ptr[1])[i] = static_cast<const long long*>(args->ptr[0])[i] * 2 + (nbytes - same);
  }
}

void check_launch(long long local_nbytes, void* local, int local_threads) {
  std::vector<long long> x(100), y(100, -1);
  std::iota(x.begin(), x.end(), 0);
  void* const pointers[] = {x.data(), y.data()};
  KernelError error{};
  const KernelArgs args{pointers, &local_nbytes, nullptr, nullptr, &error, 0};
  PhaseLaunch phase;
  phase.entry = reinterpret_cast<void*>(double_with_scratch);
  phase.grid = 100;
  phase.local_nbytes = local_nbytes;
  phase.local = local;
  phase.local_threads = local_threads;

  cpu().launch(phase, args);

  for (std::size_t i = 0; i < x.size(); ++i) CHECK_EQ(y[i], static_cast<long long>(2 * i));
}

void test_launch_covers_the_grid_with_scratch_of_every_size() {
  for (const int threads : {1, 2, 3}) {
    ThreadPool::instance().set_threads(threads);
    for (const long long nbytes : {0, 1, 64, 1000, 256 << 10, (256 << 10) + 1, 300 << 10})
      check_launch(nbytes, nullptr, 0);
  }
}

void test_large_scratch_is_counted() {
  ThreadPool::instance().set_threads(2);
  check_launch(1 << 20, nullptr, 0);
  CHECK(cpu().own_nbytes() >= 2 << 20);
}

void test_scratch_of_the_plan_bounds_the_threads() {
  ThreadPool::instance().set_threads(4);
  const int64_t held = cpu().own_nbytes();
  std::vector<char> local(2 * (4 << 20));  // room for two of the four threads; the sanitizer guards its end
  check_launch(4 << 20, local.data(), 2);
  CHECK_EQ(cpu().own_nbytes(), held);
}

}  // namespace

int main() {
  const int result =
      check::run_all({TEST(test_registry_has_the_cpu_and_refuses_cuda_until_enabled),
                      TEST(test_memory_is_aligned_and_writable_to_its_end),
                      TEST(test_memory_that_no_machine_has_is_refused), TEST(test_memory_totals_are_plausible),
                      TEST(test_copies), TEST(test_launch_covers_the_grid_with_scratch_of_every_size),
                      TEST(test_large_scratch_is_counted), TEST(test_scratch_of_the_plan_bounds_the_threads)});
  jtcy::ThreadPool::instance().stop();
  return result;
}
