// Making and linking nodes; the list of pending ops; origins.
#include "graph/graph.h"

#include <algorithm>
#include <utility>

#include "graph/graph_state.h"
#include "graph/rewrite.h"

namespace jtcy {

GraphState g_graph;

namespace {

uint64_t packed(uint64_t high, uint64_t low) noexcept { return high << 32 | low; }

Hash128 hash_op(const Op& op, Dtype dtype) noexcept {
  Hash128 hash;
  hash.mix(packed(static_cast<uint64_t>(op.kind) << 16 | static_cast<uint64_t>(dtype) << 8 | op.outputs.size(),
                  static_cast<uint64_t>(op.inputs.size()) << 16 | op.attrs.scalars.size()));
  uint64_t dtypes = 0;
  for (std::size_t i = 0; i < op.inputs.size(); ++i)
    dtypes = dtypes * 31 + static_cast<uint64_t>(op.inputs[i]->dtype) + 1;
  hash.mix(packed(dtypes, op.attrs.structure.size()) ^ op.attrs.float_scalars << 20);
  for (const int64_t value : op.attrs.structure) hash.mix(static_cast<uint64_t>(value));
  return hash;
}

// Note [Constants of formulas]
// Sources are made on the default device. One that a formula made for itself (no user holds it, nothing computed it)
// goes where the formula's other operands are, so that formulas need not speak of devices.

/// A formula's constant is a source, repeated and converted at most.
constexpr int kConstantDepth = 4;

bool is_unplaced(const Var& var, int depth = kConstantDepth) noexcept {
  const Op* op = var.producer.get();
  if (depth == 0 || var.held > 0 || var.realized() || op == nullptr || !op->pending) return false;
  return std::all_of(op->inputs.begin(), op->inputs.end(),
                     [depth](const VarRef& input) { return is_unplaced(*input, depth - 1); });
}

void place(Var* var, Device device) noexcept {
  var->device = device;
  for (const VarRef& input : var->producer->inputs) place(input.get(), device);
}

Device common_device(const SmallVector<VarRef, 2>& inputs, std::size_t operands) {
  std::size_t fixed = 0;
  while (fixed + 1 < operands && is_unplaced(*inputs[fixed])) ++fixed;
  const Device device = inputs[fixed]->device;
  for (std::size_t i = 0; i < operands; ++i) {
    const VarRef& input = inputs[i];
    if (input->device != device && is_unplaced(*input)) place(input.get(), device);
    JTCY_CHECK(input->device == device, ErrorKind::kDevice, "inputs are on different devices, ", device.name(), " and ",
               input->device.name(), operand_lines(inputs), "\n  help: move one of them with .to(device)");
  }
  return device;
}

/// Of the inputs that an op reads; those that it has for its gradient only may be elsewhere (a move to a device).
Device device_of(const SmallVector<VarRef, 2>& inputs, std::size_t operands) {
  if (operands == 0) return g_graph.default_device;
  const Device device = inputs[0]->device;
  for (std::size_t i = 1; i < operands; ++i) {
    if (inputs[i]->device != device) [[unlikely]]
      return common_device(inputs, operands);
  }
  return device;
}

Var* add_output(Op* op, const Shape& shape, Dtype dtype, Device device) {
  Var* var = new_var();
  var->id = g_graph.next_id++;
  var->shape = shape;
  var->dtype = dtype;
  var->device = device;
  var->stop_grad = g_graph.no_grad_depth > 0;
  for (const VarRef& input : op->inputs) var->trains = var->trains || (op->differentiable && input->learned());
  var->producer = Ref<Op>(op);
  var->output_index = static_cast<int32_t>(op->outputs.size());
  op->outputs.push_back(var);
  return var;
}

void begin(Op* op, bool differentiable) {
  op->differentiable = differentiable;
  op->id = g_graph.next_id;
  if (g_graph.origin_hooks.current != nullptr) op->origin = g_graph.origin_hooks.current();
}

void finish(Op* op, Dtype dtype) noexcept {
  op->hash = hash_op(*op, dtype);
  link_pending(op);
  ++g_graph.recorded;
}

/// An op of several outputs.
SmallVector<VarRef, 2> record_all(const Ref<Op>& op, bool differentiable, const SmallVector<Shape, 2>& shapes,
                                  const SmallVector<Dtype, 2>& dtypes) {
  const Device device = device_of(op->inputs, op->inputs.size());
  begin(op.get(), differentiable);
  SmallVector<VarRef, 2> outputs;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    outputs.push_back(VarRef(add_output(op.get(), shapes[i], dtypes[i], device)));
  finish(op.get(), dtypes[0]);
  for (const Dtype dtype : dtypes) op->hash.mix(static_cast<uint64_t>(dtype));
  return outputs;
}

/// One user callback behind several ops.
struct SharedCallback {
  GradientCallback user;
  int32_t references = 0;
};
void call_shared(void* context, const SmallVector<VarRef, 2>& cotangents, SmallVector<VarRef, 3>* gradients) {
  const GradientCallback& user = static_cast<SharedCallback*>(context)->user;
  user.call(user.context, cotangents, gradients);
}
void release_shared(void* context) {
  auto* shared = static_cast<SharedCallback*>(context);
  if (--shared->references > 0) return;
  if (shared->user.release != nullptr) shared->user.release(shared->user.context);
  delete shared;
}

}  // namespace

void set_origin_hooks(OriginHooks hooks) noexcept { g_graph.origin_hooks = hooks; }

std::string origin_text(const Var& var) {
  const Origin origin = var.producer ? var.producer->origin : var.origin;
  if (origin.code == nullptr || g_graph.origin_hooks.text == nullptr) return "";
  return g_graph.origin_hooks.text(origin);
}

void forget_producer(Var* var) noexcept {
  if (!var->producer) return;
  const Origin origin = var->producer->origin;
  if (origin.code != nullptr && var->origin.code == nullptr && g_graph.origin_hooks.retain != nullptr) {
    var->origin = g_graph.origin_hooks.retain(origin);
  }
  keep_recipe(var);
  var->producer.reset();
  var->companion.reset();
}

void set_schedule(uint32_t number) noexcept { g_graph.schedule = number; }
void set_default_device(Device device) noexcept { g_graph.default_device = device; }
Device default_device() noexcept { return g_graph.default_device; }

int64_t pending_ops() noexcept { return g_graph.pending; }
int64_t recorded_ops() noexcept { return g_graph.recorded; }
int64_t live_vars() noexcept { return g_graph.live_vars; }
int64_t live_ops() noexcept { return g_graph.live_ops; }

void link_pending(Op* op) noexcept {
  Op* before = g_graph.last_pending;
  while (before != nullptr && before->id > op->id) before = before->previous_pending;  // only for ops that come back
  op->previous_pending = before;
  op->next_pending = before != nullptr ? before->next_pending : g_graph.first_pending;
  (op->next_pending != nullptr ? op->next_pending->previous_pending : g_graph.last_pending) = op;
  (before != nullptr ? before->next_pending : g_graph.first_pending) = op;
  ++g_graph.pending;
}

void unlink_pending(Op* op) noexcept {
  if (op->previous_pending == nullptr && op->next_pending == nullptr && g_graph.first_pending != op) return;
  (op->previous_pending != nullptr ? op->previous_pending->next_pending : g_graph.first_pending) = op->next_pending;
  (op->next_pending != nullptr ? op->next_pending->previous_pending : g_graph.last_pending) = op->previous_pending;
  op->previous_pending = op->next_pending = nullptr;
  --g_graph.pending;
}

bool records_gradient(const SmallVector<VarRef, 2>& inputs, Dtype dtype) noexcept {
  if (g_graph.no_grad_depth > 0 || !floating(dtype)) return false;
  for (const VarRef& input : inputs) {
    if (takes_gradient(*input)) return true;
  }
  return false;
}

VarRef make_leaf(Ref<Buffer> buffer, int64_t offset, Shape shape, Strides strides, Dtype dtype, Device device) {
  VarRef out(new_var());
  out->id = g_graph.next_id++;
  out->shape = std::move(shape);
  out->strides = std::move(strides);
  out->dtype = dtype;
  out->device = device;
  out->buffer = std::move(buffer);
  if (out->buffer) out->buffer->holder = out.get();
  out->offset = offset;
  out->stop_grad = g_graph.no_grad_depth > 0;
  if (g_graph.origin_hooks.current != nullptr) out->origin = g_graph.origin_hooks.current();
  return out;
}

Ref<Op> start_op(OpKind kind) {
  Ref<Op> op(new_op());
  op->kind = kind;
  return op;
}

VarRef record(const Ref<Op>& op, const Shape& shape, Dtype dtype) {
  const Device device = device_of(op->inputs, operand_count(*op));
  begin(op.get(), records_gradient(op->inputs, dtype));
  VarRef out(add_output(op.get(), shape, dtype, device));
  finish(op.get(), dtype);
  return out;
}

VarRef make_node(OpKind kind, SmallVector<VarRef, 2> inputs, Attrs attrs, const Shape& shape, Dtype dtype) {
  const Ref<Op> op = start_op(kind);
  op->inputs = std::move(inputs);
  op->attrs = std::move(attrs);
  return record(op, shape, dtype);
}

SmallVector<VarRef, 2> make_nodes(OpKind kind, SmallVector<VarRef, 2> inputs, Attrs attrs,
                                  const SmallVector<Shape, 2>& shapes, const SmallVector<Dtype, 2>& dtypes) {
  const Ref<Op> op = start_op(kind);
  op->inputs = std::move(inputs);
  op->attrs = std::move(attrs);
  return record_all(op, records_gradient(op->inputs, dtypes[0]), shapes, dtypes);
}

VarRef make_view(OpKind kind, const VarRef& x, Attrs attrs, const Shape& shape, int64_t offset,
                 const Strides& strides) {
  VarRef out;
  if (g_graph.no_grad_depth <= 0 && takes_gradient(*x)) {
    const Ref<Op> op = start_op(kind);
    op->inputs.push_back(x);
    op->attrs = std::move(attrs);
    begin(op.get(), true);
    out = VarRef(add_output(op.get(), shape, x->dtype, x->device));
    op->hash = hash_op(*op, x->dtype);
    op->pending = false;
  } else {
    out = make_leaf(nullptr, 0, shape, Strides(), x->dtype, x->device);
    keep_view_recipe(out.get(), x, kind, attrs);
  }
  out->buffer = x->buffer;
  out->offset = offset;
  out->strides = strides;
  return out;
}

VarRef make_detached(const VarRef& x) {
  VarRef out;
  if (x->realized()) {
    out = make_leaf(x->buffer, x->offset, x->shape, x->strides, x->dtype, x->device);
  } else {
    const NoGradScope no_grad;
    const Ref<Op> copy = start_op(OpKind::kCopy);
    copy->inputs.push_back(x);
    out = record(copy, x->shape, x->dtype);
  }
  out->stop_grad = true;
  return out;
}

SmallVector<VarRef, 2> make_function(const SmallVector<VarRef, 2>& values, const SmallVector<VarRef, 2>& inputs,
                                     GradientCallback callback) {
  JTCY_ASSERT(!values.empty(), "a Function without outputs");
  auto* shared = new SharedCallback{callback, static_cast<int32_t>(values.size())};
  SmallVector<VarRef, 2> outputs;
  for (const VarRef& value : values) {
    SmallVector<VarRef, 2> operands{value};
    for (const VarRef& input : inputs) operands.push_back(input);
    VarRef out = make_node(OpKind::kCopy, std::move(operands), Attrs(), value->shape, value->dtype);
    GradientCallback& own = out->producer->gradient;
    own.context = shared;
    own.call = call_shared;
    own.release = release_shared;
    own.output = static_cast<int32_t>(outputs.size());
    own.outputs = static_cast<int32_t>(values.size());
    outputs.push_back(std::move(out));
  }
  return outputs;
}

SmallVector<VarRef, 2> make_code(const SmallVector<VarRef, 2>& inputs, Attrs attrs, const SmallVector<Shape, 2>& shapes,
                                 const SmallVector<Dtype, 2>& dtypes, GradientCallback callback) {
  JTCY_CHECK(!shapes.empty() && shapes.size() == dtypes.size(), ErrorKind::kValue, "code: ", shapes.size(),
             " output shapes and ", dtypes.size(), " output dtypes were given\n  help: give one of each an output");
  bool differentiable = false;
  for (const Dtype dtype : dtypes) differentiable = differentiable || records_gradient(inputs, dtype);
  const Ref<Op> op = start_op(OpKind::kCode);
  op->inputs = inputs;
  op->attrs = std::move(attrs);
  op->gradient = callback;
  return record_all(op, differentiable && callback.call != nullptr, shapes, dtypes);
}

void hold(Var& var) noexcept {
  ++var.held;
  if (Op* op = var.producer.get(); op != nullptr && op->executed && !var.realized()) {
    op->executed = false;  // now it must have a Buffer: pending in earnest
    link_pending(op);
  }
}

void unhold(Var& var) noexcept { --var.held; }

std::string describe(const Var& var) {
  const std::string origin = origin_text(var);
  return str_cat(dtype_name(var.dtype), shape_text(var.shape), origin.empty() ? "" : " from ", origin);
}

std::string describe_holder(const Buffer& buffer) {
  return buffer.holder != nullptr ? describe(*static_cast<const Var*>(buffer.holder))
                                  : "what a view or a run still needs";
}

std::string operand_lines(const SmallVector<VarRef, 2>& inputs) {
  std::string lines;
  for (std::size_t i = 0; i < inputs.size() && i < 8; ++i) {
    lines += str_cat("\n  ", std::string(1, static_cast<char>('a' + i)), ": ", describe(*inputs[i]));
  }
  return lines;
}

int checked_axis(int64_t axis, std::size_t ndim, const char* function) {
  const auto n = static_cast<int64_t>(ndim);
  JTCY_CHECK(axis >= -n && axis < n, ErrorKind::kIndex, function, ": dim ", axis, " is out of range for a ", n,
             "-d var\n  help: give a dim from ", -n, " to ", n - 1);
  return static_cast<int>(axis < 0 ? axis + n : axis);
}

}  // namespace jtcy
