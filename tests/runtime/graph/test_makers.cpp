// Typed makers: identities, views, inference, and errors that say what was asked and found.
#include "check.h"
#include "flush.h"
#include "graph/arithmetic.h"
#include "graph/index_builder.h"

using namespace jtcy;
using reference::evaluate;
using reference::leaf;
using reference::Values;
using V = SmallVector<int64_t, 6>;

namespace {

VarRef counting(const Shape& shape) {
  Values values;
  for (int64_t i = 0; i < element_count(shape); ++i) values.push_back(static_cast<double>(i));
  return leaf(shape, values);
}

void test_identities_give_the_same_var() {
  const VarRef x = counting(Shape{2, 3});
  CHECK(make_cast(x, Dtype::kFloat64) == x);
  CHECK(make_transpose(x, V{0, 1}) == x);
  CHECK(make_reshape(x, Shape{2, 3}, "f") == x);
  CHECK(make_slice(x, V{0, 0}, V{1, 1}, Shape{2, 3}) == x);
  CHECK(make_broadcast_to(x, Shape{2, 3}, "f") == x);
  CHECK(make_pad(x, V{0, 0}, Shape{2, 3}, 0) == x);
  CHECK(make_concat({x}, 0, "f") == x);
  CHECK(make_reduce(x, ReduceKind::kSum, 0, "f") == x);
}

void test_views_share_memory_in_any_chain() {
  const VarRef x = counting(Shape{2, 3, 4});
  const VarRef turned = make_transpose(x, V{2, 0, 1});
  const VarRef cut = make_slice(turned, V{3, 0, 0}, V{-2, 1, 2}, Shape{2, 2, 2});
  const VarRef wide = make_broadcast(cut, Shape{2, 5, 2, 2}, V{0, -1, 1, 2});

  CHECK(wide->realized() && wide->buffer == x->buffer);
  CHECK_EQ(wide->strides[0], -2);
  CHECK_EQ(wide->strides[1], 0);
  CHECK_EQ(wide->offset, 3);
  CHECK(evaluate(cut) == (Values{3, 11, 15, 23, 1, 9, 13, 21}));
}

void test_reshape_is_a_view_where_strides_allow() {
  const VarRef x = counting(Shape{4, 6});
  const VarRef columns = make_slice(x, V{0, 1}, V{1, 1}, Shape{4, 4});
  const VarRef split = make_reshape(columns, Shape{2, 2, 1, 4, 1}, "f");
  const VarRef joined = make_reshape(columns, Shape{16}, "f");

  CHECK(split->realized() && split->buffer == x->buffer);
  CHECK(evaluate(split) == evaluate(columns));
  CHECK(!joined->realized());
  CHECK(evaluate(joined) == evaluate(columns));
  CHECK(make_reshape(make_transpose(x, V{1, 0}), Shape{2, 3, 4}, "f")->realized());
  CHECK_EQ(make_reshape(x, Shape{3, -1}, "f")->shape[1], 8);
}

void test_pending_inputs_make_pending_nodes() {
  const VarRef x = counting(Shape{2, 3});
  const VarRef y = make_transpose(x + x, V{1, 0});
  CHECK(!y->realized() && y->producer->pending);
  CHECK(evaluate(y) == (Values{0, 6, 2, 8, 4, 10}));
}

void test_reduce_chains_runs_innermost_first() {
  const VarRef x = counting(Shape{2, 3, 4, 5});
  const VarRef y = make_reduce(x, ReduceKind::kSum, 0b1101, "sum");
  CHECK_EQ(shape_text(y->shape), "[3]");
  CHECK(y->producer->attrs.structure == (SmallVector<int64_t, 8>{0, 0, 1}));
  CHECK(y->producer->inputs[0]->producer->attrs.structure == (SmallVector<int64_t, 8>{0, 2, 4}));
  CHECK_EQ(make_reduce(x, ReduceKind::kArgMax, 0b0110, "argmax")->shape.size(), 2u);
  CHECK_ERROR(ErrorKind::kValue, "argmax: dims must be adjacent",
              make_reduce(x, ReduceKind::kArgMax, 0b0101, "argmax"));
}

void test_dtypes_are_inferred() {
  const VarRef x = counting(Shape{2});
  CHECK(apply(OpKind::kLt, x, x)->dtype == Dtype::kBool);
  CHECK(make_reduce(x, ReduceKind::kArgMin, 1, "f")->dtype == Dtype::kInt64);
  CHECK(make_iota(Shape{2}, Dtype::kInt32, 0, 0, 1)->dtype == Dtype::kInt32);
}

void test_full_converts_its_value_once() {
  CHECK_EQ(make_full(Shape(), Dtype::kInt64, 2.9)->producer->attrs.scalars[0].i, 2);
  CHECK_EQ(make_full(Shape(), Dtype::kBool, 0.5)->producer->attrs.scalars[0].i, 1);
  CHECK_EQ(make_full_int(Shape(), Dtype::kFloat32, 3)->producer->attrs.scalars[0].f, 3.0);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_EQ(make_full(Shape(), Dtype::kInt64, nan)->producer->attrs.scalars[0].i, std::numeric_limits<int64_t>::min());
}

void test_elementwise_errors_name_function_shapes_and_dtypes() {
  const VarRef x = counting(Shape{2}), y = counting(Shape{3});
  const VarRef n = make_full(Shape{2}, Dtype::kInt32, 1), b = make_full(Shape{2}, Dtype::kBool, 1);
  CHECK_ERROR(ErrorKind::kShape, "add: shapes differ, [2] and [3]", make_elementwise(OpKind::kAdd, {x, y}, "add"));
  CHECK_ERROR(ErrorKind::kDtype, "add: dtypes differ, float64 and int32",
              make_elementwise(OpKind::kAdd, {x, n}, "add"));
  CHECK_ERROR(ErrorKind::kDtype, "exp: needs a floating dtype, got int32", make_elementwise(OpKind::kExp, {n}, "exp"));
  CHECK_ERROR(ErrorKind::kDtype, "needs an integer or bool dtype", make_elementwise(OpKind::kBitAnd, {x, x}, "and"));
  CHECK_ERROR(ErrorKind::kDtype, "sub: is not defined for bool", make_elementwise(OpKind::kSub, {b, b}, "sub"));
  CHECK_ERROR(ErrorKind::kType, "takes 2 vars, got 1", make_elementwise(OpKind::kAdd, {x}, "add"));
  CHECK_ERROR(ErrorKind::kDtype, "the condition must be bool", make_elementwise(OpKind::kWhere, {x, x, x}, "where"));
}

void test_movement_errors() {
  const VarRef x = counting(Shape{2, 3});
  CHECK_ERROR(ErrorKind::kShape, "view: 6 elements do not fit the shape [4]", make_reshape(x, Shape{4}, "view"));
  CHECK_ERROR(ErrorKind::kShape, "only one extent may be -1", make_reshape(x, Shape{-1, -1}, "view"));
  CHECK_ERROR(ErrorKind::kIndex, "dim 2 is out of range for a 2-d var", make_transpose(x, V{0, 2}));
  CHECK_ERROR(ErrorKind::kValue, "stands twice", make_transpose(x, V{1, 1}));
  CHECK_ERROR(ErrorKind::kShape, "expand: [2, 3] does not broadcast to [2, 4]",
              make_broadcast_to(x, Shape{2, 4}, "expand"));
  CHECK_ERROR(ErrorKind::kIndex, "leaves axis 1 of extent 3", make_slice(x, V{0, 2}, V{1, 1}, Shape{2, 2}));
  CHECK_ERROR(ErrorKind::kValue, "padding cannot be negative", make_pad(x, V{-1, 0}, Shape{2, 3 + 1}, 0));
  CHECK_ERROR(ErrorKind::kShape, "cat: shapes differ outside dim 0", make_concat({x, counting(Shape{2, 2})}, 0, "cat"));
  CHECK_ERROR(ErrorKind::kValue, "larger than",
              make_full(Shape{int64_t{1} << 40, int64_t{1} << 40}, Dtype::kFloat32, 0));
}

void test_index_programs_are_checked() {
  const VarRef x = counting(Shape{4});
  const auto reindex = [&](auto write) {
    Attrs attrs;
    IndexBuilder builder(&attrs, 1);
    write(builder.begin(IndexMode::kFree));
    attrs.add_float(0);
    return make_reindex({x}, std::move(attrs), Shape{2}, "reindex");
  };
  CHECK(evaluate(reindex([](auto& b) { b.axis(0).put(IndexToken::kConst, 2).put(IndexToken::kAdd); })) ==
        (Values{2, 3}));
  CHECK_ERROR(ErrorKind::kValue, "names nothing", reindex([](auto& b) { b.axis(1); }));
  CHECK_ERROR(ErrorKind::kValue, "takes more values", reindex([](auto& b) { b.axis(0).put(IndexToken::kAdd); }));
  CHECK_ERROR(ErrorKind::kValue, "leaves 2 values", reindex([](auto& b) { b.axis(0).axis(0); }));
  CHECK_ERROR(ErrorKind::kIndex, "an index var must have an integer dtype",
              make_reindex({x, x}, Attrs(), Shape{2}, "reindex"));
}

void test_empty_shapes_work() {
  const VarRef x = leaf(Shape{2, 0}, {});
  CHECK_EQ(evaluate(make_reduce(x, ReduceKind::kSum, 2, "sum")).size(), 2u);
  CHECK(make_reshape(x, Shape{0, 5}, "f")->realized());
  CHECK_EQ(make_slice(x, V{2, 0}, V{1, 1}, Shape{0, 0})->count(), 0);
}

}  // namespace

int main() {
  const check::Test tests[] = {TEST(test_identities_give_the_same_var),
                               TEST(test_views_share_memory_in_any_chain),
                               TEST(test_reshape_is_a_view_where_strides_allow),
                               TEST(test_pending_inputs_make_pending_nodes),
                               TEST(test_reduce_chains_runs_innermost_first),
                               TEST(test_dtypes_are_inferred),
                               TEST(test_full_converts_its_value_once),
                               TEST(test_elementwise_errors_name_function_shapes_and_dtypes),
                               TEST(test_movement_errors),
                               TEST(test_index_programs_are_checked),
                               TEST(test_empty_shapes_work)};
  return check::run_all(tests);
}
