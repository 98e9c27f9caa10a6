// Trace lines by level and channel: one fact a line, `[jtcy channel] key=value`; one relaxed load when off.
#pragma once
#include <atomic>
#include <string>

#include "base/error.h"

namespace jtcy {

/// 0 quiet · 1 devices, fallbacks, memory totals · 2 plans and kernels · 3 decisions · 4 IR · 5 source · 6 assembly.
extern std::atomic<int> g_trace_level;

/// A comma-separated list of channels to keep; empty keeps all.
void set_trace(int level, std::string channels);

/// Takes the line away from stderr (tests, Python's own printing); null restores stderr.
void set_trace_sink(void (*sink)(void* context, const char* line), void* context);

void write_trace(const char* channel, const std::string& facts);

inline bool trace_on(int level) noexcept { return g_trace_level.load(std::memory_order_relaxed) >= level; }

}  // namespace jtcy

#define JTCY_TRACE(level, channel, ...)                           \
  do {                                                            \
    if (::jtcy::trace_on(level)) [[unlikely]]                     \
      ::jtcy::write_trace(channel, ::jtcy::str_cat(__VA_ARGS__)); \
  } while (false)
