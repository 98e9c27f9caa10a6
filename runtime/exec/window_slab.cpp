// The slab: copies the part of an image that a chunk of positions sees, and knows where each element went.
#include <algorithm>
#include <cstring>

#include "exec/window.h"

namespace jtcy {

void Slab::select_batch(int64_t batch) noexcept {
  int64_t offset = 0;
  w_.batch.fill(batch, 1, 0, &offset, nullptr);
  image_ = w_.image + offset * w_.image_itemsize;
  if (w_.direct) {
    for (int d = 0; d < w_.spatial; ++d) image_ += w_.dim[d].lowest * w_.dim[d].stride * w_.itemsize;
  }
}

bool Slab::select_positions(int64_t begin, int64_t count) {
  const int64_t of_image = w_.positions_of_image();
  if (count == count_ && (begin == begin_ || (!w_.direct && (begin - begin_) % of_image == 0))) {
    for (Part& part : parts_) part.image += (begin - begin_) / of_image;
    begin_ = begin;
    return false;
  }
  begin_ = begin;
  count_ = count;
  if (w_.direct) {
    fill_direct(begin, count);
    return true;
  }
  parts_.clear();
  row_offset_.clear();
  const int64_t of_row = w_.dim[w_.spatial - 1].positions;
  int64_t place = 0;
  for (const int64_t end = begin + count; begin < end;) {
    const int64_t image = begin / of_image, at = begin % of_image;
    const int64_t stop = w_.split_rows ? (at / of_row + 1) * of_row : of_image;
    const int64_t next = std::min(end, begin + stop - at);
    add_part(image, at, at + next - begin, &place);
    begin = next;
  }
  return true;
}

/// Positions [begin, end) of an image: finds their places, lays the part out from *place on.
void Slab::add_part(int64_t image, int64_t begin, int64_t end, int64_t* place) {
  const int last = w_.spatial - 1;
  const int64_t of_line = w_.dim[last].positions;
  const int64_t of_row = w_.positions_of_image() / w_.dim[0].positions;
  Part part{image, begin / of_row, (end - 1) / of_row, 0, of_line - 1, *place, 0, 0, 0, 0, 0};
  if (w_.split_rows) {
    part.first_column = begin % of_line;
    part.last_column = (end - 1) % of_line;
  }
  part.length = w_.dim[last].by_position * (part.last_column - part.first_column) + w_.dim[last].reach() + 1;
  add_rows(part);
  *place += (w_.dim[0].by_position * (part.last_row - part.first_row) + w_.dim[0].reach() + 1) * w_.unit[0];
  int64_t* to = places_ + (image * w_.positions_of_image() + begin - begin_);
  const int64_t by_last = w_.fold > 1 ? 1 : w_.dim[last].by_position;
  for (int64_t at = begin; at < end;) {
    int64_t left = at / of_line, line = part.place - part.first_column * by_last;
    for (int d = last - 1; d > 0; --d) {
      line += left % w_.dim[d].positions * w_.dim[d].by_position * w_.unit[d];
      left /= w_.dim[d].positions;
    }
    line += (left - part.first_row) * w_.dim[0].by_position * w_.unit[0];
    const int64_t first = at % of_line, stop = std::min(of_line, first + end - at);
    for (int64_t column = first; column < stop; ++column) *to++ = line + column * by_last;
    at += stop - first;
  }
}

void Slab::add_rows(Part part) {
  part.rows_begin = row_offset_.size();
  const int last = w_.spatial - 1;
  const WindowDim& dim = w_.dim[last];
  const int64_t begin = dim.lowest + dim.step * dim.by_position * part.first_column;
  part.low = begin < 0 ? std::min(part.length, (dim.step - 1 - begin) / dim.step) : 0;
  part.high = std::clamp((dim.extent - begin + dim.step - 1) / dim.step, part.low, part.length);
  int64_t middle = 1;
  for (int d = 1; d < last; ++d) middle *= w_.dim[d].span();
  const int64_t first = w_.dim[0].by_position * part.first_row;
  part.rows = (w_.dim[0].by_position * (part.last_row - part.first_row) + w_.dim[0].reach() + 1) * middle;
  for (int64_t row = 0; row < part.rows; ++row) {
    int64_t left = row, offset = (begin + dim.step * part.low) * dim.stride;
    bool inside = part.low < part.high;
    for (int d = last - 1; d >= 0; --d) {
      const int64_t span = d > 0 ? w_.dim[d].span() : part.rows, u = left % span + (d > 0 ? 0 : first);
      const int64_t at = w_.dim[d].lowest + w_.dim[d].step * u;
      left /= span;
      inside &= at >= 0 && at < w_.dim[d].extent;
      offset += at * w_.dim[d].stride;
    }
    row_offset_.push_back(inside ? offset : JT_NOWHERE);
  }
  parts_.push_back(part);
}

void Slab::fill_direct(int64_t begin, int64_t count) noexcept {
  RoleSteps steps;
  steps.add_axis(w_.images);
  steps.offset[0] = w_.image_stride;
  for (int d = 0; d < w_.spatial; ++d) {
    steps.add_axis(w_.dim[d].positions);
    steps.offset[d + 1] = w_.unit[d] * w_.dim[d].by_position;
  }
  steps.fill(begin, count, 0, places_, nullptr);
}

void Slab::write(int64_t begin, int64_t end) {
  if (w_.direct) return;
  for (int64_t channel = begin; channel < end; ++channel) {
    for (const Part& part : parts_) {
      const char* const from =
          image_ + (part.image * w_.image_stride + channel * w_.channel_stride) * w_.image_itemsize;
      char* const to = memory_ + ((channel - begin) * w_.channel_step + part.place) * w_.itemsize;
      if (w_.copies_rows()) {
        w_.kernels->slab_rows(part.rows, from, row_offset_.data() + part.rows_begin, part.low, part.high, w_.row_length,
                              to);
      } else {
        write_strided(part, from, to);
      }
    }
  }
}

/// Rows whose elements are no neighbours in the image, or are converted on the way.
void Slab::write_strided(const Part& part, const char* from, char* to) const {
  constexpr int64_t kMostRuns = 16;
  JtRun runs[kMostRuns];
  const WindowDim& dim = w_.dim[w_.spatial - 1];
  const int64_t step = dim.step * dim.stride;
  std::memset(to, 0, static_cast<std::size_t>(part.rows * w_.row_length * w_.itemsize));
  if (w_.fold == 2 && step == 1 && w_.image_itemsize == w_.itemsize && w_.kernels->halves != nullptr) {
    return w_.kernels->halves(part.rows, from, row_offset_.data() + part.rows_begin, part.low, part.high, w_.row_length,
                              to);
  }
  JtGather g{};
  g.data = from;
  g.run = runs;
  for (int64_t phase = 0; phase < w_.fold; phase += kMostRuns) {
    g.runs = 0;
    for (int64_t r = phase; r < std::min(w_.fold, phase + kMostRuns); ++r) {
      const int64_t begin = (std::max<int64_t>(0, part.low - r) + w_.fold - 1) / w_.fold;
      const int64_t end = (std::max<int64_t>(0, part.high - r) + w_.fold - 1) / w_.fold;
      if (begin >= end) continue;
      runs[g.runs++] = JtRun{r * (w_.row_length / w_.fold) + begin, end - begin,
                             (r + w_.fold * begin - part.low) * step, w_.fold * step, 0};
    }
    const long long* const offset = row_offset_.data() + part.rows_begin;
    for (int64_t row = 0, next; row < part.rows; row = next) {
      for (next = row; next < part.rows && offset[next] != JT_NOWHERE;) ++next;
      g.outer_offset = offset + row;
      w_.gather(&g, next - row, to + row * w_.row_length * w_.itemsize, w_.row_length);
      next = std::max(next, row + 1);
    }
  }
}

void Slab::fill_taps(int64_t begin, int64_t count, int64_t first, int64_t* places) const noexcept {
  const int64_t taps = w_.taps();
  int64_t channel = begin / taps - first, tap = begin % taps;
  for (int64_t i = 0; i < count; ++i) {
    places[i] = channel * w_.channel_step + w_.tap[static_cast<std::size_t>(tap)];
    if (++tap == taps) {
      tap = 0;
      ++channel;
    }
  }
}

}  // namespace jtcy
