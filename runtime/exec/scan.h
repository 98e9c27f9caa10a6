// Running sums, products and linear recurrences along an axis, on the CPU.
#pragma once
#include <cstdint>

#include "base/thread_pool.h"
#include "exec/interpreter.h"

namespace jtcy {

// Note [Bits of a scan]
// Floats are accumulated in float64, integers in their own type; a result is rounded once. Sums: a line is cut into
// blocks of kScanBlock elements; within a block elements are added in order; y = (the sums of the blocks before, added
// in order) + (the sum within the block). Products and recurrences (kLinear) go through the whole line in order; a
// recurrence multiplies, then adds, and what is 0 passes on 0 whatever its factor is. A scan in reverse is that of the
// line from its end. So nothing depends on which thread works on which blocks, nor on how many lines are side by side.

/// Bytes of scratch memory that run_scan takes.
int64_t scan_scratch(const OpView& op);
void run_scan(const OpView& op, void* scratch, ThreadPool& pool);

}  // namespace jtcy
