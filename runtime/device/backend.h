// Backend: everything a device must offer; the whole porting list.
#pragma once
#include <cstdint>
#include <string>

#include "device/device.h"
#include "exec/kernel_abi.h"

namespace jtcy {

struct DeviceMemory {
  int64_t total = 0;
  int64_t free = 0;
};

/// How one phase of one kernel is started. `entry` is what load() gave.
struct PhaseLaunch {
  void* entry = nullptr;
  int64_t grid = 0;          // iterations of the outer, parallel range
  int64_t grain = 1;         // the least number worth a thread of its own
  int64_t local_nbytes = 0;  // scratch memory a thread (CPU) or block (GPU) needs
  void* local = nullptr;     // CPU: local_threads x round_up(local_nbytes, 64) bytes of the plan; null: Backend's own
  int local_threads = 0;     // at most so many threads take part where `local` is given
  bool block_per_iteration = false;  // GPU: a block works on one iteration together
};

/// All calls come from whoever holds the device's run lock (Executor), except allocate/free, which come from the
/// recording thread. Nothing here throws except kDevice, kRuntime errors and bad_alloc.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual Device device() const noexcept = 0;
  virtual DeviceMemory memory() = 0;

  /// Fresh memory from the driver (mmap, cuMemAlloc); null when there is none. Aligned to 2 MiB from 2 MiB on, else 64.
  virtual void* allocate(int64_t nbytes) = 0;
  virtual void free(void* address, int64_t nbytes) noexcept = 0;
  /// Makes those pages of an allocation of 64 KiB or more that nobody touched yet; what is in it stays. Any thread.
  virtual void make_pages(void* /*address*/, int64_t /*nbytes*/) noexcept {}
  /// Whether free() takes parts of an allocation of 64 KiB and more, and several that lie side by side at once (pages).
  virtual bool frees_parts() const noexcept { return false; }
  /// Memory that the Backend holds for itself (scratch); counted by the MemoryManager.
  virtual int64_t own_nbytes() const noexcept { return 0; }
  /// Whether the host may read an allocation in place.
  virtual bool host_visible() const noexcept = 0;

  virtual void copy_to_host(void* host, const void* device, int64_t nbytes) = 0;
  virtual void copy_from_host(void* device, const void* host, int64_t nbytes) = 0;
  virtual void copy(void* to, const void* from, int64_t nbytes) = 0;

  /// In stream order; `args` is read before the call returns.
  virtual void launch(const PhaseLaunch& phase, const KernelArgs& args) = 0;
  /// Waits for everything launched so far.
  virtual void synchronize() = 0;
};

/// The CPU's Backend always exists; CUDA's after enable_cuda().
Backend& backend_of(Device device);
void set_cuda_backend(Backend* backend) noexcept;
bool has_backend(Device device) noexcept;

}  // namespace jtcy
