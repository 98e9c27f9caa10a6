// IsaTable: the inner loops of the interpreter, compiled once per instruction set (interpreter_*_isa.cpp).
#pragma once
#include "device/dtype.h"
#include "exec/attention_loops.h"
#include "exec/scan_loops.h"
#include "graph/op_kind.h"

namespace jtcy {

// Note [Code per instruction set]
// A file that ends in _isa.cpp is compiled several times with different -march flags, each in a namespace of its own.
// It may not use inline functions of headers (the standard library's included): the linker keeps one copy of each,
// perhaps the one with instructions that this machine lacks. So these loops see plain pointers only.

inline constexpr int kFoldKinds = 4;  // ReduceKind kSum .. kMin
/// Lanes and block lengths of reductions: part of the bits (docs/bits.md).
inline constexpr int kRowLanes = 64;
inline constexpr int kRowBlock = 4096;
inline constexpr int kColumnLanes = 4;
inline constexpr int kColumnBlock = 256;

struct IsaTable {
  using Unary = void (*)(const void* x, void* y, long long n);
  using Binary = void (*)(const void* a, const void* b, void* y, long long n);
  using Ternary = void (*)(const void* condition, const void* a, const void* b, void* y, long long n);
  /// One block of at most kRowBlock elements to one accumulator.
  using FoldBlock = void (*)(const void* x, long long n, void* accumulator);
  /// accumulator[i] = op(accumulator[i], x[i]).
  using Accumulate = void (*)(void* accumulator, const void* x, long long n);
  /// accumulator[place[i]] = op(accumulator[place[i]], x[i]) for begin <= place[i] < end, i ascending; begin == end:
  /// all.
  using Scatter = void (*)(void* accumulator, const void* x, const long long* place, long long n, long long begin,
                           long long end);
  /// offsets[i] += index[i] * stride where 0 <= index[i] < limit; whether all are.
  using AddPlaces = bool (*)(const long long* index, long long limit, long long stride, long long* offsets,
                             long long n);
  /// Element `row` of columns 0 .. n-1; `first` starts a new search. Best values are stored in accumulator type.
  using Extreme = void (*)(void* best, long long* index, const void* x, long long n, long long row, int first);
  /// The same along one run of n elements that starts at `row`.
  using ExtremeRun = void (*)(void* best, long long* index, const void* x, long long n, long long row, int first);

  Unary unary[kOpKindCount][kDtypeCount];
  Binary binary[kOpKindCount][kDtypeCount];
  Unary cast[kDtypeCount][kDtypeCount];
  Ternary where[4];  // by the binary logarithm of the item size
  FoldBlock fold_block[kFoldKinds][kDtypeCount];
  Accumulate accumulate[kFoldKinds][kDtypeCount];  // x in the dtype
  Accumulate combine[kFoldKinds][kDtypeCount];     // x in the accumulator's type
  Scatter scatter[kFoldKinds][kDtypeCount];
  AddPlaces add_places;
  void (*from_end)(long long* index, long long extent, long long n);  // index[i] += extent where it is negative
  void (*identity[kFoldKinds][kDtypeCount])(void* accumulator, long long n);
  Extreme extreme[2][kDtypeCount];  // max, min
  ExtremeRun extreme_run[2][kDtypeCount];
  AttentionLoops attention[2];  // float32, float64
  ScanLoops scan[kScanKinds][kDtypeCount];
};

namespace avx512 {
const IsaTable& isa_table();
}
namespace avx2 {
const IsaTable& isa_table();
}
namespace portable {
const IsaTable& isa_table();
}

/// That of the instruction set in use.
const IsaTable& current_isa_table() noexcept;

}  // namespace jtcy
