// The interpreter's Reindex (gather by index programs) and ReindexReduce (scatter in the order of the sources).
#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/error.h"
#include "exec/interpreter_index.h"
#include "exec/interpreter_view.h"

namespace jtcy {

namespace {

/// Sources whose places are computed before they are scattered: long enough to feed all threads.
constexpr int64_t kScatterChunk = 65536;

/// Rows that are scattered as a whole have at least so many elements, and a thread so many columns of them.
constexpr int64_t kLeastColumns = 16;

/// Fewer blocks would leave threads without one.
constexpr int64_t kLeastBlocks = 16;

/// Joins what the threads found; the least position wins.
class FaultCollector {
 public:
  void take(const IndexFault& fault) {
    if (fault.position == INT64_MAX) return;
    const std::lock_guard lock(mutex_);
    first_.take(fault);
  }
  void report(KernelError* error) const {
    if (first_.position == INT64_MAX || error->code != 0) return;
    *error = KernelError{1, 0, first_.value, first_.limit};
  }

 private:
  std::mutex mutex_;
  IndexFault first_;
};

template <typename T>
void gather_items(const T* from, const int64_t* offsets, const uint8_t* inside, const void* fill, int64_t count,
                  T* to) {
  T outside;
  std::memcpy(&outside, fill, sizeof(T));
  for (int64_t i = 0; i < count; ++i) to[i] = inside[i] != 0 ? from[offsets[i]] : outside;
}

void gather_block(const TensorView& x, const int64_t* offsets, const uint8_t* inside, const void* fill, int64_t count,
                  void* to) {
  const auto gather = [&]<typename T>(T) {
    gather_items(static_cast<const T*>(x.data), offsets, inside, fill, count, static_cast<T*>(to));
  };
  switch (itemsize(x.dtype)) {
    case 1:
      return gather(uint8_t{});
    case 2:
      return gather(uint16_t{});
    case 4:
      return gather(uint32_t{});
    default:
      return gather(uint64_t{});
  }
}

struct ScatterShape {
  ReduceKind kind;
  Dtype accumulator;
  int64_t targets, sources;
  bool direct;

  explicit ScatterShape(const OpView& op)
      : kind(static_cast<ReduceKind>(op.structure[0])),
        accumulator(accumulator_of(op.output->dtype)),
        targets(element_count(op.output->shape)),
        sources(element_count(op.inputs[0].shape)),
        direct(accumulator == op.output->dtype) {}
  /// Room for the places, behind the accumulators.
  int64_t accumulator_nbytes() const noexcept {
    return direct ? 0 : (targets * itemsize(accumulator) + kLargestItem - 1) / kLargestItem * kLargestItem;
  }
};

/// Places of sources whose indices are those of `domain`.
void compute_places(const OpView& op, const Shape& domain, const Strides& strides, int64_t first, int64_t count,
                    int64_t* places, FaultCollector& faults, ThreadPool& pool) {
  pool.parallel_for(count, kInterpreterGrain, [&](int, int64_t begin, int64_t end) {
    IndexEvaluator evaluator(op, op.structure + 1, domain, op.output->shape, strides);
    uint8_t inside[kIndexBlock];
    for (int64_t at = begin; at < end; at += kIndexBlock) {
      const int64_t n = std::min(kIndexBlock, end - at);
      if (evaluator.evaluate(first + at, n, places + at, inside)) continue;
      for (int64_t i = 0; i < n; ++i) places[at + i] = inside[i] != 0 ? places[at + i] : -1;
    }
    faults.take(evaluator.fault());
  });
}

/// The axis that is shared out among threads: each has a range of its indices, in the sources and in the target, where
/// they are the same. Sources are seen as (outer, extent, inner).
struct SharedAxis {
  int64_t outer = 1, extent = 1, inner = 1;
};

/// The longest axis that goes through unchanged; of extent 1 where there is none.
SharedAxis shared_axis(const OpView& op) {
  const Shape &domain = op.inputs[0].shape, &target = op.output->shape;
  SharedAxis longest;
  const int64_t* program = op.structure + 2;
  for (const int64_t extent : target) {
    const bool straight = program[1] == 1 && program[2] == static_cast<int64_t>(IndexToken::kAxis);
    if (straight && domain[static_cast<std::size_t>(program[3])] == extent && extent > longest.extent) {
      longest = {1, extent, 1};
      for (std::size_t k = 0; k < domain.size(); ++k) {
        if (static_cast<int64_t>(k) < program[3]) longest.outer *= domain[k];
        if (static_cast<int64_t>(k) > program[3]) longest.inner *= domain[k];
      }
    }
    program += 2 + 2 * program[1];
  }
  return longest;
}

/// The sources of a chunk whose places are known: each thread has a range of the shared axis, and passes over its own.
void scatter_shared(const OpView& op, const ScatterShape& shape, const SharedAxis& axis, int64_t first, int64_t count,
                    const int64_t* places, void* accumulators, ThreadPool& pool) {
  const IsaTable::Scatter scatter =
      current_isa_table().scatter[static_cast<int>(shape.kind)][static_cast<int>(op.inputs[0].dtype)];
  const StridedReader reader(op.inputs[0]);
  const int64_t each = axis.extent * axis.inner, runs = (first + count - 1) / each + 1;
  const int64_t grain = (kLeastColumns + axis.inner - 1) / axis.inner;
  pool.parallel_for(axis.extent, grain, [&](int, int64_t begin, int64_t end) {
    alignas(64) char gathered[kInterpreterBlock * kLargestItem];
    for (int64_t run = first / each; run < runs; ++run) {
      const int64_t to = std::min(first + count, run * each + end * axis.inner);
      for (int64_t at = std::max(first, run * each + begin * axis.inner); at < to; at += kInterpreterBlock) {
        const int64_t n = std::min(kInterpreterBlock, to - at);
        const void* const x = reader.block(at, n, gathered);
        scatter(accumulators, x, reinterpret_cast<const long long*>(places + at - first), n, 0, shape.targets);
      }
    }
  });
}

/// Without such an axis each thread owns a range of targets and passes over all sources of the chunk, in order.
void scatter_chunk(const OpView& op, const ScatterShape& shape, int64_t first, int64_t count, const int64_t* places,
                   void* accumulators, ThreadPool& pool) {
  const IsaTable::Scatter scatter =
      current_isa_table().scatter[static_cast<int>(shape.kind)][static_cast<int>(op.inputs[0].dtype)];
  const StridedReader reader(op.inputs[0]);
  const int64_t grain = count < kInterpreterGrain ? shape.targets : kInterpreterBlock;
  pool.parallel_for(shape.targets, grain, [&](int, int64_t begin, int64_t end) {
    alignas(64) char gathered[kInterpreterBlock * kLargestItem];
    for (int64_t at = 0; at < count; at += kInterpreterBlock) {
      const int64_t n = std::min(kInterpreterBlock, count - at);
      const void* const x = reader.block(first + at, n, gathered);
      scatter(accumulators, x, reinterpret_cast<const long long*>(places + at), n, begin, end);
    }
  });
}

/// How many neighbouring sources go to as many neighbouring targets, wherever the first one goes: the last axis, where
/// it is the target's last axis too and has no part in the other indices; else 1.
int64_t row_width(const OpView& op) {
  const Shape &domain = op.inputs[0].shape, &target = op.output->shape;
  if (domain.empty() || target.empty() || domain.back() != target.back()) return 1;
  const auto last = static_cast<int64_t>(domain.size()) - 1;
  const auto is_last = [&](const int64_t* token) {
    return token[0] == static_cast<int64_t>(IndexToken::kAxis) && token[1] == last;
  };
  const int64_t* program = op.structure + 2;
  for (std::size_t axis = 0; axis < target.size(); ++axis) {
    const int64_t length = program[1];
    const bool straight = axis + 1 == target.size();
    if (straight && (length != 1 || !is_last(program + 2))) return 1;
    for (int64_t i = 0; i < length && !straight; ++i) {
      if (is_last(program + 2 + 2 * i)) return 1;
    }
    program += 2 + 2 * length;
  }
  return domain.back();
}

/// Whole rows, in order; each thread has a range of columns.
void scatter_rows(const OpView& op, const ScatterShape& shape, int64_t width, void* accumulators, int64_t* places,
                  FaultCollector& faults, ThreadPool& pool) {
  const IsaTable::Accumulate accumulate =
      current_isa_table().accumulate[static_cast<int>(shape.kind)][static_cast<int>(op.inputs[0].dtype)];
  const StridedReader reader(op.inputs[0]);
  const Strides strides = contiguous_strides(op.output->shape);
  const int64_t size = itemsize(shape.accumulator), rows = shape.sources / width;
  Shape heads = op.inputs[0].shape;
  heads.back() = 1;
  for (int64_t first = 0; first < rows; first += kScatterChunk) {
    const int64_t count = std::min(kScatterChunk, rows - first);
    compute_places(op, heads, strides, first, count, places, faults, pool);
    const int64_t grain = std::max(kLeastColumns, kInterpreterGrain / count);
    pool.parallel_for(width, grain, [&](int, int64_t begin, int64_t end) {
      alignas(64) char gathered[kInterpreterBlock * kLargestItem];
      for (int64_t row = 0; row < count; ++row) {
        if (places[row] < 0) continue;
        for (int64_t at = begin; at < end; at += kInterpreterBlock) {
          const int64_t n = std::min(kInterpreterBlock, end - at);
          const void* const x = reader.block((first + row) * width + at, n, gathered);
          accumulate(static_cast<char*>(accumulators) + (places[row] + at) * size, x, n);
        }
      }
    });
  }
}

/// Into how many blocks of neighbours sources and targets fall alike: the product of the leading axes that are the same
/// in both, each indexed by itself.
int64_t own_blocks(const OpView& op) {
  const Shape &domain = op.inputs[0].shape, &target = op.output->shape;
  const int64_t* program = op.structure + 2;
  int64_t blocks = 1;
  for (std::size_t axis = 0; axis < std::min(domain.size(), target.size()); ++axis) {
    const bool itself = program[1] == 1 && program[2] == static_cast<int64_t>(IndexToken::kAxis) &&
                        program[3] == static_cast<int64_t>(axis);
    if (!itself || domain[axis] != target[axis]) break;
    blocks *= domain[axis];
    program += 2 + 2 * program[1];
  }
  return blocks;
}

/// Each thread has blocks whose sources and targets are its own, and computes their places on the way.
void scatter_blocks(const OpView& op, const ScatterShape& shape, int64_t blocks, void* accumulators,
                    FaultCollector& faults, ThreadPool& pool) {
  const IsaTable::Scatter scatter =
      current_isa_table().scatter[static_cast<int>(shape.kind)][static_cast<int>(op.inputs[0].dtype)];
  const StridedReader reader(op.inputs[0]);
  const Strides strides = contiguous_strides(op.output->shape);
  const int64_t each = shape.sources / blocks;
  pool.parallel_for(blocks, std::max<int64_t>(1, kIndexBlock * 4 / each), [&](int, int64_t begin, int64_t end) {
    IndexEvaluator evaluator(op, op.structure + 1, op.inputs[0].shape, op.output->shape, strides);
    alignas(64) char gathered[kIndexBlock * kLargestItem];
    int64_t places[kIndexBlock];
    uint8_t inside[kIndexBlock];
    for (int64_t at = begin * each; at < end * each; at += kIndexBlock) {
      const int64_t n = std::min(kIndexBlock, end * each - at);
      const bool all_inside = evaluator.evaluate(at, n, places, inside);
      for (int64_t i = 0; i < n && !all_inside; ++i) places[i] = inside[i] != 0 ? places[i] : -1;
      const void* const x = reader.block(at, n, gathered);
      scatter(accumulators, x, reinterpret_cast<const long long*>(places), n, 0, all_inside ? 0 : shape.targets);
    }
    faults.take(evaluator.fault());
  });
}

}  // namespace

void interpret_reindex(const OpView& op, KernelError* error, ThreadPool& pool) {
  const TensorView& x = op.inputs[0];
  const TensorView& output = *op.output;
  const int64_t size = itemsize(output.dtype);
  uint64_t fill = 0;
  scalar_as(op, op.scalar_count - 1, output.dtype, &fill);
  FaultCollector faults;
  pool.parallel_for(element_count(output.shape), kInterpreterGrain, [&](int, int64_t begin, int64_t end) {
    IndexEvaluator evaluator(op, op.structure, output.shape, x.shape, x.strides);
    int64_t offsets[kIndexBlock];
    uint8_t inside[kIndexBlock];
    for (int64_t at = begin; at < end; at += kIndexBlock) {
      const int64_t n = std::min(kIndexBlock, end - at);
      evaluator.evaluate(at, n, offsets, inside);
      gather_block(x, offsets, inside, &fill, n, static_cast<char*>(output.data) + at * size);
    }
    faults.take(evaluator.fault());
  });
  faults.report(error);
}

int64_t reindex_reduce_scratch(const OpView& op) {
  const ScatterShape shape(op);
  return shape.accumulator_nbytes() + std::min(shape.sources, kScatterChunk) * static_cast<int64_t>(sizeof(int64_t));
}

void interpret_reindex_reduce(const OpView& op, void* scratch, KernelError* error, ThreadPool& pool) {
  const ScatterShape shape(op);
  const auto kind = static_cast<int>(shape.kind), dtype = static_cast<int>(op.output->dtype);
  JTCY_ASSERT(kind < kFoldKinds, "interpreter: a scatter cannot search an extreme");
  const IsaTable& table = current_isa_table();
  void* const accumulators = shape.direct ? op.output->data : scratch;
  const auto places = reinterpret_cast<int64_t*>(static_cast<char*>(scratch) + shape.accumulator_nbytes());
  const Strides strides = contiguous_strides(op.output->shape);
  pool.parallel_for(shape.targets, kInterpreterGrain, [&](int, int64_t begin, int64_t end) {
    table.identity[kind][dtype](static_cast<char*>(accumulators) + begin * itemsize(shape.accumulator), end - begin);
  });
  FaultCollector faults;
  const int64_t width = shape.sources > 0 && shape.targets > 0 ? row_width(op) : 1;
  const int64_t blocks = shape.sources > 0 && shape.targets > 0 ? own_blocks(op) : 1;
  if (width >= kLeastColumns) {
    scatter_rows(op, shape, width, accumulators, places, faults, pool);
  } else if (blocks >= kLeastBlocks) {
    scatter_blocks(op, shape, blocks, accumulators, faults, pool);
  } else {
    const SharedAxis shared = shared_axis(op);
    for (int64_t first = 0; first < shape.sources; first += kScatterChunk) {
      const int64_t count = std::min(kScatterChunk, shape.sources - first);
      compute_places(op, op.inputs[0].shape, strides, first, count, places, faults, pool);
      if (shape.targets == 0) continue;
      if (shared.extent * shared.inner >= kLeastColumns) {
        scatter_shared(op, shape, shared, first, count, places, accumulators, pool);
      } else {
        scatter_chunk(op, shape, first, count, places, accumulators, pool);
      }
    }
  }
  if (!shape.direct) {
    table.cast[static_cast<int>(shape.accumulator)][dtype](accumulators, op.output->data, shape.targets);
  }
  faults.report(error);
}

}  // namespace jtcy
