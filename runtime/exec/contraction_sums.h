// Sums of a contraction that are not stored by their tile: copied, added, rounded and moved to the output.
#pragma once
#include <cstdint>

#include "exec/contraction_analysis.h"

namespace jtcy {

/// Where a block of results goes: element (i, j) at base + row[i] + column[j].
struct Destination {
  char* base = nullptr;
  int64_t* row = nullptr;
  int64_t* column = nullptr;
};

/// 0, 1, 2, ... for the columns of a tile in scratch memory.
struct Ascending {
  constexpr Ascending() {
    for (int64_t i = 0; i < kMostPanel; ++i) value[i] = i;
  }
  int64_t value[kMostPanel]{};
};
inline constexpr Ascending kAscending;

/// Moves rows x columns elements between places given by tables.
void copy_tile(int64_t itemsize, int64_t rows, int64_t columns, const char* from, const int64_t* from_row,
               const int64_t* from_column, char* to, const int64_t* to_row, const int64_t* to_column) noexcept;
/// A tile in scratch memory, its rows at `from_row`, to its place.
void store_tile(int64_t itemsize, int64_t rows, int64_t columns, const char* from, const int64_t* from_row, char* to,
                const int64_t* to_row, const int64_t* to_column) noexcept;
/// Adds the sums of all blocks in order, to those of the first: Note [Parts of the sum].
void add_blocks(const Contraction& c, char* parts) noexcept;
/// `rows` rows of c.column_block sums to the output, run by run; 16-bit floats are rounded here, once.
void move_sums(const Contraction& c, const char* sums, int64_t rows, const JtRun* runs, int64_t run_count,
               const Destination& out) noexcept;

}  // namespace jtcy
