// Phases: their taps, views of their operands, and where the blocks of their sums end.
#include "exec/window_phases.h"

#include <numeric>

#include "exec/contraction_map.h"

namespace jtcy {
namespace {

/// A dim (position + c * tap + offset) / divisor of the image.
struct DividedDim {
  int64_t number;  // in the image
  ContractionDim dim;
  int64_t positions, taps;
  int64_t other_dim;  // of the other operand, the taps

  int64_t tap_step() const noexcept { return dim.divisor / std::gcd(dim.divisor, dim.coef2); }
  /// First tap that hits for positions of this phase; none: as many as there are.
  int64_t first_tap(int64_t phase) const noexcept {
    for (int64_t tap = 0; tap < std::min(taps, tap_step()); ++tap) {
      if ((phase + dim.coef2 * tap + dim.offset) % dim.divisor == 0) return tap;
    }
    return taps;
  }
  int64_t taps_of(int64_t phase) const noexcept { return (taps - first_tap(phase) + tap_step() - 1) / tap_step(); }
};

class PhaseSplit {
 public:
  explicit PhaseSplit(const OpView& op) : op_(op), map_(op) {}

  std::vector<Phase> run() {
    std::vector<Phase> phases;
    if (!find_image() || !find_dims()) return phases;
    int64_t count = 1;
    for (const DividedDim& divided : dims_) count *= divided.dim.divisor;
    if (count > kMostPhases) return phases;
    for (int64_t number = 0; number < count; ++number) {
      std::vector<int64_t> phase;
      int64_t left = number;
      bool there = true;
      for (const DividedDim& divided : dims_) {
        phase.push_back(left % divided.dim.divisor);
        there &= phase.back() < divided.positions;
        left /= divided.dim.divisor;
      }
      if (there) phases.push_back(make(phase));
    }
    return phases;
  }

 private:
  static constexpr int64_t kMostPhases = 1024;

  bool find_image() {
    for (image_ = 0; image_ < 2; ++image_) {
      for (int64_t d = 0; d < map_.ndim[image_]; ++d) {
        if (map_.dim(image_, d).divisor != 1) return true;
      }
    }
    return false;
  }

  bool find_dims() {
    for (int64_t d = 0; d < map_.ndim[image_]; ++d) {
      ContractionDim dim = map_.dim(image_, d);
      if (dim.divisor == 1) continue;
      if (dim.axis2 >= 0 && dim.axis1 >= map_.out_ndim) {
        std::swap(dim.axis1, dim.axis2);
        std::swap(dim.coef1, dim.coef2);
      }
      const bool splits = dim.axis2 >= map_.out_ndim && dim.axis1 < map_.out_ndim && dim.coef1 == 1 && dim.coef2 != 0;
      const int64_t other_dim = splits ? find_tap(dim.axis2) : -1;
      if (other_dim < 0) return false;
      dims_.push_back(DividedDim{d, dim, map_.extent(op_, dim.axis1), map_.extent(op_, dim.axis2), other_dim});
    }
    return true;
  }

  /// The dim of the other operand that is this axis alone; -1: there is none.
  int64_t find_tap(int64_t axis) const {
    for (int64_t d = 0; d < map_.ndim[1 - image_]; ++d) {
      const ContractionDim dim = map_.dim(1 - image_, d);
      if (dim.axis1 == axis) return dim.plain() && dim.offset == 0 ? d : -1;
    }
    return -1;
  }

  Phase make(const std::vector<int64_t>& phase) const {
    Phase result;
    result.structure.assign(op_.structure, op_.structure + op_.structure_count);
    result.scalars.assign(op_.scalars, op_.scalars + op_.scalar_count);
    result.inputs[0] = op_.inputs[0];
    result.inputs[1] = op_.inputs[1];
    result.output = *op_.output;
    const int64_t first_dim = image_ == 0 ? 0 : map_.ndim[0];
    for (std::size_t i = 0; i < dims_.size(); ++i) {
      const DividedDim& divided = dims_[i];
      const int64_t s = divided.dim.divisor, tap = divided.first_tap(phase[i]);
      const int64_t number = first_dim + divided.number;
      const int64_t places[5] = {divided.dim.axis1, 1, divided.dim.axis2, divided.dim.coef2 * divided.tap_step() / s,
                                 1};
      std::copy(places, places + 5, result.structure.begin() + 4 + 5 * number);
      result.scalars[static_cast<std::size_t>(number)].i =
          (phase[i] + divided.dim.coef2 * tap + divided.dim.offset) / s;
      narrow(&result.output, divided.dim.axis1, phase[i], s, (divided.positions - phase[i] + s - 1) / s);
      narrow(&result.inputs[1 - image_], divided.other_dim, tap, divided.tap_step(), divided.taps_of(phase[i]));
    }
    find_blocks(phase, &result.block_begin);
    return result;
  }

  static void narrow(TensorView* view, int64_t dim, int64_t begin, int64_t step, int64_t count) noexcept {
    const auto d = static_cast<std::size_t>(dim);
    view->data = static_cast<char*>(view->data) + begin * view->strides[d] * itemsize(view->dtype);
    view->strides[d] *= step;
    view->shape[d] = count;
  }

  /// How many products of the phase each block of the whole sum has, one block after the other.
  void find_blocks(const std::vector<int64_t>& phase, std::vector<int64_t>* begin) const {
    const int64_t summed = map_.axes - map_.out_ndim;
    std::vector<int64_t> extent, first(static_cast<std::size_t>(summed), 0), step(first.size(), 1), count;
    int64_t depth = 1;
    for (int64_t axis = map_.out_ndim; axis < map_.axes; ++axis) {
      extent.push_back(map_.extent(op_, axis));
      depth *= extent.back();
    }
    count = extent;
    for (std::size_t i = 0; i < dims_.size(); ++i) {
      const auto axis = static_cast<std::size_t>(dims_[i].dim.axis2 - map_.out_ndim);
      first[axis] = dims_[i].first_tap(phase[i]);
      step[axis] = dims_[i].tap_step();
      count[axis] = dims_[i].taps_of(phase[i]);
    }
    int64_t products = 1;
    for (const int64_t n : count) products *= n;
    begin->assign(1, 0);
    for (int64_t product = 0; product < products; ++product) {
      int64_t left = product, place = 0, unit = 1;
      for (std::size_t axis = extent.size(); axis-- > 0;) {
        place += (first[axis] + step[axis] * (left % count[axis])) * unit;
        left /= count[axis];
        unit *= extent[axis];
      }
      while (place >= static_cast<int64_t>(begin->size()) * kContractionBlock) begin->push_back(product);
    }
    begin->push_back(products);
  }

  const OpView& op_;
  const MapView map_;
  int image_ = 0;
  std::vector<DividedDim> dims_;
};

}  // namespace

OpView Phase::op() const noexcept {
  OpView view;
  view.kind = OpKind::kContraction;
  view.structure = structure.data();
  view.structure_count = static_cast<int64_t>(structure.size());
  view.scalars = scalars.data();
  view.scalar_count = static_cast<int64_t>(scalars.size());
  view.inputs = inputs;
  view.input_count = 2;
  view.output = &output;
  return view;
}

std::vector<Phase> split_phases(const OpView& op) {
  return is_floating(op.output->dtype) ? PhaseSplit(op).run() : std::vector<Phase>{};
}

}  // namespace jtcy
