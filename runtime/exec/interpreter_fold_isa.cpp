// The interpreter's loops of reductions: lanes of a block, columns, scatter and extremes; and the table itself.
#include "exec/interpreter_isa.h"

namespace jtcy::JTCY_ISA_NAME {

namespace {

// How a dtype is loaded into its accumulator, which is float32 for 16-bit floats and the dtype itself else.
template <typename Stored, typename Accumulator>
struct Plain {
  using stored = Stored;
  using accumulator = Accumulator;
  static accumulator load(stored x) { return x; }
};
struct Half : Plain<unsigned short, float> {
  static float load(unsigned short x) { return jt_cast_f16_f32(x); }
};
struct Brain : Plain<unsigned short, float> {
  static float load(unsigned short x) { return jt_cast_bf16_f32(x); }
};

// The operation of a fold on accumulators: its identity and one step.
#define JTCY_FOLD(suffix, type, lowest, highest)                           \
  struct Sum_##suffix {                                                    \
    static type identity() { return 0; }                                   \
    static type step(type a, type x) { return jt_add_##suffix(a, x); }     \
  };                                                                       \
  struct Prod_##suffix {                                                   \
    static type identity() { return 1; }                                   \
    static type step(type a, type x) { return jt_mul_##suffix(a, x); }     \
  };                                                                       \
  struct Max_##suffix {                                                    \
    static type identity() { return lowest; }                              \
    static type step(type a, type x) { return jt_maximum_##suffix(a, x); } \
  };                                                                       \
  struct Min_##suffix {                                                    \
    static type identity() { return highest; }                             \
    static type step(type a, type x) { return jt_minimum_##suffix(a, x); } \
  };
JTCY_FOLD(b, unsigned char, 0, 1)
JTCY_FOLD(u8, unsigned char, 0, 0xFF)
JTCY_FOLD(i8, signed char, -128, 127)
JTCY_FOLD(i16, short, -32768, 32767)
JTCY_FOLD(i32, int, -2147483647 - 1, 2147483647)
JTCY_FOLD(i64, long long, -9223372036854775807LL - 1, 9223372036854775807LL)
JTCY_FOLD(u16, unsigned short, 0, 0xFFFF)
JTCY_FOLD(u32, unsigned, 0, 0xFFFFFFFFu)
JTCY_FOLD(u64, unsigned long long, 0, 0xFFFFFFFFFFFFFFFFull)
JTCY_FOLD(f32, float, -__builtin_inff(), __builtin_inff())
JTCY_FOLD(f64, double, -__builtin_inf(), __builtin_inf())

template <typename Load, typename Op>
void fold_block(const void* x, long long n, void* accumulator) {
  using A = typename Load::accumulator;
  const auto* const from = static_cast<const typename Load::stored*>(x);
  A lane[kRowLanes];
  for (int l = 0; l < kRowLanes; ++l) lane[l] = Op::identity();
  long long i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes) {
    for (int l = 0; l < kRowLanes; ++l) lane[l] = Op::step(lane[l], Load::load(from[i + l]));
  }
  for (int l = 0; i + l < n; ++l) lane[l] = Op::step(lane[l], Load::load(from[i + l]));
  for (int width = kRowLanes / 2; width > 0; width /= 2) {
    for (int l = 0; l < width; ++l) lane[l] = Op::step(lane[l], lane[l + width]);
  }
  *static_cast<A*>(accumulator) = lane[0];
}

template <typename Load, typename Op>
void accumulate(void* accumulator, const void* x, long long n) {
  auto* const to = static_cast<typename Load::accumulator*>(accumulator);
  const auto* const from = static_cast<const typename Load::stored*>(x);
  for (long long i = 0; i < n; ++i) to[i] = Op::step(to[i], Load::load(from[i]));
}

/// Sources of other ranges are dropped first and without a branch: which ones they are no processor can foresee.
template <typename Load, typename Op>
void scatter(void* accumulator, const void* x, const long long* place, long long n, long long begin, long long end) {
  constexpr long long kBlock = 256;
  auto* const to = static_cast<typename Load::accumulator*>(accumulator);
  const auto* const from = static_cast<const typename Load::stored*>(x);
  if (begin == end) {
    for (long long i = 0; i < n; ++i) to[place[i]] = Op::step(to[place[i]], Load::load(from[i]));
    return;
  }
  int own[kBlock];
  for (long long first = 0; first < n; first += kBlock) {
    const int count = static_cast<int>(n - first < kBlock ? n - first : kBlock);
    int found = 0;
    for (int i = 0; i < count; ++i) {
      const long long at = place[first + i];
      own[found] = i;
      found += static_cast<int>(at >= begin) & static_cast<int>(at < end);
    }
    for (int k = 0; k < found; ++k) {
      const long long i = first + own[k], at = place[i];
      to[at] = Op::step(to[at], Load::load(from[i]));
    }
  }
}

bool add_places(const long long* index, long long limit, long long stride, long long* offsets, long long n) {
  long long outside = 0;
  for (long long i = 0; i < n; ++i) {
    const bool is_inside = static_cast<unsigned long long>(index[i]) < static_cast<unsigned long long>(limit);
    offsets[i] += is_inside ? index[i] * stride : 0;
    outside += is_inside ? 0 : 1;
  }
  return outside == 0;
}

void from_end(long long* index, long long extent, long long n) {
  for (long long i = 0; i < n; ++i) index[i] += index[i] < 0 ? extent : 0;
}

template <typename Load, typename Op>
void fill_identity(void* accumulator, long long n) {
  auto* const to = static_cast<typename Load::accumulator*>(accumulator);
  for (long long i = 0; i < n; ++i) to[i] = Op::identity();
}

/// A NaN beats every number, the first of equals wins. x != x never holds for integers.
template <bool kMax, typename A>
bool beats(A x, A best) {
  const bool better = kMax ? x > best : x < best;
  return better | ((x != x) & (best == best));
}

template <typename Load, bool kMax>
void extreme(void* best, long long* index, const void* x, long long n, long long row, int first) {
  auto* const held = static_cast<typename Load::accumulator*>(best);
  const auto* const from = static_cast<const typename Load::stored*>(x);
  for (long long i = 0; i < n; ++i) {
    const auto value = Load::load(from[i]);
    const bool taken = first != 0 || beats<kMax>(value, held[i]);
    held[i] = taken ? value : held[i];
    index[i] = taken ? row : index[i];
  }
}

template <typename Load, bool kMax>
void extreme_run(void* best, long long* index, const void* x, long long n, long long row, int first) {
  auto* const held = static_cast<typename Load::accumulator*>(best);
  const auto* const from = static_cast<const typename Load::stored*>(x);
  long long i = 0;
  if (first != 0 && n > 0) {
    *held = Load::load(from[0]);
    *index = row;
    i = 1;
  }
  for (; i < n; ++i) {
    const auto value = Load::load(from[i]);
    if (beats<kMax>(value, *held)) {
      *held = value;
      *index = row + i;
    }
  }
}

template <typename Load, typename Op>
void fill_kind(IsaTable* table, ReduceKind reduce, Dtype dtype) {
  using A = typename Load::accumulator;
  const int kind = static_cast<int>(reduce);
  const int type = index_of(dtype);
  table->fold_block[kind][type] = fold_block<Load, Op>;
  table->accumulate[kind][type] = accumulate<Load, Op>;
  table->combine[kind][type] = accumulate<Plain<A, A>, Op>;
  table->scatter[kind][type] = scatter<Load, Op>;
  table->identity[kind][type] = fill_identity<Load, Op>;
}

template <typename Load, typename Sum, typename Prod, typename Max, typename Min>
void fill_dtype(IsaTable* table, Dtype dtype) {
  fill_kind<Load, Sum>(table, ReduceKind::kSum, dtype);
  fill_kind<Load, Prod>(table, ReduceKind::kProd, dtype);
  fill_kind<Load, Max>(table, ReduceKind::kMax, dtype);
  fill_kind<Load, Min>(table, ReduceKind::kMin, dtype);
  table->extreme[0][index_of(dtype)] = extreme<Load, true>;
  table->extreme[1][index_of(dtype)] = extreme<Load, false>;
  table->extreme_run[0][index_of(dtype)] = extreme_run<Load, true>;
  table->extreme_run[1][index_of(dtype)] = extreme_run<Load, false>;
}

}  // namespace

void fill_fold(IsaTable* table) {
#define JTCY_SET(suffix, type, dtype) \
  fill_dtype<Plain<type, type>, Sum_##suffix, Prod_##suffix, Max_##suffix, Min_##suffix>(table, Dtype::dtype);
  JTCY_NATIVE(JTCY_SET)
  fill_dtype<Half, Sum_f32, Prod_f32, Max_f32, Min_f32>(table, Dtype::kFloat16);
  fill_dtype<Brain, Sum_f32, Prod_f32, Max_f32, Min_f32>(table, Dtype::kBfloat16);
}

const IsaTable& isa_table() {
  static IsaTable table;
  static const bool filled = [] {
    fill_unary(&table);
    fill_binary(&table);
    fill_cast(&table);
    fill_fold(&table);
    table.add_places = add_places;
    table.from_end = from_end;
    fill_attention(&table);
    fill_scan(&table);
    return true;
  }();
  static_cast<void>(filled);
  return table;
}

}  // namespace jtcy::JTCY_ISA_NAME
