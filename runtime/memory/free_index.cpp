// Lists and bits of the FreeIndex.
#include "memory/free_index.h"

#include <bit>

namespace jtcy {

namespace {

constexpr uint64_t bit(int64_t i) noexcept { return uint64_t{1} << (i & 63); }

/// First set bit at or after `from` in `words`; -1 if there is none.
int64_t next_bit(const uint64_t* words, int64_t count, int64_t from) noexcept {
  for (int64_t word = from >> 6; word < count; ++word) {
    const uint64_t bits = words[word] & (word == from >> 6 ? ~uint64_t{0} << (from & 63) : ~uint64_t{0});
    if (bits != 0) return (word << 6) + std::countr_zero(bits);
  }
  return -1;
}

}  // namespace

FreeIndex::FreeIndex() : lists_(kSizes, nullptr) {}

void FreeIndex::insert(Block* block) noexcept {
  const int64_t size = block->nbytes_ / kBlockAlign;
  Block*& head = lists_[static_cast<std::size_t>(size)];
  block->newer_ = nullptr;
  block->older_ = head;
  if (head != nullptr) head->newer_ = block;
  head = block;
  words_[size >> 6] |= bit(size);
  summary_[size >> 12] |= bit(size >> 6);
}

void FreeIndex::remove(Block* block) noexcept {
  const int64_t size = block->nbytes_ / kBlockAlign;
  if (block->older_ != nullptr) block->older_->newer_ = block->newer_;
  if (block->newer_ != nullptr) {
    block->newer_->older_ = block->older_;
    return;
  }
  lists_[static_cast<std::size_t>(size)] = block->older_;
  if (block->older_ != nullptr) return;
  words_[size >> 6] &= ~bit(size);
  if (words_[size >> 6] == 0) summary_[size >> 12] &= ~bit(size >> 6);
}

Block* FreeIndex::best_fit(int64_t nbytes) const noexcept {
  const int64_t size = nbytes / kBlockAlign;
  if (size >= kSizes) return nullptr;
  if (const int64_t near = next_bit(words_, (size >> 6) + 1, size); near >= 0)
    return lists_[static_cast<std::size_t>(near)];
  if ((size >> 6) + 1 >= kWords) return nullptr;
  const int64_t word = next_bit(summary_, kSummaryWords, (size >> 6) + 1);
  if (word < 0) return nullptr;
  return lists_[static_cast<std::size_t>((word << 6) + std::countr_zero(words_[word]))];
}

}  // namespace jtcy
