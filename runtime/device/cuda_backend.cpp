// CudaBackend: memory, copies and launches through the driver's entry points, in the order of one stream.
#include "device/cuda_backend.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/trace.h"

namespace jtcy {
namespace {

// Numbers of the driver's interface (cuda.h).
constexpr int kOutOfMemory = 2;
constexpr int kAttributeProcessors = 16;
constexpr int kAttributeMajor = 75;
constexpr int kAttributeMinor = 76;
constexpr int kAttributeConcurrentManagedAccess = 89;
constexpr int kAdviseSetPreferredLocation = 3;
constexpr unsigned kAttachGlobal = 1;
constexpr unsigned kStreamNonBlocking = 1;

// Blocks a processor that a grid-stride loop keeps in flight: 16 x 128 threads fill an SM of 2048 threads.
constexpr int64_t kBlocksPerProcessor = 16;
// Scratch memory of all workers together; above it fewer workers run.
constexpr int64_t kLocalLimit = int64_t{64} << 20;
constexpr int64_t kLocalAlign = 256;
// Launches with an error word of their own between two waits.
constexpr size_t kErrorWords = 4096;
constexpr size_t kErrorNbytes = kErrorWords * sizeof(KernelError);

DevicePointer pointer(const void* address) noexcept { return reinterpret_cast<DevicePointer>(address); }

// Never destroyed: at exit the driver may be gone before our statics are.
CudaBackend* g_backend = nullptr;

}  // namespace

CudaBackend::CudaBackend(const DriverTable& driver, int ordinal, bool managed)
    : driver_(driver), ordinal_(ordinal), managed_(managed), owner_(::getpid()) {
  check(driver_.cuInit(0), "cuInit");
  int count = 0;
  check(driver_.cuDeviceGetCount(&count), "cuDeviceGetCount");
  JTCY_CHECK(ordinal < count, ErrorKind::kDevice, "cuda: device ", ordinal, " was asked for, the driver has ", count);
  check(driver_.cuDeviceGet(&device_, ordinal), "cuDeviceGet");
  char name[256] = {};
  check(driver_.cuDeviceGetName(name, sizeof name, device_), "cuDeviceGetName");
  name_ = name;
  int major = 0, minor = 0, concurrent = 0;
  check(driver_.cuDeviceGetAttribute(&major, kAttributeMajor, device_), "cuDeviceGetAttribute");
  check(driver_.cuDeviceGetAttribute(&minor, kAttributeMinor, device_), "cuDeviceGetAttribute");
  check(driver_.cuDeviceGetAttribute(&processors_, kAttributeProcessors, device_), "cuDeviceGetAttribute");
  check(driver_.cuDeviceGetAttribute(&concurrent, kAttributeConcurrentManagedAccess, device_), "cuDeviceGetAttribute");
  architecture_ = major * 10 + minor;
  prefetches_ = concurrent != 0;
  JTCY_CHECK(!managed || prefetches_, ErrorKind::kDevice, "managed_memory: ", name_,
             " has no concurrent managed access\n  help: leave flags.managed_memory at 0 (explicit device memory)");
  check(driver_.cuDevicePrimaryCtxRetain(&context_, device_), "cuDevicePrimaryCtxRetain");
  use_context();
  check(driver_.cuStreamCreate(&stream_, kStreamNonBlocking), "cuStreamCreate");
  check(driver_.cuMemAlloc(&error_words_, kErrorNbytes), "cuMemAlloc");
  check(driver_.cuMemsetD8Async(error_words_, 0, kErrorNbytes, stream_), "cuMemsetD8Async");
  managed_limit_ = static_cast<int64_t>(static_cast<double>(memory().free) * kManagedShare);
  JTCY_TRACE(1, "device", "device=", device().name(), " name=\"", name_, "\" sm=", architecture_,
             " memory=", managed_ ? "managed" : "explicit");
}

void CudaBackend::check(DriverResult result, const char* call) const {
  if (result == 0) [[likely]]
    return;
  const char* error_name = nullptr;
  const char* text = nullptr;
  driver_.cuGetErrorName(result, &error_name);
  driver_.cuGetErrorString(result, &text);
  throw_error(ErrorKind::kDevice, str_cat("cuda: ", call, " failed with ", error_name ? error_name : "an unknown error",
                                          " (", result, "): ", text ? text : "no text"));
}

void CudaBackend::use_context() const {
  JTCY_CHECK(owner_ == ::getpid(), ErrorKind::kFork,
             "cuda: this process was forked from one that uses the GPU, and a driver does not survive that"
             "\n  help: read Vars before the fork, or start workers with forkserver or spawn");
  static thread_local const CudaBackend* current = nullptr;
  if (current == this) return;
  check(driver_.cuCtxSetCurrent(context_), "cuCtxSetCurrent");
  current = this;
}

DeviceMemory CudaBackend::memory() {
  use_context();
  size_t free = 0, total = 0;
  check(driver_.cuMemGetInfo(&free, &total), "cuMemGetInfo");
  return {static_cast<int64_t>(total), static_cast<int64_t>(free)};
}

void* CudaBackend::allocate(int64_t nbytes) {
  use_context();
  if (managed_) return allocate_managed(nbytes);
  DevicePointer address = 0;
  const DriverResult result = driver_.cuMemAlloc(&address, static_cast<size_t>(nbytes));
  if (result == kOutOfMemory) return nullptr;
  check(result, "cuMemAlloc");
  return reinterpret_cast<void*>(address);
}

// Note [Managed memory]
// The total size of managed allocations stays below a part of what was free at the start, whether resident or not: the
// driver is never left to evict. Every allocation prefers the device and is brought there once.
void* CudaBackend::allocate_managed(int64_t nbytes) {
  if (managed_nbytes_ + nbytes > managed_limit_) return nullptr;
  DevicePointer address = 0;
  const DriverResult result = driver_.cuMemAllocManaged(&address, static_cast<size_t>(nbytes), kAttachGlobal);
  if (result == kOutOfMemory) return nullptr;
  check(result, "cuMemAllocManaged");
  const MemoryLocation here{1, device_};
  check(driver_.cuMemAdvise(address, static_cast<size_t>(nbytes), kAdviseSetPreferredLocation, here), "cuMemAdvise");
  check(driver_.cuMemPrefetchAsync(address, static_cast<size_t>(nbytes), here, 0, stream_), "cuMemPrefetchAsync");
  managed_nbytes_ += nbytes;
  return reinterpret_cast<void*>(address);
}

void CudaBackend::free(void* address, int64_t nbytes) noexcept {
  if (owner_ != ::getpid()) return;  // the parent's memory
  driver_.cuCtxSetCurrent(context_);
  // A failure here is a sticky error of an earlier launch: the next call that may throw reports it.
  driver_.cuMemFree(pointer(address));
  if (managed_) managed_nbytes_ -= nbytes;
}

void CudaBackend::copy_to_host(void* host, const void* device, int64_t nbytes) {
  use_context();
  const auto size = static_cast<size_t>(nbytes);
  check(driver_.cuMemcpyDtoHAsync(host, pointer(device), size, stream_), "cuMemcpyDtoHAsync");
  check(driver_.cuStreamSynchronize(stream_), "cuStreamSynchronize");
}

void CudaBackend::copy_from_host(void* device, const void* host, int64_t nbytes) {
  use_context();
  const auto size = static_cast<size_t>(nbytes);
  check(driver_.cuMemcpyHtoDAsync(pointer(device), host, size, stream_), "cuMemcpyHtoDAsync");
  check(driver_.cuStreamSynchronize(stream_), "cuStreamSynchronize");
}

void CudaBackend::copy(void* to, const void* from, int64_t nbytes) {
  use_context();
  const auto size = static_cast<size_t>(nbytes);
  check(driver_.cuMemcpyDtoDAsync(pointer(to), pointer(from), size, stream_), "cuMemcpyDtoDAsync");
}

CudaBackend::Grid CudaBackend::grid_of(const PhaseLaunch& phase, const CudaEntry& entry) const noexcept {
  const bool together = entry.shape.block_per_iteration;
  const int64_t workers_of_block = together ? 1 : entry.shape.threads;
  Grid grid;
  grid.local_nbytes = (phase.local_nbytes + kLocalAlign - 1) / kLocalAlign * kLocalAlign;
  int64_t blocks = (phase.grid + workers_of_block - 1) / workers_of_block;
  blocks = std::min(blocks, processors_ * kBlocksPerProcessor);
  if (grid.local_nbytes > 0) {
    blocks = std::min(blocks, std::max<int64_t>(1, kLocalLimit / (grid.local_nbytes * workers_of_block)));
  }
  grid.blocks = static_cast<unsigned>(blocks);
  return grid;
}

void* CudaBackend::local_memory(int64_t nbytes) {
  if (nbytes > local_nbytes_) {
    if (local_) check(driver_.cuMemFree(local_), "cuMemFree");  // waits for the kernels that use it
    local_ = 0;
    local_nbytes_ = 0;
    check(driver_.cuMemAlloc(&local_, static_cast<size_t>(nbytes)), "cuMemAlloc (scratch memory of a kernel)");
    local_nbytes_ = nbytes;
  }
  return reinterpret_cast<void*>(local_);
}

// Note [Kernel parameter]
// A generated kernel takes one struct by value, all of 8-byte words, and the end of its grid:
//   ptr[pointers], dim[dims], scalar[scalars], shared, error, local, bytes of local a worker
// so arguments need no copy to the device, and the body reads args->ptr[i] as on the CPU.
void CudaBackend::launch(const PhaseLaunch& phase, const KernelArgs& args) {
  if (phase.grid <= 0) return;
  use_context();
  const CudaEntry& entry = *static_cast<const CudaEntry*>(phase.entry);
  const CudaKernelShape& shape = entry.shape;
  const Grid grid = grid_of(phase, entry);
  const DevicePointer error_word = error_word_of(args.error);
  const int64_t workers = int64_t{grid.blocks} * (shape.block_per_iteration ? 1 : shape.threads);
  parameters_.clear();
  for (int i = 0; i < shape.pointers; ++i) parameters_.push_back(pointer(args.ptr[i]));
  for (int i = 0; i < shape.dims; ++i) parameters_.push_back(static_cast<uint64_t>(args.dim[i]));
  for (int i = 0; i < shape.scalars; ++i) parameters_.push_back(static_cast<uint64_t>(args.scalar[i].i));
  parameters_.push_back(pointer(args.shared));
  parameters_.push_back(error_word);
  parameters_.push_back(grid.local_nbytes ? pointer(local_memory(grid.local_nbytes * workers)) : 0);
  parameters_.push_back(static_cast<uint64_t>(grid.local_nbytes));
  long long end = phase.grid;
  void* kernel_parameters[] = {parameters_.data(), &end};
  check(driver_.cuLaunchKernel(entry.function, grid.blocks, 1, 1, static_cast<unsigned>(shape.threads), 1, 1, 0,
                               stream_, kernel_parameters, nullptr),
        "cuLaunchKernel");
}

DevicePointer CudaBackend::error_word_of(KernelError* error) {
  if (errors_.size() == kErrorWords) synchronize();
  if (errors_.empty() || errors_.back() != error) errors_.push_back(error);
  return error_words_ + (errors_.size() - 1) * sizeof(KernelError);
}

void CudaBackend::synchronize() {
  use_context();
  const std::vector<KernelError*> errors = std::exchange(errors_, {});  // also when this throws: they may be gone then
  check(driver_.cuStreamSynchronize(stream_), "cuStreamSynchronize");
  if (!errors.empty()) fetch_error_words(errors);
}

void CudaBackend::fetch_error_words(const std::vector<KernelError*>& errors) {
  std::vector<KernelError> found(errors.size());
  const auto nbytes = found.size() * sizeof(KernelError);
  copy_to_host(found.data(), reinterpret_cast<void*>(error_words_), static_cast<int64_t>(nbytes));
  bool any = false;
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i].code == 0) continue;
    any = true;
    if (errors[i] && errors[i]->code == 0) *errors[i] = found[i];
  }
  if (any) check(driver_.cuMemsetD8Async(error_words_, 0, kErrorNbytes, stream_), "cuMemsetD8Async");
}

void* CudaBackend::load_library(const void* image) {
  use_context();
  void* library = nullptr;
  check(driver_.cuLibraryLoadData(&library, image, nullptr, nullptr, 0, nullptr, nullptr, 0), "cuLibraryLoadData");
  return library;
}

const CudaEntry* CudaBackend::find_entry(void* library, const char* symbol, const CudaKernelShape& shape) {
  use_context();
  void* kernel = nullptr;
  CudaEntry entry;
  entry.shape = shape;
  check(driver_.cuLibraryGetKernel(&kernel, library, symbol), "cuLibraryGetKernel");
  check(driver_.cuKernelGetFunction(&entry.function, kernel), "cuKernelGetFunction");
  const std::lock_guard lock(entries_mutex_);
  return &entries_.emplace_back(entry);
}

CudaBackend& enable_cuda(const DriverTable& driver, bool managed) {
  if (!g_backend) {
    g_backend = std::make_unique<CudaBackend>(driver, 0, managed).release();
    set_cuda_backend(g_backend);
  }
  return *g_backend;
}

CudaBackend* cuda_backend() noexcept { return g_backend; }

}  // namespace jtcy
