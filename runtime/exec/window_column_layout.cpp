// Which filters are packed, and how; what is stored where it belongs at once.
#include "exec/window_column_layout.h"

#include <algorithm>

namespace jtcy {
namespace {

/// Every panel of columns is one piece of a row of the output, in its own dtype.
bool stores_in_place(const Window& w) noexcept {
  if (w.rounded() || w.positions() % w.width != 0 || w.out_columns.axes == 0) return false;
  int64_t line = 1;
  for (int axis = w.out_columns.axes - 1; axis >= 0; --axis) {
    if (w.out_columns.extent[axis] == 1) continue;
    if (w.out_columns.offset[axis] != line) break;
    line *= w.out_columns.extent[axis];
  }
  return line % w.width == 0;
}

// Elements of the filter to pack worth a thread.
constexpr int64_t kGrainPacked = 32'768;

// A filter of many rows that serves few positions is read where it is, for a group of panels of columns at a time; but
// not short runs of neighbours, which lie too far from each other for the first cache.
constexpr int64_t kFewPositions = 2048;
constexpr int64_t kFilterRun = 64;
constexpr int64_t kGroupPanels = 8;

bool reads_filter_in_place(const Window& w) noexcept {
  const bool whole_vectors = w.direct || w.dim[w.spatial - 1].positions % w.lanes == 0;
  if (whole_vectors || w.other.itemsize != w.itemsize || w.positions() > kFewPositions) return false;
  if (w.other.own.count <= kMergedPanels * w.most_rows) return false;
  int64_t run = 1;
  for (int axis = w.other.depth.axes - 1; axis >= 0; --axis) {
    if (w.other.depth.extent[axis] == 1) continue;
    if (w.other.depth.offset[axis] != run) break;
    run *= w.other.depth.extent[axis];
  }
  return run == 1 || run >= kFilterRun;
}

}  // namespace

ColumnLayout::ColumnLayout(const Window& w) : in_place(stores_in_place(w)), reads_filter(reads_filter_in_place(w)) {
  const int64_t rows = w.other.own.count, depth = std::min(kContractionBlock, w.other.depth.count);
  filter = shared.take(reads_filter ? 0 : w.batch.count * rows * w.other.depth.count * w.itemsize);
  filter_rows = shared.take(reads_filter ? rows * 8 : 0);
  filter_depth = shared.take(reads_filter ? w.other.depth.count * 8 : 0);
  slab = own.take(w.slab_nbytes());
  places = own.take(w.chunk * 8);
  taps = own.take(depth * 8);
  packed_places = own.take(2 * kContractionBlock * 8);
  packed_nbytes = divide_up((depth * w.width + w.lanes) * w.itemsize, kScratchAlignment) * kScratchAlignment;
  group = reads_filter ? kGroupPanels : 1;
  packed = own.take(group * packed_nbytes);
  sums = own.take(in_place ? 0 : rows * w.chunk * w.itemsize);
  out_rows = own.take(rows * 8);
  sum_rows = own.take(rows * 8);
  tables = own.take(OperandBlock::table_nbytes(w.other, rows, depth));
  lines = own.take(kMostPanel * depth * w.itemsize);
}

void pack_filter(const Window& w, const ColumnLayout& layout, char* memory, ThreadPool& pool) {
  if (layout.reads_filter) {
    w.other.own.fill(0, w.other.own.count, 0, reinterpret_cast<int64_t*>(memory + layout.filter_rows), nullptr);
    w.other.depth.fill(0, w.other.depth.count, 0, reinterpret_cast<int64_t*>(memory + layout.filter_depth), nullptr);
    return;
  }
  const int64_t rows = w.other.own.count, depth = w.other.depth.count;
  const RowPanels panels(rows, w.most_rows);
  const auto part = [&](int thread, int64_t begin, int64_t end) {
    char* const own = memory + layout.shared.total + thread * layout.own.total;
    OperandBlock block(w.other, *w.prebuilt, w.itemsize, rows, std::min(kContractionBlock, depth), own + layout.tables,
                       own + layout.lines);
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t batch = unit / w.blocks(), number = unit % w.blocks();
      const int64_t k = w.block_begin[number], count = w.block_begin[number + 1] - k;
      if (count == 0) continue;
      block.select_batch(batch);
      block.select_positions(0, rows);
      block.select_depth(k, count);
      block.pack_panels(panels.count, panels.begins(),
                        memory + layout.filter + (batch * depth + k) * rows * w.itemsize);
    }
  };
  pool.parallel_for(w.batch.count * w.blocks(), divide_up(kGrainPacked, rows * std::min(kContractionBlock, depth)),
                    part);
}

}  // namespace jtcy
