// Index programs: how Reindex and ReindexReduce compute an index, as postfix integers that hash and travel.
#pragma once
#include <cstdint>

namespace jtcy {

// Structure of a Reindex: [number of programs = ndim of the indexed var, then per program: mode, length, length ×
// (token, argument)]. ReindexReduce has its ReduceKind before that. The programs of Reindex read the output's index and
// give the input's; those of ReindexReduce read the input's index and give the output's.

/// What an index outside [0, extent) means.
enum class IndexMode : int64_t {
  kFree = 0,     // known to be inside
  kBounded = 1,  // Reindex: the fill value; ReindexReduce: the element is dropped
  kChecked = 2,  // an error with axis and value (index Vars)
};

enum class IndexToken : int64_t {
  kAxis = 0,    // argument: axis → its index
  kConst = 1,   // argument: value
  kSlot = 2,    // argument: scalar number → its integer
  kExtent = 3,  // argument: input * 16 + axis → extent of that input
  kLoad = 4,    // argument: input; pops one index for each of its axes (first pushed = axis 0) → its element, int64
  kAdd = 5,
  kSub = 6,
  kMul = 7,
  kFloorDiv = 8,  // floors; by 0 gives 0
  kMod = 9,       // sign of the divisor; by 0 gives 0
  kMin = 10,
  kMax = 11,
  kLt = 12,  // 1 or 0
  kEq = 13,
  kSelect = 14,    // pops condition, a, b (b on top) → condition ? a : b
  kDivExact = 15,  // a / b where b divides a, else -1 (outside, for bounded indices)
};

}  // namespace jtcy
