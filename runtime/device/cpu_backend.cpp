// The CPU's Backend: huge-page memory, memcpy, and phases over the ThreadPool.
#include "device/cpu_backend.h"

#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <new>
#include <string>

#include "base/error.h"
#include "base/rounding.h"
#include "base/thread_pool.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace jtcy {

namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;
constexpr int64_t kPage = int64_t{4} << 10;
// From here on memory is mapped, and may go back page by page (frees_parts).
constexpr int64_t kMappedNbytes = int64_t{64} << 10;
constexpr int64_t kCacheLine = 64;
// Scratch of a thread up to here lies on its stack (8 MiB by default): no bookkeeping, nothing to count.
constexpr int64_t kMaxStackLocal = int64_t{256} << 10;

std::atomic<bool> huge_pages{true};

void* map_pages(int64_t nbytes) {
  void* const address = ::mmap(nullptr, static_cast<std::size_t>(nbytes), PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return address == MAP_FAILED ? nullptr : address;
}

void unmap(int64_t begin, int64_t end) noexcept {
  if (end > begin) ::munmap(reinterpret_cast<void*>(begin), static_cast<std::size_t>(end - begin));
}

/// 2 MiB-aligned, and asked to be made of huge pages: page faults were the largest cost of fresh memory. Linux maps
/// downwards: at the upper end of the range it lies next to what was mapped before, and the Pool can join the two.
void* map_huge(int64_t nbytes) {
  const auto raw = reinterpret_cast<int64_t>(map_pages(nbytes + kHugePage));
  if (raw == 0) return nullptr;
  const int64_t aligned = (raw + kHugePage) / kHugePage * kHugePage;
  unmap(raw, aligned);
  unmap(aligned + nbytes, raw + nbytes + kHugePage);
  void* const address = reinterpret_cast<void*>(aligned);
  const int advice = huge_pages.load(std::memory_order_relaxed) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;
  ::madvise(address, static_cast<std::size_t>(nbytes), advice);
  return address;
}

/// MemAvailable counts what the page cache would give up, which sysinfo does not.
int64_t available_nbytes(int64_t fallback) {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  for (int64_t kib = 0; file >> key >> kib; std::getline(file, unit)) {
    if (key == "MemAvailable:") return kib << 10;
  }
  return fallback;
}

class CpuBackend final : public Backend {
 public:
  Device device() const noexcept override { return Device{}; }

  DeviceMemory memory() override {
    struct sysinfo info{};
    ::sysinfo(&info);
    const auto total = static_cast<int64_t>(info.totalram) * info.mem_unit;
    return {total, available_nbytes(static_cast<int64_t>(info.freeram) * info.mem_unit)};
  }

  void* allocate(int64_t nbytes) override {
    // Linux may promise more than there is and then kill the process: refuse what can never be.
    struct sysinfo info{};
    if (::sysinfo(&info) == 0 && nbytes / info.mem_unit > static_cast<int64_t>(info.totalram + info.totalswap)) {
      return nullptr;
    }
    if (nbytes >= kHugePage) return map_huge(round_up(nbytes, kPage));
    if (nbytes >= kMappedNbytes) return map_pages(round_up(nbytes, kPage));
    return std::aligned_alloc(kCacheLine, static_cast<std::size_t>(round_up(std::max<int64_t>(nbytes, 1), kCacheLine)));
  }

  void free(void* address, int64_t nbytes) noexcept override {
    if (nbytes >= kMappedNbytes) {
      ::munmap(address, static_cast<std::size_t>(round_up(nbytes, kPage)));
    } else {
      std::free(address);
    }
  }

  void make_pages(void* address, int64_t nbytes) noexcept override {
    // Linux before 5.14 refuses: then whoever touches them first makes them.
    if (huge_pages.load(std::memory_order_relaxed))
      ::madvise(address, static_cast<std::size_t>(nbytes), MADV_POPULATE_WRITE);
  }

  bool frees_parts() const noexcept override { return true; }
  int64_t own_nbytes() const noexcept override { return scratch_nbytes_.load(std::memory_order_relaxed); }
  bool host_visible() const noexcept override { return true; }

  void copy_to_host(void* host, const void* device, int64_t nbytes) override { copy(host, device, nbytes); }
  void copy_from_host(void* device, const void* host, int64_t nbytes) override { copy(device, host, nbytes); }
  void copy(void* to, const void* from, int64_t nbytes) override {
    if (nbytes > 0) std::memmove(to, from, static_cast<std::size_t>(nbytes));
  }

  void launch(const PhaseLaunch& phase, const KernelArgs& args) override {
    if (phase.local == nullptr && phase.local_nbytes <= kMaxStackLocal) {
      launch_with_stack(phase, args);
    } else {
      launch_with_scratch(phase, args);
    }
  }

  void synchronize() override {}

 private:
  static void launch_with_stack(const PhaseLaunch& phase, const KernelArgs& args) {
    const auto entry = reinterpret_cast<CpuPhase>(phase.entry);
    const auto body = [&](int, int64_t begin, int64_t end) noexcept {
      void* const local = __builtin_alloca_with_align(static_cast<std::size_t>(phase.local_nbytes) + 1, kCacheLine * 8);
      entry(&args, local, begin, end);
    };
    ThreadPool::instance().parallel_for(phase.grid, phase.grain, body);
  }

  void launch_with_scratch(const PhaseLaunch& phase, const KernelArgs& args) {
    const int64_t stride = round_up(phase.local_nbytes, kCacheLine);
    // Read once: the setting may change while this runs, and the scratch memory is for so many threads.
    const int threads = phase.local != nullptr ? phase.local_threads : ThreadPool::instance().threads();
    char* const base = static_cast<char*>(phase.local != nullptr ? phase.local : scratch(stride * threads));
    const int64_t grain = std::max(phase.grain, (phase.grid + threads - 1) / threads);
    const auto entry = reinterpret_cast<CpuPhase>(phase.entry);
    const auto body = [&](int thread, int64_t begin, int64_t end) noexcept {
      entry(&args, base + stride * thread, begin, end);
    };
    ThreadPool::instance().parallel_for(phase.grid, grain, body);
  }

  /// Grows and never shrinks; guarded by the run lock like every launch.
  void* scratch(int64_t needed) {
    const int64_t held = own_nbytes();
    if (needed <= held) return scratch_;
    if (scratch_ != nullptr) free(scratch_, held);
    scratch_nbytes_.store(0, std::memory_order_relaxed);
    scratch_ = allocate(needed);
    if (scratch_ == nullptr) throw std::bad_alloc();
    scratch_nbytes_.store(needed, std::memory_order_relaxed);
    return scratch_;
  }

  void* scratch_ = nullptr;
  std::atomic<int64_t> scratch_nbytes_{0};
};

}  // namespace

void set_huge_pages(bool on) noexcept { huge_pages.store(on, std::memory_order_relaxed); }

Backend& cpu_backend() {
  static CpuBackend* const backend = std::make_unique<CpuBackend>().release();  // outlives every static Buffer
  return *backend;
}

}  // namespace jtcy
