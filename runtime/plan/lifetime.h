// Lifetimes: which launches touch each var, and when a var is touched next.
#pragma once
#include <cstdint>
#include <vector>

namespace jtcy {

/// Launch numbers of each var, ascending and without repeats: those of var v are launches[first[v] .. first[v + 1]).
struct Uses {
  std::vector<int32_t> first;
  std::vector<int32_t> launches;
};

inline constexpr int32_t kNeverUsed = INT32_MAX;

/// `operands[starts[i] .. starts[i + 1])` are the vars that launch i reads and writes.
Uses collect_uses(const std::vector<int32_t>& operands, const std::vector<int32_t>& starts, int32_t var_count);

/// First launch >= `launch` that touches `var`, or kNeverUsed.
int32_t next_use(const Uses& uses, int32_t var, int32_t launch) noexcept;

}  // namespace jtcy
