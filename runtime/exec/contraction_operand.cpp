// Places of an operand's elements as tables and runs; packing of panels along the longer runs.
#include "exec/contraction_operand.h"

#include <algorithm>
#include <cstring>

#include "graph/contraction.h"

namespace jtcy {
namespace {

static_assert(sizeof(long long) == sizeof(int64_t));

const long long* as_abi(const int64_t* values) noexcept { return reinterpret_cast<const long long*>(values); }

// Runs along k that are shorter are gathered.
constexpr int64_t kLeastRun = 8;

int width_number(int64_t itemsize) noexcept { return itemsize == 1 ? 0 : itemsize == 2 ? 1 : itemsize == 4 ? 2 : 3; }

}  // namespace

void RoleSteps::add_axis(int64_t axis_extent) noexcept {
  extent[axes] = axis_extent;
  offset[axes] = 0;
  for (int64_t& step : index[axes]) step = 0;
  count *= axis_extent;
  ++axes;
}

bool RoleSteps::ends_in_neighbours() const noexcept {
  for (int axis = axes - 1; axis >= 0; --axis) {
    if (extent[axis] != 1) return offset[axis] == 1;
  }
  return false;
}

bool RoleSteps::is_dense() const noexcept {
  int64_t behind = 1;
  for (int axis = axes - 1; axis >= 0; --axis) {
    if (extent[axis] != 1 && offset[axis] != behind) return false;
    behind *= extent[axis];
  }
  return true;
}

int64_t RoleSteps::place(int64_t position) const noexcept {
  int64_t sum = 0;
  for (int axis = axes - 1; axis > 0; --axis) {
    sum += position % extent[axis] * offset[axis];
    position /= extent[axis];
  }
  return axes == 0 ? sum : sum + position * offset[0];
}

void RoleSteps::fill(int64_t begin, int64_t count, int checked, int64_t* offsets, int64_t* indices) const noexcept {
  int64_t coordinate[kMaxDims], at[kMaxDims] = {}, place = 0;
  for (int axis = axes - 1; axis >= 0; --axis) {
    coordinate[axis] = axis > 0 ? begin % extent[axis] : begin;
    if (axis > 0) begin /= extent[axis];
    place += coordinate[axis] * offset[axis];
    for (int d = 0; d < checked; ++d) at[d] += coordinate[axis] * index[axis][d];
  }
  const int last = axes - 1;
  for (int64_t i = 0; i < count;) {
    const int64_t run = axes == 0 ? 1 : std::min(count - i, extent[last] - coordinate[last]);
    const int64_t step = axes == 0 ? 0 : offset[last];
    for (int64_t j = 0; j < run; ++j) offsets[i + j] = place + j * step;
    for (int d = 0; d < checked; ++d) {
      const int64_t by = axes == 0 ? 0 : index[last][d];
      for (int64_t j = 0; j < run; ++j) indices[(i + j) * checked + d] = at[d] + j * by;
      at[d] += run * by;
    }
    i += run;
    place += run * step;
    if (axes > 0) coordinate[last] += run;
    for (int axis = last; axis > 0 && coordinate[axis] == extent[axis]; --axis) {
      coordinate[axis] = 0;
      ++coordinate[axis - 1];
      place += offset[axis - 1] - extent[axis] * offset[axis];
      for (int d = 0; d < checked; ++d) at[d] += index[axis - 1][d] - extent[axis] * index[axis][d];
    }
  }
}

int64_t OperandBlock::table_nbytes(const ContractionOperand& operand, int64_t positions, int64_t depth) noexcept {
  const int64_t places = (positions + depth) * (1 + operand.checked);
  const int64_t runs =
      (depth + kMostPanel) * (static_cast<int64_t>(sizeof(JtRun) / sizeof(int64_t)) + 2 * operand.checked);
  return (places + runs) * static_cast<int64_t>(sizeof(int64_t));
}

OperandBlock::OperandBlock(const ContractionOperand& operand, const JtPrebuilt& prebuilt, int64_t packed_itemsize,
                           int64_t positions, int64_t depth, char* tables, char* rows) noexcept
    : operand_(operand),
      copy_(prebuilt.copy[width_number(packed_itemsize)]),
      turn_(prebuilt.turn[width_number(packed_itemsize)]),
      packed_itemsize_(packed_itemsize),
      depth_capacity_(depth),
      plain_(operand.checked == 0 && operand.itemsize == packed_itemsize && operand.made == nullptr),
      rows_(rows) {
  const auto take = [&tables](int64_t count, auto* type) {
    auto* const begin = reinterpret_cast<decltype(type)>(tables);
    tables += count * static_cast<int64_t>(sizeof(*type));
    return begin;
  };
  int64_t* const integer = nullptr;
  JtRun* const run = nullptr;
  own_offset_ = take(positions, integer);
  own_index_ = take(positions * operand.checked, integer);
  depth_offset_ = take(depth, integer);
  depth_index_ = take(depth * operand.checked, integer);
  depth_run_ = take(depth, run);
  depth_at_ = take(depth * operand.checked, integer);
  depth_by_ = take(depth * operand.checked, integer);
  panel_run_ = take(kMostPanel, run);
  panel_at_ = take(kMostPanel * operand.checked, integer);
  panel_by_ = take(kMostPanel * operand.checked, integer);
}

void OperandBlock::select_batch(int64_t batch) noexcept {
  if (operand_.checked == 0) {
    data_ = operand_.data + operand_.batch.place(batch) * operand_.itemsize;
    return;
  }
  int64_t offset = 0, index[kMaxDims] = {};
  operand_.batch.fill(batch, 1, operand_.checked, &offset, index);
  data_ = operand_.data + offset * operand_.itemsize;
  for (int d = 0; d < operand_.checked; ++d) base_[d] = operand_.base[d] + index[d];
}

void OperandBlock::select_positions(int64_t begin, int64_t count) noexcept {
  if (begin == own_begin_ && count == own_count_) return;
  own_begin_ = begin;
  own_count_ = count;
  operand_.own.fill(begin, count, operand_.checked, own_offset_, own_index_);
  if (depth_begin_ >= 0) choose_direction();
}

void OperandBlock::select_depth(int64_t begin, int64_t count) noexcept {
  if (begin == depth_begin_ && count == depth_count_) return;
  depth_begin_ = begin;
  depth_count_ = count;
  operand_.depth.fill(begin, count, operand_.checked, depth_offset_, depth_index_);
  depth_runs_ = find_runs(depth_offset_, depth_index_, count, depth_run_, depth_at_, depth_by_);
  if (own_begin_ >= 0) choose_direction();
}

int OperandBlock::find_runs(const int64_t* offsets, const int64_t* indices, int64_t count, JtRun* runs, int64_t* at,
                            int64_t* by) const noexcept {
  const int checked = operand_.checked;
  int number = 0;
  for (int64_t begin = 0; begin < count;) {
    int64_t end = begin + 1;
    const int64_t free_step = end < count ? offsets[end] - offsets[begin] : 0;
    int64_t step = free_step;
    for (int d = 0; d < checked; ++d) {
      at[number * checked + d] = indices[begin * checked + d];
      by[number * checked + d] = end < count ? indices[end * checked + d] - indices[begin * checked + d] : 0;
      step += by[number * checked + d] * operand_.stride[d];
    }
    const auto follows = [&](int64_t i) {
      if (offsets[i] - offsets[i - 1] != free_step) return false;
      for (int d = 0; d < checked; ++d) {
        if (indices[i * checked + d] - indices[(i - 1) * checked + d] != by[number * checked + d]) return false;
      }
      return true;
    };
    while (end < count && follows(end)) ++end;
    // A single element in front of neighbours is no run with the first of them.
    const bool single = checked == 0 && end - begin == 2 && free_step != 1;
    if (single && end < count && offsets[end] - offsets[end - 1] == 1) --end;
    runs[number++] = JtRun{begin, end - begin, offsets[begin], step, free_step};
    begin = end;
  }
  return number;
}

void OperandBlock::choose_direction() noexcept {
  const int64_t sample = std::min(own_count_, kMostPanel);
  const int own_runs = find_runs(own_offset_, own_index_, sample, panel_run_, panel_at_, panel_by_);
  // Neighbours in memory are copied by vectors, others one by one; short runs have their cost too.
  const auto score = [](int64_t count, int runs, const JtRun& run) {
    const int64_t length = count / runs;
    return run.step != 1 ? length : length >= kLeastRun ? 64 * length : 4 * length;
  };
  // The first and the last run may be parts of one.
  along_depth_ =
      score(depth_count_, depth_runs_, depth_run_[depth_runs_ / 2]) > score(sample, own_runs, panel_run_[own_runs / 2]);
  const auto neighbours = [](const JtRun& run) { return run.step == 1 || run.count == 1; };
  in_rows_ = plain_ && along_depth_ && depth_runs_ * kLeastRun <= depth_count_ &&
             std::all_of(depth_run_, depth_run_ + depth_runs_, neighbours);
}

bool OperandBlock::neighbours(int64_t first, int64_t count) const noexcept {
  for (int64_t i = 1; i < count; ++i) {
    if (own_offset_[first + i] != own_offset_[first] + i) return false;
  }
  return true;
}

void OperandBlock::pack_panels(int64_t panels, const int64_t* first, char* to) noexcept {
  if (plain_ && !along_depth_ && neighbours(0, own_count_)) {
    copy_(data_ + own_offset_[0] * operand_.itemsize, as_abi(depth_offset_), depth_count_, panels, as_abi(first), to,
          0);
    return;
  }
  if (in_rows_) {
    for (int q = 0; q < depth_runs_; ++q) {
      for (int64_t p = 0; p < panels; ++p) {
        const int64_t count = first[p + 1] - first[p];
        turn_run(depth_run_[q], first[p], count, count, to + first[p] * depth_count_ * packed_itemsize_);
      }
    }
    return;
  }
  for (int64_t p = 0; p < panels; ++p) {
    const int64_t count = first[p + 1] - first[p];
    pack(first[p], count, count, to + first[p] * depth_count_ * packed_itemsize_);
  }
}

void OperandBlock::turn_run(const JtRun& run, int64_t first, int64_t count, int64_t width, char* to) const noexcept {
  turn_(data_ + run.offset * operand_.itemsize, as_abi(own_offset_ + first), count,
        std::min(count, own_count_ - first - count), run.count, to + run.start * width * packed_itemsize_, width);
}

void OperandBlock::pack(int64_t first, int64_t count, int64_t width, char* to) noexcept {
  const int checked = operand_.checked;
  const int64_t* const own_offset = own_offset_ + first;
  const int64_t* const own_index = own_index_ + first * checked;
  if (count < width) std::memset(to, 0, static_cast<std::size_t>(depth_count_ * width * packed_itemsize_));
  if (in_rows_) {
    for (int q = 0; q < depth_runs_; ++q) turn_run(depth_run_[q], first, count, width, to);
    return;
  }
  if (plain_ && !along_depth_ && neighbours(first, count)) {
    const long long panel[2] = {0, count};
    copy_(data_ + own_offset[0] * operand_.itemsize, as_abi(depth_offset_), depth_count_, 1, panel, to, width);
    return;
  }
  JtGather gather{};
  gather.data = data_;
  gather.checked = checked;
  gather.divided = operand_.divided;
  gather.extent = operand_.extent;
  gather.stride = operand_.stride;
  gather.divisor = operand_.divisor;
  gather.base = base_;
  if (along_depth_) {
    gather.outer_offset = as_abi(own_offset);
    gather.outer_at = as_abi(own_index);
    gather.runs = depth_runs_;
    gather.run = depth_run_;
    gather.run_at = as_abi(depth_at_);
    gather.run_by = as_abi(depth_by_);
    this->gather(gather, count, rows_, depth_capacity_);
    long long row[kMostPanel];
    for (int64_t i = 0; i < count; ++i) row[i] = i * depth_capacity_;
    turn_(rows_, row, count, 0, depth_count_, to, width);
    return;
  }
  gather.outer_offset = as_abi(depth_offset_);
  gather.outer_at = as_abi(depth_index_);
  gather.runs = find_runs(own_offset, own_index, count, panel_run_, panel_at_, panel_by_);
  gather.run = panel_run_;
  gather.run_at = as_abi(panel_at_);
  gather.run_by = as_abi(panel_by_);
  this->gather(gather, depth_count_, to, width);
}

void OperandBlock::gather(const JtGather& from, int64_t count, char* to, int64_t to_step) const noexcept {
  if (operand_.made == nullptr) return operand_.gather(&from, count, to, to_step);
  alignas(64) char made[kContractionBlock * sizeof(int64_t)];
  const int64_t first = (data_ - operand_.first_element) / operand_.itemsize;
  const long long nowhere = 0;
  JtGather row = from;
  row.data = made;
  row.outer_offset = &nowhere;
  row.runs = 1;
  for (int64_t o = 0; o < count; ++o) {
    for (int q = 0; q < from.runs; ++q) {
      const int64_t begin = first + from.outer_offset[o] + from.run[q].offset, step = from.run[q].step;
      const int64_t length = from.run[q].count, calls = step == 1 ? 1 : length;
      for (int64_t i = 0; i < calls; ++i) {
        const int64_t at = begin + i * step;
        operand_.made->run(operand_.made->context, at, at + length / calls, made + i * operand_.itemsize);
      }
      const JtRun run{from.run[q].start, length, 0, 1, 1};
      row.run = &run;
      operand_.gather(&row, 1, to + o * to_step * packed_itemsize_, to_step);
    }
  }
}

const char* OperandBlock::line(int64_t* step) const noexcept {
  if (!plain_ || operand_.depth.axes != 1) return nullptr;
  *step = operand_.depth.offset[0];
  return data_ + own_offset_[0] * operand_.itemsize;
}

const char* OperandBlock::in_place(int64_t first, int64_t count) const noexcept {
  if (!plain_ || !neighbours(first, count)) return nullptr;
  return data_ + own_offset_[first] * operand_.itemsize;
}

}  // namespace jtcy
