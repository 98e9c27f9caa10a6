// Arithmetic of shapes and strides.
#include "device/shape.h"

#include "base/error.h"

namespace jtcy {

int64_t element_count(const Shape& shape) noexcept {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

void check_size(const char* function, const Shape& shape, int64_t itemsize) {
  // Extents of 0 are left out, as in NumPy: strides are computed without them and must not overflow either.
  int64_t nbytes = itemsize;
  for (const int64_t extent : shape) {
    JTCY_CHECK(extent >= 0, ErrorKind::kValue, function, ": shape ", shape_text(shape), " has a negative extent, ",
               extent);
    if (extent == 0) continue;
    JTCY_CHECK(!__builtin_mul_overflow(nbytes, extent, &nbytes), ErrorKind::kValue, function, ": shape ",
               shape_text(shape), " with ", itemsize,
               " bytes an element is larger than an address space of 2**63 bytes");
  }
}

Strides contiguous_strides(const Shape& shape) {
  Strides strides(shape.size());
  int64_t stride = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis] == 0 ? 1 : shape[axis];
  }
  return strides;
}

bool is_contiguous(const Shape& shape, const Strides& strides) noexcept {
  int64_t expected = 1;
  bool dense = true;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    if (shape[axis] == 0) return true;  // nothing to lie anywhere
    if (shape[axis] == 1) continue;
    dense = dense && strides[axis] == expected;
    expected *= shape[axis];
  }
  return dense;
}

std::string shape_text(const Shape& shape) {
  std::string text = "[";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(shape[axis]);
  }
  return text + "]";
}

}  // namespace jtcy
