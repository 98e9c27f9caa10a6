// A filter's gradient: squares are turned on the way from the output's gradient and to the filter's.
#include "exec/window_filter.h"

#include <algorithm>

#include "exec/window_run.h"

namespace jtcy {
namespace {

// Shorter runs are read by the general way.
constexpr int64_t kLeastLine = 8;

JtTurnRows turn_of(const Window& w) noexcept { return w.prebuilt->turn[w.itemsize == 8 ? 3 : 2]; }

/// Positions that follow each other in memory; 0 where they are few or converted on the way.
int64_t positions_in_line(const Window& w) noexcept {
  if (w.other.itemsize != w.itemsize) return 0;
  const RoleSteps& depth = w.other.depth;
  int64_t line = 1;
  for (int axis = depth.axes - 1; axis >= 0; --axis) {
    if (depth.extent[axis] == 1) continue;
    if (depth.offset[axis] != line) break;
    line *= depth.extent[axis];
  }
  return line >= kLeastLine ? line : 0;
}

}  // namespace

FilterColumns::FilterColumns(const Window& w, char* tables, char* lines)
    : w_(w),
      turn_(turn_of(w)),
      line_(positions_in_line(w)),
      place_(static_cast<std::size_t>(w.other.own.count)),
      general_(w.other, *w.prebuilt, w.itemsize, w.other.own.count, std::min(kContractionBlock, w.other.depth.count),
               tables, lines) {
  w.other.own.fill(0, w.other.own.count, 0, place_.data(), nullptr);
}

void FilterColumns::select_batch(int64_t batch) {
  data_ = w_.other.data + w_.other.batch.place(batch) * w_.other.itemsize;
  if (line_ > 0) return;
  general_.select_batch(batch);
  general_.select_positions(0, w_.other.own.count);
}

void FilterColumns::select_positions(int64_t begin, int64_t count) {
  begin_ = begin;
  count_ = count;
  if (line_ == 0) general_.select_depth(begin, count);
}

void FilterColumns::pack(int64_t first, int64_t count, int64_t width, char* to) {
  if (line_ == 0) return general_.pack(first, count, width, to);
  const int64_t ahead = std::min(count, w_.other.own.count - first - count);
  for (int64_t at = begin_; at < begin_ + count_;) {
    const int64_t run = std::min(begin_ + count_ - at, line_ - at % line_);
    turn_(data_ + w_.other.depth.place(at) * w_.itemsize, as_abi(place_.data() + first), count, ahead, run,
          to + (at - begin_) * width * w_.itemsize, width);
    at += run;
  }
}

FilterSums::FilterSums(const Window& w, int64_t step)
    : w_(w),
      turn_(turn_of(w)),
      row_place_(static_cast<std::size_t>(w.out_rows.count)),
      column_place_(static_cast<std::size_t>(w.other.own.count)),
      sum_place_(row_place_.size()) {
  w.out_rows.fill(0, rows(), 0, row_place_.data(), nullptr);
  w.out_columns.fill(0, columns(), 0, column_place_.data(), nullptr);
  for (int64_t i = 0; i < rows(); ++i) sum_place_[static_cast<std::size_t>(i)] = i * step;
}

void FilterSums::move(const char* sums, int64_t batch, int64_t row, int64_t row_end, int64_t column, int64_t column_end,
                      char* lines) const {
  const int64_t count = row_end - row, offset = w_.out_batch.place(batch);
  turn_(sums + column * w_.itemsize, sum_place_.data() + row, count, 0, column_end - column, lines, count);
  for (int64_t i = row, stop; i < row_end; i = stop) {
    const int64_t step = i + 1 < row_end ? row_place_[i + 1] - row_place_[i] : 1;
    for (stop = i + 1; stop < row_end && row_place_[stop] - row_place_[stop - 1] == step;) ++stop;
    for (int64_t j = column; j < column_end; ++j) {
      move_run(w_, lines + ((j - column) * count + i - row) * w_.itemsize,
               w_.out + (offset + row_place_[i] + column_place_[j]) * w_.out_itemsize, stop - i, step);
    }
  }
}

}  // namespace jtcy
