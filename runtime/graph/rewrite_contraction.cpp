// Products that are summed, as users write them with meta-operators: broadcast or reindex, multiply, reduce.
#include <memory>
#include <utility>

#include "graph/graph_state.h"
#include "graph/rewrite.h"
#include "graph/spread.h"

namespace jtcy {
namespace {

using Dims = SmallVector<ContractionDim, 6>;

bool is_alone(const ContractionDim& dim) { return dim.plain() && dim.offset == 0; }
bool is_constant(const ContractionDim& dim) { return dim.axis1 < 0; }

bool spreads(const Op& op) noexcept {
  return op.kind == OpKind::kBroadcast || op.kind == OpKind::kTranspose || op.kind == OpKind::kReindex;
}

bool may_be_spread(const Var& x) noexcept {
  if (x.recipe) return !x.recipe->of_scores && static_cast<const Recipe&>(*x.recipe).operands.size() == 1;
  return x.producer && spreads(*x.producer);
}

bool may_be_product(const Op& op) noexcept {
  return op.kind == OpKind::kMul && !op.released && op.outputs[0]->dtype != Dtype::kBool &&
         may_be_spread(*op.inputs[0]) && may_be_spread(*op.inputs[1]);
}

/// The factors of op's output `y`; false: not both were spread.
bool read_product(const Var& y, const Op& op, Recipe* product) {
  product->operands.resize(2);
  for (std::size_t i = 0; i < 2; ++i) {
    if (!read_spread(op.inputs[i].get(), &product->operands[i])) return false;
    product->stopped =
        product->stopped || product->operands[i].stopped || (y.stop_grad && takes_gradient(*op.inputs[i]));
  }
  return true;
}

/// What x says of itself, or what its producer says.
std::unique_ptr<Recipe> product_of(const VarRef& x) {
  std::unique_ptr<Recipe> product;
  if (x->recipe) {
    if (x->recipe->of_scores) return nullptr;
    const Recipe& kept = static_cast<const Recipe&>(*x->recipe);
    if (kept.operands.size() == 2) product = std::make_unique<Recipe>(kept);
  } else if (x->producer && may_be_product(*x->producer)) {
    product = std::make_unique<Recipe>();
    if (!read_product(*x, *x->producer, product.get())) product.reset();
  }
  return product;
}

/// The recipe of op's output `y`; null where it is part of no pattern.
std::unique_ptr<Recipe> recipe_of(Var* y, const Op& op) {
  std::unique_ptr<Recipe> recipe;
  if (may_be_product(op)) {
    recipe = std::make_unique<Recipe>();
    if (!read_product(*y, op, recipe.get())) recipe.reset();
  } else if (op.kind != OpKind::kMul && may_be_spread(*y)) {
    Spread spread;
    if (!read_spread(y, &spread)) return nullptr;
    recipe = std::make_unique<Recipe>();
    recipe->operands.push_back(std::move(spread));
  }
  return recipe;
}

/// Of the axes of a product, what an operand reads.
struct Use {
  explicit Use(const Dims& dims, std::size_t axes) : count(axes, 0) {
    for (const ContractionDim& dim : dims) {
      if (dim.axis1 >= 0) ++count[dim.axis1];
      if (dim.axis2 >= 0) ++count[dim.axis2];
      even = even && (is_constant(dim) || is_alone(dim));
    }
  }
  SmallVector<int64_t, 8> count;
  bool even = true;  // every index is one axis
};

/// A dim that one axis indexes alone has that axis' extent.
bool extents_agree(const Spread& spread, const Shape& shape) {
  for (std::size_t d = 0; d < spread.dims.size(); ++d) {
    const ContractionDim& dim = spread.dims[d];
    if (!is_constant(dim) && is_alone(dim) && spread.source->shape[d] != shape[dim.axis1]) return false;
  }
  return true;
}

constexpr char kNothingSummed[] = "nothing is summed";

/// Null where a Contraction computes the sum of a product over `axes`, else why not.
const char* trouble_of(const Recipe& product, const Shape& shape, uint32_t axes) {
  const Spread& a = product.operands[0];
  const Spread& b = product.operands[1];
  for (const Spread* operand : {&a, &b}) {
    if (operand->trouble != nullptr) return operand->trouble;
    if (!extents_agree(*operand, shape)) return "an axis reads a part of a dim";
  }
  if (product.stopped && g_graph.no_grad_depth == 0) return "a value between was made without a gradient";
  const Use in_a(a.dims, shape.size()), in_b(b.dims, shape.size());
  if (!in_a.even && !in_b.even) return "both operands are indexed by sums of axes";
  bool row = false, column = false, summed = false;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const int64_t of_a = in_a.count[axis], of_b = in_b.count[axis];
    if (of_a > 1 || of_b > 1) return "an axis stands in two indices of one operand";
    if ((axes >> axis & 1) == 0) {
      if (of_a + of_b == 0) return "an axis of the result is in no operand";
      row = row || (of_b == 0 && shape[axis] > 1);
      column = column || (of_a == 0 && shape[axis] > 1);
    } else if (of_a == 0 || of_b == 0) {
      return "a summed axis is in one operand only";
    } else {
      summed = true;
    }
  }
  if (!row || !column) return "an operand has no axis of its own";
  return summed ? nullptr : kNothingSummed;
}

/// Whether a product sums nothing, and each factor has an axis of its own.
bool is_outer(const Recipe& product, const Shape& shape) {
  const char* const trouble = trouble_of(product, shape, 0);
  if (trouble != kNothingSummed) return false;
  return Use(product.operands[0].dims, shape.size()).even && Use(product.operands[1].dims, shape.size()).even;
}

/// The source without the dims that are read at 0 only, and how the others are read, axes numbered anew.
VarRef operand_of(const Spread& spread, const SmallVector<int64_t, 8>& numbers, const char* function, Dims* dims) {
  Shape shape;
  for (std::size_t d = 0; d < spread.dims.size(); ++d) {
    ContractionDim dim = spread.dims[d];
    if (is_constant(dim)) continue;
    dim.axis1 = numbers[dim.axis1];
    if (dim.axis2 >= 0) dim.axis2 = numbers[dim.axis2];
    dims->push_back(dim);
    shape.push_back(spread.source->shape[d]);
  }
  return make_reshape(spread.source, shape, function);
}

/// The Contraction, its axes those of the result and then the summed ones.
VarRef contracted(const Recipe& product, const VarRef& x, uint32_t axes) {
  SmallVector<int64_t, 8> numbers(x->shape.size(), -1);
  ContractionMap map;
  Shape shape;
  for (std::size_t axis = 0; axis < x->shape.size(); ++axis) {
    if ((axes >> axis & 1) != 0) continue;
    numbers[axis] = map.out_ndim++;
    shape.push_back(x->shape[axis]);
  }
  for (std::size_t axis = 0; axis < x->shape.size(); ++axis) {
    if ((axes >> axis & 1) != 0) numbers[axis] = map.out_ndim + map.summed++;
  }
  const char* function = "sum";
  const VarRef a = operand_of(product.operands[0], numbers, function, &map.a);
  const VarRef b = operand_of(product.operands[1], numbers, function, &map.b);
  return make_contraction(a, b, map.to_attrs(), shape, function);
}

}  // namespace

VarRef rewrite_sum(const VarRef& x, uint32_t axes, const char** reason) {
  if (!g_graph.rewrites) return VarRef();
  const std::unique_ptr<Recipe> product = product_of(x);
  if (!product) return VarRef();
  *reason = trouble_of(*product, x->shape, axes);
  if (*reason != nullptr) return VarRef();
  const VarRef y = contracted(*product, x, axes);
  auto provenance = std::make_unique<Provenance>();
  provenance->passed.push_back(x->id);
  for (const Spread& operand : product->operands) {
    for (const uint64_t id : operand.between) provenance->passed.push_back(id);
  }
  y->producer->provenance = std::move(provenance);
  return y;
}

bool read_outer_product(const VarRef& a, const VarRef& b, VarRef* left, VarRef* right, Attrs* attrs) {
  if (!g_graph.rewrites || !floating(a->dtype) || !may_be_spread(*a) || !may_be_spread(*b)) return false;
  Recipe product;
  product.operands.resize(2);
  if (!read_spread(a.get(), &product.operands[0]) || !read_spread(b.get(), &product.operands[1])) return false;
  product.stopped = product.operands[0].stopped || product.operands[1].stopped;
  if (!is_outer(product, a->shape)) return false;
  ContractionMap map;
  map.out_ndim = static_cast<int64_t>(a->shape.size());
  map.summed = 1;
  SmallVector<int64_t, 8> numbers;
  for (int64_t axis = 0; axis < map.out_ndim; ++axis) numbers.push_back(axis);
  const auto operand = [&](const Spread& spread, Dims* dims) {
    dims->push_back(ContractionDim{map.out_ndim});
    const VarRef x = operand_of(spread, numbers, "contraction", dims);
    Shape shape = {1};
    for (const int64_t extent : x->shape) shape.push_back(extent);
    return make_reshape(x, shape, "contraction");
  };
  *left = operand(product.operands[0], &map.a);
  *right = operand(product.operands[1], &map.b);
  *attrs = map.to_attrs();
  return true;
}

std::unique_ptr<Pattern> spread_recipe(Var* y, const Op& op) {
  if (op.kind != OpKind::kMul && !spreads(op)) return nullptr;
  return recipe_of(y, op);
}

std::unique_ptr<Pattern> view_recipe(const Var& y, const VarRef& x, const Attrs& attrs) {
  Spread spread;
  if (!read_view(y, x.get(), attrs.structure.data(), &spread)) return nullptr;
  auto recipe = std::make_unique<Recipe>();
  recipe->operands.push_back(std::move(spread));
  return recipe;
}

void save_spreads(const Pattern& recipe) {
  for (const Spread& operand : static_cast<const Recipe&>(recipe).operands) {
    if (!operand.source->realized()) operand.source->saved = true;
  }
}

}  // namespace jtcy
