// Asks for the part of an image that is copied to a slab next, while tiles work on the present one.
#pragma once
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
  /// Their channels [first, last), evenly over so many calls of next().
  void start(int64_t first, int64_t last, int64_t calls) noexcept;
  void next() noexcept;

 private:
  struct Piece {
    const char* begin;  // of the first channel
    int64_t lines;
  };
  void add_part(int64_t image, int64_t begin, int64_t end);
  void add_piece(int64_t offset, int64_t count);

  const Window& w_;
  bool fetched_;
  const char* image_ = nullptr;
  std::vector<Piece> pieces_;
  int64_t lines_ = 0;               // of one channel
  int64_t at_call_ = 0, left_ = 0;  // lines
  int64_t channel_ = 0, line_ = 0;  // the next one
  std::size_t piece_ = 0;
};

}  // namespace jtcy
