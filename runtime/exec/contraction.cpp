// Contraction: the work is split into panels or parts of the sum, blocks are packed, tiles do the arithmetic.
#include "exec/contraction.h"

#include <algorithm>
#include <cstring>

#include "exec/contraction_analysis.h"
#include "exec/contraction_sums.h"
#include "exec/window.h"

namespace jtcy {
namespace {

// Below this many multiply-adds a part one thread is faster (waking another costs about 4 us).
constexpr int64_t kGrainProducts = 400'000;
// Reading and packing an element costs as much as so many multiply-adds.
constexpr int64_t kPackingProducts = 16;
// Elements of a padded copy worth a thread.
constexpr int64_t kGrainCopied = 32'768;
// Columns that are read where they are: a third of the first cache.
constexpr int64_t kSmallNbytes = 16 << 10;
constexpr int64_t kAlignment = 64;

int64_t aligned(int64_t nbytes) noexcept { return (nbytes + kAlignment - 1) / kAlignment * kAlignment; }
int64_t divide_up(int64_t a, int64_t b) noexcept { return (a + b - 1) / b; }

struct ScratchLayout {  // of one thread
  explicit ScratchLayout(const Contraction& c) {
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
  int64_t take(int64_t nbytes) noexcept {
    const int64_t begin = total;
    total += aligned(nbytes);
    return begin;
  }
  int64_t packed_a, packed_b, transposed, tile, sums, tables_a, tables_b, out_rows, out_columns, places, runs,
      total = 0;
};

/// Panels of a row block: as many as its bytes allow of the smallest tile.
constexpr int64_t kMostRowPanels = 512;

/// One thread's part of a contraction.
class Worker {
 public:
  Worker(const Contraction& c, char* scratch, int thread = 0, const Epilogue* epilogue = nullptr)
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

  /// Results [row, row_end) x [column, column_end) of one batch.
  void run(int64_t batch, int64_t row, int64_t row_end, int64_t column, int64_t column_end) {
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

  /// Sums of the blocks [begin, end) of the summed range, each to its place in `parts`: Note [Parts of the sum].
  void sum_parts(int64_t begin, int64_t end, char* parts) {
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

  /// Whole blocks of one result's sum. How many there were.
  int64_t sum_dots(int64_t begin, int64_t end, char* parts) {
    const int64_t count = std::min(end, c_.a.depth.count / kContractionBlock) - begin;
    int64_t a_step = 0, b_step = 0;
    const char *const a = a_.line(&a_step), *const b = b_.line(&b_step);
    if (c_.rows() * c_.columns() != 1 || count <= 0 || a == nullptr || b == nullptr) return 0;
    const int64_t first = begin * kContractionBlock * c_.itemsize;
    c_.tiles->dots(count, a + first * a_step, a_step, b + first * b_step, b_step, parts + begin * c_.part_nbytes(),
                   c_.part_nbytes() / c_.itemsize);
    return count;
  }

  /// Adds the parts in order and moves the sums to the output.
  void add_parts(char* parts) {
    add_blocks(c_, parts);
    out_.base = c_.out;
    find_out_runs(0, c_.columns());
    c_.out_rows.fill(0, c_.rows(), 0, out_.row, nullptr);
    move_sums(c_, parts, c_.rows(), at<JtRun>(layout_.runs), run_count_, out_);
  }

 private:
  template <typename T>
  T* at(int64_t offset) const noexcept {
    return reinterpret_cast<T*>(scratch_ + offset);
  }

  void sum_in_output(int64_t row, int64_t row_end, int64_t columns) {
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

  void select_rows(int64_t m, int64_t rows) {
    if (m == rows_begin_ && rows == rows_count_) return;
    rows_begin_ = m;
    rows_count_ = rows;
    a_.select_positions(m, rows);
    c_.out_rows.fill(m, rows, 0, out_.row, nullptr);
    row_panels_ = divide_up(rows, c_.tiles->rows);
    for (int64_t p = 0; p <= row_panels_; ++p) panel_[p] = rows * p / row_panels_;
  }

  /// Where the results of columns [n, n + columns) go, as runs; those of gaps are in none.
  void find_out_runs(int64_t n, int64_t columns) {
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

  /// Sums in scratch memory, then to the output; 16-bit floats are rounded here, once.
  void sum_in_scratch(int64_t m, int64_t rows, int64_t columns) {
    select_rows(m, rows);
    const Destination sums{scratch_ + layout_.sums, nullptr, nullptr};
    for (int64_t k = 0; k < c_.a.depth.count; k += kContractionBlock) {
      select_depth(k);
      multiply_block(sums, rows, columns, k > 0, true);
    }
    move_sums(c_, sums.base, rows, at<JtRun>(layout_.runs), run_count_, out_);
    finish(rows);
  }

  /// Hands the block's pieces to the epilogue, rows that follow each other in memory as one range.
  void finish(int64_t rows) const {
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

  void go_on(int64_t begin, int64_t end) const {
    if (begin < end) epilogue_->run(epilogue_->context, thread_, begin / epilogue_->piece, end / epilogue_->piece);
  }

  void select_depth(int64_t k) {
    depth_ = std::min(kContractionBlock, c_.a.depth.count - k);
    a_.select_depth(k, depth_);
    b_.select_depth(k, depth_);
  }

  /// One block of the sum for all tiles of rows x columns. `pack_columns`: they are not packed yet.
  void multiply_block(const Destination& to, int64_t rows, int64_t columns, bool add, bool pack_columns) {
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

  /// A row whose columns stand next to each other, but for the last ones. How many there were.
  int64_t multiply_row(const Destination& to, int64_t columns, bool add) {
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

  struct Panel {
    int64_t first, count, width;
    int narrow;
  };

  void multiply_tile(const Destination& to, const Panel& panel, int64_t first, int64_t count, const char* b,
                     const int64_t* places, bool add) {
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

  const Contraction& c_;
  const Epilogue* epilogue_;
  int thread_;
  ScratchLayout layout_;
  char* scratch_;
  OperandBlock a_, b_;
  Destination out_;
  int64_t* places_[2];  // of wide and narrow packed panels
  int64_t depth_ = 0;
  int64_t run_count_ = 0;
  int64_t rows_begin_ = -1, rows_count_ = 0, columns_begin_ = -1, columns_count_ = 0;  // of the tables
  int64_t row_panels_ = 0, panel_[kMostRowPanels + 1];                                 // where each begins
};

/// Note [Padded copies]: takes its memory from `memory`.
void make_copy(const PaddedCopy& copy, ContractionOperand* operand, char** memory, ThreadPool& pool) {
  if (!copy.used) return;
  char* const to = *memory;
  *memory += aligned(copy.nbytes());
  operand->data = to + operand->origin * operand->itemsize;
  const auto write = [&copy, to](int, int64_t begin, int64_t end) { copy.write(to, begin, end); };
  pool.parallel_for(copy.outer.count, divide_up(kGrainCopied, copy.inner), write);
}

int64_t parts_nbytes(const Contraction& c) noexcept { return c.in_parts() ? aligned(c.blocks() * c.part_nbytes()) : 0; }

void run_in_parts(const Contraction& c, char* memory, ThreadPool& pool) {
  char* const parts = memory;
  memory += parts_nbytes(c);
  const int64_t nbytes = ScratchLayout(c).total;
  const int64_t products = c.rows() * c.columns() * kContractionBlock;
  const auto part = [&](int thread, int64_t begin, int64_t end) {
    Worker(c, memory + thread * nbytes).sum_parts(begin, end, parts);
  };
  pool.parallel_for(c.blocks(), divide_up(kGrainProducts, products), part);
  Worker(c, memory).add_parts(parts);
}

void run_panels(const Contraction& c, char* memory, ThreadPool& pool, const Epilogue* epilogue) {
  const bool by_columns = c.by_columns();
  const int64_t unit = c.unit(), units = c.units(), split = by_columns ? c.columns() : c.rows();
  const int64_t other = (by_columns ? c.rows() : c.columns()) + kPackingProducts;
  const int64_t products = std::max<int64_t>(1, other * unit * c.a.depth.count);
  const int64_t nbytes = ScratchLayout(c).total;
  const auto part = [&](int thread, int64_t begin, int64_t end) {
    Worker worker(c, memory + thread * nbytes, thread, epilogue);
    while (begin < end) {
      const int64_t batch = begin / units, first = begin % units, last = std::min(units, first + end - begin);
      const int64_t from = first * unit, to = std::min(split, last * unit);
      if (by_columns) {
        worker.run(batch, 0, c.rows(), from, to);
      } else {
        worker.run(batch, from, to, 0, c.columns());
      }
      begin += last - first;
    }
  };
  pool.parallel_for(c.out_batch.count * units, divide_up(kGrainProducts, products), part);
}

int64_t made_nbytes(const TensorView& view) noexcept {
  return aligned(element_count(view.shape) * itemsize(view.dtype));
}

/// Whether the operand op.made can be made while it is packed: not where it is copied or read in windows.
bool is_made_while_packed(const OpView& op, const Contraction& c) {
  if (window_scratch(op, 1) >= 0) return false;
  const bool rows = op.made == c.row_input;
  return !(rows ? c.copy_a : c.copy_b).used && (rows ? c.a : c.b).checked == 0;
}

/// The op with the operand op.made in scratch memory.
void run_with_made_operand(const OpView& op, char* scratch, ThreadPool& pool, const Prologue& prologue,
                           const Epilogue* epilogue) {
  TensorView inputs[2] = {op.inputs[0], op.inputs[1]};
  TensorView& made = inputs[op.made];
  const int64_t size = itemsize(made.dtype);
  pool.parallel_for(element_count(made.shape), prologue.grain, [&](int, int64_t begin, int64_t end) {
    prologue.run(prologue.context, begin, end, scratch + begin * size);
  });
  made.data = scratch;
  OpView there = op;
  there.inputs = inputs;
  there.made = -1;
  run_contraction(there, scratch + made_nbytes(made), pool, nullptr, epilogue);
}

/// Whether blocks of the output are whole pieces.
bool finishes_pieces(const Contraction& c, int64_t piece) noexcept {
  if (!c.out_columns.ends_in_neighbours()) return false;
  if (piece == 1) return true;
  const bool whole_rows = !c.by_columns() && c.column_block >= c.columns() && c.gaps.pitch == 0;
  return whole_rows && c.columns() % piece == 0 && c.out_columns.is_dense();
}

}  // namespace

int64_t contraction_scratch(const OpView& op, int threads) {
  Contraction c;
  if (op.made >= 0 && analyse_contraction(op, &c) && !is_made_while_packed(op, c)) {
    OpView there = op;
    there.made = -1;
    return made_nbytes(op.inputs[op.made]) + contraction_scratch(there, threads);
  }
  const int64_t of_window = window_scratch(op, threads);
  if (of_window >= 0) return of_window;
  c = Contraction();
  if (!analyse_contraction(op, &c)) return 0;
  return aligned(c.copy_a.nbytes()) + aligned(c.copy_b.nbytes()) + parts_nbytes(c) + ScratchLayout(c).total * threads;
}

void run_contraction(const OpView& op, void* scratch, ThreadPool& pool, const Prologue* prologue,
                     const Epilogue* epilogue) {
  const int64_t elements = element_count(op.output->shape);
  auto* memory = static_cast<char*>(scratch);
  Contraction c;
  bool in_pieces = false;
  if (prologue == nullptr && run_window(op, scratch, pool, epilogue, &in_pieces)) {
    // that was all
  } else if (!analyse_contraction(op, &c)) {
    const int64_t nbytes = elements * itemsize(op.output->dtype);
    if (nbytes > 0) std::memset(op.output->data, 0, static_cast<std::size_t>(nbytes));
  } else if (prologue != nullptr && !is_made_while_packed(op, c)) {
    return run_with_made_operand(op, memory, pool, *prologue, epilogue);
  } else {
    if (prologue != nullptr) {
      ContractionOperand& operand = op.made == c.row_input ? c.a : c.b;
      operand.made = prologue;
      operand.first_element = static_cast<const char*>(op.inputs[op.made].data);
    }
    make_copy(c.copy_a, &c.a, &memory, pool);
    make_copy(c.copy_b, &c.b, &memory, pool);
    in_pieces = epilogue != nullptr && !c.in_parts() && finishes_pieces(c, epilogue->piece);
    if (c.in_parts()) {
      run_in_parts(c, memory, pool);
    } else {
      run_panels(c, memory, pool, in_pieces ? epilogue : nullptr);
    }
  }
  if (epilogue == nullptr || in_pieces || elements == 0) return;
  pool.parallel_for(elements / epilogue->piece, epilogue->grain, [epilogue](int thread, int64_t begin, int64_t end) {
    epilogue->run(epilogue->context, thread, begin, end);
  });
}

}  // namespace jtcy
