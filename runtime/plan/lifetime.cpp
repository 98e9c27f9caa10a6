// Lifetimes of vars from the operands of launches.
#include "plan/lifetime.h"

#include <algorithm>

namespace jtcy {

Uses collect_uses(const std::vector<int32_t>& operands, const std::vector<int32_t>& starts, int32_t var_count) {
  Uses uses;
  std::vector<int32_t> last(static_cast<std::size_t>(var_count), -1);
  uses.first.assign(static_cast<std::size_t>(var_count) + 1, 0);
  const auto for_each_use = [&](const auto& use) {
    std::fill(last.begin(), last.end(), -1);
    for (std::size_t launch = 0; launch + 1 < starts.size(); ++launch) {
      for (int32_t k = starts[launch]; k < starts[launch + 1]; ++k) {
        const auto var = static_cast<std::size_t>(operands[static_cast<std::size_t>(k)]);
        if (last[var] == static_cast<int32_t>(launch)) continue;
        last[var] = static_cast<int32_t>(launch);
        use(var, static_cast<int32_t>(launch));
      }
    }
  };
  for_each_use([&](std::size_t var, int32_t) { ++uses.first[var + 1]; });
  for (std::size_t var = 0; var < static_cast<std::size_t>(var_count); ++var) uses.first[var + 1] += uses.first[var];
  uses.launches.resize(static_cast<std::size_t>(uses.first.back()));
  std::vector<int32_t> next(uses.first.begin(), uses.first.end() - 1);
  for_each_use([&](std::size_t var, int32_t launch) { uses.launches[static_cast<std::size_t>(next[var]++)] = launch; });
  return uses;
}

int32_t next_use(const Uses& uses, int32_t var, int32_t launch) noexcept {
  const auto first = uses.launches.begin() + uses.first[static_cast<std::size_t>(var)];
  const auto last = uses.launches.begin() + uses.first[static_cast<std::size_t>(var) + 1];
  const auto at = std::lower_bound(first, last, launch);
  return at == last ? kNeverUsed : *at;
}

}  // namespace jtcy
