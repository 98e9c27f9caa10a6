// Scratch memory of a convolution whose positions are columns, and its filter there.
#pragma once
#include "exec/window_run.h"

namespace jtcy {

struct ColumnLayout {
  explicit ColumnLayout(const Window& w);
  int64_t nbytes(int threads) const noexcept { return shared.total + own.total * threads; }

  bool in_place;      // every panel of columns is one piece of a row of the output, in its own dtype
  bool reads_filter;  // where it is: it is not packed
  Taker shared, own;
  int64_t group, packed_nbytes;  // panels of columns that are put together at a time, and the bytes of one
  int64_t filter, filter_rows, filter_depth, slab, places, taps, packed_places, packed, sums, out_rows, sum_rows,
      tables, lines;
};

/// The filter, packed for all threads: by batch, block of the sum and panel of rows; or where its elements are.
void pack_filter(const Window& w, const ColumnLayout& layout, char* memory, ThreadPool& pool);

}  // namespace jtcy
