// Runs one kernel of a module on the simulated GPU: cuda_launch MODULE KERNEL ORDER explicit|managed [touch].
// The kernel gets x (1000 floats 0, 1, .. 12, 0, 1, ..), y (one float) and the length; prints y.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "device/cuda_backend.h"
#include "device/simulated/simulated_driver.h"

namespace {

constexpr int64_t kLength = 1000;

int run(char** words, bool touch) {
  jtcy::CudaBackend backend(jtcy::simulated_driver(), 0, std::strcmp(words[3], "managed") == 0);
  jtcy::set_simulated_order(static_cast<jtcy::simulated::FiberOrder>(std::atoi(words[2])));
  std::vector<float> x(kLength);
  for (int64_t i = 0; i < kLength; ++i) x[static_cast<size_t>(i)] = static_cast<float>(i % 13);
  void* device_x = backend.allocate(kLength * 4);
  void* device_y = backend.allocate(4);
  backend.copy_from_host(device_x, x.data(), kLength * 4);
  const auto* entry = backend.find_entry(backend.load_library(words[0]), words[1], {2, 1, 0, 64, true});
  void* pointers[] = {device_x, device_y};
  const long long length = kLength;
  KernelError error{};
  jtcy::PhaseLaunch phase;
  phase.entry = const_cast<jtcy::CudaEntry*>(entry);
  phase.grid = 1;
  backend.launch(phase, {pointers, &length, nullptr, nullptr, &error});
  backend.synchronize();
  float y = 0;
  if (touch) {
    std::memcpy(&y, device_y, 4);
  } else {
    backend.copy_to_host(&y, device_y, 4);
  }
  std::printf("%g error=%d managed=%lld\n", y, error.code, static_cast<long long>(backend.managed_nbytes()));
  return 0;
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(words + 1, count > 5);
  } catch (const jtcy::Error& error) {
    std::puts(error.what());
    return 1;
  }
}
