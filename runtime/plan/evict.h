// Who leaves memory when a launch does not fit, and who never enters it: pure functions on flat arrays.
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

/// Something that one launch reads or writes.
struct Operand {
  int32_t var = 0;
  int64_t nbytes = 0;
  bool on_disk = false;
};

/// Smaller ones stay in memory: they would gain nothing.
inline constexpr int64_t kSmallMapped = int64_t{2} << 20;
/// Room for those pages of mapped operands that are in memory at one time.
inline constexpr int64_t kMappedWindow = int64_t{4} << 20;

/// Which of `operands` a launch reaches through the spill file, so that the others, a window and `fixed` further bytes
/// fit `room`: as few as do, the largest first, of equals those that are there already, then in the given order. Empty:
/// none need to. Precondition: can_map.
std::vector<int32_t> choose_mapped(std::vector<Operand> operands, int64_t fixed, int64_t room);
/// Whether some choice fits. Each operand alone must fit too: what nobody could ever read is not computed.
bool can_map(const std::vector<Operand>& operands, int64_t fixed, int64_t room) noexcept;

}  // namespace jtcy
