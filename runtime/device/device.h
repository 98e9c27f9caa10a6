// Device: a kind and an index; what a Var's bytes and its kernels belong to.
#pragma once
#include <cstdint>
#include <string>

namespace jtcy {

enum class DeviceKind : uint8_t { kCpu = 0, kCuda = 1 };

struct Device {
  DeviceKind kind = DeviceKind::kCpu;
  int16_t index = 0;
  friend bool operator==(const Device&, const Device&) = default;
  std::string name() const { return kind == DeviceKind::kCpu ? "cpu" : "cuda:" + std::to_string(index); }
};

}  // namespace jtcy
