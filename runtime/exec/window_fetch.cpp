// The rows of an image that a chunk of positions sees, as pieces of memory, and their lines one after the other.
#include "exec/window_fetch.h"

#include <algorithm>

namespace jtcy {
namespace {

// More would push out what tiles read.
constexpr int64_t kMostNbytes = int64_t{384} << 10;
// Smaller images stay in the caches from one use to the next.
constexpr int64_t kLeastNbytes = int64_t{2} << 20;

/// Elements from the first of a row of the outermost dim to its last.
int64_t row_reach(const Window& w) noexcept {
  int64_t reach = 1;
  for (int d = 1; d < w.spatial; ++d) reach += (w.dim[d].extent - 1) * w.dim[d].stride;
  return reach;
}

/// Large images whose rows' elements lie close to each other; not those that tiles read from end to end.
bool is_fetched(const Window& w) noexcept {
  if (w.direct && w.sums_positions) return false;
  int64_t count = 1;
  for (int d = 1; d < w.spatial; ++d) {
    if (w.dim[d].stride < 0) return false;
    count *= w.dim[d].extent;
  }
  if (row_reach(w) > 2 * count) return false;
  return w.batch.count * w.images * w.channels * w.dim[0].extent * count * w.image_itemsize >= kLeastNbytes;
}

}  // namespace

SlabFetch::SlabFetch(const Window& w) noexcept
    : w_(w), fetched_(is_fetched(w)), channel_nbytes_(w.channel_stride * w.image_itemsize) {}

void SlabFetch::select(int64_t batch, int64_t begin, int64_t count) {
  pieces_.clear();
  lines_ = 0;
  if (!fetched_) return;
  image_ = w_.image + w_.batch.place(batch) * w_.image_itemsize;
  const int64_t of_image = w_.positions_of_image();
  for (const int64_t end = begin + count; begin < end;) {
    const int64_t image = begin / of_image, at = begin % of_image, next = std::min(end, begin - at + of_image);
    add_part(image, at, at + next - begin);
    begin = next;
  }
}

/// Positions [begin, end) of an image.
void SlabFetch::add_part(int64_t image, int64_t begin, int64_t end) {
  const WindowDim &outer = w_.dim[0], &last = w_.dim[w_.spatial - 1];
  const int64_t of_row = w_.positions_of_image() / outer.positions;
  const int64_t first_row = begin / of_row, last_row = (end - 1) / of_row;
  int64_t low = 0, count = row_reach(w_);
  if (w_.split_rows && first_row == last_row) {
    const int64_t first_column = begin % of_row, last_column = (end - 1) % of_row;
    low = std::max<int64_t>(0, last.lowest + last.step * last.by_position * first_column);
    const int64_t high = last.lowest + last.step * (last.by_position * last_column + last.reach());
    count = (std::min(high, last.extent - 1) - low) * last.stride + 1;
    low *= last.stride;
  }
  for (int64_t u = outer.by_position * first_row; u <= outer.by_position * last_row + outer.reach(); ++u) {
    const int64_t row = outer.lowest + outer.step * u;
    if (row >= 0 && row < outer.extent) add_piece(image * w_.image_stride + row * outer.stride + low, count);
  }
}

/// Elements that follow the last piece grow it.
void SlabFetch::add_piece(int64_t offset, int64_t count) {
  if (count <= 0) return;
  const char* const begin = image_ + offset * w_.image_itemsize;
  const char* const end = begin + count * w_.image_itemsize;
  Piece piece{begin, (end - begin + kLine - 1) / kLine};
  if (!pieces_.empty() && begin >= pieces_.back().begin &&
      begin <= pieces_.back().begin + pieces_.back().lines * kLine) {
    piece.begin = pieces_.back().begin;
    piece.lines = (end - piece.begin + kLine - 1) / kLine;
    lines_ -= pieces_.back().lines;
    pieces_.pop_back();
  }
  pieces_.push_back(piece);
  lines_ += piece.lines;
}

void SlabFetch::start(int64_t first, int64_t last, int64_t tiles) noexcept {
  left_ = lines_ * (last - first);
  if (left_ * kLine > kMostNbytes) left_ = 0;
  of_tile_ = left_ / std::max<int64_t>(1, tiles) + 1;
  due_ = 0;
  channel_ = first;
  piece_ = 0;
  line_ = 0;
}

}  // namespace jtcy
