// Cotangent: what arrives at one Var during a sweep.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "graph/contraction.h"
#include "graph/graph_state.h"

namespace jtcy {

/// The gradient of a slice, which starts at `start`: zeros elsewhere.
struct SliceGradient {
  VarRef part;
  SmallVector<int64_t, 6> start;
};

/// A gradient that is a contraction of a and b.
struct ProductGradient {
  VarRef a, b;
  Attrs attrs;
};

// Note [Parts of a gradient]
// A loop uses a Var in every step, x[t] or a weight: added one by one, its gradient takes time in the size of x times
// the steps, and writes the weight's sum again and again. So slices that do not overlap are laid side by side, and
// products of one form whose operands are no larger than their result are one product of all operands, one behind the
// other along the outermost summed axis. What is added has an order: the sum as values arrive, then slices, then
// products. All follows from the graph alone, so that the bits do too.

/// The sum of the gradients of a Var.
class Cotangent {
 public:
  explicit Cotangent(VarRef sum = VarRef()) : sum_(std::move(sum)) {}
  /// One more is to arrive: until the last one is there, parts wait for each other.
  void expect() noexcept { ++expected_; }
  void add(const VarRef& gradient);
  void add(const SliceGradient& gradient, const Shape& shape);
  void add(const ProductGradient& gradient, const Shape& shape);
  /// The sum; null where nothing arrived.
  const VarRef& value();
  /// The same, and nothing stays.
  VarRef take();

 private:
  struct Parts {
    Shape shape;
    int axis = -1;                     // that slices are parts of
    std::map<int64_t, VarRef> slices;  // by where they begin
    std::vector<ProductGradient> products;
  };
  static bool put(const SliceGradient& gradient, Parts* parts);
  static bool put(const ProductGradient& gradient, Parts* parts);
  Parts& parts(const Shape& shape);
  void sum_up(const VarRef& gradient);
  void arrived();

  VarRef sum_;
  std::unique_ptr<Parts> parts_;
  int32_t expected_ = 0;
};

}  // namespace jtcy
