// Convolution on the CPU: a contraction of which one operand is an image seen through a moving window.
#pragma once
#include <cstdint>
#include <vector>

#include "exec/contraction.h"
#include "exec/contraction_operand.h"
#include "graph/contraction.h"

namespace jtcy {

// Note [Windows]
// One operand has dims indexed by two axes, base + c1 * position + c2 * tap: the image. The other one, whose dims are
// one axis each, is the filter (or, for the filter's gradient, the gradient of the output). Either the positions are
// axes of the output and channels and taps are summed (forward, gradient of the image): then the positions are the
// columns of the tiles. Or the positions are summed (gradient of the filter): then channels and taps are the rows, and
// tiles read the image where it stands, one address a row.
//
// The image is never unfolded. A thread copies the part that a chunk of positions sees, borders written out, to a slab
// of its own, small enough for the second-level cache: dims are [channel][part of an image, row][...][last], a row with
// step s as s rows of every s-th element, so that neighbouring positions are always neighbours in memory. In it, every
// element has the place of its position plus the place of its channel and tap. Where an image needs no border, it is
// its own slab; small images are read with masks instead (exec/window_masked.h).

inline constexpr int kMaxSpatial = 6;

/// One spatial dim: index in the operand = lowest + step * u, u = by_position * position + tap_place(tap).
struct WindowDim {
  int64_t extent = 1, stride = 0;  // of the operand
  int64_t lowest = 0, step = 1;
  int64_t positions = 1, taps = 1;
  int64_t by_position = 1, by_tap = 0;

  int64_t reach() const noexcept { return (by_tap < 0 ? -by_tap : by_tap) * (taps - 1); }
  int64_t tap_place(int64_t tap) const noexcept { return by_tap * tap + (by_tap < 0 ? reach() : 0); }
  int64_t span() const noexcept { return by_position * (positions - 1) + reach() + 1; }
  bool inside() const noexcept { return lowest >= 0 && lowest + step * (span() - 1) < extent; }
};

struct Window {
  const JtPrebuilt* prebuilt = nullptr;
  const JtWindowSet* kernels = nullptr;
  int most_rows = 0, lanes = 0;
  int64_t width = 0;  // columns of a wide tile
  Dtype dtype = Dtype::kFloat32;
  int64_t itemsize = 4, out_itemsize = 4;

  bool sums_positions = false;
  const char* image = nullptr;
  int64_t image_itemsize = 4;
  JtGatherRows gather = nullptr;  // from the image to the slab
  RoleSteps batch;                // where a batch (a group) of the image stands
  int64_t images = 1, image_stride = 0;
  int64_t channels = 1, channel_stride = 0;
  WindowDim dim[kMaxSpatial];  // at least two: an absent first one has one position
  int spatial = 0;
  ContractionOperand other;
  std::vector<int64_t> block_begin;  // of the summed range's blocks, and its end: Note [Phases]

  char* out = nullptr;
  RoleSteps out_batch, out_rows, out_columns;

  // Of the slab.
  int64_t fold = 1;           // step of the last dim's positions, where they are columns
  bool split_rows = false;    // parts of the image lie in one row each and are cut in it
  bool direct = false;        // the image is its own slab
  bool masked = false;        // there is none: Note [Masked columns] in exec/window_masked.h
  int64_t chunk = 0;          // most positions at a time
  int64_t chunk_unit = 0;     // chunks begin at multiples of so many positions
  int64_t unit[kMaxSpatial];  // elements from one u to the next; of the last one: 1
  int64_t row_length = 0;
  int64_t channel_step = 0;  // elements of the slab
  int64_t most_channels = 0;
  std::vector<int64_t> tap;  // place of each tap

  int64_t taps() const noexcept { return static_cast<int64_t>(tap.size()); }
  int64_t positions_of_image() const noexcept;
  int64_t positions() const noexcept { return images * positions_of_image(); }
  int64_t blocks() const noexcept { return static_cast<int64_t>(block_begin.size()) - 1; }
  int64_t slab_nbytes() const noexcept;
  bool rounded() const noexcept { return out_itemsize != itemsize; }
  /// Rows of the slab are rows of the image as they are.
  bool copies_rows() const noexcept {
    return fold == 1 && image_itemsize == itemsize && dim[spatial - 1].step * dim[spatial - 1].stride == 1;
  }
};

/// False where the op is no window, or is served better by the general way. `block_begin`: null for blocks of 256.
bool analyse_window(const OpView& op, const std::vector<int64_t>* block_begin, Window* w);

/// The part of an image that a chunk of positions sees, and where its elements are.
class Slab {
 public:
  Slab(const Window& w, char* memory, int64_t* places) noexcept : w_(w), memory_(memory), places_(places) {}

  void select_batch(int64_t batch) noexcept;
  /// Positions [begin, begin + count): finds their places. False where those of the same positions of other images
  /// stay.
  bool select_positions(int64_t begin, int64_t count);
  /// Copies channels [begin, end).
  void write(int64_t begin, int64_t end);
  /// Places of channel-and-taps [begin, begin + count); channel `first` is the slab's first.
  void fill_taps(int64_t begin, int64_t count, int64_t first, int64_t* places) const noexcept;

  const char* data() const noexcept { return w_.direct ? image_ : memory_; }
  const int64_t* places() const noexcept { return places_; }

 private:
  struct Part {
    int64_t image, first_row, last_row, first_column, last_column;  // positions of the outermost and the last dim
    int64_t place;                                                  // in the slab
    std::size_t rows_begin;                                         // in row_offset_
    int64_t rows, length;                                           // rows of the slab, u's of one
    int64_t low, high;                                              // those of them that are inside
  };
  void add_part(int64_t image, int64_t begin, int64_t end, int64_t* place);
  void add_rows(Part part);
  void write_strided(const Part& part, const char* from, char* to) const;
  void fill_direct(int64_t begin, int64_t count) noexcept;

  const Window& w_;
  char* memory_;
  int64_t* places_;
  const char* image_ = nullptr;
  int64_t begin_ = -1, count_ = 0;
  std::vector<Part> parts_;
  std::vector<long long> row_offset_;  // by row: of its first element inside, or JT_NOWHERE
};

/// Bytes of scratch memory, or -1 where the op does not go this way.
int64_t window_scratch(const OpView& op, int threads);
/// False where the op does not go this way: nothing was done.
bool run_window(const OpView& op, void* scratch, ThreadPool& pool, const Epilogue* epilogue, bool* epilogue_done);

}  // namespace jtcy
