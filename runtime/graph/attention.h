// AttentionSpec: what an Attention computes; makers of Attention and of its gradient.
#pragma once
#include "graph/graph.h"

namespace jtcy {

// Attention: inputs q (*, L, E), k (*, S, E), v (*, S, F) of one dtype, and a mask of as many dims whose extents are
// those of (*, L, S) or 1; outputs softmax(score) v (*, L, F) and, where a gradient may need it, the logarithm of each
// row's sum of exponentials (*, L) in the accumulator's dtype.
//   score = scale q k^T, plus the mask (kAdded), or `fill` where the mask is false (kKept); nothing behind position i
//   of the keys counts for row i where `causal`. A row of which nothing counts gives 0 (`zero_rows`) or NaN.
// AttentionGradient: inputs q, k, v, the mask if any, both outputs and the first one's cotangent; outputs the
// cotangents of q, k and v. Both have structure [causal, MaskKind, zero_rows, has two outputs (Attention)] and scalars
// [scale, fill]. What both compute to the bit: runtime/exec/attention.h.
enum class MaskKind : int64_t { kNone = 0, kAdded = 1, kKept = 2 };

struct AttentionSpec {
  double scale = 1;
  double fill = 0;
  bool causal = false;
  bool zero_rows = true;
  MaskKind mask = MaskKind::kNone;

  static AttentionSpec from(const Attrs& attrs);
  Attrs to_attrs(bool two_outputs) const;
};

inline constexpr int64_t kMostHeadDims = 256;

/// Shapes and dtypes are those of the Note above; `mask` null where there is none.
VarRef make_attention(const VarRef& q, const VarRef& k, const VarRef& v, const VarRef& mask, const AttentionSpec& spec);
/// `normalizer` is the second output of the Attention.
SmallVector<VarRef, 2> make_attention_gradient(const SmallVector<VarRef, 2>& inputs, const AttentionSpec& spec,
                                               const VarRef& y, const VarRef& normalizer, const VarRef& dy);

}  // namespace jtcy
