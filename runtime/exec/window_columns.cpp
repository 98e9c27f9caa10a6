// Convolution with positions as columns: chunks of the output, a slab of the image each.
#include <algorithm>
#include <vector>

#include "exec/window_column_layout.h"
#include "exec/window_fetch.h"
#include "exec/window_masked.h"
#include "exec/window_run.h"

namespace jtcy {
namespace {

/// Positions of a batch.
struct Chunk {
  int64_t batch = 0, begin = 0, count = 0;
};

class ColumnWorker {
 public:
  ColumnWorker(const Window& w, const ColumnLayout& layout, char* memory, int thread, const Epilogue* epilogue)
      : w_(w),
        layout_(layout),
        epilogue_(epilogue),
        thread_(thread),
        filter_(layout.reads_filter ? w.other.data : memory + layout.filter),
        filter_row_(reinterpret_cast<const int64_t*>(memory + layout.filter_rows)),
        filter_depth_(reinterpret_cast<const int64_t*>(memory + layout.filter_depth)),
        own_(memory + layout.shared.total + thread * layout.own.total),
        slab_(w, own_ + layout.slab, at(layout.places)),
        masked_(w),
        fetch_(w),
        panels_(w.other.own.count, w.most_rows) {
    for (int64_t k = 0; k < kContractionBlock; ++k) {
      at(layout.packed_places)[k] = k * w.width;
      at(layout.packed_places)[kContractionBlock + k] = k * w.lanes;
    }
    w.out_rows.fill(0, w.out_rows.count, 0, at(layout.out_rows), nullptr);
    for (int64_t row = 0; row < w.other.own.count; ++row) at(layout.sum_rows)[row] = row * w.chunk;
    sum_row_ = at(layout.in_place ? layout.out_rows : layout.sum_rows);
  }

  /// All sums of a chunk of positions for some panels of rows; `next` is worked on afterwards.
  void run(const Chunk& chunk, const Chunk& next, int64_t first_panel, int64_t last_panel) {
    const int64_t batch = chunk.batch, count = chunk.count;
    slab_.select_batch(batch);
    masked_.select_batch(batch);
    const int64_t shift = (chunk.begin - begin_) / w_.positions_of_image();
    begin_ = chunk.begin;
    count_ = count;
    if (w_.masked ? masked_.select_positions(begin_, count) : slab_.select_positions(begin_, count)) {
      plan_panels();
      find_runs();
      shift_ = 0;
    } else if (shift != 0) {
      shift_ += shift * w_.out_columns.offset[0];
    }
    fetch_.select(batch, begin_, count);
    int64_t offset = 0;
    w_.out_batch.fill(batch, 1, 0, &offset, nullptr);
    out_ = w_.out + (offset + shift_) * w_.out_itemsize;
    bool add = false;
    for (int64_t block = 0; block < w_.blocks(); ++block) {
      const int64_t k = w_.block_begin[block], depth = w_.block_begin[block + 1] - k;
      if (depth == 0) continue;
      const int64_t channel = first_channel(block);
      if (w_.masked) {
        masked_.fill_taps(k, depth, at(layout_.taps));
      } else {
        slab_.write(channel, last_channel(block));
        slab_.fill_taps(k, depth, w_.direct ? 0 : channel, at(layout_.taps));
      }
      fetch_after(block, next, last_panel - first_panel);
      if (layout_.reads_filter) {
        multiply_packed(batch, k, depth, first_panel, last_panel, add);
      } else {
        for (const PanelPlan& plan : plan_) multiply_panel(plan, batch, k, depth, first_panel, last_panel, add);
      }
      add = true;
    }
    finish(panels_.begin(first_panel), panels_.begin(last_panel));
  }

 private:
  int64_t first_channel(int64_t block) const noexcept { return w_.block_begin[block] / w_.taps(); }
  int64_t last_channel(int64_t block) const noexcept { return (w_.block_begin[block + 1] - 1) / w_.taps() + 1; }

  /// What the next block of the sum, or the next chunk, copies to the slab is fetched meanwhile.
  void fetch_after(int64_t block, const Chunk& next, int64_t panels) {
    int64_t then = block + 1;
    if (then == w_.blocks()) {
      then = 0;
      fetch_.select(next.batch, next.begin, next.count);
    }
    fetch_.start(first_channel(then), last_channel(then), panels * divide_up(count_, w_.width));
  }

  int64_t* at(int64_t place) const noexcept { return reinterpret_cast<int64_t*>(own_ + place); }

  /// How tiles read a panel of columns.
  struct PanelPlan {
    int64_t width, first;  // first column's place in the slab
    int64_t second;        // of the second vector, from the first's
    int64_t to;            // place in a row of the output or of the sums
    int pieces;            // 0: read where it is, else copied piece by piece
    std::size_t pieces_begin;
    int merged;  // 1 + which JtWindowSet::merged puts the columns together; 0: none
    JtPieces at;
  };

  void plan_panels() {
    plan_.clear();
    piece_from_.clear();
    piece_to_.clear();
    for (int64_t column = 0; column < count_; column += w_.width) {
      const int64_t* const places = slab_.places() + column;
      const int64_t count = std::min(w_.width, count_ - column), width = count <= w_.lanes ? w_.lanes : w_.width;
      PanelPlan plan{width, w_.masked ? 0 : places[0], w_.lanes, column, 0, piece_from_.size(), 0, {}};
      if (layout_.in_place) w_.out_columns.fill(begin_ + column, 1, 0, &plan.to, nullptr);
      if (w_.masked) {
        plan.pieces = 1;
        plan_.push_back(plan);
        continue;
      }
      if (width == w_.width && !layout_.reads_filter && find_merged(places, count, &plan)) {
        plan_.push_back(plan);
        continue;
      }
      int64_t begin = 0;  // of the piece
      for (int64_t i = 1; i <= count; ++i) {
        if (i < count && places[i] - places[begin] == i - begin && i - begin < w_.lanes) continue;
        piece_from_.push_back(places[begin]);
        piece_to_.push_back(begin);
        ++plan.pieces;
        begin = i;
      }
      if (!layout_.reads_filter && count == width && plan.pieces == width / w_.lanes) {
        if (plan.pieces == 2) plan.second = piece_from_.back() - places[0];
        plan.pieces = 0;
      }
      plan_.push_back(plan);
    }
  }

  /// Whether ascending places are those of neighbours.
  static bool is_line(const int64_t* places, int64_t count) noexcept {
    return places[count - 1] - places[0] == count - 1;
  }

  /// Pieces that end where vectors do; false where they are too many, or there is nothing to merge.
  bool find_merged(const int64_t* places, int64_t count, PanelPlan* plan) const noexcept {
    if (w_.kernels->merged[0][0] == nullptr || w_.direct || panels_.count > kMergedPanels) return false;
    int most = 0;
    for (int64_t vector = 0; vector < 2; ++vector) {
      const int64_t first = vector * w_.lanes, end = std::min(count, first + w_.lanes);
      int pieces = 0;
      const bool line = is_line(places + first, end - first);
      if (line) plan->at.from[vector][pieces++] = places[first];
      for (int64_t i = line ? end : first; i < end; ++i) {
        if (i == first || places[i] != places[i - 1] + 1) {
          if (pieces == JT_MOST_MERGED) return false;
          plan->at.from[vector][pieces++] = places[i] - (i - first);
        }
        plan->at.mask[vector][pieces - 1] |= 1U << (i - first);
      }
      for (int q = pieces; q < JT_MOST_MERGED; ++q) plan->at.from[vector][q] = plan->at.from[vector][0];
      most = std::max(most, pieces);
    }
    plan->merged = most - 1;
    return plan->merged > 0;
  }

  /// The panel's columns, for as many products from `k` on.
  void pack_panel(const PanelPlan& plan, int64_t k, int64_t depth, char* to) {
    if (w_.masked) return masked_.pack(&plan - plan_.data(), plan.width, k, depth, at(layout_.taps), to);
    w_.kernels->pack(depth, slab_.data(), as_abi(at(layout_.taps)), plan.pieces, &piece_from_[plan.pieces_begin],
                     &piece_to_[plan.pieces_begin], to, plan.width);
  }

  char* sums_of(const PanelPlan& plan) const noexcept {
    return (layout_.in_place ? out_ : own_ + layout_.sums) + plan.to * w_.itemsize;
  }

  void multiply_panel(const PanelPlan& plan, int64_t batch, int64_t k, int64_t depth, int64_t first_panel,
                      int64_t last_panel, bool add) {
    const char* const filter = filter_ + (batch * w_.other.depth.count + k) * w_.other.own.count * w_.itemsize;
    const int narrow = plan.width == w_.width ? 0 : 1;
    const char* b = slab_.data() + plan.first * w_.itemsize;
    const int64_t* place = at(layout_.taps);
    if (plan.pieces > 0) {
      pack_panel(plan, k, depth, own_ + layout_.packed);
      b = own_ + layout_.packed;
      place = at(layout_.packed_places) + narrow * kContractionBlock;
    }
    char* const to = sums_of(plan);
    for (int64_t panel = first_panel; panel < last_panel; ++panel) {
      const int64_t first = panels_.begin(panel), height = panels_.height(panel);
      const char* const rows = filter + first * depth * w_.itemsize;
      const SlabFetch::Lines lines = fetch_.next();
      if (plan.merged > 0) {
        w_.kernels->merged[plan.merged - 1][height - 1](depth, rows, slab_.data(), &plan.at, as_abi(place), to,
                                                        as_abi(sum_row_ + first), add ? 1 : 0, lines.first, lines.last);
      } else {
        w_.kernels->column[narrow][height - 1](depth, rows, b, plan.second, as_abi(place), to, as_abi(sum_row_ + first),
                                               add ? 1 : 0, lines.first, lines.last);
      }
    }
  }

  /// The filter is read where it is, by a group of panels at a time.
  void multiply_packed(int64_t batch, int64_t k, int64_t depth, int64_t first_panel, int64_t last_panel, bool add) {
    const char* const filter = filter_ + w_.other.batch.place(batch) * w_.itemsize;
    const auto panels = static_cast<int64_t>(plan_.size());
    for (int64_t begin = 0; begin < panels; begin += layout_.group) {
      const int64_t count = std::min(layout_.group, panels - begin);
      const PanelPlan* const plans = plan_.data() + begin;
      for (int64_t i = 0; i < count; ++i) pack_panel(plans[i], k, depth, packed(i));
      for (int64_t panel = first_panel; panel < last_panel; ++panel) {
        const int64_t first = panels_.begin(panel), height = panels_.height(panel);
        for (int64_t i = 0; i < count; ++i) {
          const SlabFetch::Lines lines = fetch_.next();
          w_.kernels->row[plans[i].width == w_.width ? 0 : 1][height - 1](
              depth, filter, as_abi(filter_row_ + first), as_abi(filter_depth_ + k), packed(i), sums_of(plans[i]),
              as_abi(sum_row_ + first), add ? 1 : 0, lines.first, lines.last);
        }
      }
    }
  }

  char* packed(int64_t number) const noexcept { return own_ + layout_.packed + number * layout_.packed_nbytes; }

  /// Sums that wait in scratch memory go to the output; the epilogue gets what follows each other there.
  void finish(int64_t row, int64_t row_end) const {
    if (layout_.in_place && epilogue_ == nullptr) return;
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

  /// Where the chunk's columns go: they are split where a line of the output ends.
  void find_runs() {
    const RoleSteps& out = w_.out_columns;
    int64_t line = 1, step = 1;
    for (int axis = out.axes - 1; axis >= 0; --axis) {
      if (out.extent[axis] == 1) continue;
      if (line == 1) step = out.offset[axis];
      if (out.offset[axis] != line * step) break;
      line *= out.extent[axis];
    }
    runs_.clear();
    for (int64_t j = 0, next; j < count_; j = next) {
      next = std::min(count_, j + line - (begin_ + j) % line);
      int64_t offset = 0;
      out.fill(begin_ + j, 1, 0, &offset, nullptr);
      runs_.push_back(JtRun{j, next - j, offset, step, 0});
    }
  }

  const Window& w_;
  const ColumnLayout& layout_;
  const Epilogue* epilogue_;
  int thread_;
  const char* filter_;
  const int64_t *filter_row_, *filter_depth_;
  char* own_;
  Slab slab_;
  MaskedColumns masked_;
  SlabFetch fetch_;
  RowPanels panels_;
  const int64_t* sum_row_;  // where tiles put the sums of each row
  char* out_ = nullptr;
  int64_t begin_ = -1, count_ = 0;  // the chunk
  int64_t shift_ = 0;               // of its columns in the output, from those that plan_ and runs_ are of
  std::vector<PanelPlan> plan_;
  std::vector<long long> piece_from_, piece_to_;
  std::vector<JtRun> runs_;  // of the chunk's columns in the output
};

}  // namespace

int64_t window_columns_scratch(const Window& w, int threads) noexcept { return ColumnLayout(w).nbytes(threads); }

void run_window_columns(const Window& w, char* memory, ThreadPool& pool, const Epilogue* epilogue) {
  const ColumnLayout layout(w);
  pack_filter(w, layout, memory, pool);
  const int64_t threads = pool.threads(), positions = w.positions();
  const RowPanels panels(w.other.own.count, w.most_rows);
  // Smaller chunks, then parts of the rows, until every thread has as much as the others.
  const int64_t unit_of = w.batch.count * divide_up(positions, w.chunk_unit) < 4 * threads ? w.width : w.chunk_unit;
  const int64_t columns = divide_up(positions, unit_of), most = w.chunk / unit_of;
  int64_t chunks = divide_up(columns, most);
  if (w.batch.count * chunks < 4 * threads) {
    const int64_t wanted = divide_up(divide_up(2 * threads, w.batch.count), 2) * 2;
    chunks = std::max(chunks, std::min(divide_up(chunks, wanted) * wanted, divide_up(columns, 2)));
  }
  const int64_t parts = std::clamp<int64_t>(divide_up(threads, w.batch.count * chunks), 1, panels.count);
  // Batches first: the same positions of all of them are planned once.
  const auto chunk_of = [&](int64_t unit) {
    const int64_t batch = unit / parts % w.batch.count, at = unit / parts / w.batch.count;
    const int64_t first = columns * at / chunks * unit_of, last = columns * (at + 1) / chunks * unit_of;
    return Chunk{batch, first, std::min(last, positions) - first};
  };
  const auto part = [&](int thread, int64_t begin, int64_t end) {
    ColumnWorker worker(w, layout, memory, thread, epilogue);
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t of_rows = unit % parts;
      worker.run(chunk_of(unit), unit + 1 < end ? chunk_of(unit + 1) : Chunk(), panels.count * of_rows / parts,
                 panels.count * (of_rows + 1) / parts);
    }
  };
  const int64_t products = std::max<int64_t>(1, positions / chunks * panels.rows * w.other.depth.count / parts);
  pool.parallel_for(w.batch.count * chunks * parts, divide_up(kGrainProducts, products), part);
}

}  // namespace jtcy
