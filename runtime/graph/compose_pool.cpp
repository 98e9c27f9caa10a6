// Pooling: windows laid side by side, then reduced.
#include <algorithm>
#include <limits>
#include <utility>

#include "graph/compose_support.h"
#include "graph/window.h"

namespace jtcy {
namespace {

struct Pool {
  const char* function;
  const VarRef& x;
  const SmallVector<int64_t, 3>&kernel, &stride, &padding;
  std::size_t spatial, leading;
  Shape extents;  // of the output's spatial dims

  Pool(bool maximum, const VarRef& x, const SmallVector<int64_t, 3>& kernel, const SmallVector<int64_t, 3>& stride,
       const SmallVector<int64_t, 3>& padding, bool ceil_mode);
  /// Windows of `input` (whose last dims are the spatial ones): (leading..., positions..., kernel...).
  VarRef windows(const VarRef& input, const SmallVector<int64_t, 3>& pad, double fill) const;
  /// Whether there is one window, of all of `input`, whose padding is `pad`.
  bool is_whole(const VarRef& input, const SmallVector<int64_t, 3>& pad) const;
  int first_window_axis(const VarRef& input) const { return static_cast<int>(input->shape.size()); }
};

Pool::Pool(bool maximum, const VarRef& x, const SmallVector<int64_t, 3>& kernel, const SmallVector<int64_t, 3>& stride,
           const SmallVector<int64_t, 3>& padding, bool ceil_mode)
    : function(maximum ? "max_pool" : "avg_pool"),
      x(x),
      kernel(kernel),
      stride(stride),
      padding(padding),
      spatial(kernel.size()),
      leading(x->shape.size() - kernel.size()) {
  JTCY_CHECK(x->shape.size() >= spatial && stride.size() == spatial && padding.size() == spatial, ErrorKind::kShape,
             function, ": kernel, stride and padding need one entry a spatial dim of x", operand_lines({x}));
  for (std::size_t i = 0; i < spatial; ++i) {
    JTCY_CHECK(kernel[i] > 0 && stride[i] > 0, ErrorKind::kValue, function, ": kernel and stride must be above 0, got ",
               kernel[i], " and ", stride[i]);
    JTCY_CHECK(padding[i] >= 0 && 2 * padding[i] <= kernel[i], ErrorKind::kValue, function,
               ": padding must be at most half of the kernel, got ", padding[i], " for ", kernel[i]);
    const int64_t extent = x->shape[leading + i];
    const int64_t room = extent + 2 * padding[i] - kernel[i];
    JTCY_CHECK(room >= 0, ErrorKind::kShape, function, ": the kernel reaches over ", kernel[i],
               " elements, the padded input has ", extent + 2 * padding[i], operand_lines({x}),
               "\n  help: add padding or use a smaller kernel");
    int64_t count = (ceil_mode ? room + stride[i] - 1 : room) / stride[i] + 1;
    if (ceil_mode && (count - 1) * stride[i] >= extent + padding[i]) --count;  // starts behind the input
    extents.push_back(count);
  }
}

bool Pool::is_whole(const VarRef& input, const SmallVector<int64_t, 3>& pad) const {
  const std::size_t front = input->shape.size() - spatial;
  bool whole = true;
  for (std::size_t i = 0; i < spatial; ++i) {
    whole = whole && extents[i] == 1 && pad[i] == 0 && kernel[i] == input->shape[front + i];
  }
  return whole;
}

VarRef Pool::windows(const VarRef& input, const SmallVector<int64_t, 3>& pad, double fill) const {
  const std::size_t front = input->shape.size() - spatial;
  WindowMap map;
  Shape shape(input->shape.begin(), input->shape.begin() + front);
  for (std::size_t i = 0; i < front; ++i) map.push_back(WindowAxis{static_cast<int64_t>(i)});
  for (std::size_t i = 0; i < spatial; ++i) {
    const auto position = static_cast<int64_t>(front + i);
    map.push_back(WindowAxis{position, position + static_cast<int64_t>(spatial), stride[i], 1, pad[i]});
    shape.push_back(extents[i]);
  }
  for (const int64_t extent : kernel) shape.push_back(extent);
  if (is_whole(input, pad)) return make_reshape(input, shape, function);
  return make_window(input, map, shape, fill, function);
}

double lowest(Dtype dtype) {
  if (floating(dtype)) return -std::numeric_limits<double>::infinity();
  if (kind_of(dtype) != DtypeKind::kSigned) return 0;
  return -static_cast<double>(uint64_t{1} << (itemsize(dtype) * 8 - 1));
}

/// The gradient of a window's maximum goes to its first: context is the windows' Var.
struct FirstMaximum {
  VarRef windows;
  int first_axis;
};

void first_maximum_gradient(void* context, const SmallVector<VarRef, 2>& cotangents,
                            SmallVector<VarRef, 3>* gradients) {
  const auto& maximum = *static_cast<FirstMaximum*>(context);
  const Shape& shape = maximum.windows->shape;
  const int axis = maximum.first_axis;
  Shape flat(shape.begin(), shape.begin() + axis);
  flat.push_back(-1);
  const VarRef laid = make_reshape(maximum.windows, flat, "max_pool");
  // Places as wide as float32: what compares them works on as many side by side.
  const VarRef winner = make_cast(reduce_axes(laid, ReduceKind::kArgMax, axis, axis + 1), Dtype::kInt32);
  const VarRef place = make_iota(laid->shape, Dtype::kInt32, axis, 0, 1);
  const VarRef wide = repeat_axes(cotangents[0], laid->shape, axis, axis + 1);
  const VarRef hit = equal(place, repeat_axes(winner, laid->shape, axis, axis + 1));
  gradients->push_back(make_reshape(apply_where(hit, wide, zeros_like(wide)), shape, "max_pool"));
}

VarRef max_of(const Pool& pool) {
  const VarRef windows = pool.windows(pool.x, pool.padding, lowest(pool.x->dtype));
  const int axis = pool.first_window_axis(pool.x);
  VarRef y = reduce_axes(windows, ReduceKind::kMax, axis, axis + static_cast<int>(pool.spatial));
  if (y->producer->differentiable) {
    GradientCallback& gradient = y->producer->gradient;
    gradient.context = new FirstMaximum{windows, axis};
    gradient.call = first_maximum_gradient;
    gradient.release = [](void* context) { delete static_cast<FirstMaximum*>(context); };
  }
  return y;
}

/// Elements that each window divides by, of shape `extents`; null when all have the whole kernel.
VarRef window_counts(const Pool& pool, Dtype dtype, bool count_include_pad) {
  Shape counted;
  SmallVector<int64_t, 3> pad(pool.spatial, 0);
  bool whole = true;
  for (std::size_t i = 0; i < pool.spatial; ++i) {
    const int64_t extent = pool.x->shape[pool.leading + i];
    counted.push_back(count_include_pad ? extent + 2 * pool.padding[i] : extent);
    if (!count_include_pad) pad[i] = pool.padding[i];
    const int64_t end = (pool.extents[i] - 1) * pool.stride[i] + pool.kernel[i] - pad[i];
    whole = whole && pad[i] == 0 && end <= counted[i];
  }
  if (whole) return VarRef();
  const VarRef windows = pool.windows(constant(counted, dtype, 1), pad, 0);
  const int axis = static_cast<int>(pool.spatial);
  return reduce_axes(windows, ReduceKind::kSum, axis, 2 * axis);
}

VarRef average_of(const Pool& pool, bool count_include_pad) {
  JTCY_CHECK(floating(pool.x->dtype), ErrorKind::kDtype, "avg_pool: needs a floating dtype, got ",
             dtype_name(pool.x->dtype), operand_lines({pool.x}), "\n  help: convert with .float32()");
  const VarRef wide = make_cast(pool.x, compute_dtype(pool.x->dtype));
  const int axis = pool.first_window_axis(wide);
  const VarRef sum =
      reduce_axes(pool.windows(wide, pool.padding, 0), ReduceKind::kSum, axis, axis + static_cast<int>(pool.spatial));
  const VarRef counts = window_counts(pool, wide->dtype, count_include_pad);
  int64_t whole = 1;
  for (const int64_t extent : pool.kernel) whole *= extent;
  const VarRef y = counts ? sum / make_broadcast_to(counts, sum->shape, "avg_pool") : sum / static_cast<double>(whole);
  return make_cast(y, pool.x->dtype);
}

}  // namespace

VarRef compose_pool(const VarRef& x, bool maximum, const SmallVector<int64_t, 3>& kernel,
                    const SmallVector<int64_t, 3>& stride, const SmallVector<int64_t, 3>& padding, bool ceil_mode,
                    bool count_include_pad) {
  const Pool pool(maximum, x, kernel, stride, padding, ceil_mode);
  return maximum ? max_of(pool) : average_of(pool, count_include_pad);
}

}  // namespace jtcy
