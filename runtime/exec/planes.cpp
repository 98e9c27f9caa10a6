// Convolutions of each channel alone: the slab, and sums over taps.
#include "exec/planes.h"

#include <algorithm>
#include <cstring>

#include "exec/scratch.h"

namespace jtcy {
namespace {

// Vectors of products worth a thread (waking another costs about 4 us).
constexpr int64_t kGrainVectors = 25'000;

struct Layout {
  explicit Layout(const Planes& p) {
    slab = own.take(PlaneSlab::nbytes(p));
    filters = own.take(p.taps() * p.vector_nbytes());
    places = own.take(p.taps() * 8);
    used = own.take(p.taps() * p.vector_nbytes());
    sums = own.take(p.band * p.dim[1].positions * p.vector_nbytes());
  }
  Taker own;
  int64_t slab, filters, places, used, sums;
};

/// The taps of one phase.
struct PhaseTaps {
  int64_t r0, r1;
  std::vector<PlaneTap> taps;
};

class Worker {
 public:
  Worker(const Planes& p, const Layout& layout, char* memory, int thread, const Epilogue* epilogue)
      : p_(p),
        layout_(layout),
        memory_(memory + thread * layout.own.total),
        thread_(thread),
        epilogue_(epilogue),
        slab_(p, memory_ + layout.slab) {
    for (int64_t tap = 0; tap < p.taps(); ++tap) tap_place_.push_back(tap * p.lanes);
    for (int64_t r0 = 0; r0 < std::min(p.dim[0].phases, p.dim[0].positions); ++r0) {
      for (int64_t r1 = 0; r1 < std::min(p.dim[1].phases, p.dim[1].positions); ++r1) {
        phases_.push_back(PhaseTaps{r0, r1, taps_of_phase(p, r0, r1)});
      }
    }
  }

  void run(int64_t group, int64_t begin, int64_t end) {
    const int64_t first = p_.first_plane(group);
    const int64_t count = std::min(p_.lanes, p_.planes() - first);
    const char* from[kMostLanes];
    for (int64_t lane = 0; lane < p_.lanes; ++lane) {
      const int64_t plane = std::min(first + lane, p_.planes() - 1);
      from[lane] = p_.image + p_.image_planes.place(plane) * p_.itemsize;
    }
    slab_.write(from, begin, end);
    read_filters(first);
    for (const PhaseTaps& phase : phases_) sum(phase, begin, end);
    write_out(first, count, begin, end);
  }

 private:
  void read_filters(int64_t first) {
    const char* from[kMostLanes];
    bool same = true;
    for (int64_t lane = 0; lane < p_.lanes; ++lane) {
      const int64_t plane = std::min(first + lane, p_.planes() - 1);
      from[lane] = p_.other + p_.other_planes.place(plane) * p_.itemsize;
      same &= from[lane] == filter_[lane];
      filter_[lane] = from[lane];
    }
    if (same) return;
    p_.kernels->in(p_.taps(), reinterpret_cast<const void* const*>(from), tap_place_.data(), memory_ + layout_.filters);
  }

  /// Positions of a phase in rows [begin, end).
  void sum(const PhaseTaps& phase, int64_t begin, int64_t end) {
    const int64_t vector = p_.vector_nbytes(), taps = static_cast<int64_t>(phase.taps.size());
    auto* const places = reinterpret_cast<long long*>(memory_ + layout_.places);
    const char* filters = memory_ + layout_.filters;
    for (int64_t k = 0; k < taps; ++k) places[k] = phase.taps[static_cast<std::size_t>(k)].place;
    if (taps != p_.taps()) {
      char* const used = memory_ + layout_.used;
      for (int64_t k = 0; k < taps; ++k) {
        std::memcpy(used + k * vector, filters + phase.taps[static_cast<std::size_t>(k)].number * vector,
                    static_cast<std::size_t>(vector));
      }
      filters = used;
    }
    const int64_t phases = p_.dim[0].phases, step = p_.dim[1].phases;
    const int64_t columns = p_.dim[1].positions, of_row = p_.dim[1].positions_of(phase.r1);
    const int64_t parts = divide_up(of_row, p_.kernels->most_positions);
    // begin is the first row of phase 0
    for (int64_t row = begin + phase.r0; row < end; row += phases) {
      const char* const x = slab_.data() + slab_.row_place(row / phases) * p_.itemsize;
      char* const to = memory_ + layout_.sums + ((row - begin) * columns + phase.r1) * vector;
      for (int64_t part = 0; part < parts; ++part) {
        const int64_t at = of_row * part / parts, next = of_row * (part + 1) / parts;
        p_.kernels->positions[next - at - 1](taps, x + at * vector, places, filters, to + at * step * vector,
                                             step * p_.lanes);
      }
    }
  }

  void write_out(int64_t first, int64_t count, int64_t begin, int64_t end) {
    const int64_t columns = p_.dim[1].positions, elements = (end - begin) * columns;
    const int64_t of_plane = p_.dim[0].positions * columns;
    void* to[kMostLanes];
    for (int64_t lane = 0; lane < count; ++lane) {
      to[lane] = p_.out + (p_.out_planes.place(first + lane) + begin * columns) * p_.itemsize;
    }
    p_.kernels->out(elements, memory_ + layout_.sums, static_cast<int>(count), to);
    if (epilogue_ == nullptr) return;
    for (int64_t lane = 0; lane < count; ++lane) {
      // whole planes follow each other
      const int64_t from = (first + lane) * of_plane + begin * columns;
      const bool whole = elements == of_plane;
      epilogue_->run(epilogue_->context, thread_, from, from + (whole ? count * of_plane : elements));
      if (whole) break;
    }
  }

  const Planes& p_;
  const Layout& layout_;
  char* memory_;
  int thread_;
  const Epilogue* epilogue_;
  PlaneSlab slab_;
  std::vector<long long> tap_place_;
  std::vector<PhaseTaps> phases_;
  const char* filter_[kMostLanes] = {};
};

}  // namespace

int64_t PlaneSlab::nbytes(const Planes& p) noexcept {
  const int64_t rows = std::min(p.slab_rows, p.dim[0].extent);
  // one vector more takes what no position sees
  return (p.slab_rows * p.pitch + 1) * p.vector_nbytes() +
         round_up(rows * p.dim[1].extent * int64_t{8}, kScratchAlignment);
}

PlaneSlab::PlaneSlab(const Planes& p, char* memory) noexcept
    : p_(p),
      slab_(memory),
      place_(reinterpret_cast<long long*>(memory + (p.slab_rows * p.pitch + 1) * p.vector_nbytes())) {}

void PlaneSlab::write(const char* const* from, int64_t begin, int64_t end) {
  const PlaneDim& dim = p_.dim[0];
  first_q_ = begin / dim.phases;
  const int64_t last_q = (end - 1) / dim.phases;
  const int64_t lowest = dim.step * first_q_ + dim.lowest, highest = dim.step * last_q + dim.highest;
  const int64_t row = std::clamp<int64_t>(lowest, 0, dim.extent);
  const int64_t row_end = std::clamp<int64_t>(highest + 1, row, dim.extent);
  plan(lowest, row, row_end);
  const int64_t columns = p_.dim[1].extent;
  const bool in_line = p_.image_row == columns || row_end - row <= 1;
  const int64_t runs = row_end == row ? 0 : in_line ? 1 : row_end - row;
  const int64_t count = in_line ? (row_end - row) * columns : columns;
  const char* at[kMostLanes];
  for (int64_t run = 0; run < runs; ++run) {
    for (int64_t lane = 0; lane < p_.lanes; ++lane) at[lane] = from[lane] + (row + run) * p_.image_row * p_.itemsize;
    p_.kernels->in(count, reinterpret_cast<const void* const*>(at), place_ + run * columns, slab_);
  }
}

/// Places of the image's rows [begin, end), of which the slab's first one would be `lowest`.
void PlaneSlab::plan(int64_t lowest, int64_t begin, int64_t end) {
  if (begin - lowest == skipped_ && end - begin == rows_) return;
  skipped_ = begin - lowest;
  rows_ = end - begin;
  std::memset(slab_, 0, static_cast<std::size_t>(p_.slab_rows * p_.pitch * p_.vector_nbytes()));
  const PlaneDim& dim = p_.dim[1];
  const int64_t span = dim.seen(dim.positions_of(0));
  const int64_t nowhere = p_.slab_rows * p_.pitch;
  for (int64_t row = 0; row < rows_; ++row) {
    for (int64_t column = 0; column < dim.extent; ++column) {
      const int64_t seen = column - dim.lowest;
      const bool inside = seen >= 0 && seen < span && skipped_ + row < p_.slab_rows;
      const int64_t place = inside ? (skipped_ + row) * p_.pitch + p_.column_place(seen) : nowhere;
      place_[row * dim.extent + column] = place * p_.lanes;
    }
  }
}

std::vector<PlaneTap> taps_of_phase(const Planes& p, int64_t r0, int64_t r1) {
  std::vector<PlaneTap> taps;
  for (int64_t k0 = 0; k0 < p.dim[0].taps; ++k0) {
    for (int64_t k1 = 0; k1 < p.dim[1].taps; ++k1) {
      if (!p.dim[0].hits(r0, k0) || !p.dim[1].hits(r1, k1)) continue;
      const int64_t row = p.dim[0].tap_place(r0, k0) - p.dim[0].lowest;
      const int64_t column = p.dim[1].tap_place(r1, k1) - p.dim[1].lowest;
      taps.push_back({k0 * p.dim[1].taps + k1, (row * p.pitch + p.column_place(column)) * p.lanes});
    }
  }
  return taps;
}

int64_t planes_scratch(const Planes& p, int threads) noexcept {
  return p.sums_positions ? plane_filter_scratch(p, threads) : Layout(p).own.total * threads;
}

void run_planes(const Planes& p, char* memory, ThreadPool& pool, const Epilogue* epilogue) {
  if (p.sums_positions) return run_plane_filter(p, memory, pool);
  const Layout layout(p);
  const int64_t products = p.band * p.dim[1].positions * p.taps() / (p.dim[0].phases * p.dim[1].phases) + 1;
  const auto part = [&](int thread, int64_t begin, int64_t end) {
    Worker worker(p, layout, memory, thread, epilogue);
    // Bands last: the same one of all planes has the same places.
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t row = unit / p.groups() * p.band;
      worker.run(unit % p.groups(), row, std::min(row + p.band, p.dim[0].positions));
    }
  };
  pool.parallel_for(p.groups() * p.bands(), divide_up(kGrainVectors, products), part);
}

}  // namespace jtcy
