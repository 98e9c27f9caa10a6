// Which contractions are convolutions, and the sizes of their chunks and slabs.
#include <algorithm>
#include <numeric>
#include <string_view>

#include "exec/contraction_map.h"
#include "exec/window_masked.h"
#include "exec/window_run.h"

namespace jtcy {
namespace {

// A slab stays in a share of a 1 MiB second-level cache, as do the sums of a chunk.
constexpr int64_t kSlabNbytes = int64_t{320} << 10;
constexpr int64_t kSumsNbytes = int64_t{512} << 10;
constexpr int64_t kMostChunk = 512;
constexpr int64_t kMostPeriod = 2048;
constexpr int64_t kPeriodNbytes = int64_t{256} << 10;
// Packed filters above this would cost too much memory.
constexpr int64_t kMostFilterNbytes = int64_t{64} << 20;

/// What an axis is: in both operands and the output; moving over the image; of the image's channels and taps; of the
/// other operand alone.
enum class Part : uint8_t { kBatch, kPosition, kTap, kFree };

class WindowAnalysis {
 public:
  WindowAnalysis(const OpView& op, Window* w) : op_(op), map_(op), w_(*w) {}

  bool run() {
    if (!find_image() || !other_is_plain() || !choose_parts()) return false;
    if (!read_image() || !read_other()) return false;
    read_output();
    return true;
  }

 private:
  static bool is_window(const ContractionDim& dim) noexcept { return dim.axis2 >= 0; }

  bool find_image() {
    int found = 0;
    for (int operand = 0; operand < 2; ++operand) {
      for (int64_t d = 0; d < map_.ndim[operand]; ++d) {
        if (!is_window(map_.dim(operand, d))) continue;
        image_ = operand;
        ++found;
        break;
      }
    }
    return found == 1;
  }

  bool other_is_plain() const {
    const TensorView& view = op_.inputs[1 - image_];
    uint64_t seen = 0;
    for (int64_t d = 0; d < map_.ndim[1 - image_]; ++d) {
      const ContractionDim dim = map_.dim(1 - image_, d);
      if (!dim.plain() || dim.offset != 0 || (seen >> dim.axis1 & 1) != 0) return false;
      if (map_.extent(op_, dim.axis1) != view.shape[static_cast<std::size_t>(d)]) return false;
      seen |= uint64_t{1} << dim.axis1;
    }
    return true;
  }

  /// Positions are on the longer side of the windows, and never run backwards.
  bool choose_parts() {
    int64_t count[2] = {1, 1};  // output, summed
    bool backwards = false;     // along a summed axis
    for (int64_t d = 0; d < map_.ndim[image_]; ++d) {
      const ContractionDim dim = map_.dim(image_, d);
      if (dim.divisor != 1) return false;
      if (!is_window(dim)) continue;
      if (is_summed(dim.axis1) == is_summed(dim.axis2)) return false;
      for (const int64_t axis : {dim.axis1, dim.axis2}) count[is_summed(axis) ? 1 : 0] *= map_.extent(op_, axis);
      backwards |= (is_summed(dim.axis1) ? dim.coef1 : dim.coef2) < 0;
    }
    w_.sums_positions = count[1] > count[0] && !backwards;
    part_.resize(static_cast<std::size_t>(map_.axes), Part::kFree);
    for (int64_t axis = 0; axis < map_.axes; ++axis) {
      if (!map_.uses(image_, axis)) {
        if (is_summed(axis)) return false;
      } else if (is_summed(axis)) {
        if (!map_.uses(1 - image_, axis)) return false;
        part_[axis] = w_.sums_positions ? Part::kPosition : Part::kTap;
      } else if (map_.uses(1 - image_, axis)) {
        part_[axis] = Part::kBatch;
      } else {
        part_[axis] = w_.sums_positions ? Part::kTap : Part::kPosition;
      }
    }
    return true;
  }

  bool is_summed(int64_t axis) const noexcept { return axis >= map_.out_ndim; }

  /// Dims of the image: batches, the images and the channels first in their order, then the spatial ones.
  bool read_image() {
    const TensorView& view = op_.inputs[image_];
    w_.image = static_cast<const char*>(view.data);
    w_.image_itemsize = itemsize(view.dtype);
    int64_t last[2] = {-1, -1};  // axis of a position, of a tap
    bool plain[2] = {false, false};
    uint64_t seen = 0;
    for (int64_t d = 0; d < map_.ndim[image_]; ++d) {
      const ContractionDim dim = map_.dim(image_, d);
      const int64_t extent = view.shape[static_cast<std::size_t>(d)];
      const int64_t stride = view.strides[static_cast<std::size_t>(d)];
      for (const int64_t axis : {dim.axis1, dim.axis2}) {
        if (axis < 0) continue;
        if ((seen >> axis & 1) != 0) return false;
        seen |= uint64_t{1} << axis;
        if (part_[axis] == Part::kBatch) continue;
        int64_t& before = last[part_[axis] == Part::kPosition ? 0 : 1];
        if (axis < before) return false;
        before = axis;
      }
      if (is_window(dim)) {
        if (!add_spatial(dim, extent, stride)) return false;
        continue;
      }
      if (!dim.plain() || dim.offset != 0 || map_.extent(op_, dim.axis1) != extent || w_.spatial > 0) return false;
      if (part_[dim.axis1] == Part::kBatch) {
        w_.batch.add_axis(extent);
        w_.batch.offset[w_.batch.axes - 1] = stride;
        batch_axes_.push_back(dim.axis1);
        continue;
      }
      const int number = part_[dim.axis1] == Part::kPosition ? 0 : 1;
      if (plain[number]) return false;
      plain[number] = true;
      (number == 0 ? w_.images : w_.channels) = extent;
      (number == 0 ? w_.image_stride : w_.channel_stride) = stride;
    }
    for (int64_t axis = 0; axis < map_.axes; ++axis) {
      if (part_[axis] != Part::kFree && (seen >> axis & 1) == 0) return false;
    }
    if (w_.spatial == 1) {
      w_.dim[1] = w_.dim[0];
      w_.dim[0] = WindowDim{};
      w_.spatial = 2;
    }
    return true;
  }

  bool add_spatial(const ContractionDim& dim, int64_t extent, int64_t stride) {
    if (w_.spatial + 1 >= kMaxSpatial) return false;
    const bool swap = part_[dim.axis1] == Part::kTap;
    const int64_t moving = swap ? dim.axis2 : dim.axis1, tap = swap ? dim.axis1 : dim.axis2;
    if (part_[moving] != Part::kPosition || part_[tap] != Part::kTap) return false;
    const int64_t by_position = swap ? dim.coef2 : dim.coef1, by_tap = swap ? dim.coef1 : dim.coef2;
    if (by_position <= 0 || by_tap == 0) return false;
    WindowDim& out = w_.dim[w_.spatial++];
    out.extent = extent;
    out.stride = stride;
    out.positions = map_.extent(op_, moving);
    out.taps = map_.extent(op_, tap);
    out.lowest = dim.offset + std::min<int64_t>(0, by_tap * (out.taps - 1));
    // Indices between those that occur are left out.
    out.step = out.taps == 1 ? by_position : out.positions == 1 ? std::abs(by_tap) : std::gcd(by_position, by_tap);
    out.by_position = out.positions == 1 ? 1 : by_position / out.step;
    out.by_tap = out.taps == 1 ? 0 : by_tap / out.step;
    return true;
  }

  bool read_other() {
    const TensorView& view = op_.inputs[1 - image_];
    ContractionOperand& other = w_.other;
    other.data = static_cast<const char*>(view.data);
    other.itemsize = itemsize(view.dtype);
    for (const int64_t axis : batch_axes_) add_other(axis, &other.batch);
    for (int64_t axis = 0; axis < map_.axes; ++axis) {
      if (part_[axis] == Part::kBatch) continue;
      if (is_summed(axis)) add_other(axis, &other.depth);
      if (part_[axis] == Part::kFree) add_other(axis, &other.own);
    }
    return true;
  }

  void add_other(int64_t axis, RoleSteps* steps) const {
    steps->add_axis(map_.extent(op_, axis));
    for (int64_t d = 0; d < map_.ndim[1 - image_]; ++d) {
      if (map_.dim(1 - image_, d).axis1 != axis) continue;
      steps->offset[steps->axes - 1] = op_.inputs[1 - image_].strides[static_cast<std::size_t>(d)];
    }
  }

  void read_output() {
    w_.out = static_cast<char*>(op_.output->data);
    const auto add = [this](int64_t axis, RoleSteps* steps) {
      steps->add_axis(map_.extent(op_, axis));
      steps->offset[steps->axes - 1] = op_.output->strides[static_cast<std::size_t>(axis)];
    };
    for (const int64_t axis : batch_axes_) add(axis, &w_.out_batch);
    for (int64_t axis = 0; axis < map_.out_ndim; ++axis) {
      if (part_[axis] == Part::kBatch) continue;
      const bool row = (part_[axis] == Part::kFree) != w_.sums_positions;
      add(axis, row ? &w_.out_rows : &w_.out_columns);
    }
  }

  const OpView& op_;
  const MapView map_;
  Window& w_;
  int image_ = 0;
  std::vector<Part> part_;
  std::vector<int64_t> batch_axes_;
};

void choose_kernels(const OpView& op, Window* w) noexcept {
  const std::string_view name = instruction_set();
  w->prebuilt = name == "avx512" ? &jt_prebuilt_avx512 : name == "avx2" ? &jt_prebuilt_avx2 : &jt_prebuilt_portable;
  w->dtype = op.output->dtype;
  const bool wide = w->dtype == Dtype::kFloat64;
  w->out_itemsize = itemsize(w->dtype);
  w->itemsize = wide ? 8 : 4;
  const JtTileSet& tiles = wide ? w->prebuilt->f64 : w->prebuilt->f32;
  w->kernels = wide ? &w->prebuilt->window_f64 : &w->prebuilt->window_f32;
  w->most_rows = tiles.rows;
  w->width = tiles.columns;
  w->lanes = tiles.columns / 2;
  const int number = w->dtype == Dtype::kFloat16 ? 4 : w->dtype == Dtype::kBfloat16 ? 5 : wide ? 3 : 2;
  w->gather = w->other.gather = w->prebuilt->gather[number];
}

/// Positions that follow each other in memory, if the image is its own slab.
int64_t positions_in_line(const Window& w) noexcept {
  int64_t count = 1;
  for (int d = w.spatial - 1; d >= 0; --d) {
    const WindowDim& dim = w.dim[d];
    if (dim.positions == 1) continue;
    if (dim.stride * dim.step * dim.by_position != count) return count;
    count *= dim.positions;
  }
  return count;
}

bool is_direct(const Window& w) noexcept {
  if (w.image_itemsize != w.itemsize) return false;
  for (int d = 0; d < w.spatial; ++d) {
    if (!w.dim[d].inside()) return false;
  }
  return w.sums_positions || positions_in_line(w) % w.lanes == 0;
}

/// Rows of the slab's outermost dim that a chunk of positions takes at most.
int64_t most_slab_rows(const Window& w, int64_t chunk) noexcept {
  const WindowDim& outer = w.dim[0];
  const int64_t of_image = w.positions_of_image(), of_row = of_image / outer.positions;
  const int64_t images = std::min(w.images, (chunk - 2 + of_image) / of_image + 1);
  const int64_t rows = std::min(images * outer.positions, (chunk - 2 + of_row) / of_row + images);
  if (w.split_rows) return rows * (outer.reach() + 1);
  return outer.by_position * (rows - images) + images * (outer.reach() + 1);
}

void choose_slab(Window* w, int64_t chunk) noexcept {
  w->chunk = chunk;
  const WindowDim& last = w->dim[w->spatial - 1];
  w->split_rows = w->spatial == 2 && last.positions >= chunk;
  w->fold = w->sums_positions ? 1 : last.by_position;
  const int64_t span = last.by_position * (std::min(last.positions, chunk) - 1) + last.reach() + 1;
  w->row_length = divide_up(span, w->fold) * w->fold;
  int64_t step = w->row_length;
  w->unit[w->spatial - 1] = 1;
  for (int d = w->spatial - 2; d >= 0; --d) {
    w->unit[d] = step;
    step *= w->dim[d].span();
  }
  w->channel_step = w->unit[0] * most_slab_rows(*w, chunk);
  if (w->direct) {
    w->channel_step = w->channel_stride;
    for (int d = 0; d < w->spatial; ++d) w->unit[d] = w->dim[d].stride * w->dim[d].step;
    w->fold = 1;
  }
}

void find_taps(Window* w) {
  int64_t count = 1;
  for (int d = 0; d < w->spatial; ++d) count *= w->dim[d].taps;
  w->tap.resize(static_cast<std::size_t>(count));
  const int last = w->spatial - 1;
  for (int64_t number = 0; number < count; ++number) {
    int64_t place = 0, left = number;
    for (int d = last; d >= 0; --d) {
      const int64_t at = w->dim[d].tap_place(left % w->dim[d].taps);
      left /= w->dim[d].taps;
      if (d == last && w->fold > 1) {
        place += at % w->fold * (w->row_length / w->fold) + at / w->fold;
      } else {
        place += at * w->unit[d];
      }
    }
    w->tap[static_cast<std::size_t>(number)] = place;
  }
}

/// Every second element of a row is copied with those between: whole vectors are split instead of single elements read.
void read_by_halves(Window* w) noexcept {
  WindowDim& last = w->dim[w->spatial - 1];
  const bool converted = w->image_itemsize != w->itemsize;
  if (w->sums_positions || converted || w->kernels->halves == nullptr) return;
  if (last.taps != 1 || last.step != 2 || last.by_position != 1 || last.stride != 1) return;
  last.step = 1;
  last.by_position = 2;
}

/// Largest chunk whose slab and sums fit the cache.
void choose_chunk(Window* w) {
  w->direct = is_direct(*w);
  read_by_halves(w);
  const bool whole_vectors = w->direct || w->dim[w->spatial - 1].positions % w->lanes == 0;
  w->masked = !whole_vectors && w->other.own.count > kMergedPanels * w->most_rows && MaskedColumns::serve(*w);
  int64_t taps = 1;
  for (int d = 0; d < w->spatial; ++d) taps *= w->dim[d].taps;
  const int64_t in_block = std::min(w->channels, (kContractionBlock + taps - 2) / taps + 1);
  const int64_t rows = w->other.own.count;
  if (w->sums_positions) {
    w->most_channels = w->channels;
    choose_slab(w, std::min(kContractionBlock, w->positions()));
  } else {
    w->most_channels = w->blocks() > 1 ? in_block : w->channels;
    const auto panels = [w](int64_t chunk) { return std::max<int64_t>(1, chunk / w->width) * w->width; };
    int64_t chunk = std::min(kMostChunk, divide_up(w->positions(), w->width) * w->width);
    chunk = panels(
        std::clamp(kSumsNbytes / (rows * w->itemsize), 2 * w->width, chunk < 2 * w->width ? 2 * w->width : chunk));
    // Chunks of whole images differ in nothing but where they begin.
    const int64_t period = std::lcm(w->positions_of_image(), w->width);
    const bool whole = period <= kMostPeriod && rows * period * w->itemsize <= kPeriodNbytes;
    w->chunk_unit = whole ? period : w->width;
    if (whole) chunk = std::max(chunk / period, int64_t{1}) * period;
    choose_slab(w, chunk);
    while (chunk > 4 * w->width && w->slab_nbytes() > kSlabNbytes) {
      chunk = panels(chunk / 2);
      w->chunk_unit = w->width;
      choose_slab(w, chunk);
    }
  }
  find_taps(w);
}

}  // namespace

int64_t Window::positions_of_image() const noexcept {
  int64_t count = 1;
  for (int d = 0; d < spatial; ++d) count *= dim[d].positions;
  return count;
}

int64_t Window::slab_nbytes() const noexcept {
  // A vector may be read past the last element.
  return direct || masked ? 0 : (most_channels * channel_step + 2 * lanes) * itemsize;
}

bool analyse_window(const OpView& op, const std::vector<int64_t>* block_begin, Window* w) {
  const Dtype dtype = op.output->dtype;
  if (!is_floating(dtype) || op.inputs[0].dtype != dtype || op.inputs[1].dtype != dtype) return false;
  if (!WindowAnalysis(op, w).run()) return false;
  const int64_t depth = w->other.depth.count;
  if (depth == 0 || w->positions() == 0 || w->channels == 0 || w->other.own.count == 0) return false;
  choose_kernels(op, w);
  if (block_begin != nullptr) {
    w->block_begin = *block_begin;
  } else {
    for (int64_t k = 0; k < depth; k += kContractionBlock) w->block_begin.push_back(k);
    w->block_begin.push_back(depth);
  }
  if (!w->sums_positions && w->batch.count * w->other.own.count * depth * w->itemsize > kMostFilterNbytes) return false;
  choose_chunk(w);
  return true;
}

}  // namespace jtcy
