// ContractionMap: what a Contraction sums over; matmul, convolution and both its gradients are this one primitive.
#pragma once
#include <cstdint>

#include "base/small_vector.h"
#include "graph/attrs.h"

namespace jtcy {

// Iteration axes: 0 .. out_ndim-1 are the output's, then the summed ones. Each dim of an operand is indexed by
//   (coef1 * i[axis1] + coef2 * i[axis2] + offset) / divisor
// where axis2 may be -1; where the division leaves a rest or the index is outside, the operand reads as 0.
// out[o...] = sum over the summed axes, in row-major order of their listing, of a[...] * b[...].
//
// Every iteration axis stands alone (axis2 = -1, coef1 = 1, divisor = 1, offset 0) in some dim of a, b or the output,
// so that extents follow from shapes. Structure: [out_ndim, summed count, ndim of a, ndim of b, then 5 integers a dim
// (axis1, coef1, axis2, coef2, divisor), first a's dims, then b's]; axis2 is -2 where an axis stands alone. Scalars:
// the offset of each dim of a, then of b.
struct ContractionDim {
  int64_t axis1 = 0;
  int64_t coef1 = 1;
  int64_t axis2 = -1;
  int64_t coef2 = 0;
  int64_t divisor = 1;
  int64_t offset = 0;
  bool plain() const noexcept { return axis2 < 0 && coef1 == 1 && divisor == 1; }
};

struct ContractionMap {
  int64_t out_ndim = 0;
  int64_t summed = 0;
  SmallVector<ContractionDim, 6> a, b;

  static ContractionMap from(const Attrs& attrs);
  Attrs to_attrs() const;
};

/// Length of the ascending blocks of the summed range: sums of blocks are added in order (part of the bits).
inline constexpr int64_t kContractionBlock = 256;

}  // namespace jtcy
