// The recording thread's state, and what the files of this floor share. Guarded by the GIL, like every node.
#pragma once
#include <string>

#include "base/error.h"
#include "graph/graph.h"

namespace jtcy {

struct GraphState {
  Op* first_pending = nullptr;  // in order of id
  Op* last_pending = nullptr;
  int64_t pending = 0;
  int64_t recorded = 0;
  int64_t live_vars = 0;
  int64_t live_ops = 0;
  uint64_t next_id = 1;
  int64_t no_grad_depth = 0;
  uint32_t schedule = 0;        // of the ops recorded from now on
  bool fused_attention = true;  // the flags of these names
  bool rewrites = true;
  bool winograd = false;
  Device default_device;
  OriginHooks origin_hooks;
};
extern GraphState g_graph;

/// Dtypes are ordered so that the floating ones are a range; inline because every node asks.
inline bool floating(Dtype dtype) noexcept { return dtype >= Dtype::kFloat16 && dtype <= Dtype::kFloat64; }
inline bool integral_or_bool(Dtype dtype) noexcept { return dtype < Dtype::kFloat16; }
/// A gradient may flow into this Var.
inline bool takes_gradient(const Var& var) noexcept { return floating(var.dtype) && !var.stop_grad; }

/// Nodes made while it lives have no gradient path.
class NoGradScope {
 public:
  explicit NoGradScope(bool active = true) noexcept : active_(active) { g_graph.no_grad_depth += active_; }
  ~NoGradScope() { g_graph.no_grad_depth -= active_; }
  NoGradScope(const NoGradScope&) = delete;
  NoGradScope& operator=(const NoGradScope&) = delete;

 private:
  int64_t active_;
};

/// Sources made while it lives are on this device.
class DeviceScope {
 public:
  explicit DeviceScope(Device device) noexcept : before_(g_graph.default_device) { g_graph.default_device = device; }
  ~DeviceScope() { g_graph.default_device = before_; }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  Device before_;
};

/// What is recorded while it lives is rewritten, or is not.
class RewriteScope {
 public:
  explicit RewriteScope(bool enabled) noexcept : before_(g_graph.rewrites) { g_graph.rewrites = enabled; }
  ~RewriteScope() { g_graph.rewrites = before_; }
  RewriteScope(const RewriteScope&) = delete;
  RewriteScope& operator=(const RewriteScope&) = delete;

 private:
  bool before_;
};

/// From the free list; the caller owns the only pointer.
Var* new_var();
Op* new_op();

/// What every maker does in the end: an op whose inputs and attributes are there gets its output, hash and place among
/// the pending ones. Throws kDevice where its operands are on different devices.
Ref<Op> start_op(OpKind kind);
VarRef record(const Ref<Op>& op, const Shape& shape, Dtype dtype);

void link_pending(Op* op) noexcept;
/// Nothing if it is in no list.
void unlink_pending(Op* op) noexcept;

/// How many of its inputs an op reads when it runs; the others exist for its gradient only (a user's Function).
inline std::size_t operand_count(const Op& op) noexcept {
  return op.kind == OpKind::kCopy && op.inputs.size() > 1 ? 1 : op.inputs.size();
}

/// True when inputs and grad mode make a new op differentiable.
bool records_gradient(const SmallVector<VarRef, 2>& inputs, Dtype dtype) noexcept;
/// A node that is realized at once because it only looks at x's memory in another way.
VarRef make_view(OpKind kind, const VarRef& x, Attrs attrs, const Shape& shape, int64_t offset, const Strides& strides);

/// "float32[32, 784] from train.py:41"
std::string describe(const Var& var);
/// Lines "\n  a: float32[32, 784] from train.py:41" of an error's text.
std::string operand_lines(const SmallVector<VarRef, 2>& inputs);
/// Turns a negative axis around; throws kIndex naming `function`.
int checked_axis(int64_t axis, std::size_t ndim, const char* function);

}  // namespace jtcy
