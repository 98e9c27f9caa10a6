// One thread's part of a contraction: blocks are packed, tiles do the arithmetic.
#pragma once
#include <cstdint>

#include "exec/contraction_analysis.h"
#include "exec/contraction_sums.h"
#include "exec/scratch.h"

namespace jtcy {

/// Panels of a row block: as many as its bytes allow of the smallest tile.
inline constexpr int64_t kMostRowPanels = 512;

/// A thread's scratch memory, by place.
struct ContractionScratch : Taker {
  explicit ContractionScratch(const Contraction& c) {
    packed_a = take(c.row_block * c.depth_block * c.itemsize);
    packed_b = take(c.column_block * c.depth_block * c.itemsize);
    transposed = take(kMostPanel * c.depth_block * c.itemsize);
    tile = take(JT_MOST_ROWS * kMostPanel * 8);
    sums = take(c.staged() && !c.in_parts() ? c.row_block * c.column_block * c.itemsize : 0);
    tables_a = take(OperandBlock::table_nbytes(c.a, c.row_block, c.depth_block));
    tables_b = take(OperandBlock::table_nbytes(c.b, c.column_block, c.depth_block));
    out_rows = take(c.row_block * 8);
    out_columns = take(c.column_block * 8);
    places = take(2 * kContractionBlock * 8);
    runs = take(c.column_block * static_cast<int64_t>(sizeof(JtRun)));
  }
  int64_t packed_a, packed_b, transposed, tile, sums, tables_a, tables_b, out_rows, out_columns, places, runs;
};

class ContractionWorker {
 public:
  ContractionWorker(const Contraction& c, char* scratch, int thread = 0, const Epilogue* epilogue = nullptr);

  /// Results of units [begin, end) of the longer side, those of one batch after the other: Contraction::unit.
  void run_units(int64_t begin, int64_t end);

  /// Sums of the blocks [begin, end) of the summed range, each to its place in `parts`: Note [Parts of the sum].
  void sum_parts(int64_t begin, int64_t end, char* parts);

  /// Whole blocks of one result's sum. How many there were.
  int64_t sum_dots(int64_t begin, int64_t end, char* parts);

  /// Adds the parts in order and moves the sums to the output.
  void add_parts(char* parts);

 private:
  /// Results [row, row_end) x [column, column_end) of one batch.
  void run(int64_t batch, int64_t row, int64_t row_end, int64_t column, int64_t column_end);

  template <typename T>
  T* at(int64_t offset) const noexcept {
    return reinterpret_cast<T*>(scratch_ + offset);
  }

  void sum_in_output(int64_t row, int64_t row_end, int64_t columns);

  void select_rows(int64_t m, int64_t rows);

  /// Where the results of columns [n, n + columns) go, as runs; those of gaps are in none.
  void find_out_runs(int64_t n, int64_t columns);

  /// Sums in scratch memory, then to the output; 16-bit floats are rounded here, once.
  void sum_in_scratch(int64_t m, int64_t rows, int64_t columns);

  /// Hands the block's pieces to the epilogue, rows that follow each other in memory as one range.
  void finish(int64_t rows) const;

  void go_on(int64_t begin, int64_t end) const;

  void select_depth(int64_t k);

  /// One block of the sum for all tiles of rows x columns. `pack_columns`: they are not packed yet.
  void multiply_block(const Destination& to, int64_t rows, int64_t columns, bool add, bool pack_columns);

  /// A row whose columns stand next to each other, but for the last ones. How many there were.
  int64_t multiply_row(const Destination& to, int64_t columns, bool add);

  struct Panel {
    int64_t first, count, width;
    int narrow;
  };

  void multiply_tile(const Destination& to, const Panel& panel, int64_t first, int64_t count, const char* b,
                     const int64_t* places, bool add);

  const Contraction& c_;
  const Epilogue* epilogue_;
  int thread_;
  const ContractionScratch layout_;
  char* scratch_;
  OperandBlock a_, b_;
  Destination out_;
  int64_t* places_[2];  // of wide and narrow packed panels
  int64_t depth_ = 0;
  int64_t run_count_ = 0;
  int64_t rows_begin_ = -1, rows_count_ = 0, columns_begin_ = -1, columns_count_ = 0;  // of the tables
  int64_t row_panels_ = 0, panel_[kMostRowPanels + 1];                                 // where each begins
};

}  // namespace jtcy
