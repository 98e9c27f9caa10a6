// Elementwise primitives in double precision, for the reference evaluator.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "graph/op_kind.h"

namespace reference {

using jtcy::OpKind;

inline double unary(OpKind kind, double x) {
  switch (kind) {
    case OpKind::kCopy:
      return x;
    case OpKind::kNeg:
      return -x;
    case OpKind::kAbs:
      return std::fabs(x);
    case OpKind::kSign:
      return static_cast<double>(x > 0) - static_cast<double>(x < 0);
    case OpKind::kReciprocal:
      return 1 / x;
    case OpKind::kSqrt:
      return std::sqrt(x);
    case OpKind::kRsqrt:
      return 1 / std::sqrt(x);
    case OpKind::kExp:
      return std::exp(x);
    case OpKind::kExp2:
      return std::exp2(x);
    case OpKind::kExpm1:
      return std::expm1(x);
    case OpKind::kLog:
      return std::log(x);
    case OpKind::kLog1p:
      return std::log1p(x);
    case OpKind::kSin:
      return std::sin(x);
    case OpKind::kCos:
      return std::cos(x);
    case OpKind::kTan:
      return std::tan(x);
    case OpKind::kAsin:
      return std::asin(x);
    case OpKind::kAcos:
      return std::acos(x);
    case OpKind::kAtan:
      return std::atan(x);
    case OpKind::kSinh:
      return std::sinh(x);
    case OpKind::kCosh:
      return std::cosh(x);
    case OpKind::kTanh:
      return std::tanh(x);
    case OpKind::kAsinh:
      return std::asinh(x);
    case OpKind::kAcosh:
      return std::acosh(x);
    case OpKind::kAtanh:
      return std::atanh(x);
    case OpKind::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case OpKind::kErf:
      return std::erf(x);
    case OpKind::kErfc:
      return std::erfc(x);
    case OpKind::kFloor:
      return std::floor(x);
    case OpKind::kCeil:
      return std::ceil(x);
    case OpKind::kRound:
      return std::nearbyint(x);
    case OpKind::kTrunc:
      return std::trunc(x);
    case OpKind::kIsNan:
      return std::isnan(x);
    case OpKind::kIsInf:
      return std::isinf(x);
    default:
      std::abort();
  }
}

inline double binary(OpKind kind, double a, double b) {
  const auto i = static_cast<int64_t>(a), j = static_cast<int64_t>(b);
  switch (kind) {
    case OpKind::kAdd:
      return a + b;
    case OpKind::kSub:
      return a - b;
    case OpKind::kMul:
      return a * b;
    case OpKind::kDiv:
      return a / b;
    case OpKind::kFloorDiv:
      return std::floor(a / b);
    case OpKind::kMod:
      return a - std::floor(a / b) * b;
    case OpKind::kPow:
      return std::pow(a, b);
    case OpKind::kAtan2:
      return std::atan2(a, b);
    case OpKind::kMaximum:
      return std::max(a, b);
    case OpKind::kMinimum:
      return std::min(a, b);
    case OpKind::kBitAnd:
      return static_cast<double>(i & j);
    case OpKind::kBitOr:
      return static_cast<double>(i | j);
    case OpKind::kBitXor:
      return static_cast<double>(i ^ j);
    case OpKind::kEq:
      return a == b;
    case OpKind::kNe:
      return a != b;
    case OpKind::kLt:
      return a < b;
    case OpKind::kLe:
      return a <= b;
    case OpKind::kGt:
      return a > b;
    case OpKind::kGe:
      return a >= b;
    default:
      std::abort();
  }
}

}  // namespace reference
