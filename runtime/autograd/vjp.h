// Vjp: one op's gradient while the sweep is at it; and the table OpKind → rule.
#pragma once
#include <utility>
#include <variant>

#include "autograd/cotangent.h"
#include "graph/arithmetic.h"
#include "graph/graph_state.h"

namespace jtcy {

/// What a rule gives for an input: the value, or what it is made of.
using Gradient = std::variant<VarRef, SliceGradient, ProductGradient>;

/// Rules read x(i), y and dy and give() the cotangents of the inputs that are wanted.
struct Vjp {
  const Op& op;
  VarRef y;
  VarRef dy;                        // of the first output; null where that is not needed and a further one is
  SmallVector<VarRef, 2> further;   // of the outputs behind the first, null where not needed
  std::vector<Gradient> gradients;  // one an input, null where none

  Vjp(const Op& op, VarRef y, VarRef dy) : op(op), y(std::move(y)), dy(std::move(dy)), gradients(op.inputs.size()) {}
  const VarRef& x(std::size_t i = 0) const { return op.inputs[i]; }
  /// The sweep numbers in Var::slot what leads to a target.
  bool wants(std::size_t i) const { return takes_gradient(*op.inputs[i]) && op.inputs[i]->slot >= 0; }
  void give(std::size_t i, Gradient gradient) { gradients[i] = std::move(gradient); }
};

using VjpRule = void (*)(Vjp& v);
VjpRule vjp_of(OpKind kind) noexcept;

/// A rule: JTCY_VJP(Exp) { v.give(0, v.dy * v.y); }. A primitive without one does not link.
#define JTCY_VJP(name) void vjp_##name([[maybe_unused]] Vjp& v)

#define JTCY_OP(name, family, arity, dtype_rule, properties) JTCY_VJP(name);
#include "graph/op_kinds.def"
#undef JTCY_OP

}  // namespace jtcy
