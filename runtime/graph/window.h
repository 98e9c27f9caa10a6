// WindowMap: a Reindex that lays sliding windows of an input side by side (pooling, unfold), and its gradient.
#pragma once
#include "graph/graph.h"

namespace jtcy {

// Note [Windows]
// x (..., I, ...) becomes out with two axes for each windowed one: out[.., o, .., k, ..] = x[.., o * stride + k *
// dilation - padding, ..], the fill value outside. The gradient is written as a gather, so that no two threads meet at
// an element: dx[.., i, ..] = sum over k of dy[.., (i + padding - k * dilation) / stride, .., k, ..] where the division
// is exact and its result inside. Windows that do not overlap need no sum: k is the remainder of (i + padding) /
// stride. rules_index.cpp takes this way for each Reindex that read_window() recognises.

/// One axis of x; `window` -1: x's index is that of `position` alone.
struct WindowAxis {
  int64_t position = 0;  // output axis
  int64_t window = -1;   // output axis
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t padding = 0;
};

/// One entry an axis of x.
using WindowMap = SmallVector<WindowAxis, 6>;

VarRef make_window(const VarRef& x, const WindowMap& map, const Shape& shape, double fill, const char* function);
/// False when the programs are anything else, or an output axis is not used exactly once.
bool read_window(const Attrs& attrs, std::size_t out_ndim, WindowMap* map);
/// `dy` of the windows' shape → gradient of shape `shape`.
VarRef gather_window_gradient(const WindowMap& map, const VarRef& dy, const Shape& shape);

}  // namespace jtcy
