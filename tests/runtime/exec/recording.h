// Recording and reading for tests of the executor.
#pragma once
#include <vector>

#include "exec/executor.h"
#include "graph/graph.h"
#include "memory/manager.h"

namespace recording {

using jtcy::Device;
using jtcy::Dtype;
using jtcy::Executor;
using jtcy::FlushReason;
using jtcy::OpKind;
using jtcy::Shape;
using jtcy::VarRef;

/// A Var that a Python handle holds; unhold happens with the handle.
class Handle {
 public:
  Handle() = default;
  explicit Handle(VarRef var) : var_(std::move(var)) { jtcy::hold(*var_); }
  Handle(const Handle& other) : Handle(other.var_) {}
  Handle(Handle&& other) noexcept : var_(std::move(other.var_)) {}
  Handle& operator=(Handle other) noexcept {
    std::swap(var_, other.var_);
    return *this;
  }
  ~Handle() {
    if (var_) jtcy::unhold(*var_);
  }
  const VarRef& operator*() const { return var_; }
  jtcy::Var* operator->() const { return var_.get(); }

 private:
  VarRef var_;
};

template <typename T>
Handle leaf(const std::vector<T>& values, const Shape& shape, Dtype dtype) {
  const auto nbytes = static_cast<int64_t>(values.size() * sizeof(T));
  auto buffer = Executor::instance().allocate(Device{}, nbytes, "array");
  Executor::instance().upload(*buffer, values.data(), nbytes);
  return Handle(jtcy::make_leaf(buffer, 0, shape, jtcy::contiguous_strides(shape), dtype, Device{}));
}

inline Handle floats(const std::vector<float>& values) {
  return leaf(values, {static_cast<int64_t>(values.size())}, Dtype::kFloat32);
}
inline Handle integers(const std::vector<int64_t>& values) {
  return leaf(values, {static_cast<int64_t>(values.size())}, Dtype::kInt64);
}

inline VarRef op(OpKind kind, const VarRef& a) { return jtcy::make_elementwise(kind, {a}, "test"); }
inline VarRef op(OpKind kind, const VarRef& a, const VarRef& b) { return jtcy::make_elementwise(kind, {a, b}, "test"); }

inline void wait(const VarRef& var) { Executor::instance().wait(*var->buffer); }

template <typename T = float>
std::vector<T> read(const Handle& handle) {
  Executor::instance().flush({(*handle).get()}, FlushReason::kRead);
  wait(*handle);
  const T* const data = static_cast<const T*>(handle->buffer->address()) + handle->offset;
  return {data, data + handle->count()};
}

}  // namespace recording
