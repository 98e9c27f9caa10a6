// HostStaging: operands of one op, brought to the host and back, for what a device has no kernel for.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "device/backend.h"
#include "exec/interpreter.h"

namespace jtcy {

/// Exchanges the data pointers of the views for host copies (in place where the host may read device memory); inputs
/// come first. The caller holds the run lock.
class HostStaging {
 public:
  HostStaging(Backend& backend, TensorView* operands, int64_t input_count, int64_t output_count);
  /// Brings the outputs, which are contiguous, to the device.
  void write_back();
  /// Host memory in place of the plan's, which the host cannot touch.
  void* scratch(int64_t nbytes);

 private:
  void* room(int64_t nbytes);
  void stage_input(TensorView& view);

  Backend& backend_;
  TensorView* outputs_;
  std::vector<void*> device_outputs_;
  std::vector<std::unique_ptr<std::byte[]>> copies_;
};

}  // namespace jtcy
