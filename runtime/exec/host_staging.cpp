// Copies of strided operands between device and host.
#include "exec/host_staging.h"

#include <algorithm>

namespace jtcy {

namespace {

constexpr std::size_t kAlign = 64;

int64_t contiguous_nbytes(const TensorView& view) noexcept { return element_count(view.shape) * itemsize(view.dtype); }

}  // namespace

HostStaging::HostStaging(Backend& backend, TensorView* operands, int64_t input_count, int64_t output_count)
    : backend_(backend), outputs_(operands + input_count) {
  backend_.synchronize();
  if (backend_.host_visible()) return;
  for (int64_t i = 0; i < input_count; ++i) stage_input(operands[i]);
  for (int64_t i = 0; i < output_count; ++i) {
    device_outputs_.push_back(outputs_[i].data);
    outputs_[i].data = room(contiguous_nbytes(outputs_[i]));
  }
}

void* HostStaging::room(int64_t nbytes) {
  copies_.push_back(std::make_unique<std::byte[]>(static_cast<std::size_t>(nbytes) + kAlign));
  const auto address = reinterpret_cast<uintptr_t>(copies_.back().get());
  return reinterpret_cast<void*>((address + kAlign - 1) / kAlign * kAlign);
}

/// The range between the first and the last byte that the strides reach is copied whole.
void HostStaging::stage_input(TensorView& view) {
  if (element_count(view.shape) == 0) return;
  const int64_t size = itemsize(view.dtype);
  int64_t low = 0, high = size;
  for (std::size_t axis = 0; axis < view.shape.size(); ++axis) {
    const int64_t reach = (view.shape[axis] - 1) * view.strides[axis] * size;
    (reach < 0 ? low : high) += reach;
  }
  auto* const host = static_cast<std::byte*>(room(high - low));
  backend_.copy_to_host(host, static_cast<const std::byte*>(view.data) + low, high - low);
  view.data = host - low;
}

void HostStaging::write_back() {
  for (std::size_t i = 0; i < device_outputs_.size(); ++i) {
    const int64_t nbytes = contiguous_nbytes(outputs_[i]);
    if (nbytes > 0) backend_.copy_from_host(device_outputs_[i], outputs_[i].data, nbytes);
  }
}

void* HostStaging::scratch(int64_t nbytes) { return room(nbytes); }

}  // namespace jtcy
