// Quotients and multiples, rounded up.
#pragma once
#include <cstdint>

namespace jtcy {

constexpr int64_t divide_up(int64_t a, int64_t b) noexcept { return (a + b - 1) / b; }
/// The least multiple of `unit` that is not less.
constexpr int64_t round_up(int64_t n, int64_t unit) noexcept { return divide_up(n, unit) * unit; }

}  // namespace jtcy
