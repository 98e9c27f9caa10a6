// The reverse sweep: adds gradient nodes to the graph.
#pragma once
#include <string>
#include <vector>

#include "graph/graph.h"

namespace jtcy {

struct GradientReport {
  /// For each target without a path from the loss: "unused" or where the path stopped ("stopped at detach,
  /// train.py:12").
  std::vector<std::string> unreached;  // one entry a target; "" where there is a gradient
};

/// Gradients of `loss` (any shape; `cotangent` null: ones, then loss must have one element) with respect to `targets`,
/// each of its target's shape and dtype; null where there is no path. Nodes only; nothing runs. Iterative. With
/// `release`, the path is released afterwards: a second sweep through it throws kGradient.
std::vector<VarRef> backward(const VarRef& loss, const VarRef& cotangent, const std::vector<VarRef>& targets,
                             bool release, GradientReport* report);

/// Differentiable held leaves that `loss` depends on, in order of id: whom backward() gives a .grad.
std::vector<Var*> differentiable_leaves(const VarRef& loss);

/// Recording without a gradient path (no_grad): counts nesting.
void set_grad_enabled(bool enabled) noexcept;
bool grad_enabled() noexcept;

}  // namespace jtcy
