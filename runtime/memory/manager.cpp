// MemoryManager: allocation and budget; the moves between tiers are in residency.cpp.
#include "memory/manager.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "base/error.h"
#include "base/trace.h"
#include "device/backend.h"
#include "memory/live.h"

namespace jtcy {

namespace {

using What = MemoryEvent::What;

std::atomic<std::string (*)(const Buffer&)> g_report_hook{nullptr};

int64_t failing_allocation() {
  const char* const text = std::getenv("JTCY_FAIL_ALLOC");
  return text == nullptr ? 0 : std::atoll(text);
}

}  // namespace

MemoryManager::MemoryManager(Backend* backend)
    : backend_(backend),
      pool_(std::make_unique<Pool>(backend)),
      spill_(std::make_unique<SpillFile>()),
      live_(std::make_unique<Live>()) {
  live_->fail_in = failing_allocation();
}

MemoryManager::~MemoryManager() = default;

MemoryManager& MemoryManager::of(Device device) {
  // Never destroyed: Buffers may outlive every static of other files.
  static MemoryManager* managers[2] = {};
  MemoryManager*& manager = managers[static_cast<int>(device.kind)];
  Backend& backend = backend_of(device);
  if (manager == nullptr) manager = std::make_unique<MemoryManager>(&backend).release();
  JTCY_CHECK(manager->backend_ == &backend, ErrorKind::kDevice, "device ", device.name(),
             " has a new Backend while memory of the old one may be in use");
  return *manager;
}

Block* MemoryManager::try_allocate_block(int64_t nbytes) {
  Live& live = *live_;
  if (live.fail_in > 0 && --live.fail_in == 0) [[unlikely]]
    return nullptr;
  if (budget_ > 0) pool_->set_limit(budget_ - backend_->own_nbytes());
  Block* const block = pool_->allocate(nbytes);
  if (block == nullptr) [[unlikely]]
    return nullptr;
  ++live.allocations;
  live.peak_live = std::max(live.peak_live, pool_->live_nbytes());
  live.peak_counted = std::max(live.peak_counted, counted_nbytes());
  live.log.add(What::kAllocate, block->address(), block->nbytes(), counted_nbytes());
  return block;
}

void MemoryManager::free_block(Block* block) noexcept {
  live_->log.add(What::kFree, block->address(), block->nbytes(), counted_nbytes());
  pool_->free(block);
}

void* MemoryManager::address_of(const Block* block) noexcept { return block->address(); }
int64_t MemoryManager::nbytes_of(const Block* block) noexcept { return block->nbytes(); }
int64_t MemoryManager::counted_nbytes() const noexcept { return pool_->segment_nbytes() + backend_->own_nbytes(); }

Ref<Buffer> MemoryManager::try_allocate(int64_t nbytes) {
  Block* const block = try_allocate_block(nbytes);
  if (block == nullptr) return nullptr;
  Ref<Buffer> buffer = make_ref<Buffer>(this, block, block->address(), nbytes, backend_->device());
  add(*buffer);
  return buffer;
}

void MemoryManager::add(Buffer& buffer) noexcept {
  buffer.last_use = tick();
  buffer.older_ = live_->newest;
  if (live_->newest != nullptr) live_->newest->newer_ = &buffer;
  live_->newest = &buffer;
}

Ref<Buffer> MemoryManager::allocate(int64_t nbytes, const char* function) {
  if (Ref<Buffer> buffer = try_allocate(nbytes)) return buffer;
  const int64_t cost = cost_of(nbytes);
  if (budget_ == 0 || cost <= budget_ - counted_nbytes()) throw std::bad_alloc();
  throw_error(ErrorKind::kBudget,
              str_cat(function, ": ", nbytes, " bytes do not fit the memory budget of ", budget_, " bytes, of which ",
                      counted_nbytes(), " are in use\n", report_text(),
                      "  help: drop Vars that are no longer needed, use a smaller batch, or raise jt.memory.budget"));
}

void MemoryManager::release(Buffer& buffer) noexcept {
  Live& live = *live_;
  (buffer.newer_ != nullptr ? buffer.newer_->older_ : live.newest) = buffer.older_;
  if (buffer.older_ != nullptr) buffer.older_->newer_ = buffer.newer_;
  if (buffer.block_ != nullptr) {
    free_block(buffer.block_);
  } else if (buffer.spill_slot >= 0) {
    spill_->free_slot(buffer.spill_slot, buffer.nbytes_);
    live.spilled -= buffer.nbytes_;
  }
}

void MemoryManager::set_budget(int64_t nbytes, int64_t can_evict_nbytes) {
  JTCY_CHECK(nbytes >= 0, ErrorKind::kValue, "memory.budget: ", nbytes,
             " bytes asked for; 0 (no limit) or more is valid");
  const int64_t needed = counted_nbytes() - pool_->trimmable_nbytes();
  JTCY_CHECK(nbytes == 0 || needed - can_evict_nbytes <= nbytes, ErrorKind::kBudget, "memory.budget: ", nbytes,
             " bytes asked for, but ", needed, " bytes are in use and at most ", can_evict_nbytes,
             " of them can be moved to disk\n", report_text(), "  help: drop Vars first, or ask for more");
  budget_ = nbytes;
  pool_->set_limit(nbytes == 0 ? Pool::kUnlimited : nbytes - backend_->own_nbytes());
  if (nbytes != 0 && counted_nbytes() > nbytes) pool_->trim(counted_nbytes() - nbytes);
  live_->log.add(What::kBudget, nullptr, nbytes, counted_nbytes());
  JTCY_TRACE(1, "memory", "budget=", nbytes, " counted=", counted_nbytes());
}

int64_t MemoryManager::cost_of(int64_t nbytes) const noexcept { return pool_->cost_of(nbytes); }

void MemoryManager::trim() noexcept {
  const int64_t given_back = pool_->trim();
  live_->log.add(What::kTrim, nullptr, given_back, counted_nbytes());
}

void MemoryManager::set_give_back(void (*hook)(void*, void*, int64_t), void* context) noexcept {
  pool_->set_give_back(hook, context);
}

MemoryStats MemoryManager::stats() const {
  MemoryStats stats;
  stats.live_nbytes = pool_->live_nbytes();
  stats.cached_nbytes = pool_->segment_nbytes() - pool_->live_nbytes();
  stats.counted_nbytes = counted_nbytes();
  stats.peak_live_nbytes = live_->peak_live;
  stats.peak_counted_nbytes = std::max(live_->peak_counted, stats.counted_nbytes);
  stats.budget_nbytes = budget_;
  stats.spilled_nbytes = live_->spilled;
  stats.spill_written_nbytes = live_->written.load(std::memory_order_relaxed);
  stats.spill_read_nbytes = live_->read.load(std::memory_order_relaxed);
  stats.spill_mapped_nbytes = live_->mapped.load(std::memory_order_relaxed);
  stats.evictions = live_->evictions;
  stats.allocations = live_->allocations;
  stats.segment_allocations = pool_->segment_allocations();
  return stats;
}

void MemoryManager::reset_peak() noexcept {
  live_->peak_live = pool_->live_nbytes();
  live_->peak_counted = counted_nbytes();
}

std::vector<MemoryEvent> MemoryManager::events() const { return live_->log.events(); }

std::vector<Buffer*> MemoryManager::live_buffers() const {
  std::vector<Buffer*> buffers;
  for (Buffer* buffer = live_->newest; buffer != nullptr; buffer = buffer->older_) buffers.push_back(buffer);
  std::stable_sort(buffers.begin(), buffers.end(),
                   [](const Buffer* a, const Buffer* b) { return a->nbytes_ > b->nbytes_; });
  return buffers;
}

std::string MemoryManager::report_text(int count) const {
  const auto hook = g_report_hook.load(std::memory_order_acquire);
  std::string text;
  for (const Buffer* const buffer : live_buffers()) {
    if (count-- <= 0) break;
    text += str_cat("  ", buffer->nbytes_, " bytes", buffer->residency_ == Residency::kDisk ? " (on disk)" : "",
                    hook != nullptr ? ": " + hook(*buffer) : "", "\n");
  }
  return text;
}

void MemoryManager::set_report_hook(std::string (*hook)(const Buffer&)) noexcept { g_report_hook.store(hook); }

void MemoryManager::set_spill_folder(std::string folder) { spill_->set_folder(std::move(folder)); }

void MemoryManager::fail_allocation(int64_t n) noexcept { live_->fail_in = n; }

}  // namespace jtcy
