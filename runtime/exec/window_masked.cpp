// Masks of the borders, by tap, and the pieces of each vector of columns.
#include "exec/window_masked.h"

#include <algorithm>

namespace jtcy {
namespace {

constexpr int64_t kMostTaps = 64;

}  // namespace

bool MaskedColumns::serve(const Window& w) noexcept {
  if (w.kernels->masked == nullptr || w.sums_positions || w.image_itemsize != w.itemsize) return false;
  const int64_t of_image = w.positions_of_image();
  int64_t taps = 1;
  for (int d = 0; d < w.spatial; ++d) taps *= w.dim[d].taps;
  if (taps > kMostTaps) return false;
  if ((w.lanes - 2 + of_image) / of_image + 1 > JT_MOST_MERGED) return false;
  int64_t line = 1;
  for (int d = w.spatial - 1; d >= 0; --d) {
    const WindowDim& dim = w.dim[d];
    if (dim.positions == 1) continue;
    if (dim.step * dim.by_position * dim.stride != line) return false;
    line *= dim.positions;
  }
  return true;
}

MaskedColumns::MaskedColumns(const Window& w) : w_(w), tap_(static_cast<std::size_t>(w.masked ? w.taps() : 0)) {
  if (!w.masked) return;
  for (int d = 0; d < w.spatial; ++d) taps_inside_[d].resize(static_cast<std::size_t>(w.dim[d].positions));
  for (int64_t number = 0; number < w.taps(); ++number) {
    int64_t left = number;
    for (int d = w.spatial - 1; d >= 0; --d) {
      const WindowDim& dim = w.dim[d];
      const int64_t lowest = dim.lowest + dim.step * dim.tap_place(left % dim.taps);
      left /= dim.taps;
      tap_[static_cast<std::size_t>(number)] += lowest * dim.stride;
      for (int64_t at = 0; at < dim.positions; ++at) {
        const int64_t index = lowest + dim.step * dim.by_position * at;
        const uint64_t bit = index >= 0 && index < dim.extent ? 1 : 0;
        taps_inside_[d][static_cast<std::size_t>(at)] |= bit << number;
      }
    }
  }
}

void MaskedColumns::select_batch(int64_t batch) noexcept {
  image_ = w_.image + w_.batch.place(batch) * w_.image_itemsize;
}

bool MaskedColumns::select_positions(int64_t begin, int64_t count) {
  const int64_t of_image = w_.positions_of_image();
  if (count == count_ && (begin - begin_) % of_image == 0) {
    shift_ += (begin - begin_) / of_image;
    begin_ = begin;
    return false;
  }
  begin_ = begin;
  count_ = count;
  shift_ = 0;
  panels_.clear();
  for (int64_t at = begin; at < begin + count; at += w_.width) {
    panels_.push_back(panel_of(at, std::min(w_.width, begin + count - at)));
  }
  return true;
}

/// A bit for each tap of position `at` of an image that lies in it.
uint64_t MaskedColumns::taps_inside(int64_t at) const noexcept {
  uint64_t bits = ~uint64_t{0};
  for (int d = w_.spatial - 1; d >= 0; --d) {
    bits &= taps_inside_[d][static_cast<std::size_t>(at % w_.dim[d].positions)];
    at /= w_.dim[d].positions;
  }
  return bits;
}

MaskedColumns::Panel MaskedColumns::panel_of(int64_t begin, int64_t count) const {
  const int64_t of_image = w_.positions_of_image(), vectors = count <= w_.lanes ? 1 : 2;
  Panel panel;
  for (int64_t v = 0; v < vectors; ++v) {
    const int64_t first = begin + v * w_.lanes, last = std::min(begin + count, first + w_.lanes) - 1;
    panel.pieces = std::max(panel.pieces, static_cast<int>(last / of_image - first / of_image + 1));
  }
  const int64_t line = vectors * panel.pieces;
  panel.from.resize(static_cast<std::size_t>(line));
  panel.mask.resize(static_cast<std::size_t>(line * w_.taps()));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t v = i / w_.lanes, lane = i % w_.lanes, first = begin + v * w_.lanes;
    const int64_t image = (begin + i) / of_image, at = (begin + i) % of_image, piece = image - first / of_image;
    const auto place = static_cast<std::size_t>(v * panel.pieces + piece);
    panel.from[place] = image * w_.image_stride + at - lane;
    uint64_t bits = taps_inside(at);
    for (std::size_t to = place; to < panel.mask.size(); to += static_cast<std::size_t>(line), bits >>= 1) {
      panel.mask[to] |= static_cast<unsigned>(bits & 1) << lane;
    }
  }
  return panel;
}

void MaskedColumns::fill_taps(int64_t begin, int64_t count, int64_t* places) const noexcept {
  const int64_t taps = w_.taps();
  for (int64_t i = 0; i < count; ++i) {
    places[i] = (begin + i) / taps * w_.channel_stride + tap_[static_cast<std::size_t>((begin + i) % taps)];
  }
}

void MaskedColumns::pack(int64_t number, int64_t width, int64_t k, int64_t depth, const int64_t* places,
                         char* to) const noexcept {
  const Panel& panel = panels_[static_cast<std::size_t>(number)];
  w_.kernels->masked(depth, image_ + shift_ * w_.image_stride * w_.itemsize, reinterpret_cast<const long long*>(places),
                     k % w_.taps(), w_.taps(), width / w_.lanes, panel.pieces, panel.from.data(), panel.mask.data(),
                     to);
}

}  // namespace jtcy
