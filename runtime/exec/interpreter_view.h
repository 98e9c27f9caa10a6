// StridedReader: a strided tensor read in row-major order, block by block; and small helpers of the interpreter.
#pragma once
#include <cstdint>

#include "exec/interpreter.h"
#include "exec/interpreter_table.h"

namespace jtcy {

/// Elements that one call of an inner loop works on; operands that must be gathered lie on the stack, so it is small.
inline constexpr int64_t kInterpreterBlock = 1024;
/// Elements that are worth a thread of their own (about 10 us of simple arithmetic).
inline constexpr int64_t kInterpreterGrain = 16 * kInterpreterBlock;
inline constexpr int64_t kLargestItem = 8;

/// Neighbouring axes that walk memory evenly are one axis. Borrows the data; cheap to make.
class StridedReader {
 public:
  explicit StridedReader(const TensorView& view)
      : StridedReader(view.data, view.dtype, view.shape.data(), view.strides.data(),
                      static_cast<int>(view.shape.size())) {}
  StridedReader(const void* data, Dtype dtype, const int64_t* shape, const int64_t* strides, int ndim);

  /// Elements [start, start + count): in place where they lie side by side, else gathered into `scratch`.
  const void* block(int64_t start, int64_t count, void* scratch) const {
    if (contiguous_) return data_ + start * itemsize_;
    gather(start, count, scratch);
    return scratch;
  }
  void gather(int64_t start, int64_t count, void* target) const;
  bool contiguous() const noexcept { return contiguous_; }

 private:
  template <typename T>
  void gather_items(int64_t start, int64_t count, T* target) const;

  const char* data_;
  int64_t itemsize_;
  int ndim_ = 0;
  bool contiguous_ = false;
  int64_t shape_[kMaxDims];
  int64_t strides_[kMaxDims];
};

/// Product of extents [first, end).
inline int64_t extent_product(const Shape& shape, std::size_t first, std::size_t end) noexcept {
  int64_t product = 1;
  for (std::size_t axis = first; axis < end; ++axis) product *= shape[axis];
  return product;
}

/// Scalar `number` of an op as an element of `dtype`, converted once.
void scalar_as(const OpView& op, int64_t number, Dtype dtype, void* element);
/// `count` copies of one element.
void fill_items(void* target, const void* element, int64_t itemsize, int64_t count);

/// The accumulator of reductions: float32 for 16-bit floats (docs/bits.md).
inline Dtype accumulator_of(Dtype dtype) noexcept {
  return dtype == Dtype::kFloat16 || dtype == Dtype::kBfloat16 ? Dtype::kFloat32 : dtype;
}

// The families, one file each.
void interpret_source(const OpView& op, ThreadPool& pool);
void interpret_movement(const OpView& op, ThreadPool& pool);
void interpret_reduce(const OpView& op, void* scratch, ThreadPool& pool);
int64_t reduce_scratch(const OpView& op);
void interpret_reindex(const OpView& op, KernelError* error, ThreadPool& pool);
void interpret_reindex_reduce(const OpView& op, void* scratch, KernelError* error, ThreadPool& pool);
int64_t reindex_reduce_scratch(const OpView& op);

}  // namespace jtcy
