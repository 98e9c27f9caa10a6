// Values of composites against loops and closed forms in double precision.
#include "check.h"
#include "graph/arithmetic.h"
#include "graph/compose.h"
#include "reference.h"

using namespace jtcy;
using reference::evaluate;
using reference::irregular;
using reference::leaf;
using reference::Values;

namespace {

bool close(const Values& a, const Values& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(std::fabs(a[i] - b[i]) <= 1e-12 * (1 + std::fabs(b[i]))) && a[i] != b[i]) return false;
  }
  return true;
}

void test_promotion_follows_pytorch() {
  const VarRef i = make_full(Shape{2}, Dtype::kInt32, 7), f = make_full(Shape{2}, Dtype::kFloat16, 2);
  const VarRef d0 = make_full(Shape(), Dtype::kFloat64, 2), l0 = make_full(Shape(), Dtype::kInt64, 2);
  const VarRef b = make_full(Shape{2}, Dtype::kBool, 1);
  CHECK(compose_binary(OpKind::kAdd, i, f, "add")->dtype == Dtype::kFloat16);
  CHECK(compose_binary(OpKind::kAdd, f, d0, "add")->dtype == Dtype::kFloat16);
  CHECK(compose_binary(OpKind::kAdd, i, d0, "add")->dtype == Dtype::kFloat64);
  CHECK(compose_binary(OpKind::kAdd, i, l0, "add")->dtype == Dtype::kInt32);
  CHECK(compose_binary(OpKind::kDiv, i, i, "div")->dtype == Dtype::kFloat32);
  CHECK(compose_binary(OpKind::kLt, i, f, "lt")->dtype == Dtype::kBool);
  CHECK(compose_binary_scalar(OpKind::kAdd, i, false, true, 1.5, 0, "add")->dtype == Dtype::kFloat32);
  CHECK(compose_binary_scalar(OpKind::kAdd, f, false, true, 1.5, 0, "add")->dtype == Dtype::kFloat16);
  CHECK(compose_binary_scalar(OpKind::kAdd, b, false, false, 0, 1, "add")->dtype == Dtype::kInt64);
  CHECK(compose_unary(OpKind::kExp, i, "exp")->dtype == Dtype::kFloat32);
  CHECK(compose_reduce(ReduceKind::kSum, b, 0, false, "sum")->dtype == Dtype::kInt64);
  CHECK(compose_reduce(ReduceKind::kMax, i, 0, false, "max")->dtype == Dtype::kInt32);
  CHECK_ERROR(ErrorKind::kShape, "add: shapes do not broadcast, [2] and [3]",
              compose_binary(OpKind::kAdd, i, make_full(Shape{3}, Dtype::kInt32, 1), "add"));
}

void test_small_powers_are_products() {
  const VarRef x = leaf(Shape{2}, {3, -2});
  const Values expected[] = {{1, 1}, {3, -2}, {9, 4}, {27, -8}, {81, 16}};
  for (int64_t n = 0; n <= 4; ++n) {
    const VarRef y = compose_binary_scalar(OpKind::kPow, x, false, false, 0, n, "pow");
    CHECK(evaluate(y) == expected[n]);
    CHECK(!y->producer || y->producer->kind != OpKind::kPow);
  }
  CHECK(evaluate(compose_binary_scalar(OpKind::kPow, x, true, false, 0, 2, "pow")) == (Values{8, 0.25}));
}

void test_softmax_and_logsumexp() {
  const Values v = irregular(6, 1);
  const VarRef x = leaf(Shape{2, 3}, v);
  Values softmax(6), lse(2);
  for (int row = 0; row < 2; ++row) {
    double sum = 0;
    for (int j = 0; j < 3; ++j) sum += std::exp(v[row * 3 + j]);
    lse[row] = std::log(sum);
    for (int j = 0; j < 3; ++j) softmax[row * 3 + j] = std::exp(v[row * 3 + j]) / sum;
  }
  CHECK(close(evaluate(compose_softmax(x, -1, false)), softmax));
  CHECK(close(evaluate(exp(compose_softmax(x, 1, true))), softmax));
  CHECK(close(evaluate(compose_logsumexp(x, 2, false)), lse));
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK_EQ(evaluate(compose_logsumexp(leaf(Shape{2}, {-infinity, -infinity}), 1, false))[0], -infinity);
  CHECK(close(evaluate(compose_softmax(leaf(Shape{2}, {1000, 1000}), 0, false)), Values{0.5, 0.5}));
}

/// As torch.nn.functional.cross_entropy defines it for (N, C) logits.
double cross_entropy(const Values& x, int64_t n, int64_t c, const std::vector<int64_t>& t, const Values& w,
                     double eps) {
  double total = 0, weights = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (t[i] < 0) continue;
    double sum = 0, smooth = 0;
    for (int64_t j = 0; j < c; ++j) sum += std::exp(x[i * c + j]);
    for (int64_t j = 0; j < c; ++j) smooth += w[j] * (std::log(sum) - x[i * c + j]);
    const double nll = w[t[i]] * (std::log(sum) - x[i * c + t[i]]);
    total += (1 - eps) * nll + eps / static_cast<double>(c) * smooth;
    weights += w[t[i]];
  }
  return total / weights;
}

void test_cross_entropy_with_weights_smoothing_and_ignored_targets() {
  const Values v = irregular(12, 2), w = {1, 0.5, 2}, ones = {1, 1, 1};
  const std::vector<int64_t> t = {2, -100, 0, 1};
  const VarRef x = leaf(Shape{4, 3}, v), target = reference::int_leaf(Shape{4}, t), weight = leaf(Shape{3}, w);
  for (const double eps : {0.0, 0.1}) {
    CHECK(close(evaluate(compose_cross_entropy(x, target, nullptr, 1, -100, eps)),
                {cross_entropy(v, 4, 3, t, ones, eps)}));
    CHECK(close(evaluate(compose_cross_entropy(x, target, weight, 1, -100, eps)), {cross_entropy(v, 4, 3, t, w, eps)}));
  }
  CHECK_EQ(evaluate(compose_cross_entropy(x, target, nullptr, 0, -100, 0))[1], 0.0);
  CHECK_ERROR(ErrorKind::kShape, "targets must be [4], got [2]",
              compose_cross_entropy(x, reference::int_leaf(Shape{2}, {0, 1}), nullptr, 1, -100, 0));
  CHECK_ERROR(ErrorKind::kDtype, "class indices of an integer dtype", compose_cross_entropy(x, x, nullptr, 1, -100, 0));
}

void test_conv_with_groups_equals_its_definition() {
  const int64_t stride = 2, padding = 1, dilation = 2, extent = 7, kernel = 3, groups = 2;
  const Values xv = irregular(2 * 4 * extent, 3), wv = irregular(6 * 2 * kernel, 4), bv = irregular(6, 5);
  ConvSpec spec{{stride}, {padding}, {dilation}, groups};
  const VarRef y = compose_conv(leaf(Shape{2, 4, extent}, xv), leaf(Shape{6, 2, kernel}, wv), leaf(Shape{6}, bv), spec);
  Values expected;
  reference::for_each_index(Shape{2, 6, 3}, [&](const auto& i, std::size_t) {
    double sum = bv[i[1]];
    for (int64_t c = 0; c < 2; ++c) {
      for (int64_t k = 0; k < kernel; ++k) {
        const int64_t at = i[2] * stride + k * dilation - padding, channel = i[1] / 3 * 2 + c;
        if (at >= 0 && at < extent) sum += xv[(i[0] * 4 + channel) * extent + at] * wv[(i[1] * 2 + c) * kernel + k];
      }
    }
    expected.push_back(sum);
  });
  CHECK_EQ(shape_text(y->shape), "[2, 6, 3]");
  CHECK(close(evaluate(y), expected));
}

void test_conv_transpose_equals_its_definition() {
  const int64_t stride = 2, padding = 1, extent = 4, kernel = 3;
  const Values xv = irregular(2 * extent, 3), wv = irregular(2 * 3 * kernel, 4);
  ConvSpec spec{{stride}, {padding}, {1}, 1};
  const VarRef y =
      compose_conv_transpose(leaf(Shape{1, 2, extent}, xv), leaf(Shape{2, 3, kernel}, wv), nullptr, spec, {1});
  Values expected(3 * 8, 0);
  for (int64_t ci = 0; ci < 2; ++ci) {
    for (int64_t co = 0; co < 3; ++co) {
      for (int64_t i = 0; i < extent; ++i) {
        for (int64_t k = 0; k < kernel; ++k) {
          const int64_t at = i * stride + k - padding;
          if (at >= 0 && at < 8) expected[co * 8 + at] += xv[ci * extent + i] * wv[(ci * 3 + co) * kernel + k];
        }
      }
    }
  }
  CHECK_EQ(shape_text(y->shape), "[1, 3, 8]");
  CHECK(close(evaluate(y), expected));
}

void test_pools_in_ceil_mode() {
  const VarRef x = leaf(Shape{5}, {1, 2, 3, 4, 5});
  CHECK(close(evaluate(compose_pool(x, true, {2}, {2}, {0}, true, true)), {2, 4, 5}));
  CHECK(close(evaluate(compose_pool(x, true, {2}, {2}, {0}, false, true)), {2, 4}));
  CHECK(close(evaluate(compose_pool(x, false, {2}, {2}, {0}, true, true)), {1.5, 3.5, 5}));
  CHECK(close(evaluate(compose_pool(x, false, {3}, {2}, {1}, false, true)), {1, 3, 3}));
  CHECK(close(evaluate(compose_pool(x, false, {3}, {2}, {1}, false, false)), {1.5, 3, 4.5}));
  CHECK_ERROR(ErrorKind::kValue, "padding must be at most half", compose_pool(x, true, {2}, {2}, {2}, false, true));
}

void test_norms_have_mean_zero_and_variance_one() {
  const VarRef x = leaf(Shape{4, 3, 5}, irregular(60, 6));
  VarRef mean, variance;
  const VarRef y = compose_batch_norm(x, nullptr, nullptr, nullptr, nullptr, 0, true, &mean, &variance);
  CHECK(close(evaluate(compose_variance(y, 0b101, false, 0)), {1, 1, 1}));
  CHECK(close(evaluate(variance), evaluate(compose_variance(x, 0b101, false, 0))));
  CHECK(close(evaluate(compose_batch_norm(x, mean, variance, nullptr, nullptr, 0, false, nullptr, nullptr)),
              evaluate(y)));
  CHECK(close(evaluate(compose_mean(compose_layer_norm(x, 1, nullptr, nullptr, 0), 0, false)), {0}));
}

void test_adam_follows_its_formula() {
  const VarRef p = leaf(Shape{1}, {2}), g = leaf(Shape{1}, {0.5});
  VarRef m = leaf(Shape{1}, {0.1}), v = leaf(Shape{1}, {0.2}), none;
  AdamSpec spec{
      .lr = 0.01, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-3, .weight_decay = 0.1, .decoupled = true, .step = 3};
  p->trainable = true;

  const VarRef next = compose_adam(p, g, &m, &v, &none, spec, 5);

  const double m1 = 0.9 * 0.1 + 0.1 * 0.5, v1 = 0.99 * 0.2 + 0.01 * 0.25;
  const double denominator = std::sqrt(v1) / std::sqrt(1 - std::pow(0.99, 3)) + 1e-3;
  CHECK(close(evaluate(next), {2 * (1 - 0.001) - 0.01 / (1 - std::pow(0.9, 3)) * m1 / denominator}));
  CHECK(close(evaluate(m), {m1}));
  CHECK(next->trainable && !next->stop_grad && !next->producer->differentiable && m->stop_grad);
  CHECK_EQ(next->producer->update_group, 5u);
}

void test_sgd_follows_its_formula() {
  const VarRef p = leaf(Shape{1}, {2}), g = leaf(Shape{1}, {0.5});
  VarRef momentum = leaf(Shape{1}, {0.25});
  const SgdSpec spec{.lr = 0.1, .momentum = 0.9, .dampening = 0.5, .weight_decay = 0.01, .nesterov = true};
  const double d = 0.5 + 0.02, b = 0.9 * 0.25 + 0.5 * d;
  CHECK(close(evaluate(compose_sgd(p, g, &momentum, spec, 1)), {2 - 0.1 * (d + 0.9 * b)}));
  CHECK(close(evaluate(momentum), {b}));
}

void test_matmul_error_looks_for_a_transposed_operand() {
  const VarRef a = leaf(Shape{2, 3}, irregular(6, 1)), b = leaf(Shape{4, 3}, irregular(12, 1));
  CHECK_ERROR(ErrorKind::kShape, "matmul: inner sizes differ, 3 and 4", compose_matmul(a, b));
  CHECK_ERROR(ErrorKind::kShape, "did you mean matmul(a, b.T)?", compose_matmul(a, b));
}

void test_reductions_of_nothing() {
  const VarRef x = leaf(Shape{2, 0}, {});
  CHECK(close(evaluate(compose_reduce(ReduceKind::kSum, x, 2, false, "sum")), {0, 0}));
  CHECK_ERROR(ErrorKind::kValue, "max: of no elements is not defined",
              compose_reduce(ReduceKind::kMax, x, 2, false, "max"));
}

}  // namespace

int main() {
  const check::Test tests[] = {TEST(test_promotion_follows_pytorch),
                               TEST(test_small_powers_are_products),
                               TEST(test_softmax_and_logsumexp),
                               TEST(test_cross_entropy_with_weights_smoothing_and_ignored_targets),
                               TEST(test_conv_with_groups_equals_its_definition),
                               TEST(test_conv_transpose_equals_its_definition),
                               TEST(test_pools_in_ceil_mode),
                               TEST(test_norms_have_mean_zero_and_variance_one),
                               TEST(test_adam_follows_its_formula),
                               TEST(test_sgd_follows_its_formula),
                               TEST(test_matmul_error_looks_for_a_transposed_operand),
                               TEST(test_reductions_of_nothing)};
  return check::run_all(tests);
}
