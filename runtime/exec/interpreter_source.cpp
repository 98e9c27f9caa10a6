// The interpreter's sources: constants, ranges and counter-based random numbers.
#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "exec/interpreter_view.h"

namespace jtcy {

namespace {

void interpret_full(const OpView& op, ThreadPool& pool) {
  const TensorView& output = *op.output;
  const int64_t size = itemsize(output.dtype);
  uint64_t element = 0;
  scalar_as(op, 0, output.dtype, &element);
  pool.parallel_for(element_count(output.shape), kInterpreterGrain, [&](int, int64_t begin, int64_t end) {
    fill_items(static_cast<char*>(output.data) + begin * size, &element, size, end - begin);
  });
}

/// start + step * i in float64 (floats) or wrapping int64, then converted.
template <typename T>
void iota_range(const OpView& op, T start, T step, int64_t begin, int64_t end) {
  const TensorView& output = *op.output;
  const auto axis = static_cast<std::size_t>(op.structure[0]);
  const int64_t inner = extent_product(output.shape, axis + 1, output.shape.size());
  const int64_t extent = output.shape[axis];
  const int64_t size = itemsize(output.dtype);
  const Dtype from = std::is_same_v<T, double> ? Dtype::kFloat64 : Dtype::kInt64;
  const auto convert = current_isa_table().cast[static_cast<int>(from)][static_cast<int>(output.dtype)];
  T values[kInterpreterBlock];
  for (int64_t at = begin; at < end; at += kInterpreterBlock) {
    const int64_t n = std::min(kInterpreterBlock, end - at);
    for (int64_t i = 0; i < n; ++i) values[i] = start + step * static_cast<T>((at + i) / inner % extent);
    convert(values, static_cast<char*>(output.data) + at * size, n);
  }
}

void interpret_iota(const OpView& op, ThreadPool& pool) {
  const TensorView& output = *op.output;
  double starts[2];
  int64_t integers[2];
  for (int number = 0; number < 2; ++number) {
    scalar_as(op, number, Dtype::kFloat64, &starts[number]);
    scalar_as(op, number, Dtype::kInt64, &integers[number]);
  }
  pool.parallel_for(element_count(output.shape), kInterpreterGrain, [&](int, int64_t begin, int64_t end) {
    if (is_floating(output.dtype)) {
      iota_range<double>(op, starts[0], starts[1], begin, end);
    } else {
      iota_range<int64_t>(op, integers[0], integers[1], begin, end);
    }
  });
}

constexpr uint32_t kPhiloxMultiplier[2] = {0xD2511F53u, 0xCD9E8D57u};
constexpr uint32_t kPhiloxWeyl[2] = {0x9E3779B9u, 0xBB67AE85u};
constexpr int kPhiloxRounds = 10;

/// Salmon et al. 2011, «Parallel random numbers: as easy as 1, 2, 3»: Philox 4x32-10.
void philox(uint64_t seed, uint64_t counter, uint64_t block, uint32_t* words) {
  uint32_t key[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  uint32_t x[4] = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), static_cast<uint32_t>(counter),
                   static_cast<uint32_t>(counter >> 32)};
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const uint64_t a = uint64_t{kPhiloxMultiplier[0]} * x[0];
    const uint64_t b = uint64_t{kPhiloxMultiplier[1]} * x[2];
    const uint32_t next[4] = {static_cast<uint32_t>(b >> 32) ^ x[1] ^ key[0], static_cast<uint32_t>(b),
                              static_cast<uint32_t>(a >> 32) ^ x[3] ^ key[1], static_cast<uint32_t>(a)};
    std::memcpy(x, next, sizeof(x));
    key[0] += kPhiloxWeyl[0];
    key[1] += kPhiloxWeyl[1];
  }
  std::memcpy(words, x, sizeof(x));
}

/// Words first .. first + count - 1 of the stream: word i is [i & 3] of block i >> 2.
void random_words(const OpView& op, int64_t first, int64_t count, uint32_t* words) {
  const auto seed = static_cast<uint64_t>(op.scalars[0].i);
  const auto counter = static_cast<uint64_t>(op.scalars[1].i);
  uint32_t block[4];
  for (int64_t at = first; at < first + count;) {
    philox(seed, counter, static_cast<uint64_t>(at) >> 2, block);
    const int64_t end = std::min((at & ~int64_t{3}) + 4, first + count);
    for (; at < end; ++at) *words++ = block[at & 3];
  }
}

void random_range(const OpView& op, int64_t begin, int64_t end) {
  constexpr int64_t kBlock = kInterpreterBlock / 2;
  const TensorView& output = *op.output;
  uint32_t words[kInterpreterBlock];
  for (int64_t at = begin; at < end; at += kBlock) {
    const int64_t n = std::min(kBlock, end - at);
    if (output.dtype == Dtype::kFloat64) {
      random_words(op, 2 * at, 2 * n, words);
      double* const to = static_cast<double*>(output.data) + at;
      for (int64_t i = 0; i < n; ++i) {
        to[i] = ((words[2 * i] >> 5) * 67108864.0 + (words[2 * i + 1] >> 6)) * 0x1p-53;
      }
      continue;
    }
    random_words(op, at, n, words);
    if (output.dtype == Dtype::kUint32) {
      std::memcpy(static_cast<uint32_t*>(output.data) + at, words, static_cast<std::size_t>(n) * sizeof(uint32_t));
    } else {
      float* const to = static_cast<float*>(output.data) + at;
      for (int64_t i = 0; i < n; ++i) to[i] = static_cast<float>(words[i] >> 8) * 0x1p-24f;
    }
  }
}

void interpret_random(const OpView& op, ThreadPool& pool) {
  const TensorView& output = *op.output;
  const bool known =
      output.dtype == Dtype::kUint32 || output.dtype == Dtype::kFloat32 || output.dtype == Dtype::kFloat64;
  JTCY_ASSERT(known, "interpreter: no Random of ", dtype_name(output.dtype));
  pool.parallel_for(element_count(output.shape), kInterpreterGrain,
                    [&](int, int64_t begin, int64_t end) { random_range(op, begin, end); });
}

}  // namespace

void interpret_source(const OpView& op, ThreadPool& pool) {
  if (op.kind == OpKind::kFull) return interpret_full(op, pool);
  if (op.kind == OpKind::kIota) return interpret_iota(op, pool);
  interpret_random(op, pool);
}

}  // namespace jtcy
