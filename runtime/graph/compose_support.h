// What composites share: promotion, broadcasting, 16-bit floats that compute in float32.
#pragma once
#include "graph/arithmetic.h"
#include "graph/compose.h"
#include "graph/graph_state.h"

namespace jtcy {

/// PyTorch's rule: a 0-d Var counts by its category (bool, integer, float) only, beside one with dimensions.
Dtype common_dtype(const VarRef& a, const VarRef& b) noexcept;
/// Throws kShape naming both.
Shape broadcast_shape(const VarRef& a, const VarRef& b, const char* function);

inline bool half(Dtype dtype) noexcept { return dtype == Dtype::kFloat16 || dtype == Dtype::kBfloat16; }
/// The dtype that composites of x compute in: float32 for 16-bit floats and integers.
inline Dtype compute_dtype(Dtype dtype) noexcept { return half(dtype) || !floating(dtype) ? Dtype::kFloat32 : dtype; }
/// The dtype of their results: that of a floating input, else float32.
inline Dtype result_dtype(Dtype dtype) noexcept { return floating(dtype) ? dtype : Dtype::kFloat32; }

/// Bit mask of all axes for 0, else as given.
uint32_t axes_or_all(const VarRef& x, uint32_t axes) noexcept;
/// `shape` with the axes set to 1.
Shape with_ones(const Shape& shape, uint32_t axes);
int64_t count_of_axes(const Shape& shape, uint32_t axes) noexcept;
/// Takes what make_reduce(x of `shape`, axes) gave back to `shape`.
VarRef repeat_over(const VarRef& y, const Shape& shape, uint32_t axes);
/// y of shape (C) along `axis` of `shape`.
VarRef along_axis(const VarRef& y, const Shape& shape, int axis);
inline VarRef sum_over(const VarRef& x, uint32_t axes) { return make_reduce(x, ReduceKind::kSum, axes, "sum"); }
/// "max", "argmin", ...
const char* reduce_name(ReduceKind kind) noexcept;

}  // namespace jtcy
