// Convolution with positions summed, a filter's gradient: channels and taps are the rows of tiles.
#include <algorithm>
#include <cstring>
#include <vector>

#include "exec/window_fetch.h"
#include "exec/window_filter.h"
#include "exec/window_run.h"

namespace jtcy {
namespace {

// A filter's gradient of at most so many bytes is summed by blocks, several at a time: Note [Rounds].
constexpr int64_t kMostPartNbytes = int64_t{256} << 10;
constexpr int64_t kRoundNbytes = int64_t{4} << 20;
// Sums of blocks to add worth a thread.
constexpr int64_t kGrainAdded = 65'536;
// With fewer rows a thread, packing the columns for each of them costs more than adding the blocks' sums afterwards.
constexpr int64_t kRowsOfThread = 128;
// Panels whose finished sums are moved to the output together, from the caches.
constexpr int64_t kMovedPanels = 8;

// Note [Rounds]
// The gradient of a small filter has few tiles and a long sum. Its blocks are summed each on its own anyway: threads
// share the blocks of a round, and the sums of the blocks are added in order when all of the round are there. The
// gradient of a larger filter is shared by its rows instead.

struct RowLayout {
  explicit RowLayout(const Window& w) {
    const int64_t columns = w.other.own.count, depth = std::min(kContractionBlock, w.other.depth.count);
    rows = w.channels * w.taps();
    step = divide_up(columns, w.lanes) * w.lanes;
    part_nbytes = w.batch.count * rows * step * w.itemsize;
    round = part_nbytes > kMostPartNbytes ? 1 : std::min(w.blocks(), kRoundNbytes / part_nbytes);
    sums = shared.take(part_nbytes);
    parts = shared.take(round > 1 ? round * part_nbytes : 0);
    slab = own.take(w.slab_nbytes());
    places = own.take(w.chunk * 8);
    taps = own.take(rows * 8);
    packed = own.take(depth * w.width * w.itemsize);
    moved = own.take(kMovedPanels * w.most_rows * w.width * w.itemsize);
    tables = own.take(OperandBlock::table_nbytes(w.other, columns, depth));
    lines = own.take(kMostPanel * depth * w.itemsize);
  }
  int64_t nbytes(int threads) const noexcept { return shared.total + own.total * threads; }

  Taker shared, own;
  int64_t rows, step, part_nbytes, round;
  int64_t sums, parts, slab, places, taps, packed, moved, tables, lines;
};

class RowWorker {
 public:
  RowWorker(const Window& w, const RowLayout& layout, char* memory, int thread)
      : w_(w),
        layout_(layout),
        own_(memory + layout.shared.total + thread * layout.own.total),
        slab_(w, own_ + layout.slab, reinterpret_cast<int64_t*>(own_ + layout.places)),
        fetch_(w),
        columns_(w, own_ + layout.tables, own_ + layout.lines),
        sum_row_(static_cast<std::size_t>(layout.rows)) {
    for (int64_t row = 0; row < layout.rows; ++row) sum_row_[static_cast<std::size_t>(row)] = row * layout.step;
  }

  void select_batch(int64_t batch) {
    batch_ = next_batch_ = batch;
    slab_.select_batch(batch);
    columns_.select_batch(batch);
  }

  /// What is worked on afterwards: a block of a batch; no block: nothing.
  void expect(int64_t batch, int64_t block) noexcept {
    next_batch_ = batch;
    next_block_ = block;
  }

  /// The sums of one block for some panels of rows; those of the last block go on to the output where `out` is given.
  void run(int64_t block, const RowPanels& panels, int64_t first_panel, int64_t last_panel, char* to, bool add,
           const FilterSums* out) {
    const int64_t k = w_.block_begin[block], depth = w_.block_begin[block + 1] - k, columns = w_.other.own.count;
    const int64_t row = panels.begin(first_panel), row_end = panels.begin(last_panel);
    const int64_t channel = row / w_.taps();
    slab_.select_positions(k, depth);
    slab_.write(channel, (row_end - 1) / w_.taps() + 1);
    int64_t* const taps = reinterpret_cast<int64_t*>(own_ + layout_.taps);
    slab_.fill_taps(row, row_end - row, w_.direct ? 0 : channel, taps);
    columns_.select_positions(k, depth);
    fetch_next(channel, (row_end - 1) / w_.taps() + 1, divide_up(columns, w_.width) * (last_panel - first_panel));
    char* const packed = own_ + layout_.packed;
    for (int64_t column = 0; column < columns; column += w_.width) {
      const int64_t count = std::min(w_.width, columns - column);
      const int narrow = count <= w_.lanes ? 1 : 0;
      columns_.pack(column, count, narrow != 0 ? w_.lanes : w_.width, packed);
      for (int64_t panel = first_panel; panel < last_panel; ++panel) {
        const int64_t first = panels.begin(panel), height = panels.height(panel);
        const SlabFetch::Lines lines = fetch_.next();
        w_.kernels->row[narrow][height - 1](depth, slab_.data(), as_abi(taps + first - row), as_abi(slab_.places()),
                                            packed, to + column * w_.itemsize, as_abi(sum_row_.data() + first),
                                            add ? 1 : 0, lines.first, lines.last);
        const bool group = (panel + 1 - first_panel) % kMovedPanels == 0 || panel + 1 == last_panel;
        if (out == nullptr || !group) continue;
        out->move(to, batch_, panels.begin(first_panel + (panel - first_panel) / kMovedPanels * kMovedPanels),
                  panels.begin(panel + 1), column, column + count, own_ + layout_.moved);
      }
    }
  }

 private:
  /// What is copied to the slab next is fetched meanwhile.
  void fetch_next(int64_t first_channel, int64_t last_channel, int64_t calls) {
    const bool there = next_block_ < w_.blocks();
    const int64_t k = there ? w_.block_begin[next_block_] : 0;
    fetch_.select(next_batch_, k, there ? w_.block_begin[next_block_ + 1] - k : 0);
    fetch_.start(first_channel, last_channel, calls);
  }

  const Window& w_;
  const RowLayout& layout_;
  char* own_;
  int64_t batch_ = 0, next_batch_ = 0, next_block_ = 0;
  Slab slab_;
  SlabFetch fetch_;
  FilterColumns columns_;
  std::vector<int64_t> sum_row_;  // where the sums of each row are
};

void sum_in_rounds(const Window& w, const RowLayout& layout, char* memory, ThreadPool& pool) {
  const RowPanels panels(layout.rows, w.most_rows);
  const int64_t batches = w.batch.count, of_batch = layout.part_nbytes / batches;
  const int64_t products = kContractionBlock * layout.rows * layout.step;
  for (int64_t first = 0; first < w.blocks(); first += layout.round) {
    const int64_t count = std::min(layout.round, w.blocks() - first);
    const auto part = [&](int thread, int64_t begin, int64_t end) {
      RowWorker worker(w, layout, memory, thread);
      for (int64_t unit = begin; unit < end; ++unit) {
        // Batches first: the same positions of all of them are planned once.
        const int64_t block = unit / batches, batch = unit % batches;
        if (unit == begin || batches > 1) worker.select_batch(batch);
        worker.expect((unit + 1) % batches, unit + 1 < end ? first + (unit + 1) / batches : w.blocks());
        worker.run(first + block, panels, 0, panels.count,
                   memory + layout.parts + block * layout.part_nbytes + batch * of_batch, false, nullptr);
      }
    };
    pool.parallel_for(batches * count, divide_up(kGrainProducts, products), part);
    const auto fold = [&](int, int64_t begin, int64_t end) {
      const int64_t nbytes = (end - begin) * w.itemsize;
      char* const sums = memory + layout.sums + begin * w.itemsize;
      const char* parts = memory + layout.parts + begin * w.itemsize;
      for (int64_t p = 0; p < count; ++p, parts += layout.part_nbytes) {
        if (first + p == 0) {
          std::memcpy(sums, parts, static_cast<std::size_t>(nbytes));
        } else {
          w.kernels->add(end - begin, parts, sums);
        }
      }
    };
    pool.parallel_for(layout.part_nbytes / w.itemsize, divide_up(kGrainAdded, count), fold);
  }
}

void sum_by_rows(const Window& w, const RowLayout& layout, char* memory, ThreadPool& pool) {
  const RowPanels panels(layout.rows, w.most_rows);
  const FilterSums out(w, layout.step);
  const int64_t of_batch = layout.part_nbytes / w.batch.count;
  const auto part = [&](int thread, int64_t begin, int64_t end) {
    RowWorker worker(w, layout, memory, thread);
    while (begin < end) {
      const int64_t batch = begin / panels.count, first = begin % panels.count;
      const int64_t last = std::min(panels.count, first + end - begin);
      worker.select_batch(batch);
      for (int64_t block = 0; block < w.blocks(); ++block) {
        worker.expect(batch, block + 1);
        worker.run(block, panels, first, last, memory + layout.sums + batch * of_batch, block > 0,
                   block + 1 == w.blocks() ? &out : nullptr);
      }
      begin += last - first;
    }
  };
  const int64_t products = std::max<int64_t>(1, w.most_rows * w.other.own.count * w.other.depth.count);
  pool.parallel_for(w.batch.count * panels.count, divide_up(kGrainProducts, products), part);
}

void move_sums(const Window& w, const RowLayout& layout, const char* sums, ThreadPool& pool) {
  const FilterSums out(w, layout.step);
  const int64_t rows = layout.rows, columns = w.other.own.count;
  const auto move = [&](int, int64_t begin, int64_t end) {
    std::vector<char> lines(static_cast<std::size_t>(w.lanes * rows * w.itemsize));
    while (begin < end) {
      const int64_t batch = begin / columns, first = begin % columns;
      const int64_t last = std::min({first + w.lanes, columns, first + end - begin});
      out.move(sums + batch * rows * layout.step * w.itemsize, batch, 0, rows, first, last, lines.data());
      begin += last - first;
    }
  };
  pool.parallel_for(w.batch.count * columns, divide_up(int64_t{32'768}, rows), move);
}

}  // namespace

int64_t window_rows_scratch(const Window& w, int threads) noexcept { return RowLayout(w).nbytes(threads); }

void run_window_rows(const Window& w, char* memory, ThreadPool& pool) {
  const RowLayout layout(w);
  if (layout.round > 1 && layout.rows * w.batch.count < kRowsOfThread * pool.threads()) {
    sum_in_rounds(w, layout, memory, pool);
    move_sums(w, layout, memory + layout.sums, pool);
  } else {
    sum_by_rows(w, layout, memory, pool);
  }
}

}  // namespace jtcy
