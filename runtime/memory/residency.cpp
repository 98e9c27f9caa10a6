// Moves between the device and the disk: planned in the recording thread, done by the executor in the same order.
#include <memory>
#include <new>

#include "base/error.h"
#include "device/backend.h"
#include "memory/live.h"
#include "memory/manager.h"

namespace jtcy {

namespace {

using What = MemoryEvent::What;

}  // namespace

MemoryManager::Move MemoryManager::evict(Buffer& buffer) {
  JTCY_ASSERT(buffer.manager_ == this && buffer.residency_ == Residency::kDevice && buffer.pins == 0, "evict");
  const int64_t slot = spill_->take_slot(buffer.nbytes_);
  const Move move{true, buffer.address_, buffer.nbytes_, slot};
  live_->log.add(What::kEvict, buffer.address_, buffer.nbytes_, counted_nbytes());
  free_block(buffer.block_);
  buffer.block_ = nullptr;
  buffer.address_ = nullptr;
  buffer.residency_ = Residency::kDisk;
  buffer.spill_slot = slot;
  ++live_->evictions;
  live_->spilled += buffer.nbytes_;
  return move;
}

bool MemoryManager::restore(Buffer& buffer, Move* move) {
  JTCY_ASSERT(buffer.manager_ == this && buffer.residency_ == Residency::kDisk, "restore");
  spill_->check_slot(buffer.spill_slot);
  Block* const block = try_allocate_block(buffer.nbytes_);
  if (block == nullptr) return false;
  *move = Move{false, block->address(), buffer.nbytes_, buffer.spill_slot};
  // Whoever takes the slot next writes to it after this read: moves are done in order.
  spill_->free_slot(buffer.spill_slot, buffer.nbytes_);
  buffer.block_ = block;
  buffer.address_ = block->address();
  buffer.residency_ = Residency::kDevice;
  buffer.spill_slot = -1;
  live_->spilled -= buffer.nbytes_;
  live_->log.add(What::kRestore, buffer.address_, buffer.nbytes_, counted_nbytes());
  return true;
}

void MemoryManager::perform(const Move& move) {
  std::unique_ptr<char[]> staging;
  void* host = move.address;
  if (!backend_->host_visible()) {
    staging = std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(move.nbytes));
    host = staging.get();
  }
  if (move.to_disk) {
    if (staging) backend_->copy_to_host(host, move.address, move.nbytes);
    spill_->write(move.slot, host, move.nbytes);
    live_->written.fetch_add(move.nbytes, std::memory_order_relaxed);
  } else {
    spill_->read(move.slot, host, move.nbytes);
    if (staging) backend_->copy_from_host(move.address, host, move.nbytes);
    live_->read.fetch_add(move.nbytes, std::memory_order_relaxed);
  }
}

Ref<Buffer> MemoryManager::make_on_disk(int64_t nbytes) {
  Ref<Buffer> buffer = make_ref<Buffer>(this, nullptr, nullptr, nbytes, backend_->device());
  buffer->spill_slot = spill_->take_slot(nbytes);
  buffer->residency_ = Residency::kDisk;
  live_->spilled += nbytes;
  add(*buffer);
  return buffer;
}

MemoryManager::Mapping MemoryManager::mapping_of(const Buffer& buffer, bool fresh) const {
  JTCY_ASSERT(buffer.manager_ == this && buffer.residency_ == Residency::kDisk, "mapping_of");
  spill_->check_slot(buffer.spill_slot);
  return {buffer.spill_slot, buffer.nbytes_, fresh, nullptr};
}

void MemoryManager::map(Mapping* mapping) {
  mapping->address = spill_->map(mapping->slot, mapping->nbytes, mapping->fresh);
}

void MemoryManager::unmap(const Mapping& mapping) noexcept {
  spill_->unmap(mapping.slot, mapping.address, mapping.nbytes, mapping.fresh);
  live_->mapped.fetch_add(mapping.nbytes, std::memory_order_relaxed);
}

void MemoryManager::release_pages(const Mapping& mapping) noexcept {
  SpillFile::release_pages(mapping.address, mapping.nbytes);
}

}  // namespace jtcy
