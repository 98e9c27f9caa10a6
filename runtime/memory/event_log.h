// EventLog: the last kEventLogLength memory events.
#pragma once
#include <vector>

#include "memory/stats.h"

namespace jtcy {

/// Recording thread only. Events keep the time stamp counter; events() makes nanoseconds of it.
class EventLog {
 public:
  EventLog();

  void add(MemoryEvent::What what, const void* address, int64_t nbytes, int64_t counted_nbytes) noexcept {
    const MemoryEvent event{what, nbytes, counted_nbytes, static_cast<int64_t>(__builtin_ia32_rdtsc()),
                            reinterpret_cast<uint64_t>(address)};
    if (events_.size() < kEventLogLength) [[likely]] {
      events_.push_back(event);  // within the reserved room
    } else {
      events_[next_] = event;
      next_ = next_ + 1 == events_.size() ? 0 : next_ + 1;
    }
  }

  /// Oldest first, time_ns as in clock.h.
  std::vector<MemoryEvent> events() const;

 private:
  std::vector<MemoryEvent> events_;
  std::size_t next_ = 0;  // the oldest, once the ring is full
  int64_t start_ticks_;
  int64_t start_ns_;
};

}  // namespace jtcy
