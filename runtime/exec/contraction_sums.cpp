// Sums in scratch memory: added in the order of the blocks, rounded once, moved to the output.
#include "exec/contraction_sums.h"

#include <cstring>

namespace jtcy {
namespace {

template <typename T>
void copy_tile(int64_t rows, int64_t columns, const T* from, const int64_t* from_row, const int64_t* from_column, T* to,
               const int64_t* to_row, const int64_t* to_column) noexcept {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) to[to_row[i] + to_column[j]] = from[from_row[i] + from_column[j]];
  }
}

/// Too short for a call of memcpy.
void copy_row(const char* from, int64_t nbytes, char* to) noexcept {
  constexpr int64_t kPiece = 16;
  int64_t i = 0;
  for (; i + kPiece <= nbytes; i += kPiece) std::memcpy(to + i, from + i, kPiece);
  for (; i < nbytes; ++i) to[i] = from[i];
}

template <typename T, typename Add>
void fold_blocks(const Contraction& c, char* parts, Add add) noexcept {
  const int64_t count = c.rows() * c.column_block;
  T* const sum = reinterpret_cast<T*>(parts);
  for (int64_t block = 1; block < c.blocks(); ++block) {
    const T* const part = sum + block * count;
    for (int64_t i = 0; i < count; ++i) sum[i] = add(sum[i], part[i]);
  }
}

/// `move_run(from, count, to, step)` for each run of each row.
template <typename From, typename To, typename MoveRun>
void move_rows(const Contraction& c, const char* sums, int64_t rows, const JtRun* runs, int64_t run_count,
               const Destination& out, MoveRun move_run) noexcept {
  for (int64_t i = 0; i < rows; ++i) {
    const From* const from = reinterpret_cast<const From*>(sums) + i * c.column_block;
    To* const row = reinterpret_cast<To*>(out.base) + out.row[i];
    for (int64_t q = 0; q < run_count; ++q) {
      move_run(from + runs[q].start, runs[q].count, row + runs[q].offset, runs[q].step);
    }
  }
}

}  // namespace

void copy_tile(int64_t itemsize, int64_t rows, int64_t columns, const char* from, const int64_t* from_row,
               const int64_t* from_column, char* to, const int64_t* to_row, const int64_t* to_column) noexcept {
  const auto copy = [&](auto type) {
    using T = decltype(type);
    copy_tile(rows, columns, reinterpret_cast<const T*>(from), from_row, from_column, reinterpret_cast<T*>(to), to_row,
              to_column);
  };
  if (itemsize == 1) return copy(uint8_t{});
  if (itemsize == 2) return copy(uint16_t{});
  if (itemsize == 4) return copy(uint32_t{});
  copy(uint64_t{});
}

void store_tile(int64_t itemsize, int64_t rows, int64_t columns, const char* from, const int64_t* from_row, char* to,
                const int64_t* to_row, const int64_t* to_column) noexcept {
  if (to_column[columns - 1] - to_column[0] != columns - 1) {
    return copy_tile(itemsize, rows, columns, from, from_row, kAscending.value, to, to_row, to_column);
  }
  for (int64_t i = 0; i < rows; ++i) {
    copy_row(from + from_row[i] * itemsize, columns * itemsize, to + (to_row[i] + to_column[0]) * itemsize);
  }
}

void add_blocks(const Contraction& c, char* parts) noexcept {
  const auto add = [](auto x, auto y) { return static_cast<decltype(x)>(x + y); };
  const auto either = [](uint8_t x, uint8_t y) { return static_cast<uint8_t>(x | y); };
  if (c.dtype == Dtype::kBool) return fold_blocks<uint8_t>(c, parts, either);
  if (c.dtype == Dtype::kFloat64) return fold_blocks<double>(c, parts, add);
  if (is_floating(c.dtype)) return fold_blocks<float>(c, parts, add);
  if (c.itemsize == 1) return fold_blocks<uint8_t>(c, parts, add);
  if (c.itemsize == 2) return fold_blocks<uint16_t>(c, parts, add);
  if (c.itemsize == 4) return fold_blocks<uint32_t>(c, parts, add);
  fold_blocks<uint64_t>(c, parts, add);
}

void move_sums(const Contraction& c, const char* sums, int64_t rows, const JtRun* runs, int64_t run_count,
               const Destination& out) noexcept {
  if (c.rounded()) {
    const JtRoundRow round = c.prebuilt->round[c.dtype == Dtype::kBfloat16 ? 1 : 0];
    return move_rows<float, uint16_t>(c, sums, rows, runs, run_count, out, round);
  }
  const auto copy = [&](auto type) {
    using T = decltype(type);
    move_rows<T, T>(c, sums, rows, runs, run_count, out, [](const T* from, int64_t count, T* to, int64_t step) {
      if (step == 1) {
        for (int64_t j = 0; j < count; ++j) to[j] = from[j];
      } else {
        for (int64_t j = 0; j < count; ++j) to[j * step] = from[j];
      }
    });
  };
  if (c.itemsize == 1) return copy(uint8_t{});
  if (c.itemsize == 2) return copy(uint16_t{});
  if (c.itemsize == 4) return copy(uint32_t{});
  copy(uint64_t{});
}

}  // namespace jtcy
