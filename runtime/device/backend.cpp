// Which Backends there are: the CPU's always, CUDA's once it is enabled.
#include "device/backend.h"

#include <atomic>

#include "base/error.h"
#include "device/cpu_backend.h"

namespace jtcy {

namespace {

std::atomic<Backend*> g_cuda_backend{nullptr};

}  // namespace

Backend& backend_of(Device device) {
  if (device.kind == DeviceKind::kCpu) return cpu_backend();
  Backend* const backend = g_cuda_backend.load(std::memory_order_acquire);
  JTCY_CHECK(backend != nullptr && backend->device() == device, ErrorKind::kDevice, "device ", device.name(),
             " is not enabled", backend == nullptr ? "" : "; " + backend->device().name() + " is",
             "\n  help: set jt.flags.use_cuda = 1 on a machine with an NVIDIA driver");
  return *backend;
}

void set_cuda_backend(Backend* backend) noexcept { g_cuda_backend.store(backend, std::memory_order_release); }

bool has_backend(Device device) noexcept {
  if (device.kind == DeviceKind::kCpu) return true;
  const Backend* const backend = g_cuda_backend.load(std::memory_order_acquire);
  return backend != nullptr && backend->device() == device;
}

}  // namespace jtcy
