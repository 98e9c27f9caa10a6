// Pool: the cache of one device's Segments: Blocks best fit, joined when they are free, nothing given back unasked.
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "memory/block.h"
#include "memory/free_index.h"
#include "memory/segment.h"

namespace jtcy {

class Backend;

/// Requests from here on get a Segment of their own, or a part of one where the Backend can free parts.
inline constexpr int64_t kLargeNbytes = int64_t{1} << 20;

/// Used by one thread at a time (the recording thread); owned by a MemoryManager.
class Pool {
 public:
  static constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

  explicit Pool(Backend* backend);
  /// Gives every Segment back; Blocks must not be used afterwards.
  ~Pool();

  /// At least `nbytes`, aligned to 64; from kLargeNbytes on rounded to 64 KiB where the Backend can free parts, else at
  /// most a quarter more than the rounded request.
  /// Null when the Segments would exceed the limit even after trimming, or when the device has no memory left.
  Block* allocate(int64_t nbytes);
  void free(Block* block) noexcept;

  /// Bytes that allocate(nbytes) would get from the Backend now.
  int64_t cost_of(int64_t nbytes) const noexcept;
  /// Bytes that trim() would give back now.
  int64_t trimmable_nbytes() const noexcept;
  /// Gives unused Segments back until `wanted` bytes are gone or none is left; returns the bytes given back.
  int64_t trim(int64_t wanted = kUnlimited) noexcept;

  /// Bound on the bytes of all Segments. While there is one, cached memory is reused only at its exact size, so that
  /// what a plan needs is what it takes.
  void set_limit(int64_t nbytes) noexcept { limit_ = nbytes; }

  /// Takes Segments that go back in place of the Backend.
  using GiveBack = void (*)(void* context, void* address, int64_t nbytes);
  void set_give_back(GiveBack hook, void* context) noexcept {
    give_back_hook_ = hook;
    give_back_context_ = context;
  }

  int64_t segment_nbytes() const noexcept { return segment_nbytes_; }
  int64_t live_nbytes() const noexcept { return live_nbytes_; }
  int64_t segment_allocations() const noexcept { return segment_allocations_; }

  struct Span {
    const char* address = nullptr;
    int64_t nbytes = 0;
    bool is_live = false;
  };
  /// Every Block, Segment by Segment in address order; for tests and reports.
  std::vector<Span> spans() const;

 private:
  Block* allocate_small(int64_t nbytes);
  Block* allocate_large(int64_t nbytes);
  Block* take(Block* block, int64_t nbytes);
  Block* find_large(int64_t rounded) const noexcept;
  static bool is_smaller(const Block* block, int64_t nbytes) noexcept;
  int64_t rounded_large(int64_t nbytes) const noexcept;
  Block* take_part(Block* block, int64_t nbytes);
  Block* cut(Block* block, int64_t nbytes);
  Block* grow_parts(int64_t nbytes);
  int64_t parts_nbytes_for(int64_t nbytes) const noexcept;
  Block* join_free(Block* block) noexcept;
  void adopt_neighbours(Block* block) noexcept;
  void append(Segment* lower, Segment* upper) noexcept;
  void forget_large(Block* block) noexcept;
  void detach(Block* block) noexcept;
  void remove_segment(Segment* segment) noexcept;
  Block* make_segment(int64_t nbytes, bool is_shared);
  int64_t shared_nbytes_for(int64_t nbytes) const noexcept;
  bool fits(int64_t nbytes) const noexcept { return nbytes <= limit_ - segment_nbytes_; }
  void release(Block* block) noexcept;
  void give_back(Block* block) noexcept;

  Backend* backend_;
  const bool parts_;  // of Segments may be free, joined and given back
  BlockStore blocks_;
  FreeIndex small_;            // free Blocks of shared Segments
  std::vector<Block*> large_;  // free Blocks of the others: by size, among equals the last freed first
  std::vector<std::unique_ptr<Segment>> segments_;
  GiveBack give_back_hook_ = nullptr;
  void* give_back_context_ = nullptr;
  int64_t limit_ = kUnlimited;
  int64_t segment_nbytes_ = 0;
  int64_t live_nbytes_ = 0;
  int64_t segment_allocations_ = 0;
  int64_t large_blocks_ = 0;  // free or not
};

}  // namespace jtcy
