// Layouts of scratch memory.
#pragma once
#include <cstdint>

#include "base/rounding.h"

namespace jtcy {

inline constexpr int64_t kScratchAlignment = 64;

/// Parts of a piece of memory, one behind the other.
struct Taker {
  int64_t take(int64_t nbytes) noexcept {
    const int64_t begin = total;
    total += round_up(nbytes, kScratchAlignment);
    return begin;
  }
  int64_t total = 0;
};

}  // namespace jtcy
