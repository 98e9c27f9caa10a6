// Shape and Strides: extents and element strides of a Var, and what can be said of them.
#pragma once
#include <cstdint>
#include <string>

#include "base/small_vector.h"

namespace jtcy {

inline constexpr int kMaxDims = 16;
using Shape = SmallVector<int64_t, 6>;
/// In elements, not bytes; 0 repeats an axis, negative walks backwards.
using Strides = SmallVector<int64_t, 6>;

int64_t element_count(const Shape& shape) noexcept;
/// Throws kValue where the count of elements or bytes does not fit in int64.
void check_size(const char* function, const Shape& shape, int64_t itemsize);
Strides contiguous_strides(const Shape& shape);
/// Row-major without gaps; extents of 1 may have any stride.
bool is_contiguous(const Shape& shape, const Strides& strides) noexcept;
/// "[32, 784]"
std::string shape_text(const Shape& shape);

}  // namespace jtcy
