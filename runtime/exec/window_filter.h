// The parts of a filter's gradient besides its tiles: columns are packed, finished sums are turned to the output.
#pragma once
#include <cstdint>
#include <vector>

#include "exec/window.h"

namespace jtcy {

/// The gradient of the output as the columns of tiles that sum positions.
class FilterColumns {
 public:
  FilterColumns(const Window& w, char* tables, char* lines);

  void select_batch(int64_t batch);
  void select_positions(int64_t begin, int64_t count);
  /// Columns first .. first + count - 1 to to[position * width + column].
  void pack(int64_t first, int64_t count, int64_t width, char* to);

 private:
  const Window& w_;
  JtTurnRows turn_;
  int64_t line_;  // positions that follow each other in memory; 0: they are few, the general way is as good
  std::vector<int64_t> place_;  // by column
  OperandBlock general_;
  const char* data_ = nullptr;
  int64_t begin_ = 0, count_ = 0;
};

/// Where sums [row][column] go.
class FilterSums {
 public:
  /// Rows of the sums are `step` elements apart.
  FilterSums(const Window& w, int64_t step);

  int64_t rows() const noexcept { return static_cast<int64_t>(row_place_.size()); }
  int64_t columns() const noexcept { return static_cast<int64_t>(column_place_.size()); }
  /// Rows [row, row_end) of columns [column, column_end) of a batch's sums; `lines` is memory for as many.
  void move(const char* sums, int64_t batch, int64_t row, int64_t row_end, int64_t column, int64_t column_end,
            char* lines) const;

 private:
  const Window& w_;
  JtTurnRows turn_;
  std::vector<int64_t> row_place_, column_place_;  // in the output
  std::vector<long long> sum_place_;               // of each row
};

}  // namespace jtcy
