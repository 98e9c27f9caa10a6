// The interpreter's reductions over one run of axes: lanes, blocks, and blocks combined pairwise (docs/bits.md).
#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "exec/interpreter_view.h"

namespace jtcy {

namespace {

/// Columns that one task of a reduction with axes behind works on.
constexpr int64_t kColumnChunk = 256;

constexpr int64_t ceil_divide(int64_t a, int64_t b) noexcept { return (a + b - 1) / b; }

/// The input as (outer, run, inner), and how its run is cut.
struct ReduceShape {
  ReduceKind kind;
  int64_t outer, run, inner;
  int64_t blocks;  // of the run; 0 for an empty one
  Dtype accumulator;
  int64_t accumulator_size;
  bool direct;  // accumulators of one block are the output's elements

  explicit ReduceShape(const OpView& op) {
    const Shape& shape = op.inputs[0].shape;
    kind = static_cast<ReduceKind>(op.structure[0]);
    outer = extent_product(shape, 0, static_cast<std::size_t>(op.structure[1]));
    run = extent_product(shape, static_cast<std::size_t>(op.structure[1]), static_cast<std::size_t>(op.structure[2]));
    inner = extent_product(shape, static_cast<std::size_t>(op.structure[2]), shape.size());
    blocks = ceil_divide(run, inner == 1 ? kRowBlock : kColumnBlock);
    accumulator = accumulator_of(op.inputs[0].dtype);
    accumulator_size = itemsize(accumulator);
    direct = blocks == 1 && op.output->dtype == accumulator;
  }
  bool is_search() const noexcept { return kind == ReduceKind::kArgMax || kind == ReduceKind::kArgMin; }
  int64_t partials() const noexcept { return outer * std::max<int64_t>(blocks, 1) * inner; }
};

struct Folds {
  IsaTable::FoldBlock fold_block;
  IsaTable::Accumulate accumulate, combine;
  void (*identity)(void*, long long);
  IsaTable::Unary finish;  // accumulator to output dtype
};

Folds folds_of(const ReduceShape& shape, const OpView& op) {
  const IsaTable& table = current_isa_table();
  const auto kind = static_cast<int>(shape.kind), dtype = static_cast<int>(op.inputs[0].dtype);
  return {table.fold_block[kind][dtype], table.accumulate[kind][dtype], table.combine[kind][dtype],
          table.identity[kind][dtype],
          table.cast[static_cast<int>(shape.accumulator)][static_cast<int>(op.output->dtype)]};
}

/// Blocks of runs with nothing behind: one accumulator each.
void fold_rows(const OpView& op, const ReduceShape& shape, const Folds& folds, char* partials, ThreadPool& pool) {
  const StridedReader reader(op.inputs[0]);
  const int64_t grain = std::max<int64_t>(1, kInterpreterGrain / std::min<int64_t>(shape.run, kRowBlock));
  pool.parallel_for(shape.outer * shape.blocks, grain, [&](int, int64_t begin, int64_t end) {
    alignas(64) char gathered[kRowBlock * kLargestItem];
    for (int64_t task = begin; task < end; ++task) {
      const int64_t row = task / shape.blocks, first = task % shape.blocks * kRowBlock;
      const int64_t n = std::min<int64_t>(kRowBlock, shape.run - first);
      folds.fold_block(reader.block(row * shape.run + first, n, gathered), n, partials + task * shape.accumulator_size);
    }
  });
}

/// One block of rows of at most kColumnChunk columns: kColumnLanes accumulators a column, folded by halving.
void fold_column_block(const ReduceShape& shape, const Folds& folds, const StridedReader& reader, int64_t first_row,
                       int64_t rows, int64_t column, int64_t columns, char* accumulator) {
  alignas(64) char lanes[kColumnLanes][kColumnChunk * kLargestItem];
  alignas(64) char gathered[kColumnChunk * kLargestItem];
  for (auto& lane : lanes) folds.identity(lane, columns);
  for (int64_t row = 0; row < rows; ++row) {
    const void* const x = reader.block((first_row + row) * shape.inner + column, columns, gathered);
    folds.accumulate(lanes[row % kColumnLanes], x, columns);
  }
  for (int width = kColumnLanes / 2; width > 0; width /= 2) {
    for (int lane = 0; lane < width; ++lane) folds.combine(lanes[lane], lanes[lane + width], columns);
  }
  std::memcpy(accumulator, lanes[0], static_cast<std::size_t>(columns * shape.accumulator_size));
}

void fold_columns(const OpView& op, const ReduceShape& shape, const Folds& folds, char* partials, ThreadPool& pool) {
  const StridedReader reader(op.inputs[0]);
  const int64_t chunks = ceil_divide(shape.inner, kColumnChunk);
  const int64_t task_size = std::min<int64_t>(shape.run, kColumnBlock) * std::min(shape.inner, kColumnChunk);
  const int64_t grain = std::max<int64_t>(1, kInterpreterGrain / task_size);
  pool.parallel_for(shape.outer * shape.blocks * chunks, grain, [&](int, int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t column = task % chunks * kColumnChunk, part = task / chunks;
      const int64_t block = part % shape.blocks, outer = part / shape.blocks;
      const int64_t rows = std::min<int64_t>(kColumnBlock, shape.run - block * kColumnBlock);
      const int64_t columns = std::min(kColumnChunk, shape.inner - column);
      fold_column_block(shape, folds, reader, outer * shape.run + block * kColumnBlock, rows, column, columns,
                        partials + (part * shape.inner + column) * shape.accumulator_size);
    }
  });
}

/// Blocks of each outer index, pairwise by index, in place: (0,1) (2,3) ..., level by level.
void combine_blocks(const OpView& op, const ReduceShape& shape, const Folds& folds, char* partials, ThreadPool& pool) {
  const int64_t chunks = ceil_divide(shape.inner, kColumnChunk);
  const int64_t task_size = std::max<int64_t>(shape.blocks, 1) * std::min(shape.inner, kColumnChunk);
  const int64_t output_size = itemsize(op.output->dtype);
  pool.parallel_for(
      shape.outer * chunks, std::max<int64_t>(1, kInterpreterGrain / task_size), [&](int, int64_t begin, int64_t end) {
        for (int64_t task = begin; task < end; ++task) {
          const int64_t outer = task / chunks, column = task % chunks * kColumnChunk;
          const int64_t columns = std::min(kColumnChunk, shape.inner - column);
          const int64_t blocks = std::max<int64_t>(shape.blocks, 1);
          char* const first = partials + (outer * blocks * shape.inner + column) * shape.accumulator_size;
          const int64_t pitch = shape.inner * shape.accumulator_size;
          for (int64_t step = 1; step < shape.blocks; step *= 2) {
            for (int64_t block = 0; block + step < shape.blocks; block += 2 * step) {
              folds.combine(first + block * pitch, first + (block + step) * pitch, columns);
            }
          }
          folds.finish(first, static_cast<char*>(op.output->data) + (outer * shape.inner + column) * output_size,
                       columns);
        }
      });
}

void search_extreme(const OpView& op, const ReduceShape& shape, ThreadPool& pool) {
  const IsaTable& table = current_isa_table();
  const int kind = shape.kind == ReduceKind::kArgMax ? 0 : 1;
  const auto dtype = static_cast<int>(op.inputs[0].dtype);
  const StridedReader reader(op.inputs[0]);
  const int64_t chunks = ceil_divide(shape.inner, kColumnChunk);
  const int64_t task_size = std::max<int64_t>(shape.run, 1) * std::min(shape.inner, kColumnChunk);
  pool.parallel_for(
      shape.outer * chunks, std::max<int64_t>(1, kInterpreterGrain / task_size), [&](int, int64_t begin, int64_t end) {
        alignas(64) char best[kColumnChunk * kLargestItem];
        alignas(64) char gathered[kRowBlock * kLargestItem];
        for (int64_t task = begin; task < end; ++task) {
          const int64_t outer = task / chunks, column = task % chunks * kColumnChunk;
          long long* const index = static_cast<long long*>(op.output->data) + outer * shape.inner + column;
          if (shape.inner == 1) {
            for (int64_t at = 0; at < shape.run; at += kRowBlock) {
              const int64_t n = std::min<int64_t>(kRowBlock, shape.run - at);
              table.extreme_run[kind][dtype](best, index, reader.block(outer * shape.run + at, n, gathered), n, at,
                                             at == 0);
            }
            continue;
          }
          const int64_t columns = std::min(kColumnChunk, shape.inner - column);
          for (int64_t row = 0; row < shape.run; ++row) {
            const void* const x = reader.block((outer * shape.run + row) * shape.inner + column, columns, gathered);
            table.extreme[kind][dtype](best, index, x, columns, row, row == 0);
          }
        }
      });
}

}  // namespace

int64_t reduce_scratch(const OpView& op) {
  const ReduceShape shape(op);
  return shape.is_search() || shape.direct ? 0 : shape.partials() * shape.accumulator_size;
}

void interpret_reduce(const OpView& op, void* scratch, ThreadPool& pool) {
  const ReduceShape shape(op);
  if (shape.is_search()) {
    JTCY_ASSERT(shape.run > 0, "interpreter: an extreme of nothing");
    return search_extreme(op, shape, pool);
  }
  const Folds folds = folds_of(shape, op);
  char* const partials = static_cast<char*>(shape.direct ? op.output->data : scratch);
  if (shape.blocks == 0) {
    folds.identity(partials, shape.partials());
  } else if (shape.inner == 1) {
    fold_rows(op, shape, folds, partials, pool);
  } else {
    fold_columns(op, shape, folds, partials, pool);
  }
  if (!shape.direct) combine_blocks(op, shape, folds, partials, pool);
}

}  // namespace jtcy
