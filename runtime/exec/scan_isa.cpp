// The loops of scans: lines side by side in vectors, or several chains of additions at once.
#include "exec/interpreter_isa.h"

namespace jtcy::JTCY_ISA_NAME {

namespace {

constexpr int kLanes = 8;  // lines side by side
/// Elements of one line before the next line comes: a cache line of floats. Lines as far apart as a power of two share
/// few places of a cache.
constexpr int kRun = 16;

// How a dtype is stored and accumulated.
template <typename Stored, typename Held>
struct Plain {
  using stored = Stored;
  using held = Held;
  static held load(stored x) { return static_cast<held>(x); }
  static stored store(held x) { return static_cast<stored>(x); }
};
using Float = Plain<float, double>;
using Double = Plain<double, double>;
using Integer = Plain<long long, long long>;
struct Half {
  using stored = unsigned short;
  using held = double;
  static double load(unsigned short x) { return jt_cast_f16_f32(x); }
  static unsigned short store(double x) { return jt_cast_f64_f16(x); }
};
struct Brain {
  using stored = unsigned short;
  using held = double;
  static double load(unsigned short x) { return jt_cast_bf16_f32(x); }
  static unsigned short store(double x) { return jt_cast_f64_bf16(x); }
};

// What a scan does at an element; V: one accumulator or kLanes of them.
struct Sum {
  static constexpr bool kInBlocks = true, kHasFactor = false;
  static constexpr double kStart = -0.0;  // adding it changes nothing, not even a negative zero
  template <typename V>
  static V step(V& sum, V before, V x, V) {
    sum += x;
    return before + sum;
  }
};
struct Product {
  static constexpr bool kInBlocks = false, kHasFactor = false;
  static constexpr double kStart = 1;
  template <typename V>
  static V step(V& product, V, V x, V) {
    product *= x;
    return product;
  }
};
struct Recurrence {
  static constexpr bool kInBlocks = false, kHasFactor = true;
  static constexpr double kStart = 0;
  template <typename V>
  static V step(V& value, V, V x, V factor) {
    value = value == 0 ? x : x + factor * value;
    return value;
  }
};

/// Accumulators of a run: [element][lane].
template <typename A>
struct Tile {
  typedef A lanes __attribute__((vector_size(kLanes * sizeof(A))));
  alignas(64) A at[kRun][kLanes];
};

template <typename A, int kFrom, int kTo>
void transpose_four(const A* from, A* to) {
  typedef A four __attribute__((vector_size(4 * sizeof(A))));
  four x0, x1, x2, x3;
  __builtin_memcpy(&x0, from, sizeof(x0));
  __builtin_memcpy(&x1, from + kFrom, sizeof(x1));
  __builtin_memcpy(&x2, from + 2 * kFrom, sizeof(x2));
  __builtin_memcpy(&x3, from + 3 * kFrom, sizeof(x3));
  const four even0 = __builtin_shufflevector(x0, x1, 0, 4, 2, 6), odd0 = __builtin_shufflevector(x0, x1, 1, 5, 3, 7);
  const four even1 = __builtin_shufflevector(x2, x3, 0, 4, 2, 6), odd1 = __builtin_shufflevector(x2, x3, 1, 5, 3, 7);
  const four y0 = __builtin_shufflevector(even0, even1, 0, 1, 4, 5);
  const four y1 = __builtin_shufflevector(odd0, odd1, 0, 1, 4, 5);
  const four y2 = __builtin_shufflevector(even0, even1, 2, 3, 6, 7);
  const four y3 = __builtin_shufflevector(odd0, odd1, 2, 3, 6, 7);
  __builtin_memcpy(to, &y0, sizeof(y0));
  __builtin_memcpy(to + kTo, &y1, sizeof(y1));
  __builtin_memcpy(to + 2 * kTo, &y2, sizeof(y2));
  __builtin_memcpy(to + 3 * kTo, &y3, sizeof(y3));
}

/// An operand from one line on: how far the next line and the next element of a line are.
template <typename Type>
struct Cursor {
  using T = typename Type::stored;
  using A = typename Type::held;
  T* first;
  long long line, step;
  int lanes;  // that there are

  Cursor(const void* data, long long line, long long step, long long number, int lanes)
      : first(static_cast<T*>(const_cast<void*>(data)) + number * line), line(line), step(step), lanes(lanes) {}

  /// `count` elements from i on; lanes of no line get what the last one gets.
  void read(long long i, int count, Tile<A>* tile) const {
    const T* const x = first + i * step;
    const long long next = line;
    if (count == kRun && (step == 1 || step == -1) && next != 1) {
      alignas(64) A rows[kLanes][kRun];
      for (int l = 0; l < kLanes; ++l) read_run(x + (l < lanes ? l : lanes - 1) * next, step, rows[l]);
      for (int l = 0; l < kLanes; l += 4) {
        for (int k = 0; k < kRun; k += 4) transpose_four<A, kRun, kLanes>(&rows[l][k], &tile->at[k][l]);
      }
    } else if (next == 1 && lanes == kLanes) {
      for (int k = 0; k < count; ++k) convert_lanes(x + k * step, tile->at[k]);
    } else {
      for (int k = 0; k < count; ++k) {
        for (int l = 0; l < kLanes; ++l) tile->at[k][l] = Type::load(x[k * step + (l < lanes ? l : lanes - 1) * next]);
      }
    }
  }
  void write(long long i, int count, const Tile<A>& tile) const {
    T* const y = first + i * step;
    const long long next = line;
    if (count == kRun && (step == 1 || step == -1) && next != 1) {
      alignas(64) A rows[kLanes][kRun];
      for (int l = 0; l < kLanes; l += 4) {
        for (int k = 0; k < kRun; k += 4) transpose_four<A, kLanes, kRun>(&tile.at[k][l], &rows[l][k]);
      }
      for (int l = 0; l < lanes; ++l) write_run(rows[l], step, y + l * next);
    } else if (next == 1 && lanes == kLanes) {
      for (int k = 0; k < count; ++k) convert_back(tile.at[k], y + k * step);
    } else {
      for (int k = 0; k < count; ++k) {
        for (int l = 0; l < lanes; ++l) y[k * step + l * next] = Type::store(tile.at[k][l]);
      }
    }
  }

 private:
  static void convert_lanes(const T* __restrict x, A* __restrict to) {
    for (int l = 0; l < kLanes; ++l) to[l] = Type::load(x[l]);
  }
  static void convert_back(const A* __restrict from, T* __restrict y) {
    for (int l = 0; l < kLanes; ++l) y[l] = Type::store(from[l]);
  }
  static void read_run(const T* __restrict x, long long step, A* __restrict row) {
    if (step == 1) {
      for (int k = 0; k < kRun; ++k) row[k] = Type::load(x[k]);
    } else {
      for (int k = 0; k < kRun; ++k) row[k] = Type::load(x[-k]);
    }
  }
  static void write_run(const A* __restrict row, long long step, T* __restrict y) {
    if (step == 1) {
      for (int k = 0; k < kRun; ++k) y[k] = Type::store(row[k]);
    } else {
      for (int k = 0; k < kRun; ++k) y[-k] = Type::store(row[k]);
    }
  }
};

/// kLanes lines or fewer, from `line` on.
template <typename Type, typename Kind, bool kStores>
void scan_side_by_side(const ScanLines& s, long long line, int lanes) {
  using A = typename Type::held;
  using V = typename Tile<A>::lanes;
  const Cursor<Type> x(s.x, s.x_line, s.x_step, line, lanes), y(s.y, s.y_line, s.y_step, line, lanes);
  const Cursor<Type> factor(s.factor, s.factor_line, s.factor_step, line, lanes);
  A* const known = static_cast<A*>(s.before) + line;
  V before{}, state{};
  for (int l = 0; l < lanes; ++l) before[l] = known[l];
  Tile<A> values, factors = {};
  const long long block = Kind::kInBlocks ? kScanBlock : s.length;
  for (long long i = 0; i < s.length;) {
    const long long end = i + block < s.length ? i + block : s.length;
    state = V{} + static_cast<A>(Kind::kStart);
    for (int count; i < end; i += count) {
      // The first element has no factor.
      count = Kind::kHasFactor && i == 0 ? 1 : end - i < kRun ? static_cast<int>(end - i) : kRun;
      x.read(i, count, &values);
      if (Kind::kHasFactor && i > 0) factor.read(i, count, &factors);
      for (int k = 0; k < count; ++k) {
        V own, by;
        __builtin_memcpy(&own, values.at[k], sizeof(own));
        __builtin_memcpy(&by, factors.at[k], sizeof(by));
        own = Kind::step(state, before, own, by);
        __builtin_memcpy(values.at[k], &own, sizeof(own));
      }
      if (kStores) y.write(i, count, values);
    }
    before += state;
  }
  if (!kStores) {
    for (int l = 0; l < lanes; ++l) known[l] = state[l];
  }
}

template <typename Type, typename Kind, bool kStores>
void scan_one(const ScanLines& s, long long line) {
  using T = typename Type::stored;
  using A = typename Type::held;
  const T* const x = static_cast<const T*>(s.x) + line * s.x_line;
  const T* const factor = static_cast<const T*>(s.factor) + line * s.factor_line;
  T* const y = static_cast<T*>(s.y) + line * s.y_line;
  const long long block = Kind::kInBlocks ? kScanBlock : s.length;
  A before = static_cast<const A*>(s.before)[line], state = 0;
  for (long long begin = 0; begin < s.length; begin += block) {
    const long long end = begin + block < s.length ? begin + block : s.length;
    state = static_cast<A>(Kind::kStart);
    for (long long i = begin; i < end; ++i) {
      const A by = Kind::kHasFactor && i > 0 ? Type::load(factor[i * s.factor_step]) : A(0);
      const A value = Kind::step(state, before, Type::load(x[i * s.x_step]), by);
      if (kStores) y[i * s.y_step] = Type::store(value);
    }
    before += state;
  }
  if (!kStores) static_cast<A*>(s.before)[line] = state;
}

template <typename Type, typename Kind, bool kStores>
void scan_lines(const ScanLines* s) {
  constexpr long long kFew = 4;  // below, one after the other
  long long line = 0;
  for (; s->lines - line >= kFew; line += kLanes) {
    const long long lanes = s->lines - line < kLanes ? s->lines - line : kLanes;
    scan_side_by_side<Type, Kind, kStores>(*s, line, static_cast<int>(lanes));
  }
  for (; line < s->lines; ++line) scan_one<Type, Kind, kStores>(*s, line);
}

template <typename Type>
void add_row(const typename Type::stored* __restrict x, typename Type::held* __restrict sum,
             const typename Type::held* __restrict before, typename Type::stored* __restrict y, long long lines) {
  for (long long l = 0; l < lines; ++l) {
    const auto own = sum[l] + Type::load(x[l]);
    sum[l] = own;
    y[l] = Type::store(before[l] + own);
  }
}

/// Many lines beside each other: their sums are in memory, and each row of them is one loop.
template <typename Type>
void sum_rows(const ScanLines& s) {
  using T = typename Type::stored;
  using A = typename Type::held;
  A sum[kScanLines], before[kScanLines];
  for (long long l = 0; l < s.lines; ++l) before[l] = static_cast<const A*>(s.before)[l];
  for (long long first = 0; first < s.length; first += kScanBlock) {
    const long long end = first + kScanBlock < s.length ? first + kScanBlock : s.length;
    for (long long l = 0; l < s.lines; ++l) sum[l] = static_cast<A>(Sum::kStart);
    for (long long i = first; i < end; ++i) {
      add_row<Type>(static_cast<const T*>(s.x) + i * s.x_step, sum, before, static_cast<T*>(s.y) + i * s.y_step,
                    s.lines);
    }
    for (long long l = 0; l < s.lines; ++l) before[l] += sum[l];
  }
}

template <typename Type>
void sums(const ScanLines* s) {
  constexpr long long kMany = 32;
  if (s->lines >= kMany && s->x_line == 1 && s->y_line == 1) return sum_rows<Type>(*s);
  scan_lines<Type, Sum, true>(s);
}

template <typename Type>
void fill_type(IsaTable* table, Dtype dtype) {
  const int type = index_of(dtype);
  table->scan[static_cast<int>(ScanKind::kSum)][type] = {sums<Type>, scan_lines<Type, Sum, false>};
  table->scan[static_cast<int>(ScanKind::kProd)][type] = {scan_lines<Type, Product, true>, nullptr};
}

template <typename Type>
void fill_float(IsaTable* table, Dtype dtype) {
  fill_type<Type>(table, dtype);
  table->scan[static_cast<int>(ScanKind::kLinear)][index_of(dtype)] = {scan_lines<Type, Recurrence, true>, nullptr};
}

}  // namespace

void fill_scan(IsaTable* table) {
  fill_float<Float>(table, Dtype::kFloat32);
  fill_float<Double>(table, Dtype::kFloat64);
  fill_float<Half>(table, Dtype::kFloat16);
  fill_float<Brain>(table, Dtype::kBfloat16);
  fill_type<Integer>(table, Dtype::kInt64);
}

}  // namespace jtcy::JTCY_ISA_NAME
