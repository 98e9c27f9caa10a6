// Strided reading in row-major order, and scalars as elements.
#include "exec/interpreter_view.h"

#include <algorithm>
#include <cstring>

namespace jtcy {

StridedReader::StridedReader(const void* data, Dtype dtype, const int64_t* shape, const int64_t* strides, int ndim)
    : data_(static_cast<const char*>(data)), itemsize_(itemsize(dtype)) {
  for (int axis = 0; axis < ndim; ++axis) {
    if (shape[axis] == 1) continue;
    if (ndim_ > 0 && strides_[ndim_ - 1] == strides[axis] * shape[axis]) {
      shape_[ndim_ - 1] *= shape[axis];
      strides_[ndim_ - 1] = strides[axis];
    } else {
      shape_[ndim_] = shape[axis];
      strides_[ndim_++] = strides[axis];
    }
  }
  contiguous_ = ndim_ == 0 || (ndim_ == 1 && strides_[0] == 1);
  if (ndim_ == 0) {
    shape_[ndim_] = 1;
    strides_[ndim_++] = 1;
  }
}

namespace {

template <typename T>
void copy_run(const T* from, int64_t stride, int64_t count, T* to) {
  if (stride == 1) {
    std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
  } else if (stride == 0) {
    std::fill_n(to, count, *from);
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = from[i * stride];
  }
}

}  // namespace

template <typename T>
void StridedReader::gather_items(int64_t start, int64_t count, T* target) const {
  const int inner = ndim_ - 1;
  int64_t index[kMaxDims];
  int64_t offset = 0, rest = start;
  for (int axis = inner; axis >= 0; --axis) {
    index[axis] = rest % shape_[axis];
    rest /= shape_[axis];
    offset += index[axis] * strides_[axis];
  }
  const T* const from = reinterpret_cast<const T*>(data_);
  while (true) {
    const int64_t run = std::min(count, shape_[inner] - index[inner]);
    copy_run(from + offset, strides_[inner], run, target);
    count -= run;
    if (count == 0) return;
    target += run;
    offset -= index[inner] * strides_[inner];
    index[inner] = 0;
    for (int axis = inner - 1; axis >= 0; --axis) {
      offset += strides_[axis];
      if (++index[axis] < shape_[axis]) break;
      offset -= shape_[axis] * strides_[axis];
      index[axis] = 0;
    }
  }
}

void StridedReader::gather(int64_t start, int64_t count, void* target) const {
  if (count == 0) return;
  switch (itemsize_) {
    case 1:
      return gather_items(start, count, static_cast<uint8_t*>(target));
    case 2:
      return gather_items(start, count, static_cast<uint16_t*>(target));
    case 4:
      return gather_items(start, count, static_cast<uint32_t*>(target));
    default:
      return gather_items(start, count, static_cast<uint64_t*>(target));
  }
}

void scalar_as(const OpView& op, int64_t number, Dtype dtype, void* element) {
  const bool is_float = (op.float_scalars >> number & 1) != 0;
  const Dtype from = is_float ? Dtype::kFloat64 : Dtype::kInt64;
  current_isa_table().cast[static_cast<int>(from)][static_cast<int>(dtype)](&op.scalars[number], element, 1);
}

void fill_items(void* target, const void* element, int64_t itemsize, int64_t count) {
  const auto fill = [&]<typename T>(T value) {
    std::memcpy(&value, element, sizeof(T));
    std::fill_n(static_cast<T*>(target), count, value);
  };
  switch (itemsize) {
    case 1:
      return fill(uint8_t{});
    case 2:
      return fill(uint16_t{});
    case 4:
      return fill(uint32_t{});
    default:
      return fill(uint64_t{});
  }
}

}  // namespace jtcy
