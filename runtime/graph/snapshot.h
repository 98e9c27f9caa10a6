// GraphSnapshot: a flat, read-only copy of a cut: what the Signature hashes and the compiler sees.
#pragma once
#include <cstdint>
#include <vector>

#include "base/hash.h"
#include "graph/var.h"

namespace jtcy {

// Note [Symbols]
// Extents do not stand in a Signature; which extents are equal does. Distinct extents get symbols in order of first
// appearance, so that one Program serves every batch size. An extent is constant (its symbol carries the value) when it
// is 0 or 1, or when it is at most kEmbeddedExtent and stands somewhere behind the leading axis of a Var.

inline constexpr int64_t kEmbeddedExtent = 16;

struct SnapshotSymbol {
  int64_t value = 0;  // the extent at hand; the compiler may look at it only where constant is set
  bool constant = false;
};

enum class LeafLayout : uint8_t {
  kNone = 0,  // not a leaf
  kContiguous = 1,
  kStrided = 2,  // strides are run-time dims
};

struct SnapshotVar {
  Dtype dtype = Dtype::kFloat32;
  LeafLayout leaf = LeafLayout::kNone;
  bool output = false;       // must have a Buffer afterwards
  int32_t producer = -1;     // op index, or -1
  int32_t first_symbol = 0;  // into GraphSnapshot::symbols_of_axes
  int32_t ndim = 0;
  uint32_t repeated = 0;   // strided leaf: bit a: axis a (longer than 1) has stride 0
  int32_t unit_axis = -1;  // strided leaf: the last axis (longer than 1) with stride 1
};

struct SnapshotOp {
  OpKind kind = OpKind::kCopy;
  uint32_t update_group = 0;
  uint32_t schedule = 0;
  int32_t first_input = 0;  // into GraphSnapshot::operands
  int32_t input_count = 0;
  int32_t first_output = 0;  // outputs are consecutive vars
  int32_t output_count = 1;
  int32_t first_structure = 0;
  int32_t structure_count = 0;
  int32_t scalar_count = 0;
  uint64_t float_scalars = 0;
};

/// Vars: leaves first (in order of first use), then the outputs of the ops in order.
struct GraphSnapshot {
  std::vector<SnapshotSymbol> symbols;
  std::vector<int32_t> symbols_of_axes;
  std::vector<SnapshotVar> vars;
  std::vector<SnapshotOp> ops;
  std::vector<int32_t> operands;
  std::vector<int64_t> structure;
  int32_t leaf_count = 0;
  Device device;
  Hash128 signature;

  /// Not part of the snapshot's meaning: the live nodes behind it, for binding. Same order as vars and ops.
  std::vector<Var*> live_vars;
  std::vector<Op*> live_ops;
};

/// Fills `out` (cleared first, capacity kept) and its signature. `flags_hash`: settings that change kernels.
void take_snapshot(const std::vector<Op*>& cut, uint64_t flags_hash, GraphSnapshot* out);

}  // namespace jtcy
