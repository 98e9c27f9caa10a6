// The driver's entry points on the CPU: guarded device memory, a queue for a stream, modules through dlopen.
#include "device/simulated/simulated_driver.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace jtcy {
namespace {

using simulated::FiberOrder;
using simulated::LaunchShape;
using simulated::SimulatedKernel;

// Numbers of the driver's interface (cuda.h).
enum Result : DriverResult {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kInvalidImage = 200,
  kNoBinary = 209,
  kNotFound = 500,
  kLaunchFailed = 719,
};
constexpr int kAttributeProcessors = 16;
constexpr int kAttributeMajor = 75;
constexpr int kAttributeMinor = 76;
constexpr int kAttributeConcurrentManagedAccess = 89;

constexpr size_t kPage = size_t{2} << 20;
constexpr int64_t kDefaultMemory = int64_t{2} << 30;
constexpr int kPoison = 0xff;
constexpr int kDriverVersion = 13000;
constexpr int kProcessors = 2;

size_t rounded(size_t nbytes) noexcept { return (nbytes + kPage - 1) / kPage * kPage; }

/// Memory that is closed to everybody but the device's own work.
class GuardedMemory {
 public:
  Result allocate(size_t nbytes, bool managed, DevicePointer* address) {
    const std::lock_guard lock(mutex_);
    if (nbytes == 0) return kInvalidValue;
    if (used_ + static_cast<int64_t>(nbytes) > capacity_) return kOutOfMemory;
    // Two pages more: one to align, one that stays closed behind the end.
    const size_t mapped = rounded(nbytes) + 2 * kPage;
    void* base = mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return kOutOfMemory;
    *address = rounded(reinterpret_cast<size_t>(base));
    ranges_[*address] = {base, mapped, nbytes, managed};
    mprotect(reinterpret_cast<void*>(*address), rounded(nbytes), PROT_READ | PROT_WRITE);
    std::memset(reinterpret_cast<void*>(*address), kPoison, nbytes);
    if (!managed && !open_) protect(*address, ranges_[*address], PROT_NONE);
    used_ += static_cast<int64_t>(nbytes);
    return kSuccess;
  }

  Result free(DevicePointer address) {
    const std::lock_guard lock(mutex_);
    const auto found = ranges_.find(address);
    if (found == ranges_.end()) return kInvalidValue;
    munmap(found->second.base, found->second.mapped);
    used_ -= static_cast<int64_t>(found->second.nbytes);
    ranges_.erase(found);
    return kSuccess;
  }

  bool contains(DevicePointer address, size_t nbytes) {
    const std::lock_guard lock(mutex_);
    auto next = ranges_.upper_bound(address);
    if (next == ranges_.begin()) return false;
    const auto& [start, range] = *--next;
    return address + nbytes <= start + range.nbytes;
  }

  void open(bool on) {
    const std::lock_guard lock(mutex_);
    open_ = on;
    for (const auto& [address, range] : ranges_) {
      if (!range.managed) protect(address, range, on ? PROT_READ | PROT_WRITE : PROT_NONE);
    }
  }

  void info(size_t* free, size_t* total) {
    const std::lock_guard lock(mutex_);
    *total = static_cast<size_t>(capacity_);
    *free = static_cast<size_t>(std::max<int64_t>(0, capacity_ - used_));
  }

  void set_capacity(int64_t nbytes) {
    const std::lock_guard lock(mutex_);
    capacity_ = nbytes;
  }

 private:
  struct Range {
    void* base = nullptr;
    size_t mapped = 0;
    size_t nbytes = 0;
    bool managed = false;
  };
  static void protect(DevicePointer address, const Range& range, int protection) {
    mprotect(reinterpret_cast<void*>(address), rounded(range.nbytes), protection);
  }

  std::mutex mutex_;
  std::map<DevicePointer, Range> ranges_;
  int64_t capacity_ = kDefaultMemory;
  int64_t used_ = 0;
  bool open_ = false;
};

/// The device: its memory, the queue of its only stream, and the first failure, which stays (as on a GPU).
class SimulatedDevice {
 public:
  GuardedMemory memory;
  FiberOrder order = FiberOrder::kAscending;
  int64_t launches = 0;

  Result queue(std::function<std::string()> work) {
    const std::lock_guard lock(mutex_);
    if (!failure_.empty()) return kLaunchFailed;
    queue_.push_back(std::move(work));
    return kSuccess;
  }

  Result drain() {
    const std::lock_guard lock(mutex_);
    if (!queue_.empty()) memory.open(true);
    for (const auto& work : queue_) {
      if (failure_.empty()) failure_ = work();
    }
    if (!queue_.empty()) memory.open(false);
    queue_.clear();
    return failure_.empty() ? kSuccess : kLaunchFailed;
  }

  std::string failure() {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

  SimulatedKernel* keep(const SimulatedKernel& kernel) {
    const std::lock_guard lock(mutex_);
    return kernels_.emplace_back(std::make_unique<SimulatedKernel>(kernel)).get();
  }

 private:
  std::mutex mutex_;
  std::vector<std::function<std::string()>> queue_;
  std::vector<std::unique_ptr<SimulatedKernel>> kernels_;
  std::string failure_;
};

// Never destroyed: the executor may still be draining when statics go.
SimulatedDevice& the_device() {
  static auto& device = *std::make_unique<SimulatedDevice>().release();
  return device;
}

void* at(DevicePointer address) noexcept { return reinterpret_cast<void*>(address); }

DriverResult init(unsigned) { return kSuccess; }
DriverResult driver_version(int* version) {
  *version = kDriverVersion;
  return kSuccess;
}
DriverResult device_count(int* count) {
  *count = 1;
  return kSuccess;
}
DriverResult device_get(int* device, int ordinal) {
  *device = ordinal;
  return ordinal == 0 ? kSuccess : kInvalidValue;
}
DriverResult device_name(char* name, int length, int) {
  std::snprintf(name, static_cast<size_t>(length), "simulated GPU");
  return kSuccess;
}
DriverResult device_attribute(int* value, int attribute, int) {
  switch (attribute) {
    case kAttributeProcessors:
      *value = kProcessors;
      return kSuccess;
    case kAttributeMajor:
      *value = 9;
      return kSuccess;
    case kAttributeMinor:
      *value = 0;
      return kSuccess;
    case kAttributeConcurrentManagedAccess:
      *value = 1;
      return kSuccess;
    default:
      return kInvalidValue;
  }
}
DriverResult context_retain(void** context, int) {
  *context = &the_device();
  return kSuccess;
}
DriverResult context_set(void* context) { return context == &the_device() ? kSuccess : kInvalidValue; }

DriverResult memory_allocate(DevicePointer* address, size_t nbytes) {
  return the_device().memory.allocate(nbytes, false, address);
}
DriverResult memory_allocate_managed(DevicePointer* address, size_t nbytes, unsigned) {
  return the_device().memory.allocate(nbytes, true, address);
}
DriverResult memory_free(DevicePointer address) {
  const DriverResult waited = the_device().drain();
  const DriverResult freed = the_device().memory.free(address);
  return waited ? waited : freed;
}
DriverResult memory_advise(DevicePointer address, size_t nbytes, int, MemoryLocation) {
  return the_device().memory.contains(address, nbytes) ? kSuccess : kInvalidValue;
}
DriverResult memory_prefetch(DevicePointer address, size_t nbytes, MemoryLocation, unsigned, void*) {
  return the_device().memory.contains(address, nbytes) ? kSuccess : kInvalidValue;
}
DriverResult memory_info(size_t* free, size_t* total) {
  the_device().memory.info(free, total);
  return kSuccess;
}

DriverResult queue_copy(void* to, const void* from, size_t nbytes) {
  return the_device().queue([=] {
    std::memmove(to, from, nbytes);
    return std::string();
  });
}
DriverResult copy_in(DevicePointer to, const void* from, size_t nbytes, void*) {
  if (!the_device().memory.contains(to, nbytes)) return kInvalidValue;
  return queue_copy(at(to), from, nbytes);
}
DriverResult copy_out(void* to, DevicePointer from, size_t nbytes, void*) {
  if (!the_device().memory.contains(from, nbytes)) return kInvalidValue;
  return queue_copy(to, at(from), nbytes);
}
DriverResult copy_within(DevicePointer to, DevicePointer from, size_t nbytes, void*) {
  if (!the_device().memory.contains(to, nbytes) || !the_device().memory.contains(from, nbytes)) return kInvalidValue;
  return queue_copy(at(to), at(from), nbytes);
}
DriverResult fill(DevicePointer to, unsigned char value, size_t nbytes, void*) {
  if (!the_device().memory.contains(to, nbytes)) return kInvalidValue;
  return the_device().queue([=] {
    std::memset(at(to), value, nbytes);
    return std::string();
  });
}

DriverResult stream_create(void** stream, unsigned) {
  *stream = &the_device();
  return kSuccess;
}
DriverResult stream_synchronize(void*) { return the_device().drain(); }

DriverResult library_load(void** library, const void* code, int*, void**, unsigned, int*, void**, unsigned) {
  constexpr char kElf[] =
      "\x7f"
      "ELF";
  if (std::memcmp(code, kElf, sizeof kElf - 1) == 0) return kNoBinary;
  *library = dlopen(static_cast<const char*>(code), RTLD_NOW | RTLD_LOCAL);
  return *library ? kSuccess : kInvalidImage;
}
DriverResult library_kernel(void** kernel, void* library, const char* name) {
  const auto symbol = [&](const char* prefix) { return dlsym(library, (std::string(prefix) + name).c_str()); };
  SimulatedKernel found;
  found.module = dlsym(library, "simt_module");
  found.run = reinterpret_cast<void (*)(void**)>(symbol("simt_run_"));
  const auto sizes = reinterpret_cast<const unsigned* (*)()>(symbol("simt_sizes_"));
  const auto waits = reinterpret_cast<int (*)()>(symbol("simt_waits_"));
  if (!found.module || !found.run || !sizes || !waits) return kNotFound;
  found.parameter_nbytes = sizes();
  found.waits = waits() != 0;
  *kernel = the_device().keep(found);
  return kSuccess;
}
DriverResult kernel_function(void** function, void* kernel) {
  *function = kernel;
  return kSuccess;
}

/// Parameters as they were when the launch was made: the caller's may be gone when it runs.
class Parameters {
 public:
  Parameters(const unsigned* nbytes, void** parameters) {
    for (int i = 0; nbytes[i] != 0; ++i) {
      const auto* bytes = static_cast<const char*>(parameters[i]);
      values_.emplace_back(bytes, bytes + nbytes[i]);
      addresses_.push_back(values_.back().data());
    }
  }
  void** addresses() noexcept { return addresses_.data(); }

 private:
  std::vector<std::vector<char>> values_;  // their heap blocks stay where they are when the vector grows
  std::vector<void*> addresses_;
};

DriverResult launch_kernel(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                           unsigned block_y, unsigned block_z, unsigned, void*, void** parameters, void**) {
  const auto* kernel = static_cast<const SimulatedKernel*>(function);
  const LaunchShape shape{{grid_x, grid_y, grid_z}, {block_x, block_y, block_z}};
  SimulatedDevice& device = the_device();
  const auto copies = std::make_shared<Parameters>(kernel->parameter_nbytes, parameters);
  return device.queue([=, &device] {
    ++device.launches;
    return run_grid(*kernel, shape, copies->addresses(), device.order);
  });
}

DriverResult error_name(int error, const char** text) {
  switch (error) {
    case kInvalidValue:
      *text = "CUDA_ERROR_INVALID_VALUE";
      return kSuccess;
    case kOutOfMemory:
      *text = "CUDA_ERROR_OUT_OF_MEMORY";
      return kSuccess;
    case kInvalidImage:
      *text = "CUDA_ERROR_INVALID_IMAGE";
      return kSuccess;
    case kNoBinary:
      *text = "CUDA_ERROR_NO_BINARY_FOR_GPU";
      return kSuccess;
    case kNotFound:
      *text = "CUDA_ERROR_NOT_FOUND";
      return kSuccess;
    case kLaunchFailed:
      *text = "CUDA_ERROR_LAUNCH_FAILED";
      return kSuccess;
    default:
      return kInvalidValue;
  }
}
DriverResult error_string(int error, const char** text) {
  static thread_local std::string kept;
  kept = error == kLaunchFailed ? the_device().failure() : "the simulated driver refused";
  *text = kept.c_str();
  return kSuccess;
}

}  // namespace

const DriverTable& simulated_driver() {
  static const DriverTable table{
      .cuInit = init,
      .cuDriverGetVersion = driver_version,
      .cuDeviceGetCount = device_count,
      .cuDeviceGet = device_get,
      .cuDeviceGetName = device_name,
      .cuDeviceGetAttribute = device_attribute,
      .cuDevicePrimaryCtxRetain = context_retain,
      .cuCtxSetCurrent = context_set,
      .cuMemAlloc = memory_allocate,
      .cuMemFree = memory_free,
      .cuMemAllocManaged = memory_allocate_managed,
      .cuMemAdvise = memory_advise,
      .cuMemPrefetchAsync = memory_prefetch,
      .cuMemGetInfo = memory_info,
      .cuMemcpyHtoDAsync = copy_in,
      .cuMemcpyDtoHAsync = copy_out,
      .cuMemcpyDtoDAsync = copy_within,
      .cuMemsetD8Async = fill,
      .cuStreamCreate = stream_create,
      .cuStreamSynchronize = stream_synchronize,
      .cuLibraryLoadData = library_load,
      .cuLibraryGetKernel = library_kernel,
      .cuKernelGetFunction = kernel_function,
      .cuLaunchKernel = launch_kernel,
      .cuGetErrorName = error_name,
      .cuGetErrorString = error_string,
  };
  return table;
}

void set_simulated_order(FiberOrder order) noexcept { the_device().order = order; }
void set_simulated_memory(int64_t nbytes) noexcept { the_device().memory.set_capacity(nbytes); }
int64_t simulated_launches() noexcept { return the_device().launches; }

}  // namespace jtcy
