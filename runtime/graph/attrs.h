// Attrs of an Op: structure (hashed) and scalars (Slots; never hashed).
#pragma once
#include <cstdint>

#include "base/small_vector.h"
#include "exec/kernel_abi.h"

namespace jtcy {

struct Attrs {
  SmallVector<int64_t, 8> structure;
  SmallVector<KernelScalar, 2> scalars;
  /// Bit i: scalar i is a double (.f), else an integer (.i). At most 64 scalars.
  uint64_t float_scalars = 0;

  void add_int(int64_t value) {
    KernelScalar scalar;
    scalar.i = value;
    scalars.push_back(scalar);
  }
  void add_float(double value) {
    KernelScalar scalar;
    scalar.f = value;
    float_scalars |= uint64_t{1} << scalars.size();
    scalars.push_back(scalar);
  }
};

}  // namespace jtcy
