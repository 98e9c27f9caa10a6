// Makers of the Elementwise family: dtype rules, checks, one node.
#include <utility>

#include "graph/graph_state.h"

namespace jtcy {
namespace {

const char* kConvert = "\n  help: convert with .astype(...) or .float32()";

void check_count(OpKind kind, const SmallVector<VarRef, 2>& inputs, const char* function) {
  JTCY_CHECK(static_cast<int>(inputs.size()) == arity_of(kind), ErrorKind::kType, function, ": takes ", arity_of(kind),
             " vars, got ", inputs.size());
}

/// All value inputs (`first` on) agree; returns their dtype.
Dtype common_dtype(const SmallVector<VarRef, 2>& inputs, std::size_t first, const char* function) {
  const Dtype dtype = inputs[first]->dtype;
  for (std::size_t i = first + 1; i < inputs.size(); ++i) {
    JTCY_CHECK(inputs[i]->dtype == dtype, ErrorKind::kDtype, function, ": dtypes differ, ", dtype_name(dtype), " and ",
               dtype_name(inputs[i]->dtype), operand_lines(inputs), kConvert);
  }
  return dtype;
}

void check_shapes(const SmallVector<VarRef, 2>& inputs, const char* function) {
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    JTCY_CHECK(inputs[i]->shape == inputs[0]->shape, ErrorKind::kShape, function, ": shapes differ, ",
               shape_text(inputs[0]->shape), " and ", shape_text(inputs[i]->shape), operand_lines(inputs),
               "\n  help: broadcast one of them first");
  }
}

/// Arithmetic that has no meaning for bool (PyTorch refuses it too).
bool refuses_bool(OpKind kind) noexcept {
  return kind == OpKind::kNeg || kind == OpKind::kSub || kind == OpKind::kFloorDiv || kind == OpKind::kMod ||
         kind == OpKind::kShiftLeft || kind == OpKind::kShiftRight || kind == OpKind::kPow || kind == OpKind::kSign;
}

void check_kind(OpKind kind, Dtype dtype, const SmallVector<VarRef, 2>& inputs, const char* function) {
  const uint8_t properties = properties_of(kind);
  JTCY_CHECK((properties & kFloatOnly) == 0 || floating(dtype), ErrorKind::kDtype, function,
             ": needs a floating dtype, got ", dtype_name(dtype), operand_lines(inputs), kConvert);
  JTCY_CHECK((properties & kIntOnly) == 0 || !floating(dtype), ErrorKind::kDtype, function,
             ": needs an integer or bool dtype, got ", dtype_name(dtype), operand_lines(inputs), kConvert);
  JTCY_CHECK(dtype != Dtype::kBool || !refuses_bool(kind), ErrorKind::kDtype, function, ": is not defined for bool",
             operand_lines(inputs), "\n  help: use logical_not, ^ or .int32()");
}

}  // namespace

VarRef make_elementwise(OpKind kind, SmallVector<VarRef, 2> inputs, const char* function) {
  check_count(kind, inputs, function);
  const bool is_where = kind == OpKind::kWhere;
  JTCY_CHECK(!is_where || inputs[0]->dtype == Dtype::kBool, ErrorKind::kDtype, function,
             ": the condition must be bool, got ", dtype_name(inputs[0]->dtype), operand_lines(inputs),
             "\n  help: compare, for example condition != 0");
  const Dtype dtype = common_dtype(inputs, is_where ? 1 : 0, function);
  check_shapes(inputs, function);
  check_kind(kind, dtype, inputs, function);
  const Ref<Op> op = start_op(kind);
  op->inputs = std::move(inputs);
  return record(op, op->inputs[0]->shape, dtype_rule_of(kind) == DtypeRule::kBool ? Dtype::kBool : dtype);
}

VarRef make_cast(const VarRef& x, Dtype dtype) {
  if (x->dtype == dtype) return x;
  JTCY_CHECK(static_cast<int>(dtype) < kDtypeCount, ErrorKind::kDtype, "astype: complex dtypes are not supported yet",
             "\n  help: keep real and imaginary parts in two vars");
  const Ref<Op> op = start_op(OpKind::kCast);
  op->inputs.push_back(x);
  return record(op, x->shape, dtype);
}

}  // namespace jtcy
