// ScanLoops: the inner loops of running sums and products, compiled once per instruction set (scan_isa.cpp).
#pragma once

namespace jtcy {

inline constexpr int kScanKinds = 3;  // ScanKind
/// Elements of a block of running sums: part of the bits (docs/bits.md).
inline constexpr int kScanBlock = 512;
/// Most lines of one call.
inline constexpr int kScanLines = 512;

/// Lines of elements that are scanned side by side. Steps are in elements; `line` leads to the same place of the next
/// line, `step` along a line.
struct ScanLines {
  const void* x;
  const void* factor;  // its element k belongs to element k of x; element 0 is not read
  void* y;
  long long x_line, x_step, factor_line, factor_step, y_line, y_step;
  long long lines, length;
  void* before;  // one accumulator a line: what comes before it (totals: the total)
};

struct ScanLoops {
  void (*scan)(const ScanLines* lines);    // starts a block at the first element
  void (*totals)(const ScanLines* lines);  // of at most one block each, to `before`; kSum only
};

}  // namespace jtcy
