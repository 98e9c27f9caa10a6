// An operand of a contraction on the CPU: where its elements stand, by the roles of the iteration axes, and its
// packing.
#pragma once
#include <cstdint>

#include "device/shape.h"
#include "exec/contraction.h"

namespace jtcy {

/// What an iteration axis is to a contraction: in both operands and the output; in the output and one operand; summed.
enum class AxisRole : uint8_t { kBatch, kRow, kColumn, kDepth };

/// How a place moves along the axes of one role, the last axis fastest.
struct RoleSteps {
  int axes = 0;
  int64_t count = 1;  // positions: the product of the extents
  int64_t extent[kMaxDims];
  int64_t offset[kMaxDims];           // in elements, checked dims left out
  int64_t index[kMaxDims][kMaxDims];  // [axis][checked dim]

  void add_axis(int64_t axis_extent) noexcept;
  /// Whether positions that follow each other mostly lie next to each other.
  bool ends_in_neighbours() const noexcept;
  /// Whether all of them do.
  bool is_dense() const noexcept;
  /// Of one position; no checked dims.
  int64_t place(int64_t position) const noexcept;
  /// Tables of `count` positions from `begin` on: offsets[count], indices[count][checked].
  void fill(int64_t begin, int64_t count, int checked, int64_t* offsets, int64_t* indices) const noexcept;
};

/// One operand. `own` are the rows of a or the columns of b.
struct ContractionOperand {
  const char* data = nullptr;
  int64_t itemsize = 4;
  int64_t origin = 0;  // of a padded copy: elements from its begin
  JtGatherRows gather = nullptr;
  int checked = 0;  // dims whose index may lie outside, or has a divisor
  bool divided = false;
  const Prologue* made = nullptr;  // makes the elements, counted from `first_element` on
  const char* first_element = nullptr;
  long long extent[kMaxDims], stride[kMaxDims], divisor[kMaxDims], base[kMaxDims];
  RoleSteps batch, own, depth;
};

/// The positions of one operand that a thread works on, and their copies in the order that tiles read.
/// Memory is the caller's scratch.
class OperandBlock {
 public:
  /// Bytes of tables for blocks of `positions` x `depth`.
  static int64_t table_nbytes(const ContractionOperand& operand, int64_t positions, int64_t depth) noexcept;

  OperandBlock(const ContractionOperand& operand, const JtPrebuilt& prebuilt, int64_t packed_itemsize,
               int64_t positions, int64_t depth, char* tables, char* rows) noexcept;

  void select_batch(int64_t batch) noexcept;
  void select_positions(int64_t begin, int64_t count) noexcept;
  void select_depth(int64_t begin, int64_t count) noexcept;

  /// Copies positions first .. first + count - 1 of the block to to[k * width + position].
  void pack(int64_t first, int64_t count, int64_t width, char* to) noexcept;
  /// Copies all positions; panel p is from first[p] to first[p + 1] and begins at to + first[p] * depth.
  void pack_panels(int64_t panels, const int64_t* first, char* to) noexcept;
  /// The elements themselves where neighbouring positions are neighbours in memory, or null; k at places()[k].
  const char* in_place(int64_t first, int64_t count) const noexcept;
  const int64_t* places() const noexcept { return depth_offset_; }
  /// Elements of the first position, k by k, `step` apart; null where they are not.
  const char* line(int64_t* step) const noexcept;
  /// The selected rows along k lie within so many bytes: reading panels in place stays in the first cache.
  bool within(int64_t nbytes) const noexcept {
    return (depth_offset_[depth_count_ - 1] - depth_offset_[0]) * packed_itemsize_ <= nbytes;
  }

 private:
  /// Positions of one run along k, turned on the way to [k][position].
  void turn_run(const JtRun& run, int64_t first, int64_t count, int64_t width, char* to) const noexcept;
  /// As operand_.gather(), of elements that are made first where they are nowhere yet.
  void gather(const JtGather& from, int64_t count, char* to, int64_t to_step) const noexcept;
  int find_runs(const int64_t* offsets, const int64_t* indices, int64_t count, JtRun* runs, int64_t* at,
                int64_t* by) const noexcept;
  void choose_direction() noexcept;
  bool neighbours(int64_t first, int64_t count) const noexcept;

  const ContractionOperand& operand_;
  JtCopyPanels copy_;
  JtTurnRows turn_;
  int64_t packed_itemsize_;
  const char* data_ = nullptr;
  long long base_[kMaxDims];
  int64_t *own_offset_, *own_index_, *depth_offset_, *depth_index_;
  JtRun *depth_run_, *panel_run_;
  int64_t *depth_at_, *depth_by_, *panel_at_, *panel_by_;
  int depth_runs_ = 0;
  int64_t depth_begin_ = -1, depth_count_ = 0, own_begin_ = -1, own_count_ = 0;
  int64_t depth_capacity_;
  bool plain_;                // elements are copied as they are, none is outside
  bool along_depth_ = false;  // runs along k are longer: those are turned
  bool in_rows_ = false;      // ... where they stand; else they are gathered first
  char* rows_;                // panel x depth elements
};

/// Widest panel of any tile: 64 one-byte columns times two vectors.
inline constexpr int64_t kMostPanel = 128;

}  // namespace jtcy
