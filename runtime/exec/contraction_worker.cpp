// Panels of rows and columns, packed or where they are, tile by tile.
#include "exec/contraction_worker.h"

#include <algorithm>

#include "base/rounding.h"

namespace jtcy {
namespace {

// Columns that are read where they are: a third of the first cache.
constexpr int64_t kSmallNbytes = 16 << 10;

}  // namespace

ContractionWorker::ContractionWorker(const Contraction& c, char* scratch, int thread, const Epilogue* epilogue)
    : c_(c),
      epilogue_(epilogue),
      thread_(thread),
      layout_(c),
      scratch_(scratch),
      a_(c.a, *c.prebuilt, c.itemsize, c.row_block, c.depth_block, scratch + layout_.tables_a,
         scratch + layout_.transposed),
      b_(c.b, *c.prebuilt, c.itemsize, c.column_block, c.depth_block, scratch + layout_.tables_b,
         scratch + layout_.transposed),
      out_{nullptr, at<int64_t>(layout_.out_rows), at<int64_t>(layout_.out_columns)},
      places_{at<int64_t>(layout_.places), at<int64_t>(layout_.places) + kContractionBlock} {
  for (int64_t k = 0; k < c.depth_block; ++k) {
    places_[0][k] = k * c.tiles->columns;
    places_[1][k] = k * (c.tiles->columns / 2);
  }
}

void ContractionWorker::run_units(int64_t begin, int64_t end) {
  const bool by_columns = c_.by_columns();
  const int64_t unit = c_.unit(), units = c_.units(), split = by_columns ? c_.columns() : c_.rows();
  while (begin < end) {
    const int64_t batch = begin / units, first = begin % units, last = std::min(units, first + end - begin);
    const int64_t from = first * unit, to = std::min(split, last * unit);
    if (by_columns) {
      run(batch, 0, c_.rows(), from, to);
    } else {
      run(batch, from, to, 0, c_.columns());
    }
    begin += last - first;
  }
}

void ContractionWorker::run(int64_t batch, int64_t row, int64_t row_end, int64_t column, int64_t column_end) {
  a_.select_batch(batch);
  b_.select_batch(batch);
  out_.base = c_.out + c_.out_batch.place(batch) * c_.out_itemsize;
  for (int64_t n = column; n < column_end; n += c_.column_block) {
    const int64_t columns = std::min(c_.column_block, column_end - n);
    b_.select_positions(n, columns);
    if (!c_.staged()) {
      if (n != columns_begin_ || columns != columns_count_) c_.out_columns.fill(n, columns, 0, out_.column, nullptr);
      if (epilogue_ != nullptr) find_out_runs(n, columns);
      columns_begin_ = n;
      columns_count_ = columns;
      sum_in_output(row, row_end, columns);
      continue;
    }
    find_out_runs(n, columns);
    for (int64_t m = row; m < row_end; m += c_.row_block)
      sum_in_scratch(m, std::min(c_.row_block, row_end - m), columns);
  }
}

void ContractionWorker::sum_parts(int64_t begin, int64_t end, char* parts) {
  a_.select_batch(0);
  b_.select_batch(0);
  select_rows(0, c_.rows());
  b_.select_positions(0, c_.columns());
  for (int64_t block = begin + sum_dots(begin, end, parts); block < end; ++block) {
    select_depth(block * kContractionBlock);
    const Destination part{parts + block * c_.part_nbytes(), nullptr, nullptr};
    multiply_block(part, c_.rows(), c_.columns(), false, true);
  }
}

int64_t ContractionWorker::sum_dots(int64_t begin, int64_t end, char* parts) {
  const int64_t count = std::min(end, c_.a.depth.count / kContractionBlock) - begin;
  int64_t a_step = 0, b_step = 0;
  const char *const a = a_.line(&a_step), *const b = b_.line(&b_step);
  if (c_.rows() * c_.columns() != 1 || count <= 0 || a == nullptr || b == nullptr) return 0;
  const int64_t first = begin * kContractionBlock * c_.itemsize;
  c_.tiles->dots(count, a + first * a_step, a_step, b + first * b_step, b_step, parts + begin * c_.part_nbytes(),
                 c_.part_nbytes() / c_.itemsize);
  return count;
}

void ContractionWorker::add_parts(char* parts) {
  add_blocks(c_, parts);
  out_.base = c_.out;
  find_out_runs(0, c_.columns());
  c_.out_rows.fill(0, c_.rows(), 0, out_.row, nullptr);
  move_sums(c_, parts, c_.rows(), at<JtRun>(layout_.runs), run_count_, out_);
}

void ContractionWorker::sum_in_output(int64_t row, int64_t row_end, int64_t columns) {
  for (int64_t k = 0; k < c_.a.depth.count; k += kContractionBlock) {
    select_depth(k);
    for (int64_t m = row; m < row_end; m += c_.row_block) {
      const int64_t rows = std::min(c_.row_block, row_end - m);
      select_rows(m, rows);
      multiply_block(out_, rows, columns, k > 0, m == row);
      if (k + kContractionBlock >= c_.a.depth.count) finish(rows);
    }
  }
}

void ContractionWorker::select_rows(int64_t m, int64_t rows) {
  if (m == rows_begin_ && rows == rows_count_) return;
  rows_begin_ = m;
  rows_count_ = rows;
  a_.select_positions(m, rows);
  c_.out_rows.fill(m, rows, 0, out_.row, nullptr);
  row_panels_ = divide_up(rows, c_.tiles->rows);
  for (int64_t p = 0; p <= row_panels_; ++p) panel_[p] = rows * p / row_panels_;
}

void ContractionWorker::find_out_runs(int64_t n, int64_t columns) {
  run_count_ = 0;
  JtRun* const runs = at<JtRun>(layout_.runs);
  const GappedColumns& gaps = c_.gaps;
  for (int64_t j = 0; j < columns;) {
    int64_t first = n + j, count, next;
    if (gaps.pitch != 0) {
      const int64_t image = first / gaps.image, at = first % gaps.image;
      const int64_t row = at / gaps.pitch, column = at % gaps.pitch;
      next = row < gaps.rows ? std::min(gaps.pitch - column, gaps.image - at) : gaps.image - at;
      count = row < gaps.rows && column < gaps.columns ? gaps.columns - column : 0;
      first = (image * gaps.rows + row) * gaps.columns + column;
    } else {
      const int64_t extent = c_.out_columns.axes == 0 ? 1 : c_.out_columns.extent[c_.out_columns.axes - 1];
      next = count = extent - first % extent;
    }
    count = std::min(count, columns - j);
    if (count > 0) {
      int64_t offsets[2];
      c_.out_columns.fill(first, std::min<int64_t>(count, 2), 0, offsets, nullptr);
      runs[run_count_++] = JtRun{j, count, offsets[0], count > 1 ? offsets[1] - offsets[0] : 1, 0};
    }
    j += next;
  }
}

void ContractionWorker::sum_in_scratch(int64_t m, int64_t rows, int64_t columns) {
  select_rows(m, rows);
  const Destination sums{scratch_ + layout_.sums, nullptr, nullptr};
  for (int64_t k = 0; k < c_.a.depth.count; k += kContractionBlock) {
    select_depth(k);
    multiply_block(sums, rows, columns, k > 0, true);
  }
  move_sums(c_, sums.base, rows, at<JtRun>(layout_.runs), run_count_, out_);
  finish(rows);
}

void ContractionWorker::finish(int64_t rows) const {
  if (epilogue_ == nullptr) return;
  const JtRun* const runs = at<JtRun>(layout_.runs);
  const int64_t base = (out_.base - c_.out) / c_.out_itemsize;
  int64_t begin = 0, end = 0;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t q = 0; q < run_count_; ++q) {
      const int64_t first = base + out_.row[i] + runs[q].offset;
      if (first != end) {
        go_on(begin, end);
        begin = first;
      }
      end = first + runs[q].count;
    }
  }
  go_on(begin, end);
}

void ContractionWorker::go_on(int64_t begin, int64_t end) const {
  if (begin < end) epilogue_->run(epilogue_->context, thread_, begin / epilogue_->piece, end / epilogue_->piece);
}

void ContractionWorker::select_depth(int64_t k) {
  depth_ = std::min(kContractionBlock, c_.a.depth.count - k);
  a_.select_depth(k, depth_);
  b_.select_depth(k, depth_);
}

void ContractionWorker::multiply_block(const Destination& to, int64_t rows, int64_t columns, bool add,
                                       bool pack_columns) {
  const JtTileSet& tiles = *c_.tiles;
  a_.pack_panels(row_panels_, panel_, scratch_ + layout_.packed_a);
  // Columns that are read once, overlap each other or are few: packing them would only cost.
  const bool as_they_are = c_.rows() <= tiles.rows || c_.gaps.pitch != 0 || b_.within(kSmallNbytes);
  for (int64_t j = rows == 1 ? multiply_row(to, columns, add) : 0; j < columns; j += tiles.columns) {
    const int64_t count = std::min<int64_t>(tiles.columns, columns - j);
    const int narrow = count <= tiles.columns / 2 ? 1 : 0;
    const Panel panel{j, count, narrow != 0 ? tiles.columns / 2 : tiles.columns, narrow};
    const int64_t* places = b_.places();
    const char* b = as_they_are && count == panel.width ? b_.in_place(j, count) : nullptr;
    if (b == nullptr) {
      char* const packed = scratch_ + layout_.packed_b + j * depth_ * c_.itemsize;
      if (pack_columns) b_.pack(j, count, panel.width, packed);
      b = packed;
      places = places_[narrow];
    }
    for (int64_t p = 0; p < row_panels_; ++p) {
      multiply_tile(to, panel, panel_[p], panel_[p + 1] - panel_[p], b, places, add);
    }
  }
}

int64_t ContractionWorker::multiply_row(const Destination& to, int64_t columns, bool add) {
  const int64_t count = columns / c_.tiles->columns * c_.tiles->columns;
  const char* const b = count > c_.tiles->columns ? b_.in_place(0, count) : nullptr;
  if (b == nullptr) return 0;
  int64_t place = 0;
  if (to.column != nullptr) {
    place = to.row[0] + to.column[0];
    if (to.column[count - 1] - to.column[0] != count - 1) return 0;
  }
  c_.tiles->row(depth_, scratch_ + layout_.packed_a, b, reinterpret_cast<const long long*>(b_.places()), count,
                scratch_ + layout_.packed_b, to.base + place * c_.itemsize, add);
  return count;
}

void ContractionWorker::multiply_tile(const Destination& to, const Panel& panel, int64_t first, int64_t count,
                                      const char* b, const int64_t* places, bool add) {
  const JtTile tile = c_.tiles->tile[panel.narrow][count - 1];
  const char* const a = scratch_ + layout_.packed_a + first * depth_ * c_.itemsize;
  int64_t rows[JT_MOST_ROWS];
  const auto* const place = reinterpret_cast<const long long*>(places);
  const auto* const abi_rows = reinterpret_cast<const long long*>(rows);
  if (to.column == nullptr) {
    for (int64_t i = 0; i < count; ++i) rows[i] = (first + i) * c_.column_block + panel.first;
    tile(depth_, a, b, place, to.base, abi_rows, add);
    return;
  }
  const int64_t* const column = to.column + panel.first;
  if (panel.count == panel.width && column[panel.count - 1] - column[0] == panel.count - 1) {
    for (int64_t i = 0; i < count; ++i) rows[i] = to.row[first + i] + column[0];
    tile(depth_, a, b, place, to.base, abi_rows, add);
    return;
  }
  char* const temporary = scratch_ + layout_.tile;
  for (int64_t i = 0; i < count; ++i) rows[i] = i * panel.width;
  if (add) {
    copy_tile(c_.itemsize, count, panel.count, to.base, to.row + first, column, temporary, rows, kAscending.value);
  }
  tile(depth_, a, b, place, temporary, abi_rows, add);
  store_tile(c_.itemsize, count, panel.count, temporary, rows, to.base, to.row + first, column);
}

}  // namespace jtcy
