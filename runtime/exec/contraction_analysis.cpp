// Roles of the axes of a contraction, its operands and padded copies, and the sizes of its blocks.
#include "exec/contraction_analysis.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/rounding.h"
#include "exec/contraction_map.h"

namespace jtcy {
namespace {

// Blocks of bytes: packed rows stay in half of a 1 MiB second-level cache, packed columns in a share of the third.
constexpr int64_t kRowBlockNbytes = int64_t{480} * 4 * kContractionBlock;
constexpr int64_t kColumnBlockNbytes = int64_t{1024} * 4 * kContractionBlock;
// A copy that is larger than this many times the operand (in its own steps) would waste memory: then borders are
// checked.
constexpr int64_t kMostPadding = 4;
// Gaps may take this much of the columns before packing them is cheaper.
constexpr double kMostGaps = 0.45;

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

/// Where an iteration axis went: its role and its number there.
struct AxisPlace {
  AxisRole role;
  int number;
  int64_t extent;
};

RoleSteps& steps_of(ContractionOperand& operand, AxisRole role) noexcept {
  return role == AxisRole::kBatch ? operand.batch : role == AxisRole::kDepth ? operand.depth : operand.own;
}

/// Lowest and highest value of an index before its division.
std::pair<int64_t, int64_t> index_range(const ContractionDim& dim, const AxisPlace* places) noexcept {
  int64_t lowest = dim.offset, highest = dim.offset;
  for (const auto& [axis, coefficient] : {std::pair(dim.axis1, dim.coef1), std::pair(dim.axis2, dim.coef2)}) {
    if (axis < 0) continue;
    const int64_t reach = coefficient * (places[axis].extent - 1);
    lowest += std::min<int64_t>(reach, 0);
    highest += std::max<int64_t>(reach, 0);
  }
  return {lowest, highest};
}

/// Adds what a dim of `stride` does to the place (checked < 0), or to the checked index of that number.
void add_steps(const ContractionDim& dim, const AxisPlace* places, int64_t stride, int checked,
               ContractionOperand* operand) noexcept {
  for (const auto& [axis, coefficient] : {std::pair(dim.axis1, dim.coef1), std::pair(dim.axis2, dim.coef2)}) {
    if (axis < 0 || coefficient == 0) continue;
    RoleSteps& steps = steps_of(*operand, places[axis].role);
    if (checked < 0) {
      steps.offset[places[axis].number] += coefficient * stride;
    } else {
      steps.index[places[axis].number][checked] += coefficient;
    }
  }
}

/// Both axes of a dim move, one of them summed: the windows of neighbouring outputs overlap.
bool is_window(const ContractionDim& dim, const AxisPlace* places) noexcept {
  if (dim.axis2 < 0 || places[dim.axis1].extent == 1 || places[dim.axis2].extent == 1) return false;
  return (places[dim.axis1].role == AxisRole::kDepth) != (places[dim.axis2].role == AxisRole::kDepth);
}

/// Plans the copy of Note [Padded copies] where the map asks for one. False: read the operand where it is.
bool plan_copy(const MapView& map, const OpView& op, int number, const AxisPlace* places, int64_t itemsize,
               PaddedCopy* copy) {
  const TensorView& view = op.inputs[number];
  const int64_t ndim = map.ndim[number];
  bool wanted = false;
  double limit = kMostPadding, cells = 1;
  for (int64_t d = 0; d < ndim; ++d) {
    const ContractionDim dim = map.dim(number, d);
    const auto [lowest, highest] = index_range(dim, places);
    const int64_t extent = view.shape[static_cast<std::size_t>(d)], span = highest - lowest + 1;
    wanted |= dim.divisor != 1 || lowest < 0 || highest >= extent || is_window(dim, places);
    limit *= static_cast<double>(extent * dim.divisor);
    cells *= static_cast<double>(span);
    copy->extent[d] = extent;
    copy->stride[d] = view.strides[static_cast<std::size_t>(d)];
    copy->divisor[d] = dim.divisor;
    copy->base[d] = lowest;
    copy->divided |= dim.divisor != 1;
    if (d + 1 < ndim) {
      copy->outer.add_axis(span);
      copy->outer.index[d][d] = 1;
    }
    copy->inner = span;
  }
  if (!wanted || cells > limit) return false;
  copy->count = copy->outer.count * copy->inner;
  copy->used = true;
  copy->ndim = static_cast<int>(ndim);
  copy->data = static_cast<const char*>(view.data);
  copy->itemsize = itemsize;
  return true;
}

void read_copy(const MapView& map, int number, const AxisPlace* places, const PaddedCopy& copy,
               ContractionOperand* operand) {
  int64_t stride = 1, origin = 0;
  for (int64_t d = map.ndim[number] - 1; d >= 0; --d) {
    const ContractionDim dim = map.dim(number, d);
    add_steps(dim, places, stride, -1, operand);
    origin += (dim.offset - copy.base[d]) * stride;
    stride *= d + 1 == map.ndim[number] ? copy.inner : copy.outer.extent[d];
  }
  operand->itemsize = copy.itemsize;
  operand->origin = origin;
}

void read_view(const MapView& map, const OpView& op, int number, const AxisPlace* places, ContractionOperand* operand) {
  const TensorView& view = op.inputs[number];
  operand->itemsize = itemsize(view.dtype);
  for (int64_t d = 0; d < map.ndim[number]; ++d) {
    const ContractionDim dim = map.dim(number, d);
    const int64_t extent = view.shape[static_cast<std::size_t>(d)], stride = view.strides[static_cast<std::size_t>(d)];
    const auto [lowest, highest] = index_range(dim, places);
    if (dim.divisor == 1 && lowest >= 0 && highest < extent) {
      operand->origin += dim.offset * stride;
      add_steps(dim, places, stride, -1, operand);
      continue;
    }
    const int c = operand->checked++;
    operand->extent[c] = extent;
    operand->stride[c] = stride;
    operand->divisor[c] = dim.divisor;
    operand->base[c] = dim.offset;
    operand->divided |= dim.divisor != 1;
    add_steps(dim, places, stride, c, operand);
  }
  operand->data = static_cast<const char*>(view.data) + operand->origin * operand->itemsize;
}

void read_operand(const MapView& map, const OpView& op, int number, const AxisPlace* places, const Contraction& c,
                  PaddedCopy* copy, ContractionOperand* operand) {
  operand->gather = gather_of(*c.prebuilt, c.dtype);
  if (!plan_copy(map, op, number, places, c.itemsize, copy)) return read_view(map, op, number, places, operand);
  copy->gather = operand->gather;
  operand->gather = c.prebuilt->gather[c.itemsize == 1 ? 0 : c.itemsize == 2 ? 1 : c.itemsize == 4 ? 2 : 3];
  read_copy(map, number, places, *copy, operand);
}

/// Numbers the columns with gaps where the last two axes of b allow it: Note [Columns with gaps].
void find_gaps(Contraction* c) noexcept {
  RoleSteps& own = c->b.own;
  if (!c->copy_b.used) return;
  while (own.axes > 1 && own.extent[own.axes - 1] == 1) --own.axes;
  const int last = own.axes - 1;
  if (last < 1 || own.offset[last] != 1) return;
  const int64_t columns = own.extent[last], rows = own.extent[last - 1], pitch = own.offset[last - 1];
  const int64_t image = divide_up((rows - 1) * pitch + columns, c->tiles->columns) * c->tiles->columns;
  if (pitch < columns || static_cast<double>(rows * columns) < (1 - kMostGaps) * static_cast<double>(image)) return;
  c->gaps = GappedColumns{pitch, rows, columns, image};
  own.count = own.count / (rows * columns) * image;
  own.extent[last - 1] = image;
  own.offset[last - 1] = 1;
  --own.axes;
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
  const int64_t most_columns =
      kColumnBlockNbytes / kContractionBlock / c->itemsize / (c->rounded() || c->gaps.pitch != 0 ? 2 : 1);
  const int64_t row_blocks = divide_up(c->rows(), most_rows);
  c->row_block = divide_up(divide_up(c->rows(), row_blocks), c->tiles->rows) * c->tiles->rows;
  c->column_block =
      std::min(divide_up(c->columns(), c->tiles->columns), most_columns / c->tiles->columns) * c->tiles->columns;
  c->depth_block = depth;
}

}  // namespace

const JtPrebuilt& prebuilt_kernels() noexcept {
  const std::string_view name = instruction_set();
  return name == "avx512" ? jt_prebuilt_avx512 : name == "avx2" ? jt_prebuilt_avx2 : jt_prebuilt_portable;
}

bool Contraction::in_parts() const noexcept {
  if (out_batch.count != 1 || units() >= kFewUnits || blocks() < kLeastBlocks) return false;
  return rows() <= row_block && columns() <= column_block && blocks() * part_nbytes() <= kMostPartNbytes;
}

int64_t PaddedCopy::nbytes() const noexcept {
  // A panel may read past the last element: its results are dropped.
  return used ? (count + kMostPanel) * itemsize : 0;
}

void PaddedCopy::write(char* to, int64_t begin, int64_t end) const noexcept {
  constexpr int64_t kRows = 32;
  int64_t offsets[kRows], indices[kRows * kMaxDims];
  const long long zeros[kMaxDims] = {};
  long long by[kMaxDims] = {};
  by[ndim - 1] = 1;
  const JtRun run{0, inner, 0, stride[ndim - 1], 0};
  for (int64_t row = begin; row < end; row += kRows) {
    const int64_t rows = std::min(kRows, end - row);
    outer.fill(row, rows, ndim, offsets, indices);
    JtGather g{};
    g.data = data;
    g.checked = ndim;
    g.divided = divided;
    g.extent = extent;
    g.stride = stride;
    g.divisor = divisor;
    g.base = base;
    g.outer_offset = reinterpret_cast<const long long*>(offsets);
    g.outer_at = reinterpret_cast<const long long*>(indices);
    g.runs = 1;
    g.run = &run;
    g.run_at = zeros;
    g.run_by = by;
    gather(&g, rows, to + row * inner * itemsize, inner);
  }
}

bool analyse_contraction(const OpView& op, Contraction* c) {
  const MapView map(op);
  const Shape& shape = op.output->shape;
  c->prebuilt = &prebuilt_kernels();
  c->dtype = op.output->dtype;
  c->tiles = &tile_set(*c->prebuilt, c->dtype);
  c->out_itemsize = itemsize(c->dtype);
  c->itemsize = is_floating(c->dtype) && c->out_itemsize == 2 ? 4 : c->out_itemsize;
  c->out = static_cast<char*>(op.output->data);
  const int first = swaps(map, op, *c->tiles) ? 1 : 0;
  c->row_input = first;
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
  read_operand(map, op, first, places.data(), *c, &c->copy_a, &c->a);
  read_operand(map, op, 1 - first, places.data(), *c, &c->copy_b, &c->b);
  find_gaps(c);
  choose_blocks(c);
  return true;
}

}  // namespace jtcy
