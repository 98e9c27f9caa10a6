// Convolutions and both their gradients against the definition of a contraction, bit by bit, and what goes on from
// them.
#include <limits>
#include <string>

#include "../check.h"
#include "contractions.h"
#include "exec/kernel_math.h"
#include "exec/window.h"

using contractions::contract;
using contractions::contract_as_defined;
using contractions::kSets;
using contractions::Map;
using contractions::Operand;
using contractions::storage;
using jtcy::ContractionDim;
using jtcy::Dtype;
using jtcy::Shape;
using tensors::Numbers;
using tensors::same_bits;

namespace {

constexpr auto kSame = [](auto value) { return value; };

struct Spatial {
  int64_t extent, taps, step, dilation, padding;
  int64_t out() const { return (extent + 2 * padding - dilation * (taps - 1) - 1) / step + 1; }
};

struct Conv {
  int64_t images, groups, channels, filters;  // channels and filters of one group
  std::vector<Spatial> spatial;
};

void add(Operand* operand, int64_t extent, const ContractionDim& dim) {
  operand->shape.push_back(extent);
  operand->dims.push_back(dim);
}

/// Axes of a convolution's map, in the order that the output and then the sum has them.
class Axes {
 public:
  explicit Axes(Map* map) : map_(*map) {}
  int64_t add(int64_t extent) {
    map_.extents.push_back(extent);
    return static_cast<int64_t>(map_.extents.size()) - 1;
  }
  std::vector<int64_t> add_all(const std::vector<Spatial>& spatial, int64_t (*extent)(const Spatial&)) {
    std::vector<int64_t> axes;
    for (const Spatial& s : spatial) axes.push_back(add(extent(s)));
    return axes;
  }
  void end_output() { map_.out_ndim = static_cast<int64_t>(map_.extents.size()); }

 private:
  Map& map_;
};

void lay_out(Map* map) {
  for (Operand& operand : map->operands) operand.strides = jtcy::contiguous_strides(operand.shape);
}

int64_t in_extent(const Spatial& s) { return s.extent; }
int64_t out_extent(const Spatial& s) { return s.out(); }
int64_t tap_extent(const Spatial& s) { return s.taps; }

Map forward(const Conv& conv) {
  Map map;
  Axes axes(&map);
  const int64_t n = axes.add(conv.images), g = axes.add(conv.groups), o = axes.add(conv.filters);
  const auto positions = axes.add_all(conv.spatial, out_extent);
  axes.end_output();
  const int64_t c = axes.add(conv.channels);
  const auto taps = axes.add_all(conv.spatial, tap_extent);
  Operand &x = map.operands[0], &w = map.operands[1];
  add(&x, conv.images, {n});
  add(&x, conv.groups, {g});
  add(&x, conv.channels, {c});
  add(&w, conv.groups, {g});
  add(&w, conv.filters, {o});
  add(&w, conv.channels, {c});
  for (std::size_t i = 0; i < conv.spatial.size(); ++i) {
    const Spatial& s = conv.spatial[i];
    add(&x, s.extent, {positions[i], s.step, taps[i], s.dilation, 1, -s.padding});
    add(&w, s.taps, {taps[i]});
  }
  lay_out(&map);
  return map;
}

Map gradient_of_image(const Conv& conv) {
  Map map;
  Axes axes(&map);
  const int64_t n = axes.add(conv.images), g = axes.add(conv.groups), c = axes.add(conv.channels);
  const auto places = axes.add_all(conv.spatial, in_extent);
  axes.end_output();
  const int64_t o = axes.add(conv.filters);
  const auto taps = axes.add_all(conv.spatial, tap_extent);
  Operand &dy = map.operands[0], &w = map.operands[1];
  add(&dy, conv.images, {n});
  add(&dy, conv.groups, {g});
  add(&dy, conv.filters, {o});
  add(&w, conv.groups, {g});
  add(&w, conv.filters, {o});
  add(&w, conv.channels, {c});
  for (std::size_t i = 0; i < conv.spatial.size(); ++i) {
    const Spatial& s = conv.spatial[i];
    add(&dy, s.out(), {places[i], 1, taps[i], -s.dilation, s.step, s.padding});
    add(&w, s.taps, {taps[i]});
  }
  lay_out(&map);
  return map;
}

Map gradient_of_filter(const Conv& conv) {
  Map map;
  Axes axes(&map);
  const int64_t g = axes.add(conv.groups), o = axes.add(conv.filters), c = axes.add(conv.channels);
  const auto taps = axes.add_all(conv.spatial, tap_extent);
  axes.end_output();
  const int64_t n = axes.add(conv.images);
  const auto positions = axes.add_all(conv.spatial, out_extent);
  Operand &x = map.operands[0], &dy = map.operands[1];
  add(&x, conv.images, {n});
  add(&x, conv.groups, {g});
  add(&x, conv.channels, {c});
  add(&dy, conv.images, {n});
  add(&dy, conv.groups, {g});
  add(&dy, conv.filters, {o});
  for (std::size_t i = 0; i < conv.spatial.size(); ++i) {
    const Spatial& s = conv.spatial[i];
    add(&x, s.extent, {positions[i], s.step, taps[i], s.dilation, 1, -s.padding});
    add(&dy, s.out(), {positions[i]});
  }
  lay_out(&map);
  return map;
}

constexpr int64_t kMostProducts = 60'000;  // the definition is slow

int64_t products(const Conv& conv) {
  int64_t count = conv.images * conv.groups * conv.channels * conv.filters;
  for (const Spatial& s : conv.spatial) count *= s.out() * s.taps;
  return count;
}

int64_t& largest(Conv& conv) {
  int64_t& some = conv.images > conv.groups ? conv.images : conv.groups;
  return some > conv.filters ? some : conv.filters;
}

struct Draw {
  explicit Draw(uint64_t seed) : numbers(seed) {}
  int64_t below(int64_t limit) { return static_cast<int64_t>((numbers.next() + 1) / 2 * static_cast<double>(limit)); }
  Conv conv() {
    Conv conv{1 + below(4), 1 + below(3), 1 + below(9), 1 + below(30), {}};
    const int64_t dims = 1 + below(3);
    for (int64_t i = 0; i < dims; ++i) {
      Spatial s{1 + below(dims == 1 ? 90 : 11), 1 + below(4), 1 + below(3), 1 + below(2), below(3)};
      while (s.dilation * (s.taps - 1) + 1 > s.extent + 2 * s.padding) s.taps = 1;
      conv.spatial.push_back(s);
    }
    if (below(4) == 0) conv.channels += 60;
    while (products(conv) > kMostProducts) {
      int64_t& most = largest(conv);
      if (most == 1) break;
      most /= 2;
    }
    return conv;
  }
  Numbers numbers;
};

template <typename Stored, typename Sum, typename Take, typename Widen, typename Round>
bool follows_definition(const Map& map, Dtype dtype, uint64_t seed, Take take, Widen widen, Round round) {
  std::vector<Stored> a(storage(map.operands[0])), b(storage(map.operands[1]));
  Numbers numbers(seed);
  for (Stored& value : a) value = take(numbers.next());
  for (Stored& value : b) value = take(numbers.next());
  for (const char* set : kSets) {
    if (!jtcy::set_instruction_set(set)) continue;
    const auto expected = contract_as_defined<Stored, Sum>(map, a, b, std::string(set) != "portable", widen, round);
    for (const int threads : {1, 3}) {
      if (!same_bits(contract(map, dtype, a, b, threads), expected)) return false;
    }
  }
  return true;
}

bool goes_by_windows(const Map& map, Dtype dtype) {
  float value = 0;
  const auto view = [&](const Operand& operand) {
    return jtcy::TensorView{&value, dtype, operand.shape, operand.strides};
  };
  const tensors::Op op = map.op(view(map.operands[0]), view(map.operands[1]));
  const Shape shape = map.out_shape();
  const jtcy::TensorView output{&value, dtype, shape, jtcy::contiguous_strides(shape)};
  jtcy::OpView seen;
  seen.kind = op.kind;
  seen.structure = op.structure.data();
  seen.structure_count = static_cast<int64_t>(op.structure.size());
  seen.scalars = op.scalars.scalars.data();
  seen.scalar_count = static_cast<int64_t>(op.scalars.scalars.size());
  seen.inputs = op.inputs.data();
  seen.input_count = 2;
  seen.output = &output;
  return jtcy::window_scratch(seen, 1) >= 0;
}

template <typename Stored, typename Sum, typename Take, typename Widen, typename Round>
void convolutions_follow(Dtype dtype, uint64_t seed, uint64_t count, Take take, Widen widen, Round round) {
  for (uint64_t number = 0; number < count; ++number) {
    Draw draw(seed * 1000 + number);
    const Conv conv = draw.conv();
    const Map maps[] = {forward(conv), gradient_of_image(conv), gradient_of_filter(conv)};
    for (const Map& map : maps) {
      CHECK(goes_by_windows(map, dtype));
      if (follows_definition<Stored, Sum>(map, dtype, number, take, widen, round)) continue;
      check::fail(__FILE__, __LINE__, "convolution " + std::to_string(number) + " differs");
      return;
    }
  }
}

void convolutions_of_float32_follow_the_definition() {
  convolutions_follow<float, float>(
      Dtype::kFloat32, 1, 40, [](double x) { return static_cast<float>(x); }, kSame, kSame);
}

void convolutions_of_float64_follow_the_definition() {
  convolutions_follow<double, double>(Dtype::kFloat64, 2, 20, kSame, kSame, kSame);
}

void convolutions_of_float16_sum_in_float32_and_round_once() {
  convolutions_follow<uint16_t, float>(
      Dtype::kFloat16, 3, 20, [](double x) { return jt_cast_f64_f16(x); },
      [](uint16_t x) { return jt_cast_f16_f32(x); }, [](float x) { return jt_cast_f32_f16(x); });
}

void convolutions_of_bfloat16_sum_in_float32_and_round_once() {
  convolutions_follow<uint16_t, float>(
      Dtype::kBfloat16, 4, 20, [](double x) { return jt_cast_f64_bf16(x); },
      [](uint16_t x) { return jt_cast_bf16_f32(x); }, [](float x) { return jt_cast_f32_bf16(x); });
}

/// Many chunks, parts of images and rows, many blocks and rounds of them.
void large_convolutions_follow_the_definition() {
  const Conv convs[] = {
      {2, 1, 33, 1, {{20, 3, 1, 1, 1}, {37, 3, 1, 1, 1}}},
      {1, 1, 2, 2, {{4, 3, 2, 1, 1}, {700, 5, 2, 1, 2}}},
      {2, 1, 3, 2, {{1500, 4, 1, 3, 2}}},
      {1, 2, 2, 17, {{30, 3, 2, 1, 1}, {30, 3, 2, 1, 1}}},
      {1, 1, 64, 2, {{16, 1, 1, 1, 0}, {32, 1, 1, 1, 0}}},
      {1, 1, 3, 3, {{5, 2, 1, 1, 1}, {9, 3, 1, 1, 1}, {16, 3, 2, 1, 1}}},
      // many images: chunks that differ in nothing but their images
      {300, 1, 2, 3, {{5, 3, 1, 1, 1}, {7, 3, 1, 1, 1}}},
      {100, 2, 2, 3, {{4, 3, 1, 1, 1}, {4, 2, 2, 1, 0}}},
      // images above the caches: fetched ahead
      {1, 1, 2, 2, {{610, 3, 1, 1, 1}, {520, 3, 1, 1, 1}}},
      {1, 1, 2, 1, {{300000, 3, 1, 1, 1}}},
      {2, 1, 2, 1, {{400, 2, 3, 1, 0}, {400, 3, 2, 1, 1}}},
      {2, 2, 2, 1, {{20, 1, 1, 1, 0}, {4096, 1, 1, 1, 0}}},
  };
  const auto take = [](double x) { return static_cast<float>(x); };
  for (const Conv& conv : convs) {
    for (const Map& map : {forward(conv), gradient_of_image(conv), gradient_of_filter(conv)}) {
      CHECK((follows_definition<float, float>(map, Dtype::kFloat32, 5, take, kSame, kSame)));
    }
  }
}

/// An infinite weight makes a NaN of no element that it has no product with.
void taps_that_hit_nothing_add_nothing() {
  const Conv conv{1, 1, 1, 1, {{6, 2, 2, 1, 0}}};
  const Map map = gradient_of_image(conv);
  std::vector<float> dy(3, 1.0F), w{std::numeric_limits<float>::infinity(), 2.0F};

  const std::vector<float> found = contract(map, Dtype::kFloat32, dy, w, 1);

  const float infinity = std::numeric_limits<float>::infinity();
  CHECK((found == std::vector<float>{infinity, 2, infinity, 2, infinity, 2}));
}

}  // namespace

int main() {
  const check::Test tests[] = {
      TEST(convolutions_of_float32_follow_the_definition),
      TEST(convolutions_of_float64_follow_the_definition),
      TEST(convolutions_of_float16_sum_in_float32_and_round_once),
      TEST(convolutions_of_bfloat16_sum_in_float32_and_round_once),
      TEST(large_convolutions_follow_the_definition),
      TEST(taps_that_hit_nothing_add_nothing),
  };
  return check::run_all(tests);
}
