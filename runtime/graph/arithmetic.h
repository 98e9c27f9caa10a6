// Formulas over Vars of one shape and dtype, as rules and composites write them: dy * y, exp(x - m), x > 0.0.
#pragma once
#include "graph/graph.h"

namespace jtcy {

/// A value that no gradient reaches.
VarRef constant(const Shape& shape, Dtype dtype, double value);
inline VarRef constant_like(const VarRef& x, double value) { return constant(x->shape, x->dtype, value); }
inline VarRef zeros_like(const VarRef& x) { return constant_like(x, 0); }

/// One node without the checks that typed makers owe a user.
VarRef apply(OpKind kind, const VarRef& x);
VarRef apply(OpKind kind, const VarRef& a, const VarRef& b);
VarRef apply_where(const VarRef& condition, const VarRef& a, const VarRef& b);

inline VarRef operator-(const VarRef& x) { return apply(OpKind::kNeg, x); }
inline VarRef exp(const VarRef& x) { return apply(OpKind::kExp, x); }
inline VarRef log(const VarRef& x) { return apply(OpKind::kLog, x); }
inline VarRef sqrt(const VarRef& x) { return apply(OpKind::kSqrt, x); }
inline VarRef rsqrt(const VarRef& x) { return apply(OpKind::kRsqrt, x); }
inline VarRef reciprocal(const VarRef& x) { return apply(OpKind::kReciprocal, x); }
inline VarRef tanh(const VarRef& x) { return apply(OpKind::kTanh, x); }
inline VarRef erf(const VarRef& x) { return apply(OpKind::kErf, x); }
inline VarRef equal(const VarRef& a, const VarRef& b) { return apply(OpKind::kEq, a, b); }
inline VarRef equal(const VarRef& a, double b) { return equal(a, constant_like(a, b)); }

#define JTCY_OPERATOR(symbol, kind)                                                                     \
  inline VarRef operator symbol(const VarRef& a, const VarRef& b) { return apply(OpKind::kind, a, b); } \
  inline VarRef operator symbol(const VarRef& a, double b) { return a symbol constant_like(a, b); }     \
  inline VarRef operator symbol(double a, const VarRef& b) { return constant_like(b, a) symbol b; }
JTCY_OPERATOR(+, kAdd)
JTCY_OPERATOR(-, kSub)
JTCY_OPERATOR(*, kMul)
JTCY_OPERATOR(/, kDiv)
JTCY_OPERATOR(<, kLt)
JTCY_OPERATOR(<=, kLe)
JTCY_OPERATOR(>, kGt)
JTCY_OPERATOR(>=, kGe)
#undef JTCY_OPERATOR

inline VarRef square(const VarRef& x) { return x * x; }
/// One Reduce over the axes [first, end), dropped.
VarRef reduce_axes(const VarRef& x, ReduceKind kind, int first, int end);
/// Repeats y over new axes [first, end) of `shape`: what takes the result of reduce_axes back.
VarRef repeat_axes(const VarRef& y, const Shape& shape, int first, int end);

}  // namespace jtcy
