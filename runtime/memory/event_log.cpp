// The event log: a ring that costs a push and a time stamp counter read per event.
#include "memory/event_log.h"

#include "base/clock.h"

namespace jtcy {

EventLog::EventLog() : start_ticks_(static_cast<int64_t>(__builtin_ia32_rdtsc())), start_ns_(now_ns()) {
  events_.reserve(kEventLogLength);  // untouched pages cost nothing
}

std::vector<MemoryEvent> EventLog::events() const {
  const double ticks = static_cast<double>(static_cast<int64_t>(__builtin_ia32_rdtsc()) - start_ticks_);
  const double ns_per_tick = ticks > 0 ? static_cast<double>(now_ns() - start_ns_) / ticks : 0;
  std::vector<MemoryEvent> ordered;
  ordered.reserve(events_.size());
  for (std::size_t i = 0; i < events_.size(); ++i) {
    MemoryEvent event = events_[(next_ + i) % events_.size()];
    event.time_ns = start_ns_ + static_cast<int64_t>(static_cast<double>(event.time_ns - start_ticks_) * ns_per_tick);
    ordered.push_back(event);
  }
  return ordered;
}

}  // namespace jtcy
