// Small requests are cut from shared Segments, large ones reuse whole Segments of about their size (or parts of them:
// pool_parts.cpp).
#include "memory/pool.h"

#include <algorithm>
#include <utility>

#include "base/rounding.h"
#include "device/backend.h"

namespace jtcy {

namespace {

// Far more than any device has; rounding up beyond it could overflow.
constexpr int64_t kMaxRequest = int64_t{1} << 60;

/// An empty request gets a unit too, so that its address is its own.
int64_t block_nbytes(int64_t nbytes) noexcept { return nbytes <= 0 ? kBlockAlign : round_up(nbytes, kBlockAlign); }

}  // namespace

bool Pool::is_smaller(const Block* block, int64_t nbytes) noexcept { return block->nbytes() < nbytes; }

Pool::Pool(Backend* backend) : backend_(backend), parts_(backend->frees_parts()) {}

Pool::~Pool() {
  for (const auto& segment : segments_) backend_->free(segment->address, segment->nbytes);
}

Block* Pool::allocate(int64_t nbytes) {
  if (nbytes > kMaxRequest) return nullptr;
  const int64_t size = block_nbytes(nbytes);
  if (size >= kLargeNbytes) return allocate_large(rounded_large(size));
  if (Block* const block = small_.best_fit(size)) return take(block, size);
  return allocate_small(size);
}

void Pool::free(Block* block) noexcept {
  live_nbytes_ -= block->nbytes_;
  release(block);
}

Block* Pool::take(Block* block, int64_t nbytes) {
  small_.remove(block);
  if (block->nbytes_ > nbytes) {
    Block* const rest = blocks_.split(block, nbytes);
    rest->is_free_ = true;
    small_.insert(rest);
  }
  block->is_free_ = false;
  live_nbytes_ += block->nbytes_;
  return block;
}

Block* Pool::allocate_small(int64_t nbytes) {
  if (const int64_t size = shared_nbytes_for(nbytes); !fits(size)) trim(size - (limit_ - segment_nbytes_));
  Block* const whole = make_segment(shared_nbytes_for(nbytes), true);
  if (whole == nullptr) return nullptr;
  release(whole);
  return take(whole, nbytes);
}

int64_t Pool::rounded_large(int64_t nbytes) const noexcept {
  return parts_ ? round_up(nbytes, kSegmentAlign) : Segment::large_nbytes(nbytes);
}

Block* Pool::allocate_large(int64_t nbytes) {
  Block* block = find_large(nbytes);
  if (parts_) {
    if (block == nullptr) block = grow_parts(nbytes);
    return block == nullptr ? nullptr : take_part(block, nbytes);
  }
  if (block != nullptr) {
    forget_large(block);
  } else {
    if (!fits(nbytes)) trim(nbytes - (limit_ - segment_nbytes_));
    block = make_segment(nbytes, false);
    if (block == nullptr) return nullptr;
  }
  block->is_free_ = false;
  live_nbytes_ += block->nbytes_;
  return block;
}

Block* Pool::find_large(int64_t rounded) const noexcept {
  // A quarter more than needed saves many calls of the Backend and wastes little.
  const int64_t largest = parts_ ? kUnlimited : limit_ == kUnlimited ? rounded + rounded / 4 : rounded;
  const auto found = std::lower_bound(large_.begin(), large_.end(), rounded, is_smaller);
  return found != large_.end() && (*found)->nbytes_ <= largest ? *found : nullptr;
}

/// What a shared Segment for `nbytes` takes: less than usual only where the limit leaves no room for that.
int64_t Pool::shared_nbytes_for(int64_t nbytes) const noexcept {
  if (kSharedSegmentNbytes <= limit_ - segment_nbytes_ + trimmable_nbytes()) return kSharedSegmentNbytes;
  return round_up(nbytes, kSegmentAlign);
}

/// A live Block over a new Segment; null where the limit or the device has no room.
Block* Pool::make_segment(int64_t nbytes, bool is_shared) {
  if (!fits(nbytes)) return nullptr;
  auto segment = std::make_unique<Segment>();
  if (!is_shared) large_.reserve(static_cast<std::size_t>(large_blocks_) + 1);  // so that free() never allocates
  segment->address = static_cast<char*>(backend_->allocate(nbytes));
  if (segment->address == nullptr && trim() > 0) segment->address = static_cast<char*>(backend_->allocate(nbytes));
  if (segment->address == nullptr) return nullptr;
  segment->nbytes = nbytes;
  segment->is_shared = is_shared;
  segment->index = segments_.size();
  Block* const block = blocks_.make(segment.get());
  segment->first = block;
  segments_.push_back(std::move(segment));
  segment_nbytes_ += nbytes;
  ++segment_allocations_;
  large_blocks_ += is_shared ? 0 : 1;
  return block;
}

/// Into the index of free Blocks, joined with free neighbours.
void Pool::release(Block* block) noexcept {
  block->is_free_ = true;
  if (!block->segment_->is_shared) {
    if (parts_) block = join_free(block);
    large_.insert(std::lower_bound(large_.begin(), large_.end(), block->nbytes_, is_smaller), block);
    return;
  }
  if (Block* const next = block->next_; next != nullptr && next->is_free_) {
    small_.remove(next);
    blocks_.absorb_next(block);
  }
  if (Block* const previous = block->previous_; previous != nullptr && previous->is_free_) {
    small_.remove(previous);
    blocks_.absorb_next(previous);
    block = previous;
  }
  small_.insert(block);
}

int64_t Pool::cost_of(int64_t nbytes) const noexcept {
  const int64_t size = block_nbytes(nbytes);
  if (size > kMaxRequest) return size;
  if (size < kLargeNbytes) return small_.best_fit(size) != nullptr ? 0 : shared_nbytes_for(size);
  const int64_t rounded = rounded_large(size);
  if (find_large(rounded) != nullptr) return 0;
  return parts_ ? parts_nbytes_for(rounded) : rounded;
}

int64_t Pool::trimmable_nbytes() const noexcept {
  int64_t total = 0;
  for (const Block* block : large_) total += block->nbytes_;
  for (const auto& segment : segments_) {
    if (segment->is_shared && segment->first->is_free_ && segment->first->is_whole_segment()) total += segment->nbytes;
  }
  return total;
}

int64_t Pool::trim(int64_t wanted) noexcept {
  int64_t given_back = 0;
  while (given_back < wanted && !large_.empty()) {
    // The smallest one that is enough, else the largest: the fewest go.
    auto chosen = std::lower_bound(large_.begin(), large_.end(), wanted - given_back, is_smaller);
    if (chosen == large_.end()) --chosen;
    Block* const block = *chosen;
    large_.erase(chosen);
    block->is_free_ = false;
    const int64_t enough = wanted >= kMaxRequest ? wanted : round_up(wanted - given_back, kSegmentAlign);
    if (parts_ && block->nbytes_ > enough) release(cut(block, enough));
    given_back += block->nbytes_;
    give_back(block);
  }
  for (std::size_t i = segments_.size(); i-- > 0 && given_back < wanted;) {
    Block* const block = segments_[i]->first;
    if (!segments_[i]->is_shared || !block->is_free_ || !block->is_whole_segment()) continue;
    small_.remove(block);
    given_back += block->nbytes_;
    give_back(block);
  }
  return given_back;
}

void Pool::give_back(Block* block) noexcept {
  segment_nbytes_ -= block->nbytes_;
  large_blocks_ -= block->segment_->is_shared ? 0 : 1;
  detach(block);
  if (give_back_hook_ != nullptr) {
    give_back_hook_(give_back_context_, block->address_, block->nbytes_);
  } else {
    backend_->free(block->address_, block->nbytes_);
  }
  blocks_.destroy(block);
}

std::vector<Pool::Span> Pool::spans() const {
  std::vector<Span> spans;
  for (const auto& segment : segments_) {
    for (const Block* block = segment->first; block != nullptr; block = block->next_) {
      spans.push_back({block->address_, block->nbytes_, !block->is_free_});
    }
  }
  return spans;
}

}  // namespace jtcy
