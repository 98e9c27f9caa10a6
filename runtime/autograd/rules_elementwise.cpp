// Gradients of the Elementwise family; where a function has none at a point, what PyTorch gives.
#include <numbers>

#include "autograd/vjp.h"
#include "graph/rewrite.h"

namespace jtcy {

#define JTCY_UNARY(name, gradient)                                  \
  JTCY_VJP(name) {                                                  \
    [[maybe_unused]] const VarRef &x = v.x(), &y = v.y, &dy = v.dy; \
    v.give(0, gradient);                                            \
  }
/// Steps and tests: zero wherever there is a gradient at all, so nothing flows.
#define JTCY_FLAT(name) \
  JTCY_VJP(name) {}

JTCY_UNARY(Cast, make_cast(dy, x->dtype))
JTCY_UNARY(Neg, -dy)
JTCY_UNARY(Copy, dy)
JTCY_UNARY(Abs, (dy * apply(OpKind::kSign, x)))
JTCY_UNARY(Reciprocal, -(dy* square(y)))
JTCY_UNARY(Sqrt, dy / (y + y))
JTCY_UNARY(Rsqrt, (dy * (square(y) * y) * -0.5))
JTCY_UNARY(Exp, (dy * y))
JTCY_UNARY(Exp2, (dy * y * std::numbers::ln2))
JTCY_UNARY(Expm1, (dy * (y + 1.0)))
JTCY_UNARY(Log, dy / x)
JTCY_UNARY(Log1p, dy / (x + 1.0))
JTCY_UNARY(Sin, (dy * apply(OpKind::kCos, x)))
JTCY_UNARY(Cos, -(dy* apply(OpKind::kSin, x)))
JTCY_UNARY(Tan, (dy * (square(y) + 1.0)))
JTCY_UNARY(Asin, (dy * rsqrt(1.0 - square(x))))
JTCY_UNARY(Acos, -(dy* rsqrt(1.0 - square(x))))
JTCY_UNARY(Atan, dy / (square(x) + 1.0))
JTCY_UNARY(Sinh, (dy * apply(OpKind::kCosh, x)))
JTCY_UNARY(Cosh, (dy * apply(OpKind::kSinh, x)))
JTCY_UNARY(Tanh, (dy * (1.0 - square(y))))
JTCY_UNARY(Asinh, (dy * rsqrt(square(x) + 1.0)))
JTCY_UNARY(Acosh, (dy * rsqrt(square(x) - 1.0)))
JTCY_UNARY(Atanh, dy / (1.0 - square(x)))
JTCY_UNARY(Sigmoid, (dy * (y * (1.0 - y))))
JTCY_UNARY(Erf, (dy * (exp(-square(x)) * (2 * std::numbers::inv_sqrtpi))))
JTCY_UNARY(Erfc, (dy * (exp(-square(x)) * (-2 * std::numbers::inv_sqrtpi))))

JTCY_FLAT(Sign)
JTCY_FLAT(Floor)
JTCY_FLAT(Ceil)
JTCY_FLAT(Round)
JTCY_FLAT(Trunc)
JTCY_FLAT(IsNan)
JTCY_FLAT(IsInf)
JTCY_FLAT(BitNot)
JTCY_FLAT(FloorDiv)
JTCY_FLAT(BitAnd)
JTCY_FLAT(BitOr)
JTCY_FLAT(BitXor)
JTCY_FLAT(ShiftLeft)
JTCY_FLAT(ShiftRight)
JTCY_FLAT(Eq)
JTCY_FLAT(Ne)
JTCY_FLAT(Lt)
JTCY_FLAT(Le)
JTCY_FLAT(Gt)
JTCY_FLAT(Ge)

JTCY_VJP(Add) {
  v.give(0, v.dy);
  v.give(1, v.dy);
}

JTCY_VJP(Sub) {
  v.give(0, v.dy);
  if (v.wants(1)) v.give(1, -v.dy);
}

/// The gradient that a sweep begins with, spread over a sum: nobody holds it, and times one is nothing.
bool is_ones(const Var& dy) noexcept {
  const Op* op = dy.producer.get();
  while (op != nullptr && (op->kind == OpKind::kBroadcast || op->kind == OpKind::kReshape)) {
    op = op->inputs[0]->producer.get();
  }
  return op != nullptr && op->kind == OpKind::kFull && op->attrs.float_scalars == 1 && op->attrs.scalars[0].f == 1 &&
         op->outputs[0]->held == 0;
}

namespace {
/// dy * factor; where both are repeated, as a product that others of its form can join (Note [Parts of a gradient]).
Gradient times(const VarRef& dy, const VarRef& factor) {
  ProductGradient outer;
  if (read_outer_product(dy, factor, &outer.a, &outer.b, &outer.attrs)) return outer;
  return dy * factor;
}
}  // namespace

JTCY_VJP(Mul) {
  const bool ones = is_ones(*v.dy);
  if (v.wants(0)) v.give(0, ones ? v.x(1) : times(v.dy, v.x(1)));
  if (v.wants(1)) v.give(1, ones ? v.x(0) : times(v.dy, v.x(0)));
}

JTCY_VJP(Div) {
  if (v.wants(0)) v.give(0, v.dy / v.x(1));
  if (v.wants(1)) v.give(1, -(v.dy * (v.y / v.x(1))));
}

JTCY_VJP(Mod) {
  v.give(0, v.dy);
  if (v.wants(1)) v.give(1, -(v.dy * apply(OpKind::kFloorDiv, v.x(0), v.x(1))));
}

JTCY_VJP(Pow) {
  const VarRef &a = v.x(0), &b = v.x(1);
  const VarRef zero = zeros_like(a);
  if (v.wants(0)) {
    v.give(0, apply_where(equal(b, 0.0), zero, v.dy * (b * apply(OpKind::kPow, a, b - 1.0))));
  }
  if (v.wants(1)) {
    const VarRef flat = apply(OpKind::kBitAnd, equal(a, 0.0), b >= 0.0);  // 0^b is 0 for all b > 0
    v.give(1, apply_where(flat, zero, v.dy * (v.y * log(a))));
  }
}

JTCY_VJP(Atan2) {
  const VarRef &a = v.x(0), &b = v.x(1);
  const VarRef length = square(a) + square(b), origin = equal(length, 0.0);
  const VarRef scaled = apply_where(origin, zeros_like(a), v.dy / apply_where(origin, constant_like(a, 1), length));
  if (v.wants(0)) v.give(0, scaled * b);
  if (v.wants(1)) v.give(1, -(scaled * a));
}

/// Ties are shared by halves.
void give_extreme(Vjp& v, OpKind loses) {
  for (std::size_t i = 0; i < 2; ++i) {
    if (!v.wants(i)) continue;
    const VarRef &mine = v.x(i), &other = v.x(1 - i);
    const VarRef rest = apply_where(equal(mine, other), v.dy * 0.5, v.dy);
    v.give(i, apply_where(apply(loses, mine, other), zeros_like(v.dy), rest));
  }
}
JTCY_VJP(Maximum) { give_extreme(v, OpKind::kLt); }
JTCY_VJP(Minimum) { give_extreme(v, OpKind::kGt); }

JTCY_VJP(Where) {
  if (v.wants(1)) v.give(1, apply_where(v.x(0), v.dy, zeros_like(v.dy)));
  if (v.wants(2)) v.give(2, apply_where(v.x(0), zeros_like(v.dy), v.dy));
}

}  // namespace jtcy
