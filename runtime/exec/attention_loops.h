// AttentionLoops: the loops of attention that are compiled for each instruction set; part of IsaTable.
#pragma once

namespace jtcy {

/// Rows of a block of queries, and keys of a block of keys: the latter are part of the bits.
inline constexpr int kAttentionBlock = 64;
/// Widths are multiples of this.
inline constexpr int kAttentionLanes = 16;
/// Of the sums of dy y: part of the bits.
inline constexpr int kDeltaLanes = 16;

/// How raw scores become scores.
struct AttentionScores {
  void* scores;      // rows of kAttentionBlock
  const void* mask;  // likewise, or null
  int kept;          // the mask is 1 or 0: where it is 0 the score is `fill`; else it is added
  double scale, fill;
};

/// Scores of a block, keys by queries, and the state of each query.
struct AttentionSoftmax {
  AttentionScores scores;
  long long keys, width;
  int causal;
  long long first_query;  // of the block, counted from its first key
  void *highest, *sum;    // running, of each query
  void* factor;           // out: what the results so far are multiplied by
};

/// Scores of a block, queries by keys; they become probabilities, and dp the cotangents of the raw scores.
struct AttentionCotangents {
  AttentionScores scores;
  void* dp;
  long long queries, width;
  int causal;
  long long first_query;
  const void *normalizer, *delta;  // of each query
};

struct AttentionLoops {
  /// from[k * step + row] to panels for tiles: panel p of `panels` has the rows from rows * p / panels on, as
  /// to[k * its rows + row]. Writes up to JT_MOST_ROWS elements too far.
  void (*to_panels)(const void* from, long long step, long long depth, long long rows, long long panels, void* to);
  void (*softmax)(const AttentionSoftmax* block);
  void (*cotangents)(const AttentionCotangents* block);
  /// x[row * kAttentionBlock + j] *= factor[j] for j < width.
  void (*scale_columns)(void* x, long long rows, long long width, const void* factor);
  /// of row i: the sum of a b over `count` elements.
  void (*row_products)(const void* a, const void* b, long long step, long long rows, long long count, void* to);
  /// The largest sum of squares of a row, in double; not finite where some element is not.
  double (*largest_square)(const void* x, long long step, long long rows, long long count);
  /// Whether x[row * kAttentionBlock + j] <= limit for all rows and j < count.
  int (*all_at_most)(const void* x, long long rows, long long count, double limit);
  /// highest, sum → what results are multiplied by at the end, and the logarithm of the sum of exponentials.
  void (*finish)(const void* highest, const void* sum, int zero_rows, void* factor, void* normalizer);
};

}  // namespace jtcy
