// Splitting and joining of Blocks.
#include "memory/block.h"

#include "memory/segment.h"

namespace jtcy {

namespace {

constexpr int kBlocksPerChunk = 256;

}  // namespace

Block* BlockStore::take() {
  if (unused_ == nullptr) {
    chunks_.push_back(std::make_unique<Block[]>(kBlocksPerChunk));
    Block* const chunk = chunks_.back().get();
    for (int i = kBlocksPerChunk - 1; i >= 0; --i) destroy(&chunk[i]);
  }
  Block* const block = unused_;
  unused_ = block->next_;
  *block = Block{};
  return block;
}

Block* BlockStore::make(Segment* segment) {
  Block* const block = take();
  block->address_ = segment->address;
  block->nbytes_ = segment->nbytes;
  block->segment_ = segment;
  return block;
}

Block* BlockStore::split(Block* block, int64_t nbytes) {
  Block* const rest = take();
  rest->address_ = block->address_ + nbytes;
  rest->nbytes_ = block->nbytes_ - nbytes;
  rest->segment_ = block->segment_;
  rest->previous_ = block;
  rest->next_ = block->next_;
  if (rest->next_ != nullptr) rest->next_->previous_ = rest;
  block->next_ = rest;
  block->nbytes_ = nbytes;
  return rest;
}

void BlockStore::absorb_next(Block* block) noexcept {
  Block* const gone = block->next_;
  block->nbytes_ += gone->nbytes_;
  block->next_ = gone->next_;
  if (block->next_ != nullptr) block->next_->previous_ = block;
  destroy(gone);
}

void BlockStore::destroy(Block* block) noexcept {
  block->next_ = unused_;
  unused_ = block;
}

}  // namespace jtcy
