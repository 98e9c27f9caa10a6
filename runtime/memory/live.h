// What a MemoryManager keeps besides its Pool: the live Buffers, the counters and the event log. For its sources only.
#pragma once
#include <atomic>
#include <cstdint>

#include "memory/event_log.h"
#include "memory/manager.h"
#include "memory/pool.h"
#include "memory/spill_file.h"

namespace jtcy {

struct MemoryManager::Live {
  Buffer* newest = nullptr;  // owned Buffers, linked from the newest to the oldest
  int64_t peak_live = 0;
  int64_t peak_counted = 0;
  int64_t allocations = 0;
  int64_t evictions = 0;
  int64_t spilled = 0;
  int64_t fail_in = 0;
  std::atomic<int64_t> written{0};  // by the executor
  std::atomic<int64_t> read{0};
  std::atomic<int64_t> mapped{0};
  EventLog log;
};

}  // namespace jtcy
