// What one contraction is, in the terms of the blocking: roles of axes, operands, padded copies, block sizes.
#pragma once
#include <cstdint>

#include "exec/contraction_operand.h"
#include "graph/contraction.h"

namespace jtcy {

// Note [Padded copies]
// Where a map has borders, strides or windows (convolution and its gradients), the operand is first copied to scratch
// memory with the borders and the zeros between its elements written out. Its elements then stand evenly, no tile asks
// whether an index is outside, and a window's columns need no packing: neighbouring outputs read neighbouring inputs.

/// A copy of an operand over the range that its indices take. Row-major over the operand's dims.
struct PaddedCopy {
  bool used = false;
  const char* data = nullptr;
  JtGatherRows gather = nullptr;
  int ndim = 0;
  bool divided = false;
  long long extent[kMaxDims], stride[kMaxDims], divisor[kMaxDims], base[kMaxDims];
  RoleSteps outer;       // all dims but the last
  int64_t inner = 1;     // extent of the last
  int64_t count = 0;     // elements
  int64_t itemsize = 4;  // of the copy

  int64_t nbytes() const noexcept;
  /// Writes rows [begin, end) of `inner` elements each.
  void write(char* to, int64_t begin, int64_t end) const noexcept;
};

// Note [Columns with gaps]
// The columns of a convolution are numbered along the rows of the padded copy, gaps between output rows included: then
// every panel is one contiguous piece. The results of the gaps are computed and dropped.
struct GappedColumns {
  int64_t pitch = 0;  // 0: no gaps; else positions of one row of the copy
  int64_t rows = 0, columns = 0;
  int64_t image = 0;  // positions of one image: rows * pitch, to a full panel
};

// Note [Parts of the sum]
// Few results of a long sum (a convolution's weight gradient) leave threads without work. Its blocks are summed each on
// its own anyway: then threads share the blocks, and the sums of the blocks are added in order when all are there.
inline constexpr int64_t kFewUnits = 8;     // panels: fewer are shared badly
inline constexpr int64_t kLeastBlocks = 8;  // of the summed range
inline constexpr int64_t kMostPartNbytes = int64_t{8} << 20;

struct Contraction {
  const JtPrebuilt* prebuilt = nullptr;
  const JtTileSet* tiles = nullptr;
  Dtype dtype = Dtype::kFloat32;
  int64_t itemsize = 4;      // of an accumulator
  int64_t out_itemsize = 4;  // less where the output is rounded at the end
  char* out = nullptr;
  int row_input = 0;        // which operand of the op is a
  ContractionOperand a, b;  // a gives the rows of a tile, b the columns, next to each other in memory where possible
  PaddedCopy copy_a, copy_b;
  GappedColumns gaps;
  RoleSteps out_batch, out_rows, out_columns;
  int64_t row_block = 0, column_block = 0, depth_block = 0;

  int64_t rows() const noexcept { return out_rows.count; }
  int64_t columns() const noexcept { return b.own.count; }
  bool rounded() const noexcept { return out_itemsize != itemsize; }
  int64_t blocks() const noexcept { return (a.depth.count + kContractionBlock - 1) / kContractionBlock; }
  int64_t part_nbytes() const noexcept { return rows() * column_block * itemsize; }
  bool by_columns() const noexcept { return columns() / tiles->columns >= rows() / tiles->rows; }
  /// Panels of the longer side: what threads share.
  int64_t unit() const noexcept { return by_columns() ? tiles->columns : tiles->rows; }
  int64_t units() const noexcept { return ((by_columns() ? columns() : rows()) + unit() - 1) / unit(); }
  /// Note [Parts of the sum].
  bool in_parts() const noexcept;
  /// Sums are finished in scratch memory and then moved to the output.
  bool staged() const noexcept { return rounded() || gaps.pitch != 0 || in_parts(); }
};

/// False where there is nothing to sum.
bool analyse_contraction(const OpView& op, Contraction* c);

}  // namespace jtcy
