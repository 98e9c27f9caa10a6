// Which contractions are convolutions of each channel alone, and how much of a plane is worked on at a time.
#include <algorithm>
#include <utility>

#include "exec/contraction_map.h"
#include "exec/planes.h"

namespace jtcy {
namespace {

// A slab and what is made from it stay in the second-level cache of 1 MiB.
constexpr int64_t kSlabNbytes = int64_t{256} << 10;
// With fewer planes than this share of a vector, most of it would be empty.
constexpr int64_t kLeastShare = 4;

class PlaneAnalysis {
 public:
  PlaneAnalysis(const OpView& op, Planes* p) : op_(op), map_(op), p_(*p) {}

  bool run() {
    if (!find_image() || !read_window() || !read_axes() || !ends_in_windows()) return false;
    p_.image = static_cast<const char*>(op_.inputs[image_].data);
    p_.other = static_cast<const char*>(op_.inputs[1 - image_].data);
    p_.out = static_cast<char*>(op_.output->data);
    return reads_rows();
  }

 private:
  static bool is_window(const ContractionDim& dim) noexcept { return dim.axis2 >= 0; }
  bool is_summed(int64_t axis) const noexcept { return axis >= map_.out_ndim; }

  /// The operand with windows, its last one or two dims.
  bool find_image() {
    for (image_ = 0; image_ < 2; ++image_) {
      const int64_t ndim = map_.ndim[image_];
      windows_ = 0;
      while (windows_ < ndim && is_window(map_.dim(image_, ndim - 1 - windows_))) ++windows_;
      if (windows_ > 0) break;
    }
    if (windows_ == 0 || windows_ > 2) return false;
    for (int operand = 0; operand < 2; ++operand) {
      const int64_t plain = map_.ndim[operand] - (operand == image_ ? windows_ : 0);
      for (int64_t d = 0; d < plain; ++d) {
        const ContractionDim dim = map_.dim(operand, d);
        if (!dim.plain() || dim.offset != 0) return false;
        if (map_.extent(op_, dim.axis1) != op_.inputs[operand].shape[static_cast<std::size_t>(d)]) return false;
      }
    }
    return true;
  }

  /// Positions are summed where images are; else they are on the longer side of the windows.
  bool choose_summed() {
    int64_t count[2] = {1, 1};
    uint64_t windows = 0;
    for (int64_t d = map_.ndim[image_] - windows_; d < map_.ndim[image_]; ++d) {
      const ContractionDim dim = map_.dim(image_, d);
      if (is_summed(dim.axis1) == is_summed(dim.axis2)) return false;
      for (const int64_t axis : {dim.axis1, dim.axis2}) {
        count[is_summed(axis) ? 1 : 0] *= map_.extent(op_, axis);
        windows |= uint64_t{1} << axis;
      }
    }
    bool images_summed = false, images_shown = false;
    for (int64_t axis = 0; axis < map_.axes; ++axis) {
      if ((windows >> axis & 1) != 0 || map_.extent(op_, axis) == 1) continue;
      images_summed |= is_summed(axis);
      images_shown |= !is_summed(axis) && !map_.uses(1 - image_, axis);
    }
    p_.sums_positions = images_summed || (!images_shown && count[1] > count[0]);
    return !(images_summed && images_shown);
  }

  bool read_window() {
    if (!choose_summed()) return false;
    const int64_t first = map_.ndim[image_] - windows_;
    for (int64_t d = 0; d < windows_; ++d) {
      ContractionDim dim = map_.dim(image_, first + d);
      if (is_summed(dim.axis1) != p_.sums_positions) {
        std::swap(dim.axis1, dim.axis2);
        std::swap(dim.coef1, dim.coef2);
      }
      PlaneDim& to = p_.dim[2 - windows_ + d];
      to.extent = op_.inputs[image_].shape[static_cast<std::size_t>(first + d)];
      to.positions = map_.extent(op_, dim.axis1);
      to.taps = map_.extent(op_, dim.axis2);
      to.step = dim.coef1;
      to.by_tap = dim.coef2;
      to.offset = dim.offset;
      to.phases = dim.divisor;
      if (dim.coef1 < 1 || (dim.divisor != 1 && (dim.coef1 != 1 || p_.sums_positions))) return false;
      position_[d] = dim.axis1;
      tap_[d] = dim.axis2;
    }
    return windows_ == 1 || (position_[0] < position_[1] && tap_[0] < tap_[1]);
  }

  /// Axes besides the windows': of planes, or of images whose positions are summed one after the other.
  bool read_axes() {
    for (int64_t axis = 0; axis < map_.axes; ++axis) {
      if (is_of_window(axis) || map_.extent(op_, axis) == 1) continue;
      const bool in_image = map_.uses(image_, axis), in_other = map_.uses(1 - image_, axis);
      const bool batch = is_summed(axis);
      if (!in_image || (p_.sums_positions && !in_other) || (batch && !p_.sums_positions)) return false;
      if (axis > (p_.sums_positions == batch ? position_[0] : tap_[0])) return false;
      add(image_, axis, batch ? &p_.image_batch : &p_.image_planes);
      add(1 - image_, axis, batch ? &p_.other_batch : &p_.other_planes);
      if (batch) continue;
      p_.out_planes.add_axis(map_.extent(op_, axis));
      p_.out_planes.offset[p_.out_planes.axes - 1] = op_.output->strides[static_cast<std::size_t>(axis)];
    }
    return p_.out_planes.axes > 0;
  }

  bool is_of_window(int64_t axis) const noexcept {
    for (int64_t d = 0; d < windows_; ++d) {
      if (position_[d] == axis || tap_[d] == axis) return true;
    }
    return false;
  }

  void add(int operand, int64_t axis, RoleSteps* steps) const {
    steps->add_axis(map_.extent(op_, axis));
    for (int64_t d = 0; d < map_.ndim[operand]; ++d) {
      const ContractionDim dim = map_.dim(operand, d);
      if (is_window(dim) || dim.axis1 != axis) continue;
      steps->offset[steps->axes - 1] = op_.inputs[operand].strides[static_cast<std::size_t>(d)];
    }
  }

  /// Whether the windows' axes are the last ones of the output and of the other operand, element by element.
  bool ends_in_windows() const {
    const TensorView& other = op_.inputs[1 - image_];
    int64_t count[2] = {1, 1};
    for (int64_t d = windows_ - 1; d >= 0; --d) {
      const int64_t of_out = map_.out_ndim - windows_ + d, of_other = map_.ndim[1 - image_] - windows_ + d;
      const int64_t shown = p_.sums_positions ? tap_[d] : position_[d];
      const int64_t summed = p_.sums_positions ? position_[d] : tap_[d];
      if (of_out != shown || of_other < 0 || map_.dim(1 - image_, of_other).axis1 != summed) return false;
      const auto o = static_cast<std::size_t>(of_out), i = static_cast<std::size_t>(of_other);
      if (op_.output->shape[o] != 1 && op_.output->strides[o] != count[0]) return false;
      if (other.shape[i] != 1 && other.strides[i] != count[1]) return false;
      count[0] *= op_.output->shape[o];
      count[1] *= other.shape[i];
    }
    return true;
  }

  bool reads_rows() {
    const TensorView& view = op_.inputs[image_];
    const std::size_t last = view.shape.size() - 1;
    p_.image_row = windows_ == 2 ? view.strides[last - 1] : 0;
    return view.strides[last] == 1 || view.shape[last] == 1;
  }

  const OpView& op_;
  const MapView map_;
  Planes& p_;
  int image_ = 0;
  int64_t windows_ = 0;
  int64_t position_[2] = {}, tap_[2] = {};
};

void choose_kernels(const OpView& op, Planes* p) noexcept {
  const JtPrebuilt& prebuilt = prebuilt_kernels();
  const bool wide = op.output->dtype == Dtype::kFloat64;
  p->itemsize = wide ? 8 : 4;
  p->kernels = wide ? &prebuilt.plane_f64 : &prebuilt.plane_f32;
  p->lanes = (wide ? prebuilt.f64 : prebuilt.f32).columns / 2;
}

/// As many rows of positions as fit the cache; whole phases.
void choose_band(Planes* p) noexcept {
  const PlaneDim &outer = p->dim[0], &last = p->dim[1];
  p->half = divide_up(last.seen(last.positions_of(0)), last.step);
  p->pitch = p->half * last.step;
  int64_t count = 1;
  const auto rows = [&](int64_t parts) {
    return std::min(outer.positions, round_up(divide_up(outer.positions, parts), outer.phases));
  };
  const auto rows_seen = [&](int64_t band) { return outer.seen(divide_up(band, outer.phases)); };
  const auto nbytes = [&](int64_t band) {
    return (rows_seen(band) * p->pitch + band * last.positions) * p->vector_nbytes();
  };
  while (rows(count) > outer.phases && nbytes(rows(count)) > kSlabNbytes) ++count;
  p->band = rows(count);
  p->slab_rows = rows_seen(p->band);
}

}  // namespace

void PlaneDim::find_tap_places() noexcept {
  lowest = INT64_MAX;
  highest = INT64_MIN;
  for (int64_t r = 0; r < phases; ++r) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      if (!hits(r, tap)) continue;
      lowest = std::min(lowest, tap_place(r, tap));
      highest = std::max(highest, tap_place(r, tap));
    }
  }
}

int64_t Planes::first_plane(int64_t group) const noexcept {
  const int64_t channels = out_planes.extent[out_planes.axes - 1], images = planes() / channels;
  if (channels % lanes != 0) return group * lanes;
  return group % images * channels + group / images * lanes;
}

int64_t Planes::column_place(int64_t column) const noexcept {
  return column % dim[1].step * half + column / dim[1].step;
}

bool analyse_planes(const OpView& op, Planes* p) {
  const Dtype dtype = op.output->dtype;
  if (dtype != Dtype::kFloat32 && dtype != Dtype::kFloat64) return false;
  if (op.inputs[0].dtype != dtype || op.inputs[1].dtype != dtype || element_count(op.output->shape) == 0) return false;
  if (!PlaneAnalysis(op, p).run() || p->dim[0].extent == 0 || p->dim[1].extent == 0) return false;
  if (p->taps() == 0 || p->taps() > kContractionBlock || p->dim[0].positions * p->dim[1].positions == 0) return false;
  for (PlaneDim& dim : p->dim) dim.find_tap_places();
  choose_kernels(op, p);
  if (p->planes() * kLeastShare < p->lanes) return false;
  choose_band(p);
  return true;
}

}  // namespace jtcy
