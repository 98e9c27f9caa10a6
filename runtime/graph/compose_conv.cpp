// Convolution and its transpose, of any number of spatial dims: one Contraction each.
#include "graph/compose_support.h"
#include "graph/contraction.h"
#include "graph/winograd.h"

namespace jtcy {
namespace {

struct ConvCall {
  const char* function;
  const VarRef& x;
  const VarRef& weight;
  const VarRef& bias;
  const ConvSpec& spec;
  std::size_t spatial = 0;

  void check() const;
  VarRef add_bias(const VarRef& y, int64_t channels) const;
};

void ConvCall::check() const {
  JTCY_CHECK(x->shape.size() == spatial + 2 && weight->shape.size() == spatial + 2, ErrorKind::kShape, function,
             ": needs x (N, C, ...) and weight of ", spatial + 2, " dims", operand_lines({x, weight}));
  JTCY_CHECK(spec.padding.size() == spatial && spec.dilation.size() == spatial, ErrorKind::kValue, function,
             ": stride, padding and dilation must have one entry a spatial dim, got ", spatial, ", ",
             spec.padding.size(), " and ", spec.dilation.size());
  JTCY_CHECK(floating(x->dtype) || is_integral(x->dtype), ErrorKind::kDtype, function, ": is not defined for bool",
             operand_lines({x, weight}));
  for (std::size_t i = 0; i < spatial; ++i) {
    JTCY_CHECK(spec.stride[i] > 0 && spec.dilation[i] > 0 && spec.padding[i] >= 0, ErrorKind::kValue, function,
               ": stride and dilation must be above 0 and padding not below, got ", spec.stride[i], ", ",
               spec.dilation[i], " and ", spec.padding[i]);
  }
  JTCY_CHECK(spec.groups > 0 && x->shape[1] % spec.groups == 0 && weight->shape[0] % spec.groups == 0,
             ErrorKind::kShape, function, ": groups = ", spec.groups, " must divide the channels of x and weight",
             operand_lines({x, weight}));
}

VarRef ConvCall::add_bias(const VarRef& y, int64_t channels) const {
  if (!bias) return y;
  JTCY_CHECK(bias->shape.size() == 1 && bias->shape[0] == channels, ErrorKind::kShape, function, ": bias must be [",
             channels, "], got ", shape_text(bias->shape), operand_lines({x, weight, bias}));
  return y + along_axis(make_cast(bias, y->dtype), y->shape, 1);
}

/// Splits axis `axis` into (groups, rest) where there are groups.
VarRef split_groups(const VarRef& x, std::size_t axis, int64_t groups) {
  if (groups == 1) return x;
  Shape shape = x->shape;
  shape[axis] /= groups;
  shape.insert(axis, groups);
  return make_reshape(x, shape, "conv");
}

/// Joins axes 1 and 2 again.
VarRef join_groups(const VarRef& y, int64_t groups) {
  if (groups == 1) return y;
  Shape shape = y->shape;
  shape[1] *= shape[2];
  shape.erase(2);
  return make_reshape(y, shape, "conv");
}

Shape conv_extents(const ConvCall& c) {
  Shape out;
  for (std::size_t i = 0; i < c.spatial; ++i) {
    const int64_t room = c.x->shape[2 + i] + 2 * c.spec.padding[i];
    const int64_t reach = c.spec.dilation[i] * (c.weight->shape[2 + i] - 1) + 1;
    JTCY_CHECK(c.weight->shape[2 + i] > 0 && reach <= room, ErrorKind::kShape, c.function, ": the kernel reaches over ",
               reach, " elements, the padded input has ", room, operand_lines({c.x, c.weight}),
               "\n  help: add padding");
    out.push_back((room - reach) / c.spec.stride[i] + 1);
  }
  return out;
}

Shape transposed_extents(const ConvCall& c, const SmallVector<int64_t, 3>& output_padding) {
  Shape out;
  for (std::size_t i = 0; i < c.spatial; ++i) {
    const int64_t extra = output_padding.empty() ? 0 : output_padding[i];
    JTCY_CHECK(extra >= 0 && (extra < c.spec.stride[i] || extra < c.spec.dilation[i]), ErrorKind::kValue, c.function,
               ": output_padding must be below stride or dilation, got ", extra);
    const int64_t extent = (c.x->shape[2 + i] - 1) * c.spec.stride[i] - 2 * c.spec.padding[i] +
                           c.spec.dilation[i] * (c.weight->shape[2 + i] - 1) + extra + 1;
    JTCY_CHECK(extent > 0, ErrorKind::kShape, c.function, ": the output would have extent ", extent,
               operand_lines({c.x, c.weight}), "\n  help: reduce padding");
    out.push_back(extent);
  }
  return out;
}

/// Axes of the contraction: n, [g], o, spatial..., then summed c, kernel...
struct ConvAxes {
  int64_t groups_axis, channels, first_spatial, summed_channels, first_kernel;
  ConvAxes(bool grouped, std::size_t spatial)
      : groups_axis(grouped ? 1 : -1),
        channels(grouped ? 2 : 1),
        first_spatial(channels + 1),
        summed_channels(first_spatial + static_cast<int64_t>(spatial)),
        first_kernel(summed_channels + 1) {}
};

void add_plain(SmallVector<ContractionDim, 6>* dims, int64_t axis) {
  if (axis >= 0) dims->push_back(ContractionDim{axis});
}

ContractionMap empty_map(const ConvAxes& axes, std::size_t spatial) {
  ContractionMap map;
  map.out_ndim = axes.summed_channels;
  map.summed = static_cast<int64_t>(spatial) + 1;
  add_plain(&map.a, 0);
  add_plain(&map.a, axes.groups_axis);
  add_plain(&map.a, axes.summed_channels);
  add_plain(&map.b, axes.groups_axis);
  return map;
}

/// Whether each channel has a filter of its own: then groups are the channels, and nothing is split or joined.
bool is_depthwise(const ConvCall& c) {
  return c.spec.groups > 1 && c.weight->shape[0] == c.spec.groups && c.weight->shape[1] == 1;
}

/// Its contraction: n, channels, spatial..., then summed kernel...; `window` gives the dim of a spatial and a kernel
/// axis.
template <typename Window>
VarRef depthwise(const ConvCall& c, const Shape& extents, const Window& window) {
  const auto spatial = static_cast<int64_t>(c.spatial);
  ContractionMap map;
  map.out_ndim = 2 + spatial;
  map.summed = spatial;
  add_plain(&map.a, 0);
  add_plain(&map.a, 1);
  add_plain(&map.b, 1);
  for (int64_t n = 0; n < spatial; ++n) {
    map.a.push_back(window(static_cast<std::size_t>(n), 2 + n, 2 + spatial + n));
    add_plain(&map.b, 2 + spatial + n);
  }
  Shape filters = c.weight->shape;
  filters.erase(1);
  Shape shape{c.x->shape[0], c.spec.groups};
  for (const int64_t extent : extents) shape.push_back(extent);
  return make_contraction(c.x, make_reshape(c.weight, filters, "conv"), map.to_attrs(), shape, c.function);
}

Shape grouped_shape(int64_t batch, int64_t groups, int64_t channels, const Shape& extents) {
  Shape shape{batch};
  if (groups > 1) shape.push_back(groups);
  shape.push_back(channels);
  for (const int64_t extent : extents) shape.push_back(extent);
  return shape;
}

}  // namespace

VarRef compose_conv(const VarRef& x_given, const VarRef& weight_given, const VarRef& bias, const ConvSpec& spec) {
  const Dtype dtype = promote(x_given->dtype, weight_given->dtype);
  const VarRef x = make_cast(x_given, dtype), weight = make_cast(weight_given, dtype);
  const ConvCall call{"conv", x, weight, bias, spec, spec.stride.size()};
  call.check();
  const int64_t groups = spec.groups;
  JTCY_CHECK(weight->shape[1] * groups == x->shape[1], ErrorKind::kShape, "conv: x has ", x->shape[1],
             " channels, weight ", weight->shape[1], " in each of ", groups, " groups", operand_lines({x, weight}));
  const Shape extents = conv_extents(call);
  if (is_winograd(x, weight, spec)) return call.add_bias(winograd_conv(x, weight, spec.padding), weight->shape[0]);
  const auto window = [&spec](std::size_t i, int64_t position, int64_t tap) {
    return ContractionDim{position, spec.stride[i], tap, spec.dilation[i], 1, -spec.padding[i]};
  };
  if (is_depthwise(call)) return call.add_bias(depthwise(call, extents, window), groups);
  const ConvAxes axes(groups > 1, call.spatial);
  ContractionMap map = empty_map(axes, call.spatial);
  add_plain(&map.b, axes.channels);
  add_plain(&map.b, axes.summed_channels);
  for (std::size_t i = 0; i < call.spatial; ++i) {
    const auto n = static_cast<int64_t>(i);
    map.a.push_back(window(i, axes.first_spatial + n, axes.first_kernel + n));
    add_plain(&map.b, axes.first_kernel + n);
  }
  const Shape shape = grouped_shape(x->shape[0], groups, weight->shape[0] / groups, extents);
  const VarRef y =
      make_contraction(split_groups(x, 1, groups), split_groups(weight, 0, groups), map.to_attrs(), shape, "conv");
  return call.add_bias(join_groups(y, groups), weight->shape[0]);
}

VarRef compose_conv_transpose(const VarRef& x_given, const VarRef& weight_given, const VarRef& bias,
                              const ConvSpec& spec, const SmallVector<int64_t, 3>& output_padding) {
  const Dtype dtype = promote(x_given->dtype, weight_given->dtype);
  const VarRef x = make_cast(x_given, dtype), weight = make_cast(weight_given, dtype);
  const ConvCall call{"conv_transpose", x, weight, bias, spec, spec.stride.size()};
  call.check();
  const int64_t groups = spec.groups;
  JTCY_CHECK(weight->shape[0] == x->shape[1], ErrorKind::kShape, "conv_transpose: x has ", x->shape[1],
             " channels, weight ", weight->shape[0], operand_lines({x, weight}),
             "\n  help: weight is (in channels, out channels / groups, ...)");
  const Shape extents = transposed_extents(call, output_padding);
  const auto window = [&spec](std::size_t i, int64_t position, int64_t tap) {
    return ContractionDim{position, 1, tap, -spec.dilation[i], spec.stride[i], spec.padding[i]};
  };
  if (is_depthwise(call)) return call.add_bias(depthwise(call, extents, window), groups);
  const ConvAxes axes(groups > 1, call.spatial);
  ContractionMap map = empty_map(axes, call.spatial);
  add_plain(&map.b, axes.summed_channels);
  add_plain(&map.b, axes.channels);
  for (std::size_t i = 0; i < call.spatial; ++i) {
    const auto n = static_cast<int64_t>(i);
    map.a.push_back(window(i, axes.first_spatial + n, axes.first_kernel + n));
    add_plain(&map.b, axes.first_kernel + n);
  }
  const Shape shape = grouped_shape(x->shape[0], groups, weight->shape[1], extents);
  const VarRef y = make_contraction(split_groups(x, 1, groups), split_groups(weight, 0, groups), map.to_attrs(), shape,
                                    "conv_transpose");
  return call.add_bias(join_groups(y, groups), weight->shape[1] * groups);
}

}  // namespace jtcy
