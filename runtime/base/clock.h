// Monotonic nanoseconds.
#pragma once
#include <time.h>

#include <cstdint>

namespace jtcy {

inline int64_t now_ns() noexcept {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * int64_t{1'000'000'000} + t.tv_nsec;
}

}  // namespace jtcy
