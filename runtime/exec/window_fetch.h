// Asks for the part of an image that is copied to a slab next, while tiles work on the present one.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "exec/window.h"

namespace jtcy {

/// Memory of an image's channels that some positions see, brought to the second-level cache a few lines at a time:
/// short rows of many channels are no pattern that the machine foresees.
class SlabFetch {
 public:
  explicit SlabFetch(const Window& w) noexcept;

  /// Positions [begin, begin + count) of a batch; none: nothing is fetched.
  void select(int64_t batch, int64_t begin, int64_t count);
  /// Their channels [first, last), evenly over so many tiles.
  void start(int64_t first, int64_t last, int64_t tiles) noexcept;
  /// What the next tile fetches.
  struct Lines {
    const void *first, *last;
  };
  Lines next() noexcept {
    if (left_ <= 0) return Lines{this, this};
    const Piece& piece = pieces_[piece_];
    const char* const from = piece.begin + channel_ * channel_nbytes_ + line_ * kLine;
    due_ += of_tile_;
    const int64_t count = std::min(due_, piece.lines - line_);
    due_ -= count;
    left_ -= count;
    line_ += count;
    if (line_ == piece.lines) next_piece();
    return Lines{from, from + (count - 1) * kLine};
  }

 private:
  struct Piece {
    const char* begin;  // of the first channel
    int64_t lines;
  };
  void add_part(int64_t image, int64_t begin, int64_t end);
  void add_piece(int64_t offset, int64_t count);
  void next_piece() noexcept {
    line_ = 0;
    if (++piece_ < pieces_.size()) return;
    piece_ = 0;
    ++channel_;
  }

  static constexpr int64_t kLine = 64;

  const Window& w_;
  bool fetched_;
  const int64_t channel_nbytes_;
  const char* image_ = nullptr;
  std::vector<Piece> pieces_;
  int64_t lines_ = 0;               // of one channel
  int64_t left_ = 0;                // lines to come
  int64_t of_tile_ = 0, due_ = 0;   // lines for each tile, and those that pieces were too short for until now
  int64_t channel_ = 0, line_ = 0;  // the next one
  std::size_t piece_ = 0;
};

}  // namespace jtcy
