// The interpreter: runs one primitive over strided tensors; serves until compiled kernels are there, and always on
// machines without a compiler. The second answer that compiled kernels are compared with, to the bit.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "device/dtype.h"
#include "device/shape.h"
#include "exec/kernel_abi.h"
#include "graph/op_kind.h"

namespace jtcy {

struct TensorView {
  void* data = nullptr;  // of the first element
  Dtype dtype = Dtype::kFloat32;
  Shape shape;
  Strides strides;  // in elements
};

struct OpView {
  OpKind kind = OpKind::kCopy;
  const int64_t* structure = nullptr;
  int64_t structure_count = 0;
  const KernelScalar* scalars = nullptr;
  int64_t scalar_count = 0;
  uint64_t float_scalars = 0;
  const TensorView* inputs = nullptr;
  int64_t input_count = 0;
  const TensorView* output = nullptr;  // contiguous; further ones (of attention) behind it
  int made = -1;                       // an operand of a contraction that is made while it is packed; else -1
};

/// Bytes of scratch memory that interpreting this op takes (the planner counts them).
int64_t interpreter_scratch(const OpView& op, int threads);
/// `error` gets the first out-of-range index. Every kind but Code.
void interpret(const OpView& op, void* scratch, KernelError* error, ThreadPool& pool);

/// "avx512", "avx2" or "portable": chosen at load from the CPU, or forced; decides the bits (FMA or not).
const char* instruction_set() noexcept;
/// Best first: those that the machine can run, or all that there are.
std::vector<std::string> instruction_sets(bool supported_only);
/// False when the machine cannot run it; null: the best one.
bool set_instruction_set(const char* name) noexcept;
/// Whether convolutions read their image from a slab (exec/window.h) or as every contraction, and those of each channel
/// alone across planes (exec/planes.h); the bits are the same. Not while something runs.
void set_windows(bool on, bool across_planes) noexcept;

}  // namespace jtcy
