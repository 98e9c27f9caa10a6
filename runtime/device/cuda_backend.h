// CudaBackend: Backend over a DriverTable; the same code runs on a GPU and on the simulated one.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "device/backend.h"
#include "device/driver_table.h"

namespace jtcy {

/// What generated code says of itself (codegen/cuda.py writes the same numbers into the text): the lengths of the
/// arrays that stand inlined in a kernel's parameter, and the threads of a block.
struct CudaKernelShape {
  int pointers = 0;
  int dims = 0;
  int scalars = 0;
  int threads = 128;
  /// A block of threads works on one iteration of the grid together; else every thread has its own.
  bool block_per_iteration = false;
};

/// A loaded phase: what PhaseLaunch::entry points to.
struct CudaEntry {
  void* function = nullptr;
  CudaKernelShape shape;
};

/// Managed memory is never more than this part of what was free at the start: a program that asks for more can stall a
/// shared GPU.
inline constexpr double kManagedShare = 0.8;

class CudaBackend final : public Backend {
 public:
  /// Throws kDevice where the driver refuses. `managed`: memory of cuMemAllocManaged, which the host may read in place.
  CudaBackend(const DriverTable& driver, int ordinal, bool managed);
  CudaBackend(const CudaBackend&) = delete;

  Device device() const noexcept override { return {DeviceKind::kCuda, static_cast<int16_t>(ordinal_)}; }
  DeviceMemory memory() override;
  void* allocate(int64_t nbytes) override;
  void free(void* address, int64_t nbytes) noexcept override;
  int64_t own_nbytes() const noexcept override { return local_nbytes_; }
  bool host_visible() const noexcept override { return managed_; }
  void copy_to_host(void* host, const void* device, int64_t nbytes) override;
  void copy_from_host(void* device, const void* host, int64_t nbytes) override;
  void copy(void* to, const void* from, int64_t nbytes) override;
  void launch(const PhaseLaunch& phase, const KernelArgs& args) override;
  /// Also fills the KernelErrors of the launches since the last call; they must live until then.
  void synchronize() override;

  /// A cubin (or, simulated, the path of a shared object), loaded for the life of the process. Any thread.
  void* load_library(const void* image);
  /// The function `symbol` of a loaded library as something to launch; lives as long as the Backend. Any thread.
  const CudaEntry* find_entry(void* library, const char* symbol, const CudaKernelShape& shape);

  const std::string& name() const noexcept { return name_; }
  /// 90 for sm_90.
  int architecture() const noexcept { return architecture_; }
  int64_t managed_nbytes() const noexcept { return managed_nbytes_; }
  int64_t managed_limit() const noexcept { return managed_limit_; }

 private:
  struct Grid {
    unsigned blocks = 1;
    int64_t local_nbytes = 0;  // of one worker (thread or block)
  };
  void check(DriverResult result, const char* call) const;
  void use_context() const;
  Grid grid_of(const PhaseLaunch& phase, const CudaEntry& entry) const noexcept;
  void* local_memory(int64_t nbytes);
  DevicePointer error_word_of(KernelError* error);
  void fetch_error_words(const std::vector<KernelError*>& errors);
  void* allocate_managed(int64_t nbytes);

  DriverTable driver_;
  int ordinal_;
  int device_ = 0;
  bool managed_;
  pid_t owner_;
  bool prefetches_ = false;  // concurrentManagedAccess: without it there is neither advice nor prefetch
  int architecture_ = 0;
  int processors_ = 1;
  std::string name_;
  void* context_ = nullptr;
  void* stream_ = nullptr;
  int64_t managed_limit_ = 0;
  std::atomic<int64_t> managed_nbytes_{0};

  // Owned by whoever holds the run lock.
  DevicePointer local_ = 0;
  std::atomic<int64_t> local_nbytes_{0};
  DevicePointer error_words_ = 0;
  std::vector<KernelError*> errors_;  // whose word stands at the same place of error_words_
  std::vector<uint64_t> parameters_;

  std::mutex entries_mutex_;
  std::deque<CudaEntry> entries_;
};

/// Makes the process's CUDA Backend (device 0) and registers it; a second call returns the first's. Throws kDevice.
CudaBackend& enable_cuda(const DriverTable& driver, bool managed);
/// Null before enable_cuda().
CudaBackend* cuda_backend() noexcept;

}  // namespace jtcy
