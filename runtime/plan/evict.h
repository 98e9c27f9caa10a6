// Who leaves memory when a launch does not fit, and whether it can fit at all: pure functions on flat arrays.
#pragma once
#include <cstdint>
#include <vector>

namespace jtcy {

/// Something that may be moved to disk.
struct Candidate {
  int64_t nbytes = 0;
  int32_t next_use = 0;  // launch; kNeverUsed where this plan does not touch it again
  int64_t last_use = 0;  // clock, for those not used again: the oldest goes first
};

/// Below this a move costs more than it gives, and a small block rarely empties its Segment.
inline constexpr int64_t kSmallVictim = int64_t{64} << 10;

/// The next victim: not used again before used again; then the oldest, or the farthest next use, larger first among
/// equals; small ones only when nothing else is left. -1: none.
int32_t choose_victim(const std::vector<Candidate>& candidates) noexcept;

}  // namespace jtcy
