// Signatures: equal for the same structure, different wherever a kernel could differ.
#include "check.h"
#include "flush.h"
#include "graph/arithmetic.h"
#include "graph/compose.h"

using namespace jtcy;
using reference::leaf;

namespace {

GraphSnapshot snapshot_of(const VarRef& y, uint64_t flags = 0) {
  GraphSnapshot snapshot;
  take_snapshot(choose_cut({y.get()}, false), flags, &snapshot);
  return snapshot;
}

Hash128 signature(const VarRef& y, uint64_t flags = 0) { return snapshot_of(y, flags).signature; }

VarRef zeros(const Shape& shape) {
  return leaf(shape, reference::Values(static_cast<std::size_t>(element_count(shape)), 0));
}

void test_same_structure_has_one_signature() {
  const auto build = [](int64_t n, double scale) {
    const VarRef x = zeros(Shape{n, 100});
    return signature(exp(x * scale) + x);
  };
  CHECK(build(32, 1) == build(32, 1));
  CHECK(build(32, 1) == build(64, 2));      // extents and scalars are run-time values
  CHECK(!(build(32, 1) == build(100, 1)));  // now both axes are equal
  CHECK(!(build(32, 1) == build(1, 1)));    // 1 is constant
  CHECK(build(7, 1) == build(9, 1));        // a small leading extent is not
}

void test_small_extents_behind_the_first_axis_are_constant() {
  const auto build = [](int64_t n) { return signature(exp(zeros(Shape{100, n}))); };
  CHECK(!(build(8) == build(9)));
  CHECK(build(17) == build(18));
  const GraphSnapshot snapshot = snapshot_of(exp(zeros(Shape{100, 8})));
  CHECK_EQ(snapshot.symbols.size(), 2u);
  CHECK(!snapshot.symbols[0].constant && snapshot.symbols[1].constant);
  CHECK_EQ(snapshot.symbols[1].value, 8);
}

void test_signature_differs_by_kind_dtype_operands_flags_and_outputs() {
  const VarRef x = zeros(Shape{20}), y = zeros(Shape{20});
  const Hash128 base = signature(x + y);
  CHECK(!(signature(x * y) == base));
  CHECK(!(signature(x + x) == base));
  CHECK(!(signature(x + y, 1) == base));
  CHECK(!(signature(exp(x) - y) == signature(exp(y) - exp(x))));
  CHECK(!(signature(make_cast(x, Dtype::kFloat32)) == signature(make_cast(x, Dtype::kInt64))));
  const VarRef inner = x + y;
  const VarRef outer = inner * inner;
  const Hash128 unheld = signature(outer);
  hold(*inner);
  CHECK(!(signature(outer) == unheld));
  unhold(*inner);
}

void test_signature_tells_layouts_and_aliases() {
  const VarRef x = zeros(Shape{20, 20}), y = zeros(Shape{20, 20});
  const VarRef turned = make_transpose(x, {1, 0});
  const VarRef row = make_broadcast_to(zeros(Shape{20}), Shape{20, 20}, "f");
  CHECK(!(signature(x + y) == signature(turned + y)));
  CHECK(!(signature(turned + y) == signature(row + y)));
  CHECK(!(signature(turned + y) == signature(turned + x)));  // both lie in one Buffer
}

void test_update_groups_are_numbered_by_first_appearance() {
  const auto build = [](uint32_t first, uint32_t second) {
    const VarRef p = zeros(Shape{20}), g = zeros(Shape{20});
    SgdSpec spec;
    spec.lr = 0.1;
    const VarRef a = compose_sgd(p, g, nullptr, spec, first), b = compose_sgd(a, g, nullptr, spec, second);
    return signature(b);
  };
  CHECK(build(1, 2) == build(7, 9));
  CHECK(!(build(1, 2) == build(3, 3)));
}

void test_snapshot_lists_leaves_first_then_outputs_in_order() {
  const VarRef x = zeros(Shape{20}), y = zeros(Shape{20});
  const VarRef sum = x + y;
  const VarRef out = sum * x;

  const GraphSnapshot s = snapshot_of(out);

  CHECK_EQ(s.leaf_count, 2);
  CHECK(s.live_vars == (std::vector<Var*>{x.get(), y.get(), sum.get(), out.get()}));
  CHECK(s.operands == (std::vector<int32_t>{0, 1, 2, 0}));
  CHECK(s.vars[3].output && !s.vars[2].output);
  CHECK_EQ(s.vars[3].producer, 1);
  CHECK(s.ops[1].kind == OpKind::kMul);
  verify_graph();
}

void test_function_inputs_are_no_operands() {
  const VarRef x = zeros(Shape{20}), other = exp(x);
  const VarRef y = make_function({x * x}, {x, other}, GradientCallback())[0];
  const GraphSnapshot s = snapshot_of(y);
  CHECK_EQ(s.ops.size(), 2u);
  CHECK_EQ(s.ops[1].input_count, 1);
}

}  // namespace

int main() {
  const check::Test tests[] = {TEST(test_same_structure_has_one_signature),
                               TEST(test_small_extents_behind_the_first_axis_are_constant),
                               TEST(test_signature_differs_by_kind_dtype_operands_flags_and_outputs),
                               TEST(test_signature_tells_layouts_and_aliases),
                               TEST(test_update_groups_are_numbered_by_first_appearance),
                               TEST(test_snapshot_lists_leaves_first_then_outputs_in_order),
                               TEST(test_function_inputs_are_no_operands)};
  return check::run_all(tests);
}
