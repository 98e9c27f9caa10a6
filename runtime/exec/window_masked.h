// Panels of columns of a convolution that are read from the image itself, borders masked out.
#pragma once
#include <cstdint>
#include <vector>

#include "exec/window.h"

namespace jtcy {

// Note [Masked columns]
// Where a convolution keeps the extents of its image, positions that follow each other are neighbours in the image for
// any tap; those whose tap lies outside, at a border, read 0. So a vector of columns is a masked load for each image
// that it crosses, and small images need no slab: copying their short rows, and putting columns together from them,
// would cost more. Masks depend on the tap alone, not on the channel.

class MaskedColumns {
 public:
  /// Whether columns of the window are read this way.
  static bool serve(const Window& w) noexcept;

  explicit MaskedColumns(const Window& w);

  void select_batch(int64_t batch) noexcept;
  /// Positions [begin, begin + count). False where those of the same positions of other images stay.
  bool select_positions(int64_t begin, int64_t count);
  /// Places of channel-and-taps [begin, begin + count).
  void fill_taps(int64_t begin, int64_t count, int64_t* places) const noexcept;
  /// Columns of panel `number`, of `width`, for as many products from `k` on: to[product * width + column].
  void pack(int64_t number, int64_t width, int64_t k, int64_t depth, const int64_t* places, char* to) const noexcept;

 private:
  struct Panel {
    int pieces = 1;               // of each vector, at most
    std::vector<long long> from;  // [vector][piece]
    std::vector<unsigned> mask;   // [tap][vector][piece]
  };
  Panel panel_of(int64_t begin, int64_t count) const;
  uint64_t taps_inside(int64_t at) const noexcept;

  const Window& w_;
  std::vector<int64_t> tap_;                        // place of each tap, from its position
  std::vector<uint64_t> taps_inside_[kMaxSpatial];  // by position along a dim: a bit for each tap inside that dim
  const char* image_ = nullptr;
  int64_t begin_ = -1, count_ = 0;
  int64_t shift_ = 0;  // images since the panels were planned
  std::vector<Panel> panels_;
};

}  // namespace jtcy
