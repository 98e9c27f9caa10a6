// Windows: writing, recognising and transposing their index programs.
#include "graph/window.h"

#include <utility>

#include "graph/arithmetic.h"
#include "graph/graph_state.h"
#include "graph/index_builder.h"

namespace jtcy {
namespace {

constexpr int64_t token(IndexToken t) { return static_cast<int64_t>(t); }

/// The program of a windowed axis as (token, argument) pairs; read_axis() accepts exactly this.
void write_axis(const WindowAxis& axis, int64_t slot, IndexBuilder* builder) {
  if (axis.window < 0) {
    builder->begin(IndexMode::kFree).axis(axis.position);
    return;
  }
  builder->begin(IndexMode::kBounded);
  builder->axis(axis.position).put(IndexToken::kConst, axis.stride).put(IndexToken::kMul);
  builder->axis(axis.window).put(IndexToken::kConst, axis.dilation).put(IndexToken::kMul).put(IndexToken::kAdd);
  builder->put(IndexToken::kSlot, slot).put(IndexToken::kSub);
}

bool read_axis(const Attrs& attrs, std::size_t at, int64_t length, int64_t mode, WindowAxis* axis) {
  const int64_t* s = attrs.structure.data() + at;
  if (length == 1) {
    axis->position = s[1];
    return mode == static_cast<int64_t>(IndexMode::kFree) && s[0] == token(IndexToken::kAxis);
  }
  constexpr IndexToken kPattern[] = {IndexToken::kAxis, IndexToken::kConst, IndexToken::kMul,
                                     IndexToken::kAxis, IndexToken::kConst, IndexToken::kMul,
                                     IndexToken::kAdd,  IndexToken::kSlot,  IndexToken::kSub};
  if (length != 9 || mode != static_cast<int64_t>(IndexMode::kBounded)) return false;
  for (int i = 0; i < 9; ++i) {
    if (s[2 * i] != token(kPattern[i])) return false;
  }
  axis->position = s[1];
  axis->stride = s[3];
  axis->window = s[7];
  axis->dilation = s[9];
  axis->padding = attrs.scalars[s[15]].i;
  return axis->stride > 0;
}

bool covers_each_axis_once(const WindowMap& map, std::size_t out_ndim) {
  uint32_t seen = 0;
  std::size_t count = 0;
  for (const WindowAxis& axis : map) {
    for (const int64_t used : {axis.position, axis.window}) {
      if (used < 0) continue;
      seen |= uint32_t{1} << used;
      ++count;
    }
  }
  return count == out_ndim && seen == (uint32_t{1} << out_ndim) - 1;
}

/// Whether no element lies in two windows: then its place follows by division.
bool are_apart(const WindowAxis& axis, const Shape& windows) noexcept {
  return axis.dilation == 1 && windows[axis.window] <= axis.stride;
}

}  // namespace

VarRef make_window(const VarRef& x, const WindowMap& map, const Shape& shape, double fill, const char* function) {
  Attrs attrs;
  IndexBuilder builder(&attrs, static_cast<int64_t>(map.size()));
  for (const WindowAxis& axis : map) {
    write_axis(axis, static_cast<int64_t>(attrs.scalars.size()), &builder);
    if (axis.window >= 0) attrs.add_int(axis.padding);
  }
  if (floating(x->dtype)) {
    attrs.add_float(fill);
  } else {
    attrs.add_int(static_cast<int64_t>(fill));
  }
  return make_reindex({x}, std::move(attrs), shape, function);
}

bool read_window(const Attrs& attrs, std::size_t out_ndim, WindowMap* map) {
  const auto& structure = attrs.structure;
  std::size_t at = 1;
  map->clear();
  for (int64_t program = 0; program < structure[0]; ++program) {
    const int64_t mode = structure[at];
    const int64_t length = structure[at + 1];
    WindowAxis axis;
    if (!read_axis(attrs, at + 2, length, mode, &axis)) return false;
    map->push_back(axis);
    at += 2 + 2 * static_cast<std::size_t>(length);
  }
  return covers_each_axis_once(*map, out_ndim);
}

VarRef gather_window_gradient(const WindowMap& map, const VarRef& dy, const Shape& shape) {
  // Index space of the gather: x's axes, then the windows'.
  const int ndim = static_cast<int>(shape.size());
  Shape gathered = shape;
  SmallVector<const WindowAxis*, 6> by_output(dy->shape.size(), nullptr);
  SmallVector<int64_t, 6> axis_of(dy->shape.size(), 0);  // axis of the gather that serves each axis of dy
  for (int axis = 0; axis < ndim; ++axis) {
    by_output[map[axis].position] = &map[axis];
    axis_of[map[axis].position] = axis;
    if (map[axis].window < 0) continue;
    if (are_apart(map[axis], dy->shape)) {
      by_output[map[axis].window] = &map[axis];
      axis_of[map[axis].window] = axis;
      continue;
    }
    axis_of[map[axis].window] = static_cast<int64_t>(gathered.size());
    gathered.push_back(dy->shape[map[axis].window]);
  }
  Attrs attrs;
  IndexBuilder builder(&attrs, static_cast<int64_t>(dy->shape.size()));
  for (std::size_t axis = 0; axis < dy->shape.size(); ++axis) {
    const WindowAxis* from = by_output[axis];
    if (from == nullptr || from->window < 0) {
      builder.begin(IndexMode::kFree).axis(axis_of[axis]);
      continue;
    }
    builder.begin(IndexMode::kBounded).axis(axis_of[axis]);
    builder.put(IndexToken::kSlot, static_cast<int64_t>(attrs.scalars.size())).put(IndexToken::kAdd);
    attrs.add_int(from->padding);
    if (are_apart(*from, dy->shape)) {
      const bool is_position = static_cast<int64_t>(axis) == from->position;
      builder.put(IndexToken::kConst, from->stride).put(is_position ? IndexToken::kFloorDiv : IndexToken::kMod);
      continue;
    }
    builder.axis(axis_of[from->window]).put(IndexToken::kConst, from->dilation).put(IndexToken::kMul);
    builder.put(IndexToken::kSub).put(IndexToken::kConst, from->stride).put(IndexToken::kDivExact);
  }
  attrs.add_float(0);
  const VarRef spread = make_reindex({dy}, std::move(attrs), gathered, "window");
  if (static_cast<int>(gathered.size()) == ndim) return spread;
  return reduce_axes(spread, ReduceKind::kSum, ndim, static_cast<int>(gathered.size()));
}

}  // namespace jtcy
