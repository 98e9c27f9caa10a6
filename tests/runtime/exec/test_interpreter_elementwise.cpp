// Elementwise ops and sources of the interpreter: values, layouts, dtypes, threads.
#include <cmath>

#include "../check.h"
#include "tensors.h"

using jtcy::Dtype;
using jtcy::OpKind;
using jtcy::TensorView;
using tensors::ints;
using tensors::Numbers;
using tensors::run;
using tensors::view;

namespace {

template <typename T>
void check_sum_of_small_integers() {
  std::vector<T> a = {1, 2, 3, 4, 5}, b = {10, 20, 30, 40, 50}, found(5), expected = {11, 22, 33, 44, 55};
  run({OpKind::kAdd, {view(a, {5}), view(b, {5})}}, view(found, {5}));
  CHECK(found == expected);
}

void add_works_in_every_native_dtype() {
  check_sum_of_small_integers<uint8_t>();
  check_sum_of_small_integers<int8_t>();
  check_sum_of_small_integers<int16_t>();
  check_sum_of_small_integers<int32_t>();
  check_sum_of_small_integers<int64_t>();
  check_sum_of_small_integers<uint16_t>();
  check_sum_of_small_integers<uint32_t>();
  check_sum_of_small_integers<uint64_t>();
  check_sum_of_small_integers<float>();
  check_sum_of_small_integers<double>();
}

/// 1 + 2^-11 rounds to 1 in float16, to nearest even.
void float16_rounds_after_each_op() {
  std::vector<uint16_t> one = {0x3C00}, small = {0x1000}, found(1);
  TensorView a = view(one, {1}), b = view(small, {1}), y = view(found, {1});
  a.dtype = b.dtype = y.dtype = Dtype::kFloat16;
  run({OpKind::kAdd, {a, b}}, y);
  CHECK_EQ(found[0], uint16_t{0x3C00});
}

void broadcast_and_transposed_operands_are_gathered() {
  constexpr int64_t kRows = 70, kColumns = 90;
  std::vector<float> a = Numbers(1).take<float>(kRows * kColumns), b = Numbers(2).take<float>(kColumns);
  std::vector<float> found(kRows * kColumns), expected(kRows * kColumns);
  for (int64_t i = 0; i < kRows; ++i) {
    for (int64_t j = 0; j < kColumns; ++j) {
      expected[static_cast<std::size_t>(i * kColumns + j)] =
          a[static_cast<std::size_t>(j * kRows + i)] - b[static_cast<std::size_t>(j)];
    }
  }
  const TensorView transposed{a.data(), Dtype::kFloat32, {kRows, kColumns}, {1, kRows}};
  const TensorView row{b.data(), Dtype::kFloat32, {kRows, kColumns}, {0, 1}};

  run({OpKind::kSub, {transposed, row}}, view(found, {kRows, kColumns}));

  CHECK(found == expected);
}

void a_reversed_operand_is_read_backwards() {
  std::vector<int32_t> x = {1, 2, 3, 4}, found(4), expected = {-4, -3, -2, -1};
  run({OpKind::kNeg, {{x.data() + 3, Dtype::kInt32, {4}, {-1}}}}, view(found, {4}));
  CHECK(found == expected);
}

void threads_do_not_change_the_values() {
  std::vector<float> x = Numbers(7).take<float>(100'003), one(x.size()), three(x.size());
  const auto n = static_cast<int64_t>(x.size());
  run({OpKind::kExp, {view(x, {n})}}, view(one, {n}), 1);
  run({OpKind::kExp, {view(x, {n})}}, view(three, {n}), 3);
  CHECK(tensors::same_bits(one, three));
  CHECK(std::fabs(one[5] - std::exp(static_cast<double>(x[5]))) < 1e-6);
}

void where_takes_from_the_side_that_the_condition_names() {
  std::vector<uint8_t> condition = {1, 0, 1};
  std::vector<double> a = {1, 2, 3}, b = {-1, -2, -3}, found(3), expected = {1, -2, 3};
  TensorView c = view(condition, {3});
  c.dtype = Dtype::kBool;
  run({OpKind::kWhere, {c, view(a, {3}), view(b, {3})}}, view(found, {3}));
  CHECK(found == expected);
}

void comparisons_with_nan_are_false() {
  std::vector<float> a = {1, NAN, 3}, b = {2, 1, 3};
  std::vector<uint8_t> found(3), expected = {1, 0, 1};
  TensorView y = view(found, {3});
  y.dtype = Dtype::kBool;
  run({OpKind::kLe, {view(a, {3}), view(b, {3})}}, y);
  CHECK(found == expected);
}

void casts_from_float_follow_the_table() {
  std::vector<float> x = {2.9f, -2.9f, NAN, 3e9f};
  std::vector<int32_t> found(4), expected = {2, -2, INT32_MIN, INT32_MIN};
  run({OpKind::kCast, {view(x, {4})}}, view(found, {4}));
  CHECK(found == expected);
}

void integer_division_by_zero_is_zero() {
  std::vector<int32_t> a = {7, -7, INT32_MIN}, b = {0, 2, -1}, found(3), expected = {0, -4, INT32_MIN};
  run({OpKind::kFloorDiv, {view(a, {3}), view(b, {3})}}, view(found, {3}));
  CHECK(found == expected);
}

void full_converts_its_scalar_once() {
  std::vector<uint8_t> found(3), expected = {44, 44, 44};
  run({OpKind::kFull, {}, {}, ints({300})}, view(found, {3}));
  CHECK(found == expected);
}

void iota_counts_along_its_axis() {
  std::vector<int64_t> found(6), expected = {5, 5, 5, 3, 3, 3};
  run({OpKind::kIota, {}, {0}, ints({5, -2})}, view(found, {2, 3}));
  CHECK(found == expected);
}

/// Random123's known answer: key and counter 0 give 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
void random_is_philox() {
  std::vector<uint32_t> found(6);
  run({OpKind::kRandom, {}, {}, ints({0, 0})}, view(found, {6}));
  CHECK_EQ(found[0], 0x6627e8d5u);
  CHECK_EQ(found[1], 0xe169c58du);
  CHECK_EQ(found[2], 0xbc57ac4cu);
  CHECK_EQ(found[3], 0x9b00dbd8u);
}

void random_floats_come_from_the_words_for_any_threads() {
  std::vector<uint32_t> words(70'000);
  std::vector<float> floats(words.size()), expected(words.size());
  std::vector<double> doubles(words.size() / 2), wide(words.size() / 2);
  const auto n = static_cast<int64_t>(words.size());
  run({OpKind::kRandom, {}, {}, ints({12345678901234, 77})}, view(words, {n}), 1);
  for (std::size_t i = 0; i < words.size(); ++i) expected[i] = std::ldexp(static_cast<float>(words[i] >> 8), -24);
  for (std::size_t i = 0; i < wide.size(); ++i) {
    wide[i] = std::ldexp(static_cast<double>((uint64_t{words[2 * i]} >> 5 << 26) + (words[2 * i + 1] >> 6)), -53);
  }

  run({OpKind::kRandom, {}, {}, ints({12345678901234, 77})}, view(floats, {n}), 3);
  run({OpKind::kRandom, {}, {}, ints({12345678901234, 77})}, view(doubles, {n / 2}), 2);

  CHECK(floats == expected);
  CHECK(doubles == wide);
}

void an_empty_output_touches_nothing() {
  std::vector<float> nothing;
  run({OpKind::kExp, {view(nothing, {0, 3})}}, view(nothing, {0, 3}), 2);
  CHECK(nothing.empty());
}

}  // namespace

int main() {
  const check::Test tests[] = {
      TEST(add_works_in_every_native_dtype),
      TEST(float16_rounds_after_each_op),
      TEST(broadcast_and_transposed_operands_are_gathered),
      TEST(a_reversed_operand_is_read_backwards),
      TEST(threads_do_not_change_the_values),
      TEST(where_takes_from_the_side_that_the_condition_names),
      TEST(comparisons_with_nan_are_false),
      TEST(casts_from_float_follow_the_table),
      TEST(integer_division_by_zero_is_zero),
      TEST(full_converts_its_scalar_once),
      TEST(iota_counts_along_its_axis),
      TEST(random_is_philox),
      TEST(random_floats_come_from_the_words_for_any_threads),
      TEST(an_empty_output_touches_nothing),
  };
  return check::run_all(tests);
}
