// Gradients against central differences in double precision, first and second order.
#pragma once
#include <functional>

#include "autograd/backward.h"
#include "check.h"
#include "graph/arithmetic.h"
#include "graph/verify.h"
#include "reference.h"

namespace reference {

using Function = std::function<VarRef(const std::vector<VarRef>&)>;

inline bool near(double a, double b, double tolerance) {
  return std::fabs(a - b) <= tolerance * (1 + std::fabs(a) + std::fabs(b));
}

/// A scalar from f by fixed irregular weights.
inline VarRef weighted(const VarRef& y, int seed) {
  const VarRef weights = leaf(y->shape, irregular(y->count(), seed));
  weights->stop_grad = true;
  VarRef loss = y * weights;
  if (!loss->shape.empty()) loss = make_reduce(loss, ReduceKind::kSum, (uint32_t{1} << loss->shape.size()) - 1, "sum");
  return loss;
}

/// Gradients of a scalar that is on the graph already; `x` are leaves whose memory is moved a little.
inline void check_scalar(const char* file, int line, const char* what, const VarRef& loss, const std::vector<VarRef>& x,
                         const std::vector<VarRef>& gradients) {
  constexpr double kStep = 1e-5;
  for (std::size_t n = 0; n < x.size(); ++n) {
    const Values found = gradients[n] ? evaluate(gradients[n]) : Values(static_cast<std::size_t>(x[n]->count()), 0);
    for (std::size_t i = 0; i < found.size(); ++i) {
      double& element = memory_of(x[n])[i];
      const double kept = element;
      element = kept + kStep;
      const double above = evaluate(loss)[0];
      element = kept - kStep;
      const double below = evaluate(loss)[0];
      element = kept;
      const double expected = (above - below) / (2 * kStep);
      if (near(found[i], expected, 2e-6)) continue;
      check::fail(file, line,
                  str_cat(what, ": gradient of input ", n, " at ", i, " is ", found[i], ", expected ", expected));
      return;
    }
  }
}

/// `order` 2 also differentiates the gradients.
inline void check_gradient(const char* file, int line, const char* what, const Function& f,
                           const std::vector<VarRef>& x, int order = 2) {
  const VarRef loss = weighted(f(x), 7);
  const std::vector<VarRef> first = backward(loss, nullptr, x, false, nullptr);
  check_scalar(file, line, what, loss, x, first);
  if (order < 2) return;
  VarRef total;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!first[i]) continue;
    const VarRef part = weighted(first[i], 11 + static_cast<int>(i));
    total = total ? total + part : part;
  }
  if (!total) return;
  check_scalar(file, line, (std::string(what) + ", second order").c_str(), total, x,
               backward(total, nullptr, x, false, nullptr));
  verify_graph();
}

}  // namespace reference

#define CHECK_GRADIENT(what, x, ...) reference::check_gradient(__FILE__, __LINE__, what, __VA_ARGS__, x)
#define CHECK_FIRST_GRADIENT(what, x, ...) reference::check_gradient(__FILE__, __LINE__, what, __VA_ARGS__, x, 1)
