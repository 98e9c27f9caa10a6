// Gradients of Reduce.
#include "autograd/vjp.h"

namespace jtcy {
namespace {

struct Run {
  Shape shape;
  int first = 0;
  int end = 0;
  VarRef reduce(const VarRef& x, ReduceKind kind) const { return reduce_axes(x, kind, first, end); }
  VarRef repeat(const VarRef& y) const { return repeat_axes(y, shape, first, end); }
};

/// The product of the others, without dividing by zero: with one zero in the run only its place has a gradient, with
/// two none has.
VarRef prod_gradient(const Vjp& v, const Run& run) {
  const VarRef& x = v.x();
  const VarRef is_zero = equal(x, 0.0);
  const VarRef zeros = run.reduce(make_cast(is_zero, x->dtype), ReduceKind::kSum);
  const VarRef rest = run.reduce(apply_where(is_zero, constant_like(x, 1), x), ReduceKind::kProd);
  const VarRef none = zeros_like(v.dy);
  const VarRef without = run.repeat(apply_where(equal(zeros, 0.0), v.dy * rest, none));
  const VarRef at_zero = run.repeat(apply_where(equal(zeros, 1.0), v.dy * rest, none));
  return apply_where(is_zero, at_zero, without / x);
}

/// Shared equally among ties.
VarRef extreme_gradient(const Vjp& v, const Run& run) {
  const VarRef& x = v.x();
  const VarRef hit = equal(x, run.repeat(v.y));
  const VarRef ties = run.reduce(make_cast(hit, x->dtype), ReduceKind::kSum);
  return apply_where(hit, run.repeat(v.dy / ties), zeros_like(x));
}

}  // namespace

JTCY_VJP(Reduce) {
  const auto& structure = v.op.attrs.structure;
  const Run run{v.x()->shape, static_cast<int>(structure[1]), static_cast<int>(structure[2])};
  switch (static_cast<ReduceKind>(structure[0])) {
    case ReduceKind::kSum:
      v.give(0, run.repeat(v.dy));
      break;
    case ReduceKind::kProd:
      v.give(0, prod_gradient(v, run));
      break;
    case ReduceKind::kMax:
    case ReduceKind::kMin:
      v.give(0, extreme_gradient(v, run));
      break;
    case ReduceKind::kArgMax:
    case ReduceKind::kArgMin:
      break;
  }
}

}  // namespace jtcy
