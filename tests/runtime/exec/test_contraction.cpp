// Contractions against their definition, bit by bit: every role of axes, windows, borders, divisors, strides, dtypes.
#include <algorithm>
#include <limits>

#include "../check.h"
#include "contractions.h"
#include "exec/kernel_math.h"

using contractions::contract;
using contractions::contract_as_defined;
using contractions::kSets;
using contractions::Map;
using contractions::Operand;
using contractions::storage;
using jtcy::ContractionDim;
using jtcy::Dtype;
using jtcy::Shape;
using jtcy::Strides;
using jtcy::TensorView;
using tensors::Numbers;
using tensors::same_bits;

namespace {

/// Maps with every feature: axes of each role in any order, windows with steps both ways, divisors, strided operands.
class Maps {
 public:
  explicit Maps(uint64_t seed) : numbers_(seed) {}

  Map next() {
    Map map;
    std::vector<int> in;  // bit 0: in a, bit 1: in b
    for (const int operands : {3, 1, 2}) {
      for (int64_t i = below(3); i > 0; --i) in.push_back(operands);
    }
    for (std::size_t i = in.size(); i > 1; --i)
      std::swap(in[i - 1], in[static_cast<std::size_t>(below(static_cast<int64_t>(i)))]);
    for (std::size_t i = 0; i < in.size(); ++i) map.extents.push_back(extent(in[i] == 2 || in[i] == 1 ? 40 : 4));
    map.out_ndim = static_cast<int64_t>(in.size());
    while (product(map.extents) > kMostResults) *std::max_element(map.extents.begin(), map.extents.end()) /= 2;
    for (int64_t i = below(3); i > 0; --i) {
      in.push_back(below(8) == 0 ? 1 + static_cast<int>(below(2)) : 3);
      map.extents.push_back(below(4) == 0 ? 1 + below(600) : extent(8));
    }
    while (product(map.extents) > kMostProducts) *std::max_element(map.extents.begin(), map.extents.end()) /= 2;
    int used_windows = 0;
    for (int operand = 0; operand < 2; ++operand) add_dims(operand, in, &used_windows, &map);
    for (Operand& operand : map.operands) lay_out(&operand);
    return map;
  }
  int64_t below(int64_t limit) { return static_cast<int64_t>((numbers_.next() + 1) / 2 * static_cast<double>(limit)); }

 private:
  static constexpr int64_t kMostResults = 2000, kMostProducts = 20'000;  // the definition is slow

  int64_t extent(int64_t most) { return below(4) == 0 ? 1 : 1 + below(most); }
  static int64_t product(const std::vector<int64_t>& extents) {
    int64_t count = 1;
    for (const int64_t extent : extents) count *= extent;
    return count;
  }

  void add_dims(int operand, const std::vector<int>& in, int* used_windows, Map* map) {
    const auto out_ndim = static_cast<std::size_t>(map->out_ndim);
    for (std::size_t axis = 0; axis < in.size(); ++axis) {
      if ((in[axis] >> operand & 1) == 0) continue;
      ContractionDim dim;
      dim.axis1 = static_cast<int64_t>(axis);
      int64_t extent = map->extents[axis];
      // A summed axis goes into the window of an output axis that only this operand has; the other holds it alone.
      const bool summed = axis >= out_ndim;
      const auto partner = std::find(in.begin(), in.begin() + map->out_ndim, 1 << operand);
      if (summed && in[axis] == 3 && partner != in.begin() + map->out_ndim && *used_windows == 0 && below(3) != 0) {
        *used_windows = 1;
        const int64_t own = partner - in.begin();
        std::erase_if(map->operands[operand].dims, [own](const ContractionDim& d) { return d.axis1 == own; });
        map->operands[operand].shape.clear();
        dim = ContractionDim{own,          1 + below(2), dim.axis1, below(2) == 0 ? 1 + below(2) : -1 - below(2),
                             1 + below(2), below(9) - 4};
        extent = 1 + below(30);
      }
      map->operands[operand].dims.push_back(dim);
      dim_extent_[operand][static_cast<std::size_t>(dim.axis1)] = extent;
    }
    for (const ContractionDim& dim : map->operands[operand].dims) {
      map->operands[operand].shape.push_back(dim_extent_[operand][static_cast<std::size_t>(dim.axis1)]);
    }
  }

  /// Contiguous, or with gaps, or with the dims turned round.
  void lay_out(Operand* operand) {
    const int64_t kind = below(3);
    operand->strides = jtcy::contiguous_strides(operand->shape);
    if (kind == 1) {
      for (int64_t& stride : operand->strides) stride *= 2;
    } else if (kind == 2) {
      int64_t stride = 1;
      for (std::size_t d = 0; d < operand->shape.size(); ++d) {
        operand->strides[d] = stride;
        stride *= std::max<int64_t>(1, operand->shape[d]);
      }
    }
  }

  Numbers numbers_;
  int64_t dim_extent_[2][16] = {};
};

/// 200 maps of one dtype on each instruction set and 1 to 3 threads.
template <typename Stored, typename Sum, typename Draw, typename Widen, typename Round>
void maps_follow_the_definition(Dtype dtype, uint64_t seed, Draw draw, Widen widen, Round round) {
  for (uint64_t number = 0; number < 200; ++number) {
    Maps maps(seed * 1000 + number);
    const Map map = maps.next();
    std::vector<Stored> a(storage(map.operands[0])), b(storage(map.operands[1]));
    Numbers numbers(number);
    for (Stored& value : a) value = draw(numbers.next());
    for (Stored& value : b) value = draw(numbers.next());
    for (const char* set : kSets) {
      if (!jtcy::set_instruction_set(set)) continue;
      const bool fused = std::string(set) != "portable";
      const std::vector<Stored> expected = contract_as_defined<Stored, Sum>(map, a, b, fused, widen, round);
      const std::vector<Stored> found = contract(map, dtype, a, b, 1 + static_cast<int>(number % 3));
      if (!same_bits(found, expected)) {
        check::fail(__FILE__, __LINE__, std::string(set) + ": map " + std::to_string(number) + " differs");
        return;
      }
    }
  }
}

constexpr auto kSame = [](auto value) { return value; };

void float32_follows_the_definition() {
  maps_follow_the_definition<float, float>(
      Dtype::kFloat32, 1, [](double x) { return static_cast<float>(x); }, kSame, kSame);
}

void float64_follows_the_definition() {
  maps_follow_the_definition<double, double>(Dtype::kFloat64, 2, kSame, kSame, kSame);
}

void float16_sums_in_float32_and_rounds_once() {
  maps_follow_the_definition<uint16_t, float>(
      Dtype::kFloat16, 3, [](double x) { return jt_cast_f64_f16(x); }, [](uint16_t x) { return jt_cast_f16_f32(x); },
      [](float x) { return jt_cast_f32_f16(x); });
}

void bfloat16_sums_in_float32_and_rounds_once() {
  maps_follow_the_definition<uint16_t, float>(
      Dtype::kBfloat16, 4, [](double x) { return jt_cast_f64_bf16(x); }, [](uint16_t x) { return jt_cast_bf16_f32(x); },
      [](float x) { return jt_cast_f32_bf16(x); });
}

template <typename T>
void integers_follow_the_definition(Dtype dtype, uint64_t seed) {
  const auto draw = [](double x) { return static_cast<T>(static_cast<int64_t>(x * 1e18)); };
  maps_follow_the_definition<T, T>(dtype, seed, draw, kSame, kSame);
}

void integers_wrap_as_defined() {
  integers_follow_the_definition<int8_t>(Dtype::kInt8, 5);
  integers_follow_the_definition<int16_t>(Dtype::kInt16, 6);
  integers_follow_the_definition<int32_t>(Dtype::kInt32, 7);
  integers_follow_the_definition<uint64_t>(Dtype::kUint64, 8);
}

Map matmul(int64_t m, int64_t n, int64_t k) {
  Map map;
  map.extents = {m, n, k};
  map.out_ndim = 2;
  map.operands[0] = {Shape{m, k}, jtcy::contiguous_strides(Shape{m, k}), {ContractionDim{0}, ContractionDim{2}}};
  map.operands[1] = {Shape{k, n}, jtcy::contiguous_strides(Shape{k, n}), {ContractionDim{2}, ContractionDim{1}}};
  return map;
}

void every_tile_edge_follows_the_definition() {
  Numbers numbers(11);
  for (const char* set : kSets) {
    if (!jtcy::set_instruction_set(set)) continue;
    for (int64_t m = 1; m <= 26; ++m) {
      for (const int64_t n : {1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65}) {
        const Map map = matmul(m, n, 259);
        auto a = numbers.take<float>(static_cast<std::size_t>(m * 259)),
             b = numbers.take<float>(static_cast<std::size_t>(n * 259));
        const auto expected =
            contract_as_defined<float, float>(map, a, b, std::string(set) != "portable", kSame, kSame);
        CHECK(same_bits(contract(map, Dtype::kFloat32, a, b, 2), expected));
      }
    }
  }
}

/// Operands as they are, turned, and with steps in both dims; wide enough for every way of packing.
template <typename T, typename Draw>
void layouts_follow(Dtype dtype, Draw draw) {
  const int64_t sizes[][3] = {{37, 70, 300}, {1, 1000, 259}, {1000, 1, 259}, {3, 5, 700},
                              {130, 33, 17}, {2, 300, 3},    {1, 1, 4867}};
  for (const auto& [m, n, k] : sizes) {
    for (int layout = 0; layout < 9; ++layout) {
      Map map = matmul(m, n, k);
      for (int operand = 0; operand < 2; ++operand) {
        const Shape& shape = map.operands[operand].shape;
        const int kind = operand == 0 ? layout / 3 : layout % 3;
        if (kind == 1) map.operands[operand].strides = Strides{1, shape[0] + 3};
        if (kind == 2) map.operands[operand].strides = Strides{2 * shape[1] + 1, 2};
      }
      Numbers numbers(static_cast<uint64_t>(m + layout));
      std::vector<T> a(storage(map.operands[0])), b(storage(map.operands[1]));
      for (T& value : a) value = draw(numbers.next());
      for (T& value : b) value = draw(numbers.next());
      for (const char* set : kSets) {
        if (!jtcy::set_instruction_set(set)) continue;
        const auto expected = contract_as_defined<T, T>(map, a, b, std::string(set) != "portable", kSame, kSame);
        CHECK(same_bits(contract(map, dtype, a, b, 2), expected));
      }
    }
  }
}

void every_layout_follows_the_definition() {
  const auto whole = [](double x) { return static_cast<int16_t>(x * 30000); };
  const auto byte = [](double x) { return static_cast<int8_t>(x * 127); };
  layouts_follow<float>(Dtype::kFloat32, [](double x) { return static_cast<float>(x); });
  layouts_follow<double>(Dtype::kFloat64, kSame);
  layouts_follow<int16_t>(Dtype::kInt16, whole);
  layouts_follow<int8_t>(Dtype::kInt8, byte);
}

void results_do_not_depend_on_the_number_of_threads() {
  Numbers numbers(12);
  const Map map = matmul(200, 300, 700);
  auto a = numbers.take<float>(200 * 700), b = numbers.take<float>(300 * 700);

  const auto one = contract(map, Dtype::kFloat32, a, b, 1);

  for (const int threads : {2, 3, 5}) CHECK(same_bits(contract(map, Dtype::kFloat32, a, b, threads), one));
}

void large_blocks_follow_the_definition() {
  Numbers numbers(13);
  const Map map = matmul(500, 1100, 3);
  auto a = numbers.take<float>(500 * 3), b = numbers.take<float>(1100 * 3);
  jtcy::set_instruction_set("portable");
  CHECK(same_bits(contract(map, Dtype::kFloat32, a, b, 2),
                  contract_as_defined<float, float>(map, a, b, false, kSame, kSame)));
}

template <typename Stored, typename Sum, typename Draw, typename Widen, typename Round>
void long_sum_follows(Dtype dtype, Draw draw, Widen widen, Round round) {
  const int64_t m = 5, n = 7, k = 20 * jtcy::kContractionBlock + 3;
  const Map map = matmul(m, n, k);
  Numbers numbers(14);
  std::vector<Stored> a(static_cast<std::size_t>(m * k)), b(static_cast<std::size_t>(n * k));
  for (Stored& value : a) value = draw(numbers.next());
  for (Stored& value : b) value = draw(numbers.next());
  for (const char* set : kSets) {
    if (!jtcy::set_instruction_set(set)) continue;
    const auto expected = contract_as_defined<Stored, Sum>(map, a, b, std::string(set) != "portable", widen, round);
    for (const int threads : {1, 2, 3}) CHECK(same_bits(contract(map, dtype, a, b, threads), expected));
  }
}

void few_results_of_a_long_sum_follow_the_definition() {
  const auto whole = [](double x) { return static_cast<int32_t>(x * 1e9); };
  const auto half = [](double x) { return jt_cast_f64_f16(x); };
  const auto widen = [](uint16_t x) { return jt_cast_f16_f32(x); };
  const auto round = [](float x) { return jt_cast_f32_f16(x); };
  long_sum_follows<float, float>(Dtype::kFloat32, [](double x) { return static_cast<float>(x); }, kSame, kSame);
  long_sum_follows<double, double>(Dtype::kFloat64, kSame, kSame, kSame);
  long_sum_follows<int32_t, int32_t>(Dtype::kInt32, whole, kSame, kSame);
  long_sum_follows<uint16_t, float>(Dtype::kFloat16, half, widen, round);
}

void bool_of_a_long_sum_is_or_of_ands() {
  const Map map = matmul(1, 2, 5000);
  std::vector<uint8_t> a(5000, 1), b(10000, 0);
  b[2 * 3000 + 1] = 1;

  const auto found = contract(map, Dtype::kBool, a, b, 2);

  CHECK(same_bits(found, std::vector<uint8_t>{0, 1}));
}

void empty_sum_is_zero() {
  const Map map = matmul(3, 4, 0);
  std::vector<float> a(1), b(1);

  const auto found = contract(map, Dtype::kFloat32, a, b, 1);

  CHECK(same_bits(found, std::vector<float>(12, 0.0f)));
}

void empty_output_is_left_alone() {
  const Map map = matmul(0, 4, 5);
  std::vector<float> a(1), b(20);

  CHECK(contract(map, Dtype::kFloat32, a, b, 1).empty());
}

void nan_and_infinity_pass_through() {
  const Map map = matmul(1, 2, 2);
  std::vector<float> a{1.0f, 0.0f}, b{1.0f, 2.0f, std::numeric_limits<float>::infinity(), 3.0f};

  const auto found = contract(map, Dtype::kFloat32, a, b, 1);

  CHECK(std::isnan(found[0]));
  CHECK_EQ(found[1], 2.0f);
}

}  // namespace

int main() {
  const check::Test tests[] = {
      TEST(float32_follows_the_definition),
      TEST(float64_follows_the_definition),
      TEST(float16_sums_in_float32_and_rounds_once),
      TEST(bfloat16_sums_in_float32_and_rounds_once),
      TEST(integers_wrap_as_defined),
      TEST(every_tile_edge_follows_the_definition),
      TEST(every_layout_follows_the_definition),
      TEST(results_do_not_depend_on_the_number_of_threads),
      TEST(large_blocks_follow_the_definition),
      TEST(few_results_of_a_long_sum_follow_the_definition),
      TEST(bool_of_a_long_sum_is_or_of_ands),
      TEST(empty_sum_is_zero),
      TEST(empty_output_is_left_alone),
      TEST(nan_and_infinity_pass_through),
  };
  return check::run_all(tests);
}
