// Reductions of the interpreter: the order of docs/bits.md, identities, extremes, threads and instruction sets.
#include <cmath>
#include <limits>

#include "../check.h"
#include "tensors.h"

using jtcy::Dtype;
using jtcy::OpKind;
using jtcy::ReduceKind;
using jtcy::Shape;
using jtcy::TensorView;
using tensors::Numbers;
using tensors::run;
using tensors::view;

namespace {

tensors::Op reduce(ReduceKind kind, const TensorView& x, int64_t first, int64_t end) {
  return {OpKind::kReduce, {x}, {static_cast<int64_t>(kind), first, end}};
}

/// docs/bits.md word for word, one column at a time.
float sum_as_defined(const std::vector<float>& x, std::size_t start, std::size_t stride, std::size_t run,
                     std::size_t lanes, std::size_t block) {
  std::vector<float> partial;
  for (std::size_t first = 0; first < run; first += block) {
    std::vector<float> lane(lanes, 0.0f);
    for (std::size_t r = 0; r < block && first + r < run; ++r) lane[r % lanes] += x[start + (first + r) * stride];
    for (std::size_t width = lanes / 2; width > 0; width /= 2) {
      for (std::size_t l = 0; l < width; ++l) lane[l] += lane[l + width];
    }
    partial.push_back(lane[0]);
  }
  while (partial.size() > 1) {
    std::vector<float> next;
    for (std::size_t i = 0; i + 1 < partial.size(); i += 2) next.push_back(partial[i] + partial[i + 1]);
    if (partial.size() % 2 == 1) next.push_back(partial.back());
    partial = next;
  }
  return partial.empty() ? 0.0f : partial[0];
}

void check_rows(std::size_t rows, std::size_t length, int threads) {
  std::vector<float> x = Numbers(length).take<float>(rows * length), found(rows), expected(rows);
  for (std::size_t row = 0; row < rows; ++row) expected[row] = sum_as_defined(x, row * length, 1, length, 64, 4096);

  run(reduce(ReduceKind::kSum, view(x, {static_cast<int64_t>(rows), static_cast<int64_t>(length)}), 1, 2),
      view(found, {static_cast<int64_t>(rows)}), threads);

  CHECK(tensors::same_bits(found, expected));
}

void row_sums_follow_the_definition() {
  check_rows(1, 1, 1);
  check_rows(3, 63, 1);
  check_rows(2, 4096, 2);
  check_rows(5, 4097, 2);
  check_rows(1, 3 * 4096 + 17, 3);
  check_rows(2, 7 * 4096, 3);
}

void check_columns(std::size_t outer, std::size_t length, std::size_t inner, int threads) {
  std::vector<float> x = Numbers(inner).take<float>(outer * length * inner), found(outer * inner),
                     expected(outer * inner);
  for (std::size_t o = 0; o < outer; ++o) {
    for (std::size_t i = 0; i < inner; ++i) {
      expected[o * inner + i] = sum_as_defined(x, o * length * inner + i, inner, length, 4, 256);
    }
  }
  const auto O = static_cast<int64_t>(outer), R = static_cast<int64_t>(length), I = static_cast<int64_t>(inner);

  run(reduce(ReduceKind::kSum, view(x, {O, R, I}), 1, 2), view(found, {O, I}), threads);

  CHECK(tensors::same_bits(found, expected));
}

void column_sums_follow_the_definition() {
  check_columns(1, 1, 2, 1);
  check_columns(2, 255, 3, 1);
  check_columns(1, 257, 300, 2);
  check_columns(3, 5 * 256 + 3, 2, 3);
  check_columns(1, 1100, 513, 3);
}

void extents_of_one_behind_count_as_nothing_behind() {
  std::vector<float> x = Numbers(5).take<float>(5000), found(1);
  run(reduce(ReduceKind::kSum, view(x, {5000, 1, 1}), 0, 1), view(found, {1, 1}));
  CHECK_EQ(found[0], sum_as_defined(x, 0, 1, 5000, 64, 4096));
}

void strided_input_gives_the_bits_of_a_contiguous_one() {
  std::vector<float> x = Numbers(9).take<float>(200 * 100), found(200), transposed(200 * 100), expected(200);
  for (std::size_t i = 0; i < 100; ++i) {
    for (std::size_t j = 0; j < 200; ++j) transposed[j * 100 + i] = x[i * 200 + j];
  }
  run(reduce(ReduceKind::kSum, view(transposed, {200, 100}), 1, 2), view(expected, {200}));

  run(reduce(ReduceKind::kSum, {x.data(), Dtype::kFloat32, {200, 100}, {1, 200}}, 1, 2), view(found, {200}), 2);

  CHECK(tensors::same_bits(found, expected));
}

void empty_runs_give_the_identity() {
  std::vector<float> nothing, found(2);
  run(reduce(ReduceKind::kSum, view(nothing, {2, 0}), 1, 2), view(found, {2}));
  CHECK_EQ(found[1], 0.0f);
  run(reduce(ReduceKind::kProd, view(nothing, {2, 0}), 1, 2), view(found, {2}));
  CHECK_EQ(found[1], 1.0f);
  run(reduce(ReduceKind::kMax, view(nothing, {2, 0}), 1, 2), view(found, {2}));
  CHECK_EQ(found[1], -std::numeric_limits<float>::infinity());
}

void integers_wrap() {
  std::vector<int8_t> x = {100, 100, 100}, found(1);
  run(reduce(ReduceKind::kSum, view(x, {3}), 0, 1), view(found, {}));
  CHECK_EQ(static_cast<int>(found[0]), 300 - 256);
}

void extremes_of_integers_reach_the_ends_of_the_range() {
  std::vector<int64_t> x = {INT64_MIN, 5, INT64_MAX, -3}, found(1);
  run(reduce(ReduceKind::kMax, view(x, {4}), 0, 1), view(found, {}));
  CHECK_EQ(found[0], INT64_MAX);
  run(reduce(ReduceKind::kMin, view(x, {4}), 0, 1), view(found, {}));
  CHECK_EQ(found[0], INT64_MIN);
}

void a_nan_is_the_maximum() {
  std::vector<float> x = {1, NAN, 3}, found(1);
  run(reduce(ReduceKind::kMax, view(x, {3}), 0, 1), view(found, {}));
  CHECK(std::isnan(found[0]));
}

void argmax_takes_the_first_of_equals_and_the_first_nan() {
  std::vector<float> x = {1, 7, 7, 0, 2, NAN, 9, NAN};
  std::vector<int64_t> found(2);
  run(reduce(ReduceKind::kArgMax, view(x, {2, 4}), 1, 2), view(found, {2}));
  CHECK_EQ(found[0], int64_t{1});
  CHECK_EQ(found[1], int64_t{1});
}

void argmin_over_columns_names_the_row() {
  std::vector<int32_t> x = {4, -1, 3, -2, -1, 3};
  std::vector<int64_t> found(2);
  run(reduce(ReduceKind::kArgMin, view(x, {3, 2}), 0, 1), view(found, {2}));
  CHECK_EQ(found[0], int64_t{2});
  CHECK_EQ(found[1], int64_t{1});
}

void argmax_counts_across_blocks() {
  std::vector<float> x(10000, 0.0f);
  x[9001] = 1;
  std::vector<int64_t> found(1);
  run(reduce(ReduceKind::kArgMax, view(x, {10000}), 0, 1), view(found, {}), 2);
  CHECK_EQ(found[0], int64_t{9001});
}

/// 2048 + 1 is not a float16, so a sum that rounds on the way would stay at 2048.
void sixteen_bit_sums_accumulate_in_float32() {
  std::vector<uint16_t> x(4096, 0x3C00), found(1);  // ones
  TensorView input = view(x, {4096}), output = view(found, {});
  input.dtype = output.dtype = Dtype::kFloat16;
  run(reduce(ReduceKind::kSum, input, 0, 1), output);
  CHECK_EQ(found[0], uint16_t{0x6C00});  // 4096
}

void instruction_sets_agree() {
  std::vector<float> x = Numbers(3).take<float>(20000), expected(1), found(1);
  CHECK(jtcy::set_instruction_set("portable"));
  run(reduce(ReduceKind::kSum, view(x, {20000}), 0, 1), view(expected, {}));
  for (const char* name : {"avx2", "avx512"}) {
    if (!jtcy::set_instruction_set(name)) continue;
    run(reduce(ReduceKind::kSum, view(x, {20000}), 0, 1), view(found, {}));
    CHECK_EQ(found[0], expected[0]);
  }
  CHECK(!jtcy::set_instruction_set("neon"));
}

}  // namespace

int main() {
  const check::Test tests[] = {
      TEST(row_sums_follow_the_definition),
      TEST(column_sums_follow_the_definition),
      TEST(extents_of_one_behind_count_as_nothing_behind),
      TEST(strided_input_gives_the_bits_of_a_contiguous_one),
      TEST(empty_runs_give_the_identity),
      TEST(integers_wrap),
      TEST(extremes_of_integers_reach_the_ends_of_the_range),
      TEST(a_nan_is_the_maximum),
      TEST(argmax_takes_the_first_of_equals_and_the_first_nan),
      TEST(argmin_over_columns_names_the_row),
      TEST(argmax_counts_across_blocks),
      TEST(sixteen_bit_sums_accumulate_in_float32),
      TEST(instruction_sets_agree),
  };
  return check::run_all(tests);
}
