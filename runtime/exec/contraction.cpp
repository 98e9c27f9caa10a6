// Contraction: axes get roles, the work is split into column or row panels, blocks are packed, tiles do the arithmetic.
#include "exec/contraction.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "exec/contraction_operand.h"
#include "exec/kernel_math.h"
#include "graph/contraction.h"

namespace jtcy {
namespace {

// Blocks of bytes: packed rows stay in half of a 1 MiB second-level cache, packed columns in a share of the third.
// 240 to 960 rows and 512 to 2048 columns were within 2 % of each other (2048^3, float32).
constexpr int64_t kRowBlockNbytes = int64_t{480} * 4 * kContractionBlock;
constexpr int64_t kColumnBlockNbytes = int64_t{1024} * 4 * kContractionBlock;
// Below this many multiply-adds a part one thread is faster (waking another costs about 4 us).
constexpr int64_t kGrainProducts = 400'000;
constexpr int64_t kAlignment = 64;

int64_t aligned(int64_t nbytes) noexcept { return (nbytes + kAlignment - 1) / kAlignment * kAlignment; }
int64_t divide_up(int64_t a, int64_t b) noexcept { return (a + b - 1) / b; }

/// What one contraction is, in the terms of the blocking.
struct Contraction {
  const JtPrebuilt* prebuilt = nullptr;
  const JtTileSet* tiles = nullptr;
  Dtype dtype = Dtype::kFloat32;
  int64_t itemsize = 4;      // of an accumulator
  int64_t out_itemsize = 4;  // less where the output is rounded at the end
  char* out = nullptr;
  ContractionOperand a, b;  // a gives the rows of a tile, b the columns, next to each other in memory where possible
  RoleSteps out_batch, out_rows, out_columns;
  int64_t row_block = 0, column_block = 0, depth_block = 0;

  int64_t rows() const noexcept { return out_rows.count; }
  int64_t columns() const noexcept { return out_columns.count; }
  bool rounded() const noexcept { return out_itemsize != itemsize; }
};

const JtPrebuilt& prebuilt_kernels() noexcept {
  const std::string_view name = instruction_set();
  return name == "avx512" ? jt_prebuilt_avx512 : name == "avx2" ? jt_prebuilt_avx2 : jt_prebuilt_portable;
}

const JtTileSet& tile_set(const JtPrebuilt& prebuilt, Dtype dtype) noexcept {
  if (dtype == Dtype::kBool) return prebuilt.b;
  if (dtype == Dtype::kFloat64) return prebuilt.f64;
  if (is_floating(dtype)) return prebuilt.f32;
  const int64_t nbytes = itemsize(dtype);
  return nbytes == 1 ? prebuilt.w8 : nbytes == 2 ? prebuilt.w16 : nbytes == 4 ? prebuilt.w32 : prebuilt.w64;
}

JtGatherRows gather_of(const JtPrebuilt& prebuilt, Dtype dtype) noexcept {
  if (dtype == Dtype::kFloat16) return prebuilt.gather[4];
  if (dtype == Dtype::kBfloat16) return prebuilt.gather[5];
  const int64_t nbytes = itemsize(dtype);
  return prebuilt.gather[nbytes == 1 ? 0 : nbytes == 2 ? 1 : nbytes == 4 ? 2 : 3];
}

/// The op's structure and scalars, read in place.
struct MapView {
  explicit MapView(const OpView& op)
      : out_ndim(op.structure[0]),
        axes(op.structure[0] + op.structure[1]),
        ndim{op.structure[2], op.structure[3]},
        dims{op.structure + 4, op.structure + 4 + 5 * op.structure[2]},
        offsets{op.scalars, op.scalars + op.structure[2]} {}

  ContractionDim dim(int operand, int64_t d) const noexcept {
    const int64_t* const s = dims[operand] + 5 * d;
    return ContractionDim{s[0], s[1], s[2], s[3], s[4], offsets[operand][d].i};
  }
  bool uses(int operand, int64_t axis) const noexcept {
    for (int64_t d = 0; d < ndim[operand]; ++d) {
      const ContractionDim dim = this->dim(operand, d);
      if ((dim.axis1 == axis && dim.coef1 != 0) || (dim.axis2 == axis && dim.coef2 != 0)) return true;
    }
    return false;
  }
  int64_t extent(const OpView& op, int64_t axis) const {
    if (axis < out_ndim) return op.output->shape[static_cast<std::size_t>(axis)];
    for (int operand = 0; operand < 2; ++operand) {
      for (int64_t d = 0; d < ndim[operand]; ++d) {
        const ContractionDim dim = this->dim(operand, d);
        if (dim.axis1 == axis && dim.plain() && dim.offset == 0) {
          return op.inputs[operand].shape[static_cast<std::size_t>(d)];
        }
      }
    }
    JTCY_ASSERT(false, "contraction: axis ", axis, " stands alone nowhere");
    return 0;
  }

  int64_t out_ndim, axes;
  int64_t ndim[2];
  const int64_t* dims[2];
  const KernelScalar* offsets[2];
};

/// Where an iteration axis went: its role and its number there.
struct AxisPlace {
  AxisRole role;
  int number;
  int64_t extent;
};

RoleSteps& steps_of(ContractionOperand& operand, AxisRole role) noexcept {
  return role == AxisRole::kBatch ? operand.batch : role == AxisRole::kDepth ? operand.depth : operand.own;
}

void read_operand(const MapView& map, const OpView& op, int number, const AxisPlace* places,
                  ContractionOperand* operand) {
  const TensorView& view = op.inputs[number];
  operand->itemsize = itemsize(view.dtype);
  int64_t origin = 0;
  for (int64_t d = 0; d < map.ndim[number]; ++d) {
    const ContractionDim dim = map.dim(number, d);
    const int64_t extent = view.shape[static_cast<std::size_t>(d)], stride = view.strides[static_cast<std::size_t>(d)];
    const std::pair<int64_t, int64_t> terms[2] = {{dim.axis1, dim.coef1}, {dim.axis2, dim.coef2}};
    int64_t lowest = dim.offset, highest = dim.offset;
    for (const auto& [axis, coefficient] : terms) {
      if (axis < 0) continue;
      const int64_t reach = coefficient * (places[axis].extent - 1);
      lowest += std::min<int64_t>(reach, 0);
      highest += std::max<int64_t>(reach, 0);
    }
    const bool free = dim.divisor == 1 && lowest >= 0 && highest < extent;
    const int c = operand->checked;
    if (free) {
      origin += dim.offset * stride;
    } else {
      operand->extent[c] = extent;
      operand->stride[c] = stride;
      operand->divisor[c] = dim.divisor;
      operand->base[c] = dim.offset;
      operand->divided |= dim.divisor != 1;
      ++operand->checked;
    }
    for (const auto& [axis, coefficient] : terms) {
      if (axis < 0 || coefficient == 0) continue;
      RoleSteps& steps = steps_of(*operand, places[axis].role);
      if (free) {
        steps.offset[places[axis].number] += coefficient * stride;
      } else {
        steps.index[places[axis].number][c] += coefficient;
      }
    }
  }
  operand->data = static_cast<const char*>(view.data) + origin * operand->itemsize;
}

/// The operand that holds the output's fastest axis gives the columns: then tiles are stored as they are. Where that
/// one has few columns and the other many, the other does: a tile with empty columns costs as much as a full one.
bool swaps(const MapView& map, const OpView& op, const JtTileSet& tiles) {
  int64_t counts[2] = {1, 1};
  int fastest = 1;
  for (int64_t axis = 0; axis < map.out_ndim; ++axis) {
    const bool in[2] = {map.uses(0, axis), map.uses(1, axis)};
    if (in[0] && in[1]) continue;
    const int owner = in[1] ? 1 : 0;
    counts[owner] *= map.extent(op, axis);
    if (map.extent(op, axis) > 1) fastest = owner;
  }
  const int64_t few = tiles.columns / 2;
  if (counts[fastest] < few && counts[1 - fastest] >= 2 * counts[fastest]) fastest = 1 - fastest;
  return fastest == 0;
}

void choose_blocks(Contraction* c) noexcept {
  const int64_t depth = std::min(c->a.depth.count, kContractionBlock);
  const int64_t most_rows = kRowBlockNbytes / kContractionBlock / c->itemsize;
  const int64_t most_columns = kColumnBlockNbytes / kContractionBlock / c->itemsize / (c->rounded() ? 2 : 1);
  const int64_t row_blocks = divide_up(c->rows(), most_rows);
  c->row_block = divide_up(divide_up(c->rows(), row_blocks), c->tiles->rows) * c->tiles->rows;
  c->column_block =
      std::min(divide_up(c->columns(), c->tiles->columns), most_columns / c->tiles->columns) * c->tiles->columns;
  c->depth_block = depth;
}

/// False where there is nothing to sum.
bool analyse(const OpView& op, Contraction* c) {
  const MapView map(op);
  const Shape& shape = op.output->shape;
  c->prebuilt = &prebuilt_kernels();
  c->dtype = op.output->dtype;
  c->tiles = &tile_set(*c->prebuilt, c->dtype);
  c->out_itemsize = itemsize(c->dtype);
  c->itemsize = is_floating(c->dtype) && c->out_itemsize == 2 ? 4 : c->out_itemsize;
  c->out = static_cast<char*>(op.output->data);
  const int first = swaps(map, op, *c->tiles) ? 1 : 0;
  const Strides strides = contiguous_strides(shape);
  SmallVector<AxisPlace, 16> places;
  for (int64_t axis = 0; axis < map.axes; ++axis) {
    const bool in_a = map.uses(first, axis), in_b = map.uses(1 - first, axis);
    const AxisRole role = axis >= map.out_ndim ? AxisRole::kDepth
                          : in_a && in_b       ? AxisRole::kBatch
                          : in_b               ? AxisRole::kColumn
                                               : AxisRole::kRow;
    const int64_t extent = map.extent(op, axis);
    if (extent == 0) return false;
    RoleSteps* const out = role == AxisRole::kBatch ? &c->out_batch
                           : role == AxisRole::kRow ? &c->out_rows
                                                    : &c->out_columns;
    ContractionOperand& holder = role == AxisRole::kColumn ? c->b : c->a;
    RoleSteps& steps = steps_of(holder, role);
    places.push_back(AxisPlace{role, steps.axes, extent});
    JTCY_ASSERT(steps.axes < kMaxDims, "contraction: more than ", kMaxDims, " axes in one role");
    steps.add_axis(extent);
    if (role == AxisRole::kBatch || role == AxisRole::kDepth) steps_of(c->b, role).add_axis(extent);
    if (role != AxisRole::kDepth) {
      out->add_axis(extent);
      out->offset[out->axes - 1] = strides[static_cast<std::size_t>(axis)];
    }
  }
  read_operand(map, op, first, places.data(), &c->a);
  read_operand(map, op, 1 - first, places.data(), &c->b);
  c->a.gather = c->b.gather = gather_of(*c->prebuilt, c->dtype);
  choose_blocks(c);
  return true;
}

/// How one thread's scratch memory is laid out.
struct ScratchLayout {
  explicit ScratchLayout(const Contraction& c) {
    packed_a = take(c.row_block * c.depth_block * c.itemsize);
    packed_b = take(c.column_block * c.depth_block * c.itemsize);
    transposed = take(kMostPanel * c.depth_block * c.itemsize);
    tile = take(JT_MOST_ROWS * kMostPanel * 8);
    sums = take(c.rounded() ? c.row_block * c.column_block * c.itemsize : 0);
    tables_a = take(OperandBlock::table_nbytes(c.a, c.row_block, c.depth_block));
    tables_b = take(OperandBlock::table_nbytes(c.b, c.column_block, c.depth_block));
    out_rows = take(c.row_block * 8);
    out_columns = take(c.column_block * 8);
  }
  int64_t take(int64_t nbytes) noexcept {
    const int64_t begin = total;
    total += aligned(nbytes);
    return begin;
  }
  int64_t packed_a, packed_b, transposed, tile, sums, tables_a, tables_b, out_rows, out_columns;
  int64_t total = 0;
};

template <typename T>
void copy_tile(int64_t rows, int64_t columns, const T* from, const int64_t* from_row, const int64_t* from_column, T* to,
               const int64_t* to_row, const int64_t* to_column) noexcept {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) to[to_row[i] + to_column[j]] = from[from_row[i] + from_column[j]];
  }
}

/// Moves rows x columns elements between places given by tables.
void copy_tile(int64_t itemsize, int64_t rows, int64_t columns, const char* from, const int64_t* from_row,
               const int64_t* from_column, char* to, const int64_t* to_row, const int64_t* to_column) noexcept {
  const auto copy = [&](auto type) {
    using T = decltype(type);
    copy_tile(rows, columns, reinterpret_cast<const T*>(from), from_row, from_column, reinterpret_cast<T*>(to), to_row,
              to_column);
  };
  if (itemsize == 1) return copy(uint8_t{});
  if (itemsize == 2) return copy(uint16_t{});
  if (itemsize == 4) return copy(uint32_t{});
  copy(uint64_t{});
}

/// 0, 1, 2, ... for the columns of a tile in scratch memory.
struct Ascending {
  constexpr Ascending() {
    for (int64_t i = 0; i < kMostPanel; ++i) value[i] = i;
  }
  int64_t value[kMostPanel]{};
};
constexpr Ascending kAscending;

/// Where a block of results goes: element (i, j) at base + row[i] + column[j].
struct Destination {
  char* base = nullptr;
  int64_t* row = nullptr;
  int64_t* column = nullptr;
};

/// One thread's part of a contraction.
class Worker {
 public:
  Worker(const Contraction& c, char* scratch)
      : c_(c),
        layout_(c),
        scratch_(scratch),
        a_(c.a, *c.prebuilt, c.itemsize, c.row_block, c.depth_block, scratch + layout_.tables_a,
           scratch + layout_.transposed),
        b_(c.b, *c.prebuilt, c.itemsize, c.column_block, c.depth_block, scratch + layout_.tables_b,
           scratch + layout_.transposed),
        out_{nullptr, at<int64_t>(layout_.out_rows), at<int64_t>(layout_.out_columns)} {}

  /// Results [row, row_end) x [column, column_end) of one batch.
  void run(int64_t batch, int64_t row, int64_t row_end, int64_t column, int64_t column_end) {
    a_.select_batch(batch);
    b_.select_batch(batch);
    int64_t offset = 0;
    c_.out_batch.fill(batch, 1, 0, &offset, nullptr);
    out_.base = c_.out + offset * c_.out_itemsize;
    for (int64_t n = column; n < column_end; n += c_.column_block) {
      const int64_t columns = std::min(c_.column_block, column_end - n);
      b_.select_positions(n, columns);
      c_.out_columns.fill(n, columns, 0, out_.column, nullptr);
      if (!c_.rounded()) {
        sum_columns(row, row_end, columns);
        continue;
      }
      for (int64_t m = row; m < row_end; m += c_.row_block)
        sum_rounded(m, std::min(c_.row_block, row_end - m), columns);
    }
  }

 private:
  template <typename T>
  T* at(int64_t offset) const noexcept {
    return reinterpret_cast<T*>(scratch_ + offset);
  }

  void sum_columns(int64_t row, int64_t row_end, int64_t columns) {
    for (int64_t k = 0; k < c_.a.depth.count; k += kContractionBlock) {
      select_depth(k);
      for (int64_t m = row; m < row_end; m += c_.row_block) {
        const int64_t rows = std::min(c_.row_block, row_end - m);
        a_.select_positions(m, rows);
        c_.out_rows.fill(m, rows, 0, out_.row, nullptr);
        multiply_block(out_, rows, columns, k > 0, m == row);
      }
    }
  }

  /// 16-bit floats: sums in float32 in scratch memory, rounded once at the end.
  void sum_rounded(int64_t m, int64_t rows, int64_t columns) {
    a_.select_positions(m, rows);
    c_.out_rows.fill(m, rows, 0, out_.row, nullptr);
    const Destination sums{scratch_ + layout_.sums, nullptr, nullptr};
    for (int64_t k = 0; k < c_.a.depth.count; k += kContractionBlock) {
      select_depth(k);
      multiply_block(sums, rows, columns, k > 0, true);
    }
    const auto* const from = at<float>(layout_.sums);
    auto* const to = reinterpret_cast<uint16_t*>(out_.base);
    const bool half = c_.dtype == Dtype::kFloat16;
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        const float sum = from[i * c_.column_block + j];
        to[out_.row[i] + out_.column[j]] = half ? jt_cast_f32_f16(sum) : jt_cast_f32_bf16(sum);
      }
    }
  }

  void select_depth(int64_t k) {
    depth_ = std::min(kContractionBlock, c_.a.depth.count - k);
    a_.select_depth(k, depth_);
    b_.select_depth(k, depth_);
  }

  /// One block of the sum for all tiles of rows x columns. `pack_columns`: they are not packed yet.
  void multiply_block(const Destination& to, int64_t rows, int64_t columns, bool add, bool pack_columns) {
    const JtTileSet& tiles = *c_.tiles;
    const int64_t row_panels = divide_up(rows, tiles.rows);
    for (int64_t p = 0; p < row_panels; ++p) {
      const int64_t first = rows * p / row_panels, count = rows * (p + 1) / row_panels - first;
      a_.pack(first, count, count, scratch_ + layout_.packed_a + first * depth_ * c_.itemsize);
    }
    for (int64_t j = 0; j < columns; j += tiles.columns) {
      const int64_t count = std::min<int64_t>(tiles.columns, columns - j);
      const int narrow = count <= tiles.columns / 2 ? 1 : 0;
      int64_t step = narrow != 0 ? tiles.columns / 2 : tiles.columns;
      const Panel panel{j, count, step, narrow};
      char* const packed = scratch_ + layout_.packed_b + j * depth_ * c_.itemsize;
      const char* b = nullptr;
      // A single row of tiles reads the columns once: packing them would only cost.
      if (c_.rows() <= tiles.rows && count == panel.width) b = b_.in_place(j, count, &step);
      if (b == nullptr) {
        step = panel.width;
        if (pack_columns) b_.pack(j, count, panel.width, packed);
        b = packed;
      }
      for (int64_t p = 0; p < row_panels; ++p) {
        const int64_t first = rows * p / row_panels;
        multiply_tile(to, panel, first, rows * (p + 1) / row_panels - first, b, step, add);
      }
    }
  }

  struct Panel {
    int64_t first, count, width;
    int narrow;
  };

  void multiply_tile(const Destination& to, const Panel& panel, int64_t first, int64_t count, const char* b,
                     int64_t step, bool add) {
    const JtTile tile = c_.tiles->tile[panel.narrow][count - 1];
    const char* const a = scratch_ + layout_.packed_a + first * depth_ * c_.itemsize;
    int64_t rows[JT_MOST_ROWS];
    const auto* const abi_rows = reinterpret_cast<const long long*>(rows);
    if (to.column == nullptr) {
      for (int64_t i = 0; i < count; ++i) rows[i] = (first + i) * c_.column_block + panel.first;
      tile(depth_, a, b, step, to.base, abi_rows, add);
      return;
    }
    const int64_t* const column = to.column + panel.first;
    if (panel.count == panel.width && column[panel.count - 1] - column[0] == panel.count - 1) {
      for (int64_t i = 0; i < count; ++i) rows[i] = to.row[first + i] + column[0];
      tile(depth_, a, b, step, to.base, abi_rows, add);
      return;
    }
    char* const temporary = scratch_ + layout_.tile;
    for (int64_t i = 0; i < count; ++i) rows[i] = i * panel.width;
    if (add) {
      copy_tile(c_.itemsize, count, panel.count, to.base, to.row + first, column, temporary, rows, kAscending.value);
    }
    tile(depth_, a, b, step, temporary, abi_rows, add);
    copy_tile(c_.itemsize, count, panel.count, temporary, rows, kAscending.value, to.base, to.row + first, column);
  }

  const Contraction& c_;
  ScratchLayout layout_;
  char* scratch_;
  OperandBlock a_, b_;
  Destination out_;
  int64_t depth_ = 0;
};

}  // namespace

int64_t contraction_scratch(const OpView& op, int threads) {
  Contraction c;
  if (!analyse(op, &c)) return 0;
  return ScratchLayout(c).total * threads;
}

void run_contraction(const OpView& op, void* scratch, ThreadPool& pool) {
  Contraction c;
  if (!analyse(op, &c)) {
    const int64_t nbytes = element_count(op.output->shape) * itemsize(op.output->dtype);
    if (nbytes > 0) std::memset(op.output->data, 0, static_cast<std::size_t>(nbytes));
    return;
  }
  const bool by_columns = c.columns() / c.tiles->columns >= c.rows() / c.tiles->rows;
  const int64_t unit = by_columns ? c.tiles->columns : c.tiles->rows;
  const int64_t split = by_columns ? c.columns() : c.rows(), units = divide_up(split, unit);
  const int64_t products = std::max<int64_t>(1, (by_columns ? c.rows() : c.columns()) * unit * c.a.depth.count);
  const int64_t nbytes = ScratchLayout(c).total;
  pool.parallel_for(c.out_batch.count * units, divide_up(kGrainProducts, products),
                    [&](int thread, int64_t begin, int64_t end) {
                      Worker worker(c, static_cast<char*>(scratch) + thread * nbytes);
                      while (begin < end) {
                        const int64_t batch = begin / units, first = begin % units;
                        const int64_t last = std::min(units, first + end - begin);
                        const int64_t from = first * unit, to = std::min(split, last * unit);
                        if (by_columns) {
                          worker.run(batch, 0, c.rows(), from, to);
                        } else {
                          worker.run(batch, from, to, 0, c.columns());
                        }
                        begin += last - first;
                      }
                    });
}

}  // namespace jtcy
