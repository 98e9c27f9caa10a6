// Tensors and ops for tests of the interpreter.
#pragma once
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "base/thread_pool.h"
#include "exec/interpreter.h"
#include "graph/attrs.h"

namespace tensors {

template <typename T>
constexpr jtcy::Dtype dtype_of() {
  using jtcy::Dtype;
  if constexpr (std::is_same_v<T, bool>) return Dtype::kBool;
  if constexpr (std::is_same_v<T, float>) return Dtype::kFloat32;
  if constexpr (std::is_same_v<T, double>) return Dtype::kFloat64;
  if constexpr (std::is_same_v<T, int8_t>) return Dtype::kInt8;
  if constexpr (std::is_same_v<T, int16_t>) return Dtype::kInt16;
  if constexpr (std::is_same_v<T, int32_t>) return Dtype::kInt32;
  if constexpr (std::is_same_v<T, int64_t>) return Dtype::kInt64;
  if constexpr (std::is_same_v<T, uint8_t>) return Dtype::kUint8;
  if constexpr (std::is_same_v<T, uint16_t>) return Dtype::kUint16;
  if constexpr (std::is_same_v<T, uint32_t>) return Dtype::kUint32;
  return Dtype::kUint64;
}

/// A contiguous tensor over `values`, which must outlive the view.
template <typename T>
jtcy::TensorView view(std::vector<T>& values, const jtcy::Shape& shape) {
  return {values.data(), dtype_of<T>(), shape, jtcy::contiguous_strides(shape)};
}

struct Op {
  jtcy::OpKind kind;
  std::vector<jtcy::TensorView> inputs;
  std::vector<int64_t> structure = {};
  jtcy::Attrs scalars = {};
};

/// Runs `op` on `threads` threads; the error is returned, code 0: none.
inline KernelError run(const Op& op, const jtcy::TensorView& output, int threads = 1) {
  jtcy::OpView view;
  view.kind = op.kind;
  view.structure = op.structure.data();
  view.structure_count = static_cast<int64_t>(op.structure.size());
  view.scalars = op.scalars.scalars.data();
  view.scalar_count = static_cast<int64_t>(op.scalars.scalars.size());
  view.float_scalars = op.scalars.float_scalars;
  view.inputs = op.inputs.data();
  view.input_count = static_cast<int64_t>(op.inputs.size());
  view.output = &output;
  auto& pool = jtcy::ThreadPool::instance();
  pool.set_threads(threads);
  std::vector<uint64_t> scratch(static_cast<std::size_t>(jtcy::interpreter_scratch(view, threads) / 8 + 1));
  KernelError error{};
  jtcy::interpret(view, scratch.data(), &error, pool);
  return error;
}

inline jtcy::Attrs ints(std::initializer_list<int64_t> values) {
  jtcy::Attrs attrs;
  for (const int64_t value : values) attrs.add_int(value);
  return attrs;
}

/// A small deterministic stream of numbers in [-1, 1).
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed * 2654435761u + 1) {}
  double next() {
    state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<double>(static_cast<int64_t>(state_ >> 11)) * 0x1p-52 - 1;
  }
  template <typename T>
  std::vector<T> take(std::size_t count) {
    std::vector<T> values(count);
    for (T& value : values) value = static_cast<T>(next());
    return values;
  }

 private:
  uint64_t state_;
};

template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace tensors
