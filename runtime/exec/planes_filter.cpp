// Convolutions of each channel alone: the gradient of the filters, sums over positions.
#include <algorithm>
#include <cstring>

#include "exec/planes.h"
#include "exec/scratch.h"
#include "graph/contraction.h"

namespace jtcy {
namespace {

struct Layout {
  explicit Layout(const Planes& p) {
    const int64_t positions = p.band * p.dim[1].positions;
    slab = own.take(PlaneSlab::nbytes(p));
    other = own.take(positions * p.vector_nbytes());
    at = own.take(positions * 8);
    block = own.take(p.taps() * p.vector_nbytes());
    sums = own.take(p.taps() * p.vector_nbytes());
  }
  Taker own;
  int64_t slab, other, at, block, sums;
};

class Worker {
 public:
  Worker(const Planes& p, const Layout& layout, char* memory, int thread)
      : p_(p),
        memory_(memory + thread * layout.own.total),
        other_(memory_ + layout.other),
        block_(memory_ + layout.block),
        sums_(memory_ + layout.sums),
        at_(reinterpret_cast<long long*>(memory_ + layout.at)),
        slab_(p, memory_ + layout.slab) {
    for (const PlaneTap& tap : taps_of_phase(p, 0, 0)) tap_place_.push_back(tap.place);
    const int64_t columns = p.dim[1].positions;
    for (int64_t i = 0; i < p.band * columns; ++i) {
      other_place_.push_back(i * p.lanes);
      at_[i] = (i / columns * p.dim[0].step * p.pitch + i % columns) * p.lanes;
    }
  }

  void run(int64_t group) {
    const int64_t first = group * p_.lanes, nbytes = p_.taps() * p_.vector_nbytes();
    std::memset(block_, 0, static_cast<std::size_t>(nbytes));
    in_block_ = 0;
    has_sums_ = false;
    for (int64_t image = 0; image < p_.image_batch.count; ++image) {
      for (int64_t begin = 0; begin < p_.dim[0].positions; begin += p_.band) {
        const int64_t end = std::min(begin + p_.band, p_.dim[0].positions);
        read(first, image, begin, end);
        sum((end - begin) * p_.dim[1].positions);
      }
    }
    if (in_block_ > 0) end_block();
    void* to[kMostLanes];
    const int64_t count = std::min(p_.lanes, p_.planes() - first);
    for (int64_t lane = 0; lane < count; ++lane) to[lane] = p_.out + p_.out_planes.place(first + lane) * p_.itemsize;
    p_.kernels->out(p_.taps(), sums_, static_cast<int>(count), to);
  }

 private:
  void read(int64_t first, int64_t image, int64_t begin, int64_t end) {
    const char *from[kMostLanes], *other[kMostLanes];
    const int64_t columns = p_.dim[1].positions;
    const int64_t of_image = p_.image_batch.place(image);
    const int64_t of_other = p_.other_batch.place(image) + begin * columns;
    for (int64_t lane = 0; lane < p_.lanes; ++lane) {
      const int64_t plane = std::min(first + lane, p_.planes() - 1);
      from[lane] = p_.image + (of_image + p_.image_planes.place(plane)) * p_.itemsize;
      other[lane] = p_.other + (of_other + p_.other_planes.place(plane)) * p_.itemsize;
    }
    slab_.write(from, begin, end);
    p_.kernels->in((end - begin) * columns, reinterpret_cast<const void* const*>(other), other_place_.data(), other_);
  }

  /// The positions that were read, block by block of the whole sum.
  void sum(int64_t count) {
    for (int64_t at = 0; at < count;) {
      const int64_t length = std::min(count - at, kContractionBlock - in_block_);
      const int64_t parts = divide_up(p_.taps(), p_.kernels->most_taps);
      for (int64_t part = 0; part < parts; ++part) {
        const int64_t tap = p_.taps() * part / parts, next = p_.taps() * (part + 1) / parts;
        p_.kernels->sweep[next - tap - 1](length, slab_.data(), at_ + at, tap_place_.data() + tap,
                                          other_ + at * p_.vector_nbytes(), block_ + tap * p_.vector_nbytes());
      }
      at += length;
      in_block_ += length;
      if (in_block_ == kContractionBlock) end_block();
    }
  }

  void end_block() {
    const int64_t count = p_.taps() * p_.lanes, nbytes = count * p_.itemsize;
    if (has_sums_) {
      const JtWindowSet& set = p_.itemsize == 8 ? prebuilt_kernels().window_f64 : prebuilt_kernels().window_f32;
      set.add(count, block_, sums_);
    } else {
      std::memcpy(sums_, block_, static_cast<std::size_t>(nbytes));
    }
    has_sums_ = true;
    in_block_ = 0;
    std::memset(block_, 0, static_cast<std::size_t>(nbytes));
  }

  const Planes& p_;
  char* memory_;
  char *other_, *block_, *sums_;
  long long* at_;
  PlaneSlab slab_;
  std::vector<long long> tap_place_, other_place_;
  int64_t in_block_ = 0;
  bool has_sums_ = false;
};

}  // namespace

int64_t plane_filter_scratch(const Planes& p, int threads) noexcept { return Layout(p).own.total * threads; }

void run_plane_filter(const Planes& p, char* memory, ThreadPool& pool) {
  const Layout layout(p);
  const auto part = [&](int thread, int64_t begin, int64_t end) {
    Worker worker(p, layout, memory, thread);
    for (int64_t group = begin; group < end; ++group) worker.run(group);
  };
  pool.parallel_for(p.groups(), 1, part);
}

}  // namespace jtcy
