// The sweep itself: accumulation, release, reports, callbacks, who gets a gradient.
#include "autograd/backward.h"
#include "check.h"
#include "graph/arithmetic.h"
#include "graph/verify.h"
#include "reference.h"

using namespace jtcy;
using reference::evaluate;
using reference::leaf;
using reference::Values;

namespace {

VarRef scalar(double value) { return leaf(Shape(), {value}); }

void test_gradients_of_several_uses_are_added() {
  const VarRef x = scalar(3);
  const VarRef loss = x * x + x * 5.0;

  const auto g = backward(loss, nullptr, {x, x}, false, nullptr);

  CHECK_EQ(evaluate(g[0])[0], 11.0);
  CHECK(g[0] == g[1]);
  verify_graph();
}

void test_gradient_of_an_intermediate_goes_on_to_the_leaf() {
  const VarRef x = scalar(3);
  const VarRef y = x * x;

  const auto g = backward(y * y, nullptr, {y, x}, false, nullptr);

  CHECK_EQ(evaluate(g[0])[0], 18.0);
  CHECK_EQ(evaluate(g[1])[0], 108.0);
}

void test_loss_is_its_own_target() {
  const VarRef x = scalar(3);
  CHECK_EQ(evaluate(backward(x, nullptr, {x}, false, nullptr)[0])[0], 1.0);
}

void test_deep_chain_needs_no_recursion() {
  const VarRef x = scalar(1);
  VarRef y = x;
  for (int i = 0; i < 200000; ++i) y = y + x;

  auto g = backward(y, nullptr, {x}, true, nullptr);

  CHECK(static_cast<bool>(g[0]));
}

void test_second_sweep_through_a_released_path_is_an_error() {
  const VarRef x = scalar(3);
  const VarRef y = x * x;
  const VarRef loss = y * 2.0;
  backward(loss, nullptr, {x}, true, nullptr);

  CHECK_ERROR(ErrorKind::kGradient, "was released", backward(loss, nullptr, {x}, false, nullptr));
  CHECK_ERROR(ErrorKind::kGradient, "retain_graph", backward(y, nullptr, {x}, false, nullptr));
  CHECK_EQ(evaluate(backward(x * x, nullptr, {x}, false, nullptr)[0])[0], 6.0);
}

void test_retained_path_can_be_swept_again() {
  const VarRef x = scalar(3);
  const VarRef loss = x * x;
  for (int i = 0; i < 2; ++i) CHECK_EQ(evaluate(backward(loss, nullptr, {x}, false, nullptr)[0])[0], 6.0);
}

void test_report_names_where_the_path_stopped() {
  const VarRef x = scalar(3), other = scalar(1), hidden = scalar(2), rounded = scalar(2.5);
  const VarRef count = make_cast(make_cast(rounded, Dtype::kInt64), Dtype::kFloat64);
  const VarRef loss = x * make_detached(hidden * hidden) + count;
  GradientReport report;

  const auto g = backward(loss, nullptr, {x, other, hidden, rounded}, false, &report);

  CHECK_EQ(report.unreached[0], "");
  CHECK_EQ(report.unreached[1], "unused");
  CHECK_EQ(report.unreached[2], "stopped at a value made by detach or under no_grad");
  CHECK_EQ(report.unreached[3], "stopped at Cast");
  CHECK(!g[1] && !g[2] && !g[3]);
}

void test_no_grad_records_no_path() {
  const VarRef x = scalar(3);
  set_grad_enabled(false);
  const VarRef y = x * x;
  set_grad_enabled(true);

  CHECK(y->stop_grad && !y->producer->differentiable);
  CHECK(!backward(y * x, nullptr, {y}, false, nullptr)[0]);
  CHECK_EQ(evaluate(backward(y * x, nullptr, {x}, false, nullptr)[0])[0], 9.0);
}

void test_releasing_sweep_gives_gradients_without_a_path() {
  const VarRef x = scalar(3);
  CHECK(backward(x * x, nullptr, {x}, true, nullptr)[0]->stop_grad);
  CHECK(!backward(x * x, nullptr, {x}, false, nullptr)[0]->stop_grad);
}

void test_wrong_losses_are_refused() {
  const VarRef x = leaf(Shape{2}, {1, 2});
  CHECK_ERROR(ErrorKind::kGradient, "one element, got [2]", backward(x * x, nullptr, {x}, false, nullptr));
  CHECK_ERROR(ErrorKind::kGradient, "floating", backward(x > 1.0, nullptr, {x}, false, nullptr));
  CHECK_ERROR(ErrorKind::kGradient, "shape [2]", backward(scalar(1), x, {x}, false, nullptr));
}

struct Calls {
  int called = 0;
  int released = 0;
  std::vector<bool> given;
};

/// Gradients of (a * 2, b * 3) towards a and b.
void user_backward(void* context, const SmallVector<VarRef, 2>& cotangents, SmallVector<VarRef, 3>* gradients) {
  auto& calls = *static_cast<Calls*>(context);
  ++calls.called;
  for (const VarRef& cotangent : cotangents) calls.given.push_back(static_cast<bool>(cotangent));
  gradients->push_back(cotangents[0] ? cotangents[0] * 2.0 : VarRef());
  gradients->push_back(cotangents[1] ? cotangents[1] * 3.0 : VarRef());
}

SmallVector<VarRef, 2> user_function(Calls* calls, const VarRef& a, const VarRef& b) {
  GradientCallback callback;
  callback.context = calls;
  callback.call = user_backward;
  callback.release = [](void* context) { ++static_cast<Calls*>(context)->released; };
  return make_function({make_detached(a * 2.0), make_detached(b * 3.0)}, {a, b}, callback);
}

void test_function_is_called_once_with_all_cotangents() {
  Calls calls;
  const VarRef a = scalar(1), b = scalar(2);
  {
    const auto y = user_function(&calls, a, b);

    const auto g = backward(y[0] * y[1], nullptr, {a, b}, false, nullptr);

    CHECK_EQ(evaluate(g[0])[0], 12.0);
    CHECK_EQ(evaluate(g[1])[0], 6.0);
    CHECK_EQ(calls.called, 1);
    CHECK(calls.given == (std::vector<bool>{true, true}));
  }
  CHECK_EQ(calls.released, 1);
}

void test_function_gets_null_for_an_unused_output() {
  Calls calls;
  const VarRef a = scalar(1), b = scalar(2);
  const auto y = user_function(&calls, a, b);

  const auto g = backward(y[1] * 1.0, nullptr, {a, b}, false, nullptr);

  CHECK(!g[0]);
  CHECK_EQ(evaluate(g[1])[0], 3.0);
  CHECK(calls.given == (std::vector<bool>{false, true}));
}

void test_function_may_start_a_sweep_of_its_own() {
  const VarRef x = scalar(3);
  GradientCallback callback;
  static VarRef input;
  input = x;
  callback.call = [](void*, const SmallVector<VarRef, 2>& cotangents, SmallVector<VarRef, 3>* gradients) {
    const VarRef inner = backward(input * input * input, nullptr, {input}, false, nullptr)[0];
    gradients->push_back(inner * cotangents[0]);
  };
  const VarRef y = make_function({make_detached(x * x * x)}, {x}, callback)[0];

  const auto g = backward(y * x, nullptr, {x}, false, nullptr);

  CHECK_EQ(evaluate(g[0])[0], 27.0 * 3 + 27.0);
  input.reset();
}

void test_wrong_gradient_of_a_function_is_named() {
  const VarRef x = scalar(3);
  GradientCallback callback;
  callback.call = [](void*, const SmallVector<VarRef, 2>&, SmallVector<VarRef, 3>* gradients) {
    gradients->push_back(leaf(Shape{2}, {1, 2}));
  };
  const VarRef y = make_function({make_detached(x)}, {x}, callback)[0];

  CHECK_ERROR(ErrorKind::kGradient, "shape [2] for input 0 of shape []", backward(y, nullptr, {x}, false, nullptr));
  CHECK_EQ(x->slot, -1);
}

void test_leaves_are_held_and_differentiable() {
  const VarRef a = scalar(1), b = scalar(2), stopped = scalar(3), dropped = scalar(4);
  for (const VarRef& x : {a, b, stopped}) hold(*x);
  stopped->stop_grad = true;

  const std::vector<Var*> leaves = differentiable_leaves(b * stopped * a * dropped);

  CHECK(leaves == (std::vector<Var*>{a.get(), b.get()}));
}

}  // namespace

int main() {
  const check::Test tests[] = {TEST(test_gradients_of_several_uses_are_added),
                               TEST(test_gradient_of_an_intermediate_goes_on_to_the_leaf),
                               TEST(test_loss_is_its_own_target),
                               TEST(test_deep_chain_needs_no_recursion),
                               TEST(test_second_sweep_through_a_released_path_is_an_error),
                               TEST(test_retained_path_can_be_swept_again),
                               TEST(test_report_names_where_the_path_stopped),
                               TEST(test_no_grad_records_no_path),
                               TEST(test_releasing_sweep_gives_gradients_without_a_path),
                               TEST(test_wrong_losses_are_refused),
                               TEST(test_function_is_called_once_with_all_cotangents),
                               TEST(test_function_gets_null_for_an_unused_output),
                               TEST(test_function_may_start_a_sweep_of_its_own),
                               TEST(test_wrong_gradient_of_a_function_is_named),
                               TEST(test_leaves_are_held_and_differentiable)};
  return check::run_all(tests);
}
