// Convolutions of each channel with a filter of its own, on the CPU: vectors hold the same element of many planes.
#pragma once
#include <cstdint>
#include <vector>

#include "base/rounding.h"
#include "exec/contraction.h"
#include "exec/contraction_operand.h"

namespace jtcy {

// Note [Planes]
// Where each channel has a filter of its own, a product is used once and nothing can be shared by the rows of a tile.
// So vectors lie across planes: lane l is plane l of a group of as many as a vector has lanes, and every element of the
// image is a whole vector in a slab of the thread's own, borders written out. All places are then multiples of a
// vector: taps, strides and short rows cost no lanes, and each sum goes on in the order that every contraction has.
// Planes are turned on their way in and out. Forward and for the image's gradient (phases of a step included, Note
// [Phases] in exec/window_phases.h) planes are those of all images, and a sum is over the taps; for the filter's
// gradient they are the channels of one image, and sums go on over positions, row by row, image by image.

// Of any instruction set.
inline constexpr int64_t kMostLanes = 16;

/// One spatial dim: index in the image = step * q + tap_place(r, tap), position = phases * q + r.
struct PlaneDim {
  int64_t extent = 1, positions = 1, taps = 1;
  int64_t step = 1, by_tap = 0, offset = 0, phases = 1;
  int64_t lowest = 0, highest = 0;  // tap_place, of all that hit

  bool hits(int64_t r, int64_t tap) const noexcept { return (r + by_tap * tap + offset) % phases == 0; }
  int64_t tap_place(int64_t r, int64_t tap) const noexcept { return (r + by_tap * tap + offset) / phases; }
  int64_t positions_of(int64_t r) const noexcept { return (positions - r + phases - 1) / phases; }
  /// Elements of the image, from the first one on, that so many positions of a phase see.
  int64_t seen(int64_t count) const noexcept { return step * (count - 1) + highest - lowest + 1; }
  void find_tap_places() noexcept;
};

struct PlaneTap {
  int64_t number, place;  // in the slab, from the position's
};

struct Planes {
  const JtPlaneSet* kernels = nullptr;
  int64_t lanes = 0, itemsize = 4;
  bool sums_positions = false;
  const char* image = nullptr;
  const char* other = nullptr;
  char* out = nullptr;
  PlaneDim dim[2];
  RoleSteps image_planes, other_planes, out_planes;  // side by side; at least one axis
  RoleSteps image_batch, other_batch;                // where positions are summed: one after the other
  int64_t image_row = 0;                             // elements from one row of the image to the next

  // Of the slab, in vectors.
  int64_t half = 0, pitch = 0;  // of a row: elements of each of step classes; all
  int64_t band = 0;             // rows of positions at a time
  int64_t slab_rows = 0;        // that a band sees

  int64_t planes() const noexcept { return out_planes.count; }
  int64_t groups() const noexcept { return divide_up(planes(), lanes); }
  int64_t bands() const noexcept { return divide_up(dim[0].positions, band); }
  int64_t taps() const noexcept { return dim[0].taps * dim[1].taps; }
  int64_t vector_nbytes() const noexcept { return lanes * itemsize; }
  /// The group's first plane; groups of the same channels follow each other where they are whole vectors.
  int64_t first_plane(int64_t group) const noexcept;
  int64_t column_place(int64_t column) const noexcept;
};

/// False where the op is another one, or is served better by exec/window.h.
bool analyse_planes(const OpView& op, Planes* p);
int64_t planes_scratch(const Planes& p, int threads) noexcept;
/// Goes on with the epilogue, if it is by elements, from the planes that it finishes.
void run_planes(const Planes& p, char* memory, ThreadPool& pool, const Epilogue* epilogue);

/// A thread's slab: the part of a group of planes that a band of positions sees.
class PlaneSlab {
 public:
  static int64_t nbytes(const Planes& p) noexcept;
  PlaneSlab(const Planes& p, char* memory) noexcept;

  /// Rows of positions [begin, end) of the planes from[lane].
  void write(const char* const* from, int64_t begin, int64_t end);
  /// Where the position (row, 0) of the band is, q of the phase, in elements.
  int64_t row_place(int64_t q) const noexcept { return (q - first_q_) * p_.dim[0].step * p_.pitch * p_.lanes; }
  const char* data() const noexcept { return slab_; }

 private:
  void plan(int64_t lowest, int64_t begin, int64_t end);

  const Planes& p_;
  char* slab_;
  long long* place_;
  int64_t first_q_ = 0;
  int64_t skipped_ = -1, rows_ = -1;  // rows of the slab before the image's, and the image's: as planned
};

/// The taps that hit positions of the phase (r0, r1), in order.
std::vector<PlaneTap> taps_of_phase(const Planes& p, int64_t r0, int64_t r1);
void run_plane_filter(const Planes& p, char* memory, ThreadPool& pool);
int64_t plane_filter_scratch(const Planes& p, int threads) noexcept;

}  // namespace jtcy
