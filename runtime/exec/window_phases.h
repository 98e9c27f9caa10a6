// Splits a convolution whose index is divided into convolutions that are not.
#pragma once
#include <cstdint>
#include <vector>

#include "exec/interpreter.h"

namespace jtcy {

// Note [Phases]
// The gradient of a convolution with step s, and a transposed convolution, index the image by (position + c * tap +
// offset) / s: of the taps only every s-th hits an element, which ones depends on position % s. The positions of one
// such phase are a convolution of their own, without divisor: of the image, some of the taps, and every s-th element of
// the output. What is not hit is no part of the sum; the blocks of the sum stay where they were, with fewer products.

struct Phase {
  std::vector<int64_t> structure;
  std::vector<KernelScalar> scalars;
  TensorView inputs[2], output;
  std::vector<int64_t> block_begin;  // products of each block of the sum, added up

  bool is_empty() const noexcept { return block_begin.back() == 0; }
  OpView op() const noexcept;
};

/// Empty where the op has no divisor, or is not split by it.
std::vector<Phase> split_phases(const OpView& op);

}  // namespace jtcy
