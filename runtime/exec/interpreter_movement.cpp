// The interpreter's movement ops: views that must be copied, pad, concat and insert.
#include <algorithm>
#include <cstring>

#include "exec/interpreter_view.h"

namespace jtcy {

namespace {

/// A view of input 0 whose row-major order is the output's.
struct SourceView {
  const char* data;
  Shape shape;
  Strides strides;
};

SourceView source_view(const OpView& op) {
  const TensorView& x = op.inputs[0];
  SourceView view{static_cast<const char*>(x.data), op.output->shape, Strides(op.output->shape.size(), 0)};
  switch (op.kind) {
    case OpKind::kReshape:
      view.shape = x.shape;
      view.strides = x.strides;
      break;
    case OpKind::kTranspose:
      for (std::size_t k = 0; k < view.shape.size(); ++k) {
        view.strides[k] = x.strides[static_cast<std::size_t>(op.structure[k])];
      }
      break;
    case OpKind::kBroadcast:
      for (std::size_t k = 0; k < view.shape.size(); ++k) {
        const auto axis = static_cast<std::size_t>(op.structure[k]);
        if (op.structure[k] >= 0 && x.shape[axis] != 1) view.strides[k] = x.strides[axis];
      }
      break;
    default:  // Slice
      for (std::size_t k = 0; k < view.shape.size(); ++k) {
        view.data += op.scalars[k].i * x.strides[k] * itemsize(x.dtype);
        view.strides[k] = op.structure[k] * x.strides[k];
      }
  }
  return view;
}

void copy_to_output(const StridedReader& reader, const TensorView& output, ThreadPool& pool) {
  const int64_t size = itemsize(output.dtype);
  pool.parallel_for(element_count(output.shape), kInterpreterGrain, [&](int, int64_t begin, int64_t end) {
    char* const to = static_cast<char*>(output.data) + begin * size;
    if (reader.contiguous()) {
      std::memcpy(to, reader.block(begin, end - begin, nullptr), static_cast<std::size_t>((end - begin) * size));
    } else {
      reader.gather(begin, end - begin, to);
    }
  });
}

void interpret_view(const OpView& op, ThreadPool& pool) {
  const SourceView view = source_view(op);
  const StridedReader reader(view.data, op.inputs[0].dtype, view.shape.data(), view.strides.data(),
                             static_cast<int>(view.shape.size()));
  copy_to_output(reader, *op.output, pool);
}

/// Rows of the output's last axis: outside the source all fill, inside fill, source, fill.
void pad_rows(const OpView& op, const StridedReader& reader, const void* fill, int64_t begin, int64_t end) {
  const TensorView& output = *op.output;
  const Shape& inner = op.inputs[0].shape;
  const auto last = static_cast<int>(output.shape.size()) - 1;
  const int64_t size = itemsize(output.dtype), width = output.shape[static_cast<std::size_t>(last)];
  for (int64_t row = begin; row < end; ++row) {
    int64_t rest = row, source_row = 0, step = 1;
    bool inside = true;
    for (int axis = last - 1; axis >= 0; --axis) {
      const auto k = static_cast<std::size_t>(axis);
      const int64_t index = rest % output.shape[k] - op.scalars[k].i;
      rest /= output.shape[k];
      inside &= index >= 0 && index < inner[k];
      source_row += index * step;
      step *= inner[k];
    }
    char* const to = static_cast<char*>(output.data) + row * width * size;
    const int64_t low = op.scalars[last].i, length = inner[static_cast<std::size_t>(last)];
    const int64_t first = std::clamp<int64_t>(low, 0, width), stop = std::clamp<int64_t>(low + length, first, width);
    if (!inside || first == stop) {
      fill_items(to, fill, size, width);
      continue;
    }
    fill_items(to, fill, size, first);
    reader.gather(source_row * length + first - low, stop - first, to + first * size);
    fill_items(to + stop * size, fill, size, width - stop);
  }
}

void interpret_pad(const OpView& op, ThreadPool& pool) {
  const TensorView& output = *op.output;
  const StridedReader reader(op.inputs[0]);
  if (output.shape.empty()) return copy_to_output(reader, output, pool);
  uint64_t fill = 0;
  scalar_as(op, static_cast<int64_t>(output.shape.size()), output.dtype, &fill);
  const int64_t width = output.shape.back();
  const int64_t grain = std::max<int64_t>(1, kInterpreterGrain / width);
  pool.parallel_for(element_count(output.shape) / width, grain,
                    [&](int, int64_t begin, int64_t end) { pad_rows(op, reader, &fill, begin, end); });
}

void interpret_concat(const OpView& op, ThreadPool& pool) {
  const TensorView& output = *op.output;
  const auto axis = static_cast<std::size_t>(op.structure[0]);
  const int64_t size = itemsize(output.dtype);
  const int64_t chunk = extent_product(output.shape, axis, output.shape.size());
  int64_t offset = 0;
  for (int64_t number = 0; number < op.input_count; ++number) {
    const TensorView& x = op.inputs[number];
    const int64_t part = extent_product(x.shape, axis, x.shape.size());
    const StridedReader reader(x);
    const auto copy = [&](int, int64_t begin, int64_t end) {
      for (int64_t at = begin; at < end;) {
        const int64_t run = std::min(end - at, part - at % part);
        const int64_t to = at / part * chunk + offset + at % part;
        reader.gather(at, run, static_cast<char*>(output.data) + to * size);
        at += run;
      }
    };
    pool.parallel_for(element_count(x.shape), kInterpreterGrain, copy);
    offset += part;
  }
}

/// Rows of v's last axis go to start + i * step; different rows never meet.
template <typename T>
void insert_rows(const OpView& op, int64_t begin, int64_t end) {
  const TensorView& v = op.inputs[1];
  const Strides strides = contiguous_strides(op.output->shape);
  const auto last = static_cast<int>(v.shape.size()) - 1;
  const StridedReader reader(v);
  const int64_t width = last >= 0 ? v.shape.back() : 1;
  T block[kInterpreterBlock];
  for (int64_t row = begin; row < end; ++row) {
    int64_t rest = row, offset = 0;
    for (int axis = last; axis >= 0; --axis) {
      const auto k = static_cast<std::size_t>(axis);
      const int64_t index = axis == last ? 0 : rest % v.shape[k];
      if (axis != last) rest /= v.shape[k];
      offset += (op.scalars[k].i + index * op.structure[k]) * strides[k];
    }
    const int64_t step = last >= 0 ? op.structure[last] : 1;
    T* const to = static_cast<T*>(op.output->data) + offset;
    for (int64_t at = 0; at < width; at += kInterpreterBlock) {
      const int64_t n = std::min(kInterpreterBlock, width - at);
      const T* const from = static_cast<const T*>(reader.block(row * width + at, n, block));
      for (int64_t i = 0; i < n; ++i) to[(at + i) * step] = from[i];
    }
  }
}

void interpret_insert(const OpView& op, ThreadPool& pool) {
  copy_to_output(StridedReader(op.inputs[0]), *op.output, pool);
  const TensorView& v = op.inputs[1];
  const int64_t count = element_count(v.shape);
  if (count == 0) return;
  const int64_t width = v.shape.empty() ? 1 : v.shape.back();
  pool.parallel_for(count / width, std::max<int64_t>(1, kInterpreterGrain / width),
                    [&](int, int64_t begin, int64_t end) {
                      switch (itemsize(v.dtype)) {
                        case 1:
                          return insert_rows<uint8_t>(op, begin, end);
                        case 2:
                          return insert_rows<uint16_t>(op, begin, end);
                        case 4:
                          return insert_rows<uint32_t>(op, begin, end);
                        default:
                          return insert_rows<uint64_t>(op, begin, end);
                      }
                    });
}

}  // namespace

void interpret_movement(const OpView& op, ThreadPool& pool) {
  switch (op.kind) {
    case OpKind::kPad:
      return interpret_pad(op, pool);
    case OpKind::kConcat:
      return interpret_concat(op, pool);
    case OpKind::kInsert:
      return interpret_insert(op, pool);
    default:
      return interpret_view(op, pool);
  }
}

}  // namespace jtcy
