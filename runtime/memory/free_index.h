// FreeIndex: the free Blocks of shared Segments by exact size; best fit in a few instructions, no allocation.
#pragma once
#include <cstdint>
#include <vector>

#include "memory/block.h"
#include "memory/segment.h"

namespace jtcy {

/// One list per size in units of kBlockAlign, and two levels of bits that say which lists hold something. Among equals
/// the last freed comes first: its cache lines are warm, and no address takes part in the choice.
class FreeIndex {
 public:
  FreeIndex();
  void insert(Block* block) noexcept;
  void remove(Block* block) noexcept;
  /// The smallest Block that is not smaller; null if there is none. It stays in the index.
  Block* best_fit(int64_t nbytes) const noexcept;

 private:
  static constexpr int kSizes = static_cast<int>(kSharedSegmentNbytes / kBlockAlign) + 1;
  static constexpr int kWords = (kSizes + 63) / 64;
  static constexpr int kSummaryWords = (kWords + 63) / 64;
  std::vector<Block*> lists_;
  uint64_t words_[kWords] = {};
  uint64_t summary_[kSummaryWords] = {};
};

}  // namespace jtcy
