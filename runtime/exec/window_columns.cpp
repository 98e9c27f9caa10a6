// Convolution with positions as columns: chunks of the output, a slab of the image each, a filter packed for all
// threads.
#include <algorithm>
#include <vector>

#include "exec/window_run.h"

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

struct ColumnLayout {
  explicit ColumnLayout(const Window& w) : in_place(stores_in_place(w)) {
    const int64_t rows = w.other.own.count, depth = std::min(kContractionBlock, w.other.depth.count);
    filter = shared.take(w.batch.count * rows * w.other.depth.count * w.itemsize);
    slab = own.take(w.slab_nbytes());
    places = own.take(w.chunk * 8);
    taps = own.take(depth * 8);
    packed_places = own.take(2 * kContractionBlock * 8);
    packed = own.take((depth * w.width + w.lanes) * w.itemsize);
    sums = own.take(in_place ? 0 : rows * w.chunk * w.itemsize);
    out_rows = own.take(rows * 8);
    out_columns = own.take(w.chunk * 8);
    tables = own.take(OperandBlock::table_nbytes(w.other, w.most_rows, depth));
    lines = own.take(kMostPanel * depth * w.itemsize);
  }
  int64_t nbytes(int threads) const noexcept { return shared.total + own.total * threads; }

  bool in_place;
  Taker shared, own;
  int64_t filter, slab, places, taps, packed_places, packed, sums, out_rows, out_columns, tables, lines;
};

/// The filter, packed for all threads: by batch, block of the sum and panel of rows.
void pack_filter(const Window& w, const ColumnLayout& layout, char* memory, ThreadPool& pool) {
  const int64_t rows = w.other.own.count, depth = w.other.depth.count;
  const RowPanels panels(rows, w.most_rows);
  const auto part = [&](int thread, int64_t begin, int64_t end) {
    char* const own = memory + layout.shared.total + thread * layout.own.total;
    OperandBlock block(w.other, *w.prebuilt, w.itemsize, w.most_rows, std::min(kContractionBlock, depth),
                       own + layout.tables, own + layout.lines);
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t panel = unit % panels.count, batch = unit / panels.count, first = panels.begin(panel);
      const int64_t height = panels.height(panel);
      block.select_batch(batch);
      block.select_positions(first, height);
      for (int64_t b = 0; b < w.blocks(); ++b) {
        const int64_t k = w.block_begin[b], count = w.block_begin[b + 1] - k;
        if (count == 0) continue;
        block.select_depth(k, count);
        block.pack(0, height, height,
                   memory + layout.filter + ((batch * depth + k) * rows + first * count) * w.itemsize);
      }
    }
  };
  pool.parallel_for(w.batch.count * panels.count, divide_up(kGrainProducts, 64 * w.most_rows * depth), part);
}

class ColumnWorker {
 public:
  ColumnWorker(const Window& w, const ColumnLayout& layout, char* memory, int thread, const Epilogue* epilogue)
      : w_(w),
        layout_(layout),
        epilogue_(epilogue),
        thread_(thread),
        filter_(memory + layout.filter),
        own_(memory + layout.shared.total + thread * layout.own.total),
        slab_(w, own_ + layout.slab, at(layout.places)),
        panels_(w.other.own.count, w.most_rows) {
    for (int64_t k = 0; k < kContractionBlock; ++k) {
      at(layout.packed_places)[k] = k * w.width;
      at(layout.packed_places)[kContractionBlock + k] = k * w.lanes;
    }
    w.out_rows.fill(0, w.out_rows.count, 0, at(layout.out_rows), nullptr);
  }

  /// All sums of a chunk of positions for some panels of rows.
  void run(int64_t batch, int64_t begin, int64_t count, int64_t first_panel, int64_t last_panel) {
    slab_.select_batch(batch);
    slab_.select_positions(begin, count);
    w_.out_columns.fill(begin, count, 0, at(layout_.out_columns), nullptr);
    int64_t offset = 0;
    w_.out_batch.fill(batch, 1, 0, &offset, nullptr);
    out_ = w_.out + offset * w_.out_itemsize;
    bool add = false;
    for (int64_t block = 0; block < w_.blocks(); ++block) {
      const int64_t k = w_.block_begin[block], depth = w_.block_begin[block + 1] - k;
      if (depth == 0) continue;
      const int64_t taps = w_.taps(), channel = k / taps;
      slab_.write(channel, (k + depth - 1) / taps + 1);
      slab_.fill_taps(k, depth, w_.direct ? 0 : channel, at(layout_.taps));
      const char* const filter = filter_ + (batch * w_.other.depth.count + k) * w_.other.own.count * w_.itemsize;
      for (int64_t column = 0; column < count; column += w_.width) {
        multiply_panel(column, std::min(w_.width, count - column), depth, filter, first_panel, last_panel, add);
      }
      add = true;
    }
    finish(count, panels_.begin(first_panel), panels_.begin(last_panel));
  }

 private:
  int64_t* at(int64_t place) const noexcept { return reinterpret_cast<int64_t*>(own_ + place); }

  void multiply_panel(int64_t column, int64_t count, int64_t depth, const char* filter, int64_t first_panel,
                      int64_t last_panel, bool add) {
    const int narrow = count <= w_.lanes ? 1 : 0;
    const int64_t width = narrow != 0 ? w_.lanes : w_.width;
    const int64_t* const places = slab_.places() + column;
    const auto in_line = [places](int64_t first, int64_t length) {
      for (int64_t i = 1; i < length; ++i) {
        if (places[first + i] != places[first] + i) return false;
      }
      return true;
    };
    const char* b = slab_.data() + places[0] * w_.itemsize;
    const int64_t* place = at(layout_.taps);
    int64_t second = w_.lanes;
    if (count == width && in_line(0, w_.lanes) && (narrow != 0 || in_line(w_.lanes, w_.lanes))) {
      if (narrow == 0) second = places[w_.lanes] - places[0];
    } else {
      pack(places, count, depth, width);
      b = own_ + layout_.packed;
      place = at(layout_.packed_places) + narrow * kContractionBlock;
    }
    const int64_t* const out_rows = at(layout_.out_rows);
    char* const to = layout_.in_place ? out_ : own_ + layout_.sums;
    const int64_t to_column = layout_.in_place ? at(layout_.out_columns)[column] : column;
    for (int64_t panel = first_panel; panel < last_panel; ++panel) {
      const int64_t first = panels_.begin(panel), height = panels_.height(panel);
      long long rows[JT_MOST_ROWS];
      for (int64_t i = 0; i < height; ++i) {
        rows[i] = (layout_.in_place ? out_rows[first + i] : (first + i) * w_.chunk) + to_column;
      }
      w_.kernels->column[narrow][height - 1](depth, filter + first * depth * w_.itemsize, b, second, as_abi(place), to,
                                             rows, add ? 1 : 0);
    }
  }

  /// Positions that are no whole vectors in the slab, next to each other.
  void pack(const int64_t* places, int64_t count, int64_t depth, int64_t width) {
    long long from[kMostPanel], to[kMostPanel];
    int pieces = 0;
    for (int64_t i = 0; i < count; ++i) {
      const bool follows = pieces > 0 && places[i] == from[pieces - 1] + (i - to[pieces - 1]);
      if (follows && i - to[pieces - 1] < w_.lanes) continue;
      from[pieces] = places[i];
      to[pieces++] = i;
    }
    w_.kernels->pack(depth, slab_.data(), as_abi(at(layout_.taps)), pieces, from, to, own_ + layout_.packed, width);
  }

  /// Sums that wait in scratch memory go to the output; the epilogue gets what follows each other there.
  void finish(int64_t count, int64_t row, int64_t row_end) {
    if (layout_.in_place && epilogue_ == nullptr) return;
    find_runs(count);
    const int64_t base = (out_ - w_.out) / w_.out_itemsize;
    for (; row < row_end; ++row) {
      const int64_t to = at(layout_.out_rows)[row];
      for (const JtRun& run : runs_) {
        if (!layout_.in_place) {
          move_run(w_, own_ + layout_.sums + (row * w_.chunk + run.start) * w_.itemsize,
                   out_ + (to + run.offset) * w_.out_itemsize, run.count, run.step);
        }
        const int64_t first = base + to + run.offset;
        if (epilogue_ != nullptr) epilogue_->run(epilogue_->context, thread_, first, first + run.count);
      }
    }
  }

  void find_runs(int64_t count) {
    const int64_t* const columns = at(layout_.out_columns);
    runs_.clear();
    for (int64_t j = 0; j < count;) {
      const int64_t step = j + 1 < count ? columns[j + 1] - columns[j] : 1;
      int64_t end = j + 1;
      while (end < count && columns[end] - columns[end - 1] == step) ++end;
      runs_.push_back(JtRun{j, end - j, columns[j], step, 0});
      j = end;
    }
  }

  const Window& w_;
  const ColumnLayout& layout_;
  const Epilogue* epilogue_;
  int thread_;
  const char* filter_;
  char* own_;
  Slab slab_;
  RowPanels panels_;
  char* out_ = nullptr;
  std::vector<JtRun> runs_;  // of the chunk's columns in the output
};

}  // namespace

int64_t window_columns_scratch(const Window& w, int threads) noexcept { return ColumnLayout(w).nbytes(threads); }

void run_window_columns(const Window& w, char* memory, ThreadPool& pool, const Epilogue* epilogue) {
  const ColumnLayout layout(w);
  pack_filter(w, layout, memory, pool);
  const int64_t threads = pool.threads(), positions = w.positions();
  const RowPanels panels(w.other.own.count, w.most_rows);
  // Smaller chunks, then parts of the rows, until every thread has two.
  int64_t chunk = w.chunk;
  while (chunk > 4 * w.width && w.batch.count * divide_up(positions, chunk) < 2 * threads) {
    chunk = divide_up(chunk / 2, w.width) * w.width;
  }
  const int64_t chunks = divide_up(positions, chunk);
  const int64_t parts = std::clamp<int64_t>(divide_up(threads, w.batch.count * chunks), 1, panels.count);
  const auto part = [&](int thread, int64_t begin, int64_t end) {
    ColumnWorker worker(w, layout, memory, thread, epilogue);
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t of_rows = unit % parts, at = unit / parts % chunks, batch = unit / parts / chunks;
      const int64_t first = at * chunk;
      worker.run(batch, first, std::min(chunk, positions - first), panels.count * of_rows / parts,
                 panels.count * (of_rows + 1) / parts);
    }
  };
  const int64_t products = std::max<int64_t>(1, chunk * panels.rows * w.other.depth.count / parts);
  pool.parallel_for(w.batch.count * chunks * parts, divide_up(kGrainProducts, products), part);
}

}  // namespace jtcy
