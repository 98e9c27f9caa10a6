// Movement, gather and scatter of the interpreter.
#include <numeric>

#include "../check.h"
#include "graph/index_program.h"
#include "tensors.h"

using jtcy::Dtype;
using jtcy::IndexMode;
using jtcy::IndexToken;
using jtcy::OpKind;
using jtcy::ReduceKind;
using tensors::ints;
using tensors::run;
using tensors::view;

namespace {

std::vector<int32_t> counting(std::size_t n) {
  std::vector<int32_t> values(n);
  std::iota(values.begin(), values.end(), 0);
  return values;
}

void transpose_swaps_axes() {
  std::vector<int32_t> x = counting(6), found(6), expected = {0, 3, 1, 4, 2, 5};
  run({OpKind::kTranspose, {view(x, {2, 3})}, {1, 0}}, view(found, {3, 2}));
  CHECK(found == expected);
}

void broadcast_repeats_extents_of_one_and_new_axes() {
  std::vector<int32_t> x = {7, 8}, found(8), expected = {7, 7, 8, 8, 7, 7, 8, 8};
  run({OpKind::kBroadcast, {view(x, {2, 1})}, {-1, 0, 1}}, view(found, {2, 2, 2}));
  CHECK(found == expected);
}

void reshape_of_a_strided_input_keeps_row_major_order() {
  std::vector<int32_t> x = counting(6), found(6), expected = {0, 3, 1, 4, 2, 5};
  run({OpKind::kReshape, {{x.data(), Dtype::kInt32, {3, 2}, {1, 3}}}}, view(found, {6}));
  CHECK(found == expected);
}

void slice_walks_backwards_too() {
  std::vector<int32_t> x = counting(12), found(4), expected = {11, 9, 7, 5};
  run({OpKind::kSlice, {view(x, {3, 4})}, {-1, -2}, ints({2, 3})}, view(found, {2, 2}));
  CHECK(found == expected);
}

void pad_puts_the_value_around() {
  std::vector<int32_t> x = {1, 2, 3, 4}, found(12), expected = {9, 9, 9, 9, 9, 1, 2, 9, 9, 3, 4, 9};
  run({OpKind::kPad, {view(x, {2, 2})}, {}, ints({1, 1, 9})}, view(found, {3, 4}));
  CHECK(found == expected);
}

void a_negative_pad_crops() {
  std::vector<int32_t> x = counting(5), found(3), expected = {2, 3, 4};
  run({OpKind::kPad, {view(x, {5})}, {}, ints({-2, 9})}, view(found, {3}));
  CHECK(found == expected);
}

void concat_joins_along_an_inner_axis() {
  std::vector<int32_t> a = {1, 2, 3, 4}, b = {5, 6}, found(6), expected = {1, 2, 5, 3, 4, 6};
  run({OpKind::kConcat, {view(a, {2, 2}), view(b, {2, 1})}, {1}}, view(found, {2, 3}));
  CHECK(found == expected);
}

void insert_writes_a_stepped_region() {
  std::vector<int32_t> x(6, 0), v = {1, 2}, found(6), expected = {0, 0, 0, 2, 0, 1};
  run({OpKind::kInsert, {view(x, {2, 3}), view(v, {1, 2})}, {1, -2}, ints({1, 2})}, view(found, {2, 3}));
  CHECK(found == expected);
}

int64_t token(IndexToken value) { return static_cast<int64_t>(value); }
int64_t mode(IndexMode value) { return static_cast<int64_t>(value); }

/// x[index[i], j] for an index Var: one program an axis of x.
std::vector<int64_t> rows_by_index(IndexMode how) {
  return {2, mode(how),
          2, token(IndexToken::kAxis),
          0, token(IndexToken::kLoad),
          1, mode(IndexMode::kFree),
          1, token(IndexToken::kAxis),
          1};
}

void reindex_gathers_rows() {
  std::vector<int32_t> x = counting(6), found(6), expected = {4, 5, 0, 1, 4, 5};
  std::vector<int64_t> index = {2, 0, 2};
  run({OpKind::kReindex, {view(x, {3, 2}), view(index, {3})}, rows_by_index(IndexMode::kChecked), ints({0})},
      view(found, {3, 2}));
  CHECK(found == expected);
}

void a_checked_index_outside_is_reported_with_value_and_limit() {
  std::vector<int32_t> x = counting(6), found(6);
  std::vector<int64_t> index = {1, 3, -9};
  const KernelError error =
      run({OpKind::kReindex, {view(x, {3, 2}), view(index, {3})}, rows_by_index(IndexMode::kChecked), ints({0})},
          view(found, {3, 2}));
  CHECK_EQ(error.code, 1);
  CHECK_EQ(error.value, 3ll);
  CHECK_EQ(error.limit, 3ll);
}

void the_first_bad_index_is_reported_for_any_number_of_threads() {
  constexpr int64_t kCount = 300'000;
  std::vector<int32_t> x = counting(10), found(kCount);
  std::vector<int64_t> index(kCount, 1);
  index[100'001] = 77;
  index[290'000] = 88;
  const std::vector<int64_t> program = {1, mode(IndexMode::kChecked), 2, token(IndexToken::kAxis),
                                        0, token(IndexToken::kLoad),  1};
  for (int threads = 1; threads <= 3; ++threads) {
    const KernelError error = run({OpKind::kReindex, {view(x, {10}), view(index, {kCount})}, program, ints({0})},
                                  view(found, {kCount}), threads);
    CHECK_EQ(error.value, 77ll);
  }
}

/// Padding by two: out[i] = x[i - 2] or -1.
void a_bounded_index_outside_gives_the_fill_value() {
  std::vector<int32_t> x = {5, 6}, found(6), expected = {-1, -1, 5, 6, -1, -1};
  const std::vector<int64_t> program = {1, mode(IndexMode::kBounded), 3, token(IndexToken::kAxis),
                                        0, token(IndexToken::kSlot),  0, token(IndexToken::kSub),
                                        0};
  run({OpKind::kReindex, {view(x, {2})}, program, ints({2, -1})}, view(found, {6}));
  CHECK(found == expected);
}

/// out[i] = x[i // 2 if i < 4 else extent - 1 - i % 3]
void tokens_compute_as_python_does() {
  std::vector<int32_t> x = counting(5), found(6), expected = {0, 0, 1, 1, 3, 2};
  const auto T = token;
  const std::vector<int64_t> program = {
      1, mode(IndexMode::kFree), 14, T(IndexToken::kAxis),  0, T(IndexToken::kConst),    4, T(IndexToken::kLt),
      0, T(IndexToken::kAxis),   0,  T(IndexToken::kConst), 2, T(IndexToken::kFloorDiv), 0, T(IndexToken::kExtent),
      0, T(IndexToken::kConst),  1,  T(IndexToken::kSub),   0, T(IndexToken::kAxis),     0, T(IndexToken::kConst),
      3, T(IndexToken::kMod),    0,  T(IndexToken::kSub),   0, T(IndexToken::kSelect),   0};
  run({OpKind::kReindex, {view(x, {5})}, program, ints({0})}, view(found, {6}));
  CHECK(found == expected);
}

std::vector<int64_t> scatter_by_index(ReduceKind kind, IndexMode how) {
  return {static_cast<int64_t>(kind), 1, mode(how), 2, token(IndexToken::kAxis), 0, token(IndexToken::kLoad), 1};
}

void scatter_adds_and_leaves_the_identity_elsewhere() {
  std::vector<int32_t> x = {1, 1, 3, 5}, found(3), expected = {4, 0, 6};
  std::vector<int64_t> index = {2, 0, 0, 2};
  run({OpKind::kReindexReduce,
       {view(x, {4}), view(index, {4})},
       scatter_by_index(ReduceKind::kSum, IndexMode::kChecked)},
      view(found, {3}));
  CHECK(found == expected);
}

void a_bounded_scatter_drops_what_is_outside() {
  std::vector<int32_t> x = {1, 2, 3}, found(2), expected = {3, 0};
  std::vector<int64_t> index = {-1, 5, 0};
  run({OpKind::kReindexReduce,
       {view(x, {3}), view(index, {3})},
       scatter_by_index(ReduceKind::kSum, IndexMode::kBounded)},
      view(found, {2}));
  CHECK(found == expected);
}

/// Adding in the order of the sources: the bits are those of a plain loop.
void scatter_keeps_the_order_of_sources_for_any_threads() {
  constexpr int64_t kSources = 200'000, kTargets = 5000;
  std::vector<float> x = tensors::Numbers(4).take<float>(kSources), expected(kTargets, 0.0f), found(kTargets);
  std::vector<int64_t> index(kSources);
  for (int64_t i = 0; i < kSources; ++i) index[static_cast<std::size_t>(i)] = i * 7919 % kTargets;
  for (std::size_t i = 0; i < x.size(); ++i) expected[static_cast<std::size_t>(index[i])] += x[i];
  for (int threads = 1; threads <= 3; ++threads) {
    run({OpKind::kReindexReduce,
         {view(x, {kSources}), view(index, {kSources})},
         scatter_by_index(ReduceKind::kSum, IndexMode::kChecked)},
        view(found, {kTargets}), threads);
    CHECK(tensors::same_bits(found, expected));
  }
}

/// 2048 + 1 is not a float16: rounding at each step would lose every one.
void a_scatter_of_float16_rounds_once() {
  std::vector<uint16_t> x(4096, 0x3C00), found(1);
  std::vector<int64_t> index(4096, 0);
  auto input = view(x, {4096}), output = view(found, {1});
  input.dtype = output.dtype = Dtype::kFloat16;
  run({OpKind::kReindexReduce, {input, view(index, {4096})}, scatter_by_index(ReduceKind::kSum, IndexMode::kChecked)},
      output);
  CHECK_EQ(found[0], uint16_t{0x6C00});
}

}  // namespace

int main() {
  const check::Test tests[] = {
      TEST(transpose_swaps_axes),
      TEST(broadcast_repeats_extents_of_one_and_new_axes),
      TEST(reshape_of_a_strided_input_keeps_row_major_order),
      TEST(slice_walks_backwards_too),
      TEST(pad_puts_the_value_around),
      TEST(a_negative_pad_crops),
      TEST(concat_joins_along_an_inner_axis),
      TEST(insert_writes_a_stepped_region),
      TEST(reindex_gathers_rows),
      TEST(a_checked_index_outside_is_reported_with_value_and_limit),
      TEST(the_first_bad_index_is_reported_for_any_number_of_threads),
      TEST(a_bounded_index_outside_gives_the_fill_value),
      TEST(tokens_compute_as_python_does),
      TEST(scatter_adds_and_leaves_the_identity_elsewhere),
      TEST(a_bounded_scatter_drops_what_is_outside),
      TEST(scatter_keeps_the_order_of_sources_for_any_threads),
      TEST(a_scatter_of_float16_rounds_once),
  };
  return check::run_all(tests);
}
