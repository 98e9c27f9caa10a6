// A Contraction's map as the runtime reads it: the op's structure and scalars in place, extents from its tensors.
#pragma once
#include <cstdint>

#include "base/error.h"
#include "exec/interpreter.h"
#include "graph/contraction.h"

namespace jtcy {

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

}  // namespace jtcy
