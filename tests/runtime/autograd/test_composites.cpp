// Gradients of composites: products, convolutions and pools with all their parameters, losses, norms, a user's
// Function.
#include "gradient_check.h"
#include "graph/compose.h"

using namespace jtcy;
using reference::irregular;
using reference::leaf;

namespace {

std::vector<VarRef> leaves(std::initializer_list<Shape> shapes, double low = -2, double high = 2) {
  std::vector<VarRef> x;
  for (const Shape& shape : shapes) {
    x.push_back(leaf(shape, irregular(element_count(shape), 3 + static_cast<int>(x.size()), low, high)));
  }
  return x;
}

void test_matmul_of_all_ranks() {
  const std::pair<Shape, Shape> pairs[] = {{{3}, {3}},
                                           {{2, 3}, {3}},
                                           {{3}, {3, 2}},
                                           {{2, 3}, {3, 4}},
                                           {{2, 2, 3}, {3, 4}},
                                           {{2, 3}, {2, 3, 2}},
                                           {{2, 2, 3}, {2, 3, 2}},
                                           {{1, 2, 3}, {2, 3, 2}},
                                           {{2, 1, 2, 3}, {3, 3, 2}}};
  for (const auto& [a, b] : pairs) {
    CHECK_GRADIENT("matmul", leaves({a, b}), [](const auto& x) { return compose_matmul(x[0], x[1]); });
  }
  CHECK_GRADIENT("linear", leaves({Shape{2, 2, 3}, Shape{4, 3}, Shape{4}}),
                 [](const auto& x) { return compose_linear(x[0], x[1], x[2]); });
}

ConvSpec spec_of(int64_t stride, int64_t padding, int64_t dilation, int64_t groups, std::size_t spatial) {
  ConvSpec spec;
  for (std::size_t i = 0; i < spatial; ++i) {
    spec.stride.push_back(stride);
    spec.padding.push_back(padding);
    spec.dilation.push_back(dilation);
  }
  spec.groups = groups;
  return spec;
}

void test_conv_with_every_parameter() {
  for (const int64_t stride : {1, 2, 3}) {
    for (const int64_t padding : {0, 2}) {
      for (const int64_t dilation : {1, 2}) {
        for (const int64_t groups : {1, 2}) {
          const ConvSpec spec = spec_of(stride, padding, dilation, groups, 1);
          CHECK_GRADIENT("conv", leaves({Shape{2, 4, 8}, Shape{2, 4 / groups, 3}, Shape{2}}),
                         [&](const auto& x) { return compose_conv(x[0], x[1], x[2], spec); });
          CHECK_GRADIENT("conv_transpose", leaves({Shape{1, 2, 4}, Shape{2, 2, 3}}),
                         [&](const auto& x) { return compose_conv_transpose(x[0], x[1], nullptr, spec, {}); });
        }
      }
    }
  }
}

void test_conv_in_two_dims() {
  ConvSpec spec = spec_of(2, 1, 1, 1, 2);
  spec.stride[1] = 1;
  spec.dilation[0] = 2;
  CHECK_GRADIENT("conv", leaves({Shape{1, 2, 6, 4}, Shape{2, 2, 2, 3}}),
                 [&](const auto& x) { return compose_conv(x[0], x[1], nullptr, spec); });
}

void test_conv_kernel_longer_than_the_output() {
  CHECK_GRADIENT("conv", leaves({Shape{1, 1, 5}, Shape{1, 1, 4}}),
                 [](const auto& x) { return compose_conv(x[0], x[1], nullptr, spec_of(1, 0, 1, 1, 1)); });
}

void test_third_order_of_conv() {
  const std::vector<VarRef> x = leaves({Shape{1, 1, 5}, Shape{1, 1, 2}});
  const auto f = [](const std::vector<VarRef>& v) {
    const VarRef y = compose_conv(v[0], v[1], nullptr, spec_of(2, 1, 1, 1, 1));
    const VarRef loss = reference::weighted(y * y * y, 2);
    return backward(loss, nullptr, v, false, nullptr)[0];
  };
  CHECK_GRADIENT("gradient of conv", x, f);
}

void test_pools() {
  using V = SmallVector<int64_t, 3>;
  for (const bool ceil_mode : {false, true}) {
    for (const bool include : {false, true}) {
      for (const int64_t padding : {0, 1}) {
        CHECK_GRADIENT("avg_pool", leaves({Shape{2, 7, 6}}), [&](const auto& x) {
          const VarRef y = compose_pool(x[0], false, V{3, 2}, V{2, 2}, V{padding, padding}, ceil_mode, include);
          return y * y;
        });
        CHECK_GRADIENT("max_pool", leaves({Shape{2, 7, 6}}), [&](const auto& x) {
          const VarRef y = compose_pool(x[0], true, V{3, 2}, V{2, 1}, V{padding, padding}, ceil_mode, include);
          return y * y;
        });
      }
    }
  }
}

void test_max_pool_gradient_goes_to_the_first_maximum() {
  const VarRef x = leaf(Shape{1, 1, 4}, {5, 5, 1, 1});
  const VarRef ones = constant(Shape{1, 1, 2}, Dtype::kFloat64, 1);
  const auto g = backward(compose_pool(x, true, {2}, {2}, {0}, false, true), ones, {x}, false, nullptr);
  CHECK(reference::evaluate(g[0]) == (reference::Values{1, 0, 1, 0}));
}

void test_softmax_and_losses() {
  for (const bool logarithm : {false, true}) {
    CHECK_GRADIENT("softmax", leaves({Shape{2, 3, 2}}),
                   [&](const auto& x) { return compose_softmax(x[0], 1, logarithm); });
  }
  CHECK_GRADIENT("logsumexp", leaves({Shape{2, 3, 2}}), [](const auto& x) { return compose_logsumexp(x[0], 5, true); });
  const VarRef target = reference::int_leaf(Shape{3, 2}, {0, 1, -100, 3, 2, 2});
  for (const int reduction : {0, 1, 2}) {
    for (const double smoothing : {0.0, 0.2}) {
      CHECK_GRADIENT("cross_entropy", leaves({Shape{3, 4, 2}}), [&](const auto& x) {
        return compose_cross_entropy(x[0], target, nullptr, reduction, -100, smoothing);
      });
      CHECK_GRADIENT("weighted cross_entropy", leaves({Shape{3, 4, 2}, Shape{4}}, 0.5, 2), [&](const auto& x) {
        return compose_cross_entropy(x[0], target, x[1], reduction, -100, smoothing);
      });
    }
  }
}

void test_norms_and_activations() {
  CHECK_GRADIENT("layer_norm", leaves({Shape{2, 3, 2}, Shape{3, 2}, Shape{3, 2}}),
                 [](const auto& x) { return compose_layer_norm(x[0], 2, x[1], x[2], 0.1); });
  CHECK_GRADIENT("batch_norm", leaves({Shape{2, 3, 2}, Shape{3}, Shape{3}}), [](const auto& x) {
    VarRef mean, variance;
    return compose_batch_norm(x[0], nullptr, nullptr, x[1], x[2], 0.1, true, &mean, &variance);
  });
  CHECK_GRADIENT("relu", leaves({Shape{8}}), [](const auto& x) { return compose_relu(x[0]); });
  CHECK_GRADIENT("gelu", leaves({Shape{8}}), [](const auto& x) { return compose_gelu(x[0], false); });
  CHECK_GRADIENT("gelu", leaves({Shape{8}}), [](const auto& x) { return compose_gelu(x[0], true); });
  CHECK_GRADIENT("variance", leaves({Shape{2, 5}}), [](const auto& x) { return compose_variance(x[0], 2, false, 1); });
  CHECK_GRADIENT("mean", leaves({Shape{2, 5}}), [](const auto& x) { return square(compose_mean(x[0], 1, true)); });
  const VarRef index = reference::int_leaf(Shape{2, 2}, {0, 2, 2, 1});
  CHECK_GRADIENT("embedding", leaves({Shape{3, 2}}),
                 [&](const auto& x) { return square(compose_embedding(x[0], index)); });
}

void test_relu_at_zero_gives_no_gradient() {
  const VarRef x = leaf(Shape{3}, {-1, 0, 2});
  const auto g = backward(compose_relu(x), constant(Shape{3}, Dtype::kFloat64, 1), {x}, false, nullptr);
  CHECK(reference::evaluate(g[0]) == (reference::Values{0, 0, 1}));
}

}  // namespace

int main() {
  const check::Test tests[] = {TEST(test_matmul_of_all_ranks),
                               TEST(test_conv_with_every_parameter),
                               TEST(test_conv_in_two_dims),
                               TEST(test_conv_kernel_longer_than_the_output),
                               TEST(test_third_order_of_conv),
                               TEST(test_pools),
                               TEST(test_max_pool_gradient_goes_to_the_first_maximum),
                               TEST(test_softmax_and_losses),
                               TEST(test_norms_and_activations),
                               TEST(test_relu_at_zero_gives_no_gradient)};
  return check::run_all(tests);
}
