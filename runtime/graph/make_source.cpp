// Makers of what has no inputs: Full, Iota, Random.
#include <cmath>
#include <limits>
#include <utility>

#include "graph/graph_state.h"

namespace jtcy {
namespace {

/// As a conversion from float64 to int64 does on the CPU: what does not fit becomes the minimum.
int64_t to_integer(double value) noexcept {
  const bool fits = value >= -9223372036854775808.0 && value < 9223372036854775808.0;
  return fits ? static_cast<int64_t>(value) : std::numeric_limits<int64_t>::min();
}

void check_dtype(Dtype dtype, const char* function) {
  JTCY_CHECK(static_cast<int>(dtype) < kDtypeCount, ErrorKind::kDtype, function,
             ": complex dtypes are not supported yet", "\n  help: keep real and imaginary parts in two vars");
}

Ref<Op> start_filled(const Shape& shape, Dtype dtype) {
  check_dtype(dtype, "full");
  check_size("full", shape, itemsize(dtype));
  return start_op(OpKind::kFull);
}

}  // namespace

VarRef make_full(const Shape& shape, Dtype dtype, double value) {
  const Ref<Op> op = start_filled(shape, dtype);
  if (floating(dtype)) {
    op->attrs.add_float(value);
  } else {
    op->attrs.add_int(dtype == Dtype::kBool ? value != 0 : to_integer(value));
  }
  return record(op, shape, dtype);
}

VarRef make_full_int(const Shape& shape, Dtype dtype, int64_t value) {
  const Ref<Op> op = start_filled(shape, dtype);
  if (floating(dtype)) {
    op->attrs.add_float(static_cast<double>(value));
  } else {
    op->attrs.add_int(dtype == Dtype::kBool ? value != 0 : value);
  }
  return record(op, shape, dtype);
}

VarRef make_iota(const Shape& shape, Dtype dtype, int axis, double start, double step) {
  check_dtype(dtype, "arange");
  JTCY_CHECK(dtype != Dtype::kBool, ErrorKind::kDtype, "arange: bool cannot count\n  help: use an integer dtype");
  check_size("arange", shape, itemsize(dtype));
  Attrs attrs;
  attrs.structure.push_back(checked_axis(axis, shape.size(), "arange"));
  if (floating(dtype)) {
    attrs.add_float(start);
    attrs.add_float(step);
  } else {
    attrs.add_int(to_integer(start));
    attrs.add_int(to_integer(step));
  }
  return make_node(OpKind::kIota, SmallVector<VarRef, 2>(), std::move(attrs), shape, dtype);
}

VarRef make_random(const Shape& shape, Dtype dtype, int64_t seed, int64_t counter) {
  JTCY_CHECK(dtype == Dtype::kUint32 || dtype == Dtype::kFloat32 || dtype == Dtype::kFloat64, ErrorKind::kDtype,
             "random: makes uint32, float32 or float64, not ", dtype_name(dtype),
             "\n  help: convert with .astype(...)");
  check_size("random", shape, itemsize(dtype));
  Attrs attrs;
  attrs.add_int(seed);
  attrs.add_int(counter);
  return make_node(OpKind::kRandom, SmallVector<VarRef, 2>(), std::move(attrs), shape, dtype);
}

}  // namespace jtcy
