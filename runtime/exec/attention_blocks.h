// What attention and its gradient share: shapes, reading operands block by block, products of blocks by tiles.
#pragma once
#include <cstdint>

#include "exec/contraction.h"
#include "exec/interpreter_view.h"
#include "graph/attention.h"

namespace jtcy {

/// Positions beyond the last that panels and tiles may touch.
inline constexpr int64_t kAttentionSlack = 64;

/// One operand: (heads, rows, columns), converted to the accumulator's type.
class AttentionOperand {
 public:
  /// `shape`: of the outputs, whose dims before the last two number the heads.
  AttentionOperand(const TensorView& view, const Shape& shape, Dtype accumulator);
  /// Rows [row, row + rows) of columns [column, column + columns) to rows of `to_step` elements.
  void read(int64_t head, int64_t row, int64_t rows, int64_t column, int64_t columns, void* to, int64_t to_step) const;
  /// Rows from `row` on, of `columns` elements side by side: where they lie if they lie so, else read to `stage`.
  const void* rows(int64_t head, int64_t row, int64_t rows, int64_t columns, void* stage) const;

 private:
  int64_t offset_of(int64_t head, int64_t row) const noexcept;

  const char* data_;
  int64_t itemsize_, to_itemsize_, row_stride_, column_stride_;
  IsaTable::Unary convert_;  // null: as it is
  Shape batch_;
  Strides batch_strides_;
};

/// Rows of an output, converted from the accumulator's type.
void write_attention_rows(const TensorView& view, Dtype accumulator, int64_t first, int64_t count, const void* from);

struct AttentionShape {
  explicit AttentionShape(const OpView& op);

  int64_t heads = 1, queries, keys, dims, values;
  int64_t query_blocks, key_blocks;
  Dtype accumulator;
  int64_t itemsize;
  AttentionSpec spec;
  const AttentionLoops* loops;
  const JtPrebuilt* prebuilt;
  const JtTileSet* tiles;
  JtTurnRows turn_rows;

  int64_t panels(int64_t rows) const noexcept { return (rows + tiles->rows - 1) / tiles->rows; }
  /// Below this a probability is 0, whatever is added to the exponent.
  double underflow() const noexcept;
  /// from[i * from_step + k] to to[k * to_step + i].
  void turn(const void* from, int64_t from_step, int64_t rows, int64_t depth, void* to, int64_t to_step) const noexcept;
  AttentionScores scores(void* scores, const void* mask) const noexcept;
};

/// Memory of one thread, taken piece by piece; without memory it only counts.
class AttentionMemory {
 public:
  explicit AttentionMemory(char* memory) : memory_(memory) {}
  template <typename T>
  T* take(int64_t count) noexcept {
    T* const begin = reinterpret_cast<T*>(memory_ + total_);
    total_ += ((count + kAttentionSlack) * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
    return begin;
  }
  int64_t total() const noexcept { return total_; }

 private:
  char* memory_;
  int64_t total_ = 0;
};

/// Products of blocks: a in panels of `depth` steps, b and c rows of a fixed step.
template <typename T>
class AttentionProduct {
 public:
  /// `b_step`, `c_step`: elements of a row.
  AttentionProduct(const JtTileSet& tiles, int64_t b_step, int64_t c_step) : tiles_(tiles), c_step_(c_step) {
    for (int64_t k = 0; k < kMostHeadDims; ++k) place_[k] = k * b_step;
    for (int64_t i = 0; i < JT_MOST_ROWS; ++i) row_[i] = i * c_step;
  }
  struct Panels {
    const T* data;
    int64_t rows, depth;  // as they were packed
  };
  /// c = (add ? c : 0) + a b, for panels that hold rows below `rows`, over the first `depth` steps.
  void run(const Panels& a, int64_t rows, int64_t depth, const T* b, int64_t width, T* c, bool add) const {
    const int64_t panels = (a.rows + tiles_.rows - 1) / tiles_.rows;
    for (int64_t j = 0; j < width;) {
      const int narrow = width - j < tiles_.columns ? 1 : 0;
      for (int64_t p = 0; p < panels; ++p) {
        const int64_t first = a.rows * p / panels, count = a.rows * (p + 1) / panels - first;
        if (first >= rows) break;
        tiles_.tile[narrow][count - 1](depth, a.data + first * a.depth, b + j, place_, c + first * c_step_ + j, row_,
                                       add);
      }
      j += narrow != 0 ? tiles_.columns / 2 : tiles_.columns;
    }
  }

 private:
  const JtTileSet& tiles_;
  int64_t c_step_;
  long long place_[kMostHeadDims];
  long long row_[JT_MOST_ROWS];
};

int64_t attention_gradient_scratch(const OpView& op, int threads);
void run_attention_gradient(const OpView& op, void* scratch, ThreadPool& pool);

inline constexpr int64_t kAttentionGrainProducts = 400'000;  // below, one thread is faster

}  // namespace jtcy
