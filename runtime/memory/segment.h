// Segment: one range obtained from the Backend, whole or cut into Blocks.
#pragma once
#include <cstddef>
#include <cstdint>

namespace jtcy {

class Block;

/// Owned by its Pool. Not shared: one Block, or, where the Backend frees parts, all large Blocks that lie side by side.
struct Segment {
  char* address = nullptr;
  int64_t nbytes = 0;
  /// Shared by small Blocks.
  bool is_shared = false;
  /// Block at the segment's start.
  Block* first = nullptr;
  /// Place in the Pool's list.
  std::size_t index = 0;

  /// Size of the segment for one large request of `nbytes`: fewer distinct sizes are reused more often.
  static int64_t large_nbytes(int64_t nbytes) noexcept;
};

inline constexpr int64_t kSharedSegmentNbytes = int64_t{2} << 20;
inline constexpr int64_t kSegmentAlign = int64_t{64} << 10;

}  // namespace jtcy
