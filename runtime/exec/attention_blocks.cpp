// Operands of attention, block by block, and what an op says about it.
#include "exec/attention_blocks.h"

#include <algorithm>
#include <cstring>

namespace jtcy {
namespace {

constexpr int64_t kMostColumns = 256;

template <typename T>
void gather(const char* data, int64_t step, int64_t count, void* to) noexcept {
  const T* const from = reinterpret_cast<const T*>(data);
  for (int64_t i = 0; i < count; ++i) static_cast<T*>(to)[i] = from[i * step];
}

void gather(const char* data, int64_t itemsize, int64_t step, int64_t count, void* to) noexcept {
  if (itemsize == 1) return gather<uint8_t>(data, step, count, to);
  if (itemsize == 2) return gather<uint16_t>(data, step, count, to);
  if (itemsize == 4) return gather<uint32_t>(data, step, count, to);
  gather<uint64_t>(data, step, count, to);
}

}  // namespace

AttentionOperand::AttentionOperand(const TensorView& view, const Shape& shape, Dtype accumulator)
    : data_(static_cast<const char*>(view.data)),
      itemsize_(itemsize(view.dtype)),
      to_itemsize_(itemsize(accumulator)),
      convert_(view.dtype == accumulator
                   ? nullptr
                   : current_isa_table().cast[static_cast<int>(view.dtype)][static_cast<int>(accumulator)]) {
  // Extents of 1 are repeated.
  const auto stride = [&](std::size_t axis) { return view.shape[axis] == 1 ? 0 : view.strides[axis]; };
  const std::size_t ndim = view.shape.size();
  row_stride_ = stride(ndim - 2);
  column_stride_ = stride(ndim - 1);
  for (std::size_t axis = 0; axis + 2 < ndim; ++axis) {
    batch_.push_back(shape[axis]);
    batch_strides_.push_back(stride(axis));
  }
}

int64_t AttentionOperand::offset_of(int64_t head, int64_t row) const noexcept {
  int64_t offset = row * row_stride_;
  for (std::size_t axis = batch_.size(); axis-- > 0; head /= batch_[axis]) {
    offset += head % batch_[axis] * batch_strides_[axis];
  }
  return offset;
}

const void* AttentionOperand::rows(int64_t head, int64_t row, int64_t rows, int64_t columns, void* stage) const {
  const bool side_by_side = (column_stride_ == 1 || columns == 1) && (row_stride_ == columns || rows == 1);
  if (convert_ == nullptr && side_by_side) return data_ + offset_of(head, row) * itemsize_;
  read(head, row, rows, 0, columns, stage, columns);
  return stage;
}

void AttentionOperand::read(int64_t head, int64_t row, int64_t rows, int64_t column, int64_t columns, void* to,
                            int64_t to_step) const {
  const int64_t offset = offset_of(head, row) + column * column_stride_;
  alignas(64) char gathered[kMostColumns * kLargestItem];
  for (int64_t i = 0; i < rows; ++i) {
    const char* from = data_ + (offset + i * row_stride_) * itemsize_;
    char* const target = static_cast<char*>(to) + i * to_step * to_itemsize_;
    if (column_stride_ != 1 && columns > 1) {
      gather(from, itemsize_, column_stride_, columns, convert_ == nullptr ? target : gathered);
      if (convert_ == nullptr) continue;
      from = gathered;
    }
    if (convert_ == nullptr) {
      std::memcpy(target, from, static_cast<std::size_t>(columns * itemsize_));
    } else {
      convert_(from, target, columns);
    }
  }
}

void write_attention_rows(const TensorView& view, Dtype accumulator, int64_t first, int64_t count, const void* from) {
  const int64_t size = itemsize(view.dtype), columns = view.shape.back();
  char* const to = static_cast<char*>(view.data) + first * columns * size;
  if (view.dtype == accumulator) {
    std::memcpy(to, from, static_cast<std::size_t>(count * columns * size));
  } else {
    current_isa_table().cast[static_cast<int>(accumulator)][static_cast<int>(view.dtype)](from, to, count * columns);
  }
}

AttentionShape::AttentionShape(const OpView& op) {
  const TensorView& q = op.inputs[0];
  const std::size_t ndim = q.shape.size();
  heads = extent_product(q.shape, 0, ndim - 2);
  queries = q.shape[ndim - 2];
  dims = q.shape[ndim - 1];
  keys = op.inputs[1].shape[ndim - 2];
  values = op.inputs[2].shape[ndim - 1];
  query_blocks = (queries + kAttentionBlock - 1) / kAttentionBlock;
  key_blocks = (keys + kAttentionBlock - 1) / kAttentionBlock;
  accumulator = accumulator_of(q.dtype);
  itemsize = jtcy::itemsize(accumulator);
  spec.causal = op.structure[0] != 0;
  spec.mask = static_cast<MaskKind>(op.structure[1]);
  spec.zero_rows = op.structure[2] != 0;
  spec.scale = op.scalars[0].f;
  spec.fill = op.scalars[1].f;
  const bool wide = accumulator == Dtype::kFloat64;
  loops = &current_isa_table().attention[wide ? 1 : 0];
  prebuilt = &prebuilt_kernels();
  tiles = wide ? &prebuilt->f64 : &prebuilt->f32;
  turn_rows = prebuilt->turn[wide ? 3 : 2];
}

void AttentionShape::turn(const void* from, int64_t from_step, int64_t rows, int64_t depth, void* to,
                          int64_t to_step) const noexcept {
  long long row[kMostHeadDims];
  for (int64_t i = 0; i < rows; ++i) row[i] = i * from_step;
  turn_rows(from, row, rows, 0, depth, to, to_step);
}

double AttentionShape::underflow() const noexcept {
  // exp gives 0 from -103.98 and -745.2 on; the rest is for rounding.
  return accumulator == Dtype::kFloat64 ? 760 : 110;
}

AttentionScores AttentionShape::scores(void* scores, const void* mask) const noexcept {
  return AttentionScores{scores, mask, spec.mask == MaskKind::kKept, spec.scale, spec.fill};
}

}  // namespace jtcy
