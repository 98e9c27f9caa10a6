// MemoryStats and the event log behind snapshots.
#pragma once
#include <cstdint>

namespace jtcy {

inline constexpr int kEventLogLength = 65536;

struct MemoryStats {
  int64_t live_nbytes = 0;     // held by Buffers and plan scratch
  int64_t cached_nbytes = 0;   // free in the pool, not given back
  int64_t counted_nbytes = 0;  // everything obtained from the Backend: what the budget bounds
  int64_t peak_live_nbytes = 0;
  int64_t peak_counted_nbytes = 0;
  int64_t budget_nbytes = 0;   // 0: unlimited
  int64_t spilled_nbytes = 0;  // on disk now
  int64_t spill_written_nbytes = 0;
  int64_t spill_read_nbytes = 0;
  int64_t spill_mapped_nbytes = 0;  // read or written by launches that had no room for them
  int64_t evictions = 0;
  int64_t allocations = 0;
  int64_t segment_allocations = 0;  // calls of Backend::allocate
};

struct MemoryEvent {
  enum class What : uint8_t { kAllocate, kFree, kEvict, kRestore, kTrim, kBudget };
  What what = What::kAllocate;
  int64_t nbytes = 0;
  int64_t counted_nbytes = 0;
  int64_t time_ns = 0;
  uint64_t address = 0;
};

}  // namespace jtcy
