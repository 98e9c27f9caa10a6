// MemoryManager: all memory of one device: the pool, the budget, the spill file, the statistics.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/intrusive_ptr.h"
#include "memory/buffer.h"
#include "memory/stats.h"

namespace jtcy {

class Backend;
class Block;
class Pool;
class SpillFile;

/// Used from the recording thread only (it holds the GIL), so it needs no lock. Counted bytes = everything obtained
/// from the Backend: live, cached, workspace, staging; they never exceed the budget.
class MemoryManager {
 public:
  explicit MemoryManager(Backend* backend);
  ~MemoryManager();

  static MemoryManager& of(Device device);

  /// Null when `nbytes` do not fit the budget after trimming the cache; the caller (planner) then evicts or fails.
  Ref<Buffer> try_allocate(int64_t nbytes);
  /// Throws kBudget (with the ten largest live Buffers by way of the report hook) or bad_alloc.
  Ref<Buffer> allocate(int64_t nbytes, const char* function);

  /// Scratch memory of a plan: one block per need, freed in stream order.
  Block* try_allocate_block(int64_t nbytes);
  void free_block(Block* block) noexcept;
  static void* address_of(const Block* block) noexcept;
  static int64_t nbytes_of(const Block* block) noexcept;

  /// 0: unlimited. Below what is live now: throws kBudget and changes nothing, unless eviction can make room later
  /// (`can_evict_nbytes` says how much the caller could spill).
  void set_budget(int64_t nbytes, int64_t can_evict_nbytes);
  int64_t budget() const noexcept { return budget_; }
  /// Everything obtained from the Backend, and what it holds for itself.
  int64_t counted_nbytes() const noexcept;
  /// Bytes that an allocation of `nbytes` would add to the counted ones now (0 when a cached block serves).
  int64_t cost_of(int64_t nbytes) const noexcept;
  /// Gives cached blocks back to the Backend.
  void trim() noexcept;
  /// From now on `hook` gets the memory that goes back (from trim, set_budget and try_allocate, in the recording
  /// thread) and hands it to Backend::free once everything bound or queued so far has run: it may still use that
  /// memory. It must not call the manager. Counted bytes leave it out at once. Null: back at once, right only while
  /// nothing is queued.
  void set_give_back(void (*hook)(void* context, void* address, int64_t nbytes), void* context) noexcept;

  /// Eviction happens in two halves: in the recording thread the Buffer changes residency and gives up its block (in
  /// stream order, so a later allocation may reuse the address); the returned move is done by the executor in order.
  struct Move {
    bool to_disk = false;
    void* address = nullptr;
    int64_t nbytes = 0;
    int64_t slot = 0;
  };
  /// Precondition: on device, not borrowed, not pinned.
  Move evict(Buffer& buffer);
  /// Precondition: on disk; false (nothing changed) when there is no room.
  bool restore(Buffer& buffer, Move* move);
  /// Runs in the executor. Throws kRuntime on I/O errors (disk full, short read).
  void perform(const Move& move);

  /// A Buffer whose bytes are on disk from the start: launches write it through a Mapping.
  Ref<Buffer> make_on_disk(int64_t nbytes);
  /// Bytes on disk as memory of the host. `fresh`: about to be written.
  struct Mapping {
    int64_t slot = -1;
    int64_t nbytes = 0;
    bool fresh = false;
    void* address = nullptr;
  };
  /// Of a Buffer on disk, not yet in memory.
  Mapping mapping_of(const Buffer& buffer, bool fresh) const;
  /// In the executor, in order with perform. Throws kRuntime on I/O errors.
  void map(Mapping* mapping);
  void unmap(const Mapping& mapping) noexcept;
  /// What was touched of it leaves the process, and comes back when it is touched again.
  static void release_pages(const Mapping& mapping) noexcept;

  MemoryStats stats() const;
  void reset_peak() noexcept;
  /// Newest last, at most kEventLogLength.
  std::vector<MemoryEvent> events() const;
  Backend& backend() const noexcept { return *backend_; }
  /// All live owned Buffers, largest first (for reports and for choosing victims).
  std::vector<Buffer*> live_buffers() const;
  /// The `count` largest live Buffers, a line each, as errors show them; by way of the report hook where there is one.
  std::string report_text(int count = 10) const;
  /// One line about a Buffer (its Var, its origin), set once by a higher floor; null: sizes alone.
  static void set_report_hook(std::string (*hook)(const Buffer& buffer)) noexcept;
  int64_t tick() noexcept { return ++clock_; }
  void set_spill_folder(std::string folder);
  /// JTCY_FAIL_ALLOC: the n-th allocation from now on fails (0: off). For tests.
  void fail_allocation(int64_t n) noexcept;

 private:
  friend class Buffer;
  void add(Buffer& buffer) noexcept;
  void release(Buffer& buffer) noexcept;

  Backend* backend_;
  std::unique_ptr<Pool> pool_;
  std::unique_ptr<SpillFile> spill_;
  int64_t budget_ = 0;
  int64_t clock_ = 0;
  struct Live;
  std::unique_ptr<Live> live_;
};

}  // namespace jtcy
