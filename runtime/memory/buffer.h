// Buffer: refcounted storage that a Var holds; owned by a MemoryManager, or borrowed (NumPy, DLPack).
#pragma once
#include <cstdint>

#include "base/intrusive_ptr.h"
#include "device/device.h"

namespace jtcy {

class MemoryManager;
class Block;

/// Where the bytes are now.
enum class Residency : uint8_t { kDevice, kDisk };

/// Created, freed and moved in the recording thread only; the executor sees plain addresses (stream order makes reuse
/// safe). pins > 0 (a NumPy view lives) forbids donation and eviction.
class Buffer : public RefCounted {
 public:
  Buffer(MemoryManager* manager, Block* block, void* address, int64_t nbytes, Device device) noexcept
      : manager_(manager), block_(block), address_(address), nbytes_(nbytes), device_(device) {}
  /// Borrowed: `release(context)` runs when the last Ref goes (it must not throw; it takes the GIL itself if needed).
  Buffer(void* address, int64_t nbytes, Device device, void (*release)(void*), void* context) noexcept
      : address_(address), nbytes_(nbytes), device_(device), release_(release), context_(context) {}
  ~Buffer();

  void* address() const noexcept { return address_; }
  int64_t nbytes() const noexcept { return nbytes_; }
  Device device() const noexcept { return device_; }
  bool borrowed() const noexcept { return manager_ == nullptr; }
  Residency residency() const noexcept { return residency_; }

  /// Run that writes it last; a reader waits for it (Executor::wait).
  int64_t ticket = 0;
  /// Run that moves it between the tiers last; a reader waits for that too, but is not failed by it.
  int64_t moved = 0;
  int32_t pins = 0;
  /// The Var that got it last, while that lives; what reports name.
  const void* holder = nullptr;
  /// Place in the spill file while residency is kDisk; -1 else.
  int64_t spill_slot = -1;
  /// Clock of the manager at the last use, for choosing a victim.
  int64_t last_use = 0;

 private:
  friend class MemoryManager;
  MemoryManager* manager_ = nullptr;
  Block* block_ = nullptr;
  void* address_ = nullptr;
  int64_t nbytes_ = 0;
  Device device_;
  Residency residency_ = Residency::kDevice;
  void (*release_)(void*) = nullptr;
  void* context_ = nullptr;
  Buffer* newer_ = nullptr;  // the manager's list of owned Buffers
  Buffer* older_ = nullptr;
};

}  // namespace jtcy
