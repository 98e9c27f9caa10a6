// Large Blocks where the Backend frees parts: cut to size, joined with free neighbours, given back page by page.
#include <algorithm>
#include <utility>

#include "base/rounding.h"
#include "device/backend.h"
#include "memory/pool.h"

namespace jtcy {

/// What is asked from the Backend for a Block: whole huge pages, less only where the limit leaves no room for that.
int64_t Pool::parts_nbytes_for(int64_t nbytes) const noexcept {
  const int64_t whole = round_up(nbytes, kSharedSegmentNbytes);
  return whole <= limit_ - segment_nbytes_ + trimmable_nbytes() ? whole : nbytes;
}

/// A free Block becomes a live one of `nbytes`; the rest stays free.
Block* Pool::take_part(Block* block, int64_t nbytes) {
  forget_large(block);
  block->is_free_ = false;
  if (block->nbytes_ > nbytes) release(cut(block, nbytes));
  live_nbytes_ += block->nbytes_;
  return block;
}

/// Splits a Block that counts as live and is in no index.
Block* Pool::cut(Block* block, int64_t nbytes) {
  large_.reserve(static_cast<std::size_t>(large_blocks_) + 1);  // so that free() never allocates
  Block* const rest = blocks_.split(block, nbytes);
  ++large_blocks_;
  return rest;
}

/// A free Block of at least `nbytes` with new memory; null where there is none.
Block* Pool::grow_parts(int64_t nbytes) {
  const int64_t size = parts_nbytes_for(nbytes);
  if (!fits(size)) trim(size - (limit_ - segment_nbytes_));
  Block* const block = make_segment(size, false);
  if (block == nullptr) return nullptr;
  adopt_neighbours(block);
  block->is_free_ = true;
  Block* const joined = join_free(block);
  large_.insert(std::lower_bound(large_.begin(), large_.end(), joined->nbytes_, is_smaller), joined);
  return joined;
}

/// Joins a free Block, which is in no index, with free neighbours.
Block* Pool::join_free(Block* block) noexcept {
  if (Block* const next = block->next_; next != nullptr && next->is_free_) {
    forget_large(next);
    blocks_.absorb_next(block);
    --large_blocks_;
  }
  if (Block* const previous = block->previous_; previous != nullptr && previous->is_free_) {
    forget_large(previous);
    blocks_.absorb_next(previous);
    --large_blocks_;
    return previous;
  }
  return block;
}

/// A new Segment and those that touch it become one.
void Pool::adopt_neighbours(Block* block) noexcept {
  for (std::size_t i = segments_.size(); i-- > 0;) {
    Segment* const other = segments_[i].get();
    Segment* const mine = block->segment_;
    if (other->is_shared || other == mine) continue;
    if (other->address + other->nbytes == mine->address) {
      append(other, mine);
    } else if (mine->address + mine->nbytes == other->address) {
      append(mine, other);
    }
  }
}

void Pool::append(Segment* lower, Segment* upper) noexcept {
  Block* last = lower->first;
  while (last->next_ != nullptr) last = last->next_;
  last->next_ = upper->first;
  upper->first->previous_ = last;
  for (Block* block = upper->first; block != nullptr; block = block->next_) block->segment_ = lower;
  lower->nbytes += upper->nbytes;
  remove_segment(upper);
}

void Pool::forget_large(Block* block) noexcept {
  const auto first = std::lower_bound(large_.begin(), large_.end(), block->nbytes_, is_smaller);
  large_.erase(std::find(first, large_.end(), block));
}

/// Takes a Block out of its Segment; what lies on both sides of it is two Segments from here on.
void Pool::detach(Block* block) noexcept {
  Segment* const segment = block->segment_;
  Block *const previous = block->previous_, *const next = block->next_;
  if (previous == nullptr && next == nullptr) return remove_segment(segment);
  if (previous != nullptr) previous->next_ = nullptr;
  if (next != nullptr) next->previous_ = nullptr;
  const int64_t behind = segment->address + segment->nbytes - block->address_ - block->nbytes_;
  if (previous == nullptr) {
    segment->first = next;
    segment->address = next->address_;
    segment->nbytes = behind;
    return;
  }
  segment->nbytes = block->address_ - segment->address;
  if (next == nullptr) return;
  auto upper = std::make_unique<Segment>();
  upper->address = next->address_;
  upper->nbytes = behind;
  upper->first = next;
  upper->index = segments_.size();
  for (Block* other = next; other != nullptr; other = other->next_) other->segment_ = upper.get();
  segments_.push_back(std::move(upper));
}

/// The last Segment takes the place of the one that goes.
void Pool::remove_segment(Segment* segment) noexcept {
  const std::size_t index = segment->index;
  std::swap(segments_[index], segments_.back());
  segments_[index]->index = index;
  segments_.pop_back();
}

}  // namespace jtcy
