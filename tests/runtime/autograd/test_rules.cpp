// Each rule against central differences in double precision, first and second order.
#include "gradient_check.h"
#include "graph/compose.h"
#include "graph/index_builder.h"

using namespace jtcy;
using reference::irregular;
using reference::leaf;

namespace {

std::vector<VarRef> one(double low, double high, const Shape& shape = Shape{2, 3}) {
  return {leaf(shape, irregular(element_count(shape), 3, low, high))};
}

std::vector<VarRef> two(double low, double high) {
  return {leaf(Shape{2, 3}, irregular(6, 3, low, high)), leaf(Shape{2, 3}, irregular(6, 5, low, high))};
}

void test_unary_rules() {
  struct Row {
    OpKind kind;
    double low, high;
  };
  const Row rows[] = {
      {OpKind::kCopy, -2, 2},      {OpKind::kNeg, -2, 2},       {OpKind::kAbs, 0.1, 2},     {OpKind::kAbs, -2, -0.1},
      {OpKind::kSign, 0.1, 2},     {OpKind::kReciprocal, 1, 2}, {OpKind::kSqrt, 0.5, 3},    {OpKind::kRsqrt, 0.5, 3},
      {OpKind::kExp, -2, 2},       {OpKind::kExp2, -2, 2},      {OpKind::kExpm1, -2, 2},    {OpKind::kLog, 0.5, 3},
      {OpKind::kLog1p, -0.5, 3},   {OpKind::kSin, -2, 2},       {OpKind::kCos, -2, 2},      {OpKind::kTan, -1, 1},
      {OpKind::kAsin, -0.8, 0.8},  {OpKind::kAcos, -0.8, 0.8},  {OpKind::kAtan, -2, 2},     {OpKind::kSinh, -2, 2},
      {OpKind::kCosh, -2, 2},      {OpKind::kTanh, -2, 2},      {OpKind::kAsinh, -2, 2},    {OpKind::kAcosh, 1.5, 3},
      {OpKind::kAtanh, -0.8, 0.8}, {OpKind::kSigmoid, -2, 2},   {OpKind::kErf, -2, 2},      {OpKind::kErfc, -2, 2},
      {OpKind::kFloor, 0.1, 0.9},  {OpKind::kCeil, 0.1, 0.9},   {OpKind::kRound, 0.1, 0.4}, {OpKind::kTrunc, 0.1, 0.9}};
  for (const Row& row : rows) {
    CHECK_GRADIENT(std::string(op_name(row.kind)).c_str(), one(row.low, row.high),
                   [&](const auto& x) { return apply(row.kind, x[0]); });
  }
}

void test_binary_rules() {
  struct Row {
    OpKind kind;
    double low, high;
  };
  const Row rows[] = {{OpKind::kAdd, -2, 2},    {OpKind::kSub, -2, 2},     {OpKind::kMul, -2, 2},
                      {OpKind::kDiv, 0.5, 2},   {OpKind::kPow, 0.5, 2},    {OpKind::kAtan2, 0.5, 2},
                      {OpKind::kMod, 0.5, 2},   {OpKind::kMaximum, -2, 2}, {OpKind::kMinimum, -2, 2},
                      {OpKind::kFloorDiv, 1, 2}};
  for (const Row& row : rows) {
    CHECK_GRADIENT(std::string(op_name(row.kind)).c_str(), two(row.low, row.high),
                   [&](const auto& x) { return apply(row.kind, x[0], x[1]); });
  }
  CHECK_GRADIENT("where", two(-2, 2), [](const auto& x) { return apply_where(x[0] > 0.5, x[0] * x[1], x[1]); });
}

void test_maximum_shares_ties_by_halves() {
  const VarRef a = leaf(Shape{2}, {1, 3}), b = leaf(Shape{2}, {1, 2});
  const VarRef ones = constant(Shape{2}, Dtype::kFloat64, 1);
  const auto g = backward(apply(OpKind::kMaximum, a, b), ones, {a, b}, false, nullptr);
  CHECK(reference::evaluate(g[0]) == (reference::Values{0.5, 1}));
  CHECK(reference::evaluate(g[1]) == (reference::Values{0.5, 0}));
}

void test_pow_at_zero_is_finite() {
  const VarRef a = leaf(Shape{2}, {0, 2}), b = leaf(Shape{2}, {0, 3});
  const VarRef ones = constant(Shape{2}, Dtype::kFloat64, 1);
  const auto g = backward(apply(OpKind::kPow, a, b), ones, {a, b}, false, nullptr);
  CHECK(reference::evaluate(g[0]) == (reference::Values{0, 12}));
  CHECK_EQ(reference::evaluate(g[1])[0], 0.0);
}

void test_movement_rules() {
  using V = SmallVector<int64_t, 6>;
  const auto square_of = [](const VarRef& x) { return x * x; };
  for (const bool pending : {false, true}) {  // views of what is realized, nodes of what is not
    const auto at = [&](const VarRef& x) { return pending ? x * x : x; };
    CHECK_GRADIENT("broadcast", one(-2, 2, Shape{3, 1}),
                   [&](const auto& x) { return square_of(make_broadcast_to(at(x[0]), Shape{2, 3, 4}, "f")); });
    CHECK_GRADIENT("broadcast to permuted axes", one(-2, 2, Shape{2, 3}),
                   [&](const auto& x) { return square_of(make_broadcast(at(x[0]), Shape{3, 4, 2}, V{1, -1, 0})); });
    CHECK_GRADIENT("transpose", one(-2, 2, Shape{2, 3, 4}),
                   [&](const auto& x) { return square_of(make_transpose(at(x[0]), V{2, 0, 1})); });
    CHECK_GRADIENT("reshape", one(-2, 2),
                   [&](const auto& x) { return square_of(make_reshape(at(x[0]), Shape{-1}, "f")); });
    CHECK_GRADIENT("slice", one(-2, 2, Shape{4, 5}),
                   [&](const auto& x) { return square_of(make_slice(at(x[0]), V{1, 2}, V{1, 1}, Shape{2, 3})); });
    CHECK_GRADIENT("slice with steps", one(-2, 2, Shape{4, 5}),
                   [&](const auto& x) { return square_of(make_slice(at(x[0]), V{3, 0}, V{-2, 2}, Shape{2, 3})); });
  }
  CHECK_GRADIENT("pad", one(-2, 2), [&](const auto& x) { return square_of(make_pad(x[0], V{1, 0}, Shape{4, 5}, 3)); });
  CHECK_GRADIENT("concat", two(-2, 2),
                 [&](const auto& x) { return square_of(make_concat({x[0], x[1], x[0]}, 1, "f")); });
  std::vector<VarRef> x = one(-2, 2, Shape{4, 5});
  x.push_back(leaf(Shape{2, 2}, irregular(4, 9)));
  CHECK_GRADIENT("insert", x, [&](const auto& v) { return square_of(make_insert(v[0], v[1], V{3, 0}, V{-2, 3})); });
}

void test_reduce_rules() {
  for (const ReduceKind kind : {ReduceKind::kSum, ReduceKind::kProd, ReduceKind::kMax, ReduceKind::kMin}) {
    for (const uint32_t axes : {1u, 2u, 4u, 5u, 6u, 7u}) {
      CHECK_GRADIENT("reduce", one(0.5, 2, Shape{2, 3, 2}),
                     [&](const auto& x) { return make_reduce(x[0], kind, axes, "f"); });
    }
  }
}

void test_prod_gradient_with_zeros() {
  const VarRef x = leaf(Shape{3, 3}, {2, 0, 5, 0, 0, 3, 2, 3, 4});
  const VarRef ones = constant(Shape{3}, Dtype::kFloat64, 1);
  const auto g = backward(make_reduce(x, ReduceKind::kProd, 2, "prod"), ones, {x}, false, nullptr);
  CHECK(reference::evaluate(g[0]) == (reference::Values{0, 10, 0, 0, 0, 0, 12, 8, 6}));
}

void test_max_gradient_is_shared_among_ties() {
  const VarRef x = leaf(Shape{4}, {3, 1, 3, 2});
  const auto g = backward(make_reduce(x, ReduceKind::kMax, 1, "max"), nullptr, {x}, false, nullptr);
  CHECK(reference::evaluate(g[0]) == (reference::Values{0.5, 0, 0.5, 0}));
}

/// out[i, j] = x[index[i], j + 1], outside: 0.
VarRef gathered(const VarRef& x, const VarRef& index) {
  Attrs attrs;
  IndexBuilder builder(&attrs, 2);
  builder.begin(IndexMode::kChecked).axis(0).put(IndexToken::kLoad, 1);
  builder.begin(IndexMode::kBounded).axis(1).put(IndexToken::kConst, 1).put(IndexToken::kAdd);
  attrs.add_float(0);
  return make_reindex({x, index}, std::move(attrs), Shape{index->shape[0], x->shape[1]}, "f");
}

void test_reindex_rules() {
  const VarRef index = reference::int_leaf(Shape{4}, {2, 0, 2, 1});
  CHECK_GRADIENT("reindex", one(-2, 2, Shape{3, 2}), [&](const auto& x) {
    const VarRef y = gathered(x[0], index);
    return y * y;
  });
  CHECK_GRADIENT("take with negative indices", one(-2, 2, Shape{2, 3, 2}), [&](const auto& x) {
    const VarRef y = compose_take(x[0], reference::int_leaf(Shape{2, 2}, {-1, 0, 2, -3}), 1, "take");
    return y * y;
  });
}

void test_reindex_reduce_rules() {
  for (const ReduceKind kind : {ReduceKind::kSum, ReduceKind::kProd, ReduceKind::kMax, ReduceKind::kMin}) {
    const VarRef index = reference::int_leaf(Shape{5}, {2, 0, 2, 7, 1});  // 7 is dropped
    CHECK_GRADIENT("reindex_reduce", one(0.5, 2, Shape{5}), [&](const auto& x) {
      Attrs attrs;
      attrs.structure.push_back(static_cast<int64_t>(kind));
      IndexBuilder builder(&attrs, 1);
      builder.begin(IndexMode::kBounded).axis(0).put(IndexToken::kLoad, 1);
      const VarRef y = make_reindex_reduce({x[0], index}, std::move(attrs), Shape{3}, "f");
      return y * y;
    });
  }
}

}  // namespace

int main() {
  const check::Test tests[] = {TEST(test_unary_rules),
                               TEST(test_binary_rules),
                               TEST(test_maximum_shares_ties_by_halves),
                               TEST(test_pow_at_zero_is_finite),
                               TEST(test_movement_rules),
                               TEST(test_reduce_rules),
                               TEST(test_prod_gradient_with_zeros),
                               TEST(test_max_gradient_is_shared_among_ties),
                               TEST(test_reindex_rules),
                               TEST(test_reindex_reduce_rules)};
  return check::run_all(tests);
}
