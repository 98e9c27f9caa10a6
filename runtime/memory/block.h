// Block: a range of a Segment, free or in use; what a Pool splits and joins.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

namespace jtcy {

struct Segment;

inline constexpr int64_t kBlockAlign = 64;

/// Not thread-safe, like its Pool. Neighbours in the same Segment are linked in address order.
class Block {
 public:
  char* address() const noexcept { return address_; }
  int64_t nbytes() const noexcept { return nbytes_; }
  bool is_free() const noexcept { return is_free_; }
  bool is_whole_segment() const noexcept { return previous_ == nullptr && next_ == nullptr; }

 private:
  friend class BlockStore;
  friend class FreeIndex;
  friend class Pool;
  char* address_ = nullptr;
  int64_t nbytes_ = 0;
  Segment* segment_ = nullptr;
  Block* previous_ = nullptr;
  Block* next_ = nullptr;
  Block* newer_ = nullptr;  // in a list of the FreeIndex
  Block* older_ = nullptr;
  bool is_free_ = false;
};

/// Gives out Block objects and takes them back without calling malloc for each; joins and splits them.
class BlockStore {
 public:
  /// The one Block of a new segment.
  Block* make(Segment* segment);
  /// Cuts `block` after `nbytes` (a multiple of kBlockAlign, less than its size); returns the rest.
  Block* split(Block* block, int64_t nbytes);
  /// Joins `block` with its next neighbour, which is destroyed.
  void absorb_next(Block* block) noexcept;
  void destroy(Block* block) noexcept;

 private:
  Block* take();
  std::vector<std::unique_ptr<Block[]>> chunks_;
  Block* unused_ = nullptr;  // linked by next_
};

}  // namespace jtcy
