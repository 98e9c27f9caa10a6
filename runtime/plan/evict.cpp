// Choice of victims and working sets.
#include "plan/evict.h"

#include <algorithm>
#include <tuple>

#include "plan/lifetime.h"

namespace jtcy {

namespace {

/// Greater is a better victim.
auto rank(const Candidate& candidate) noexcept {
  const bool never = candidate.next_use == kNeverUsed;
  return std::tuple(candidate.nbytes >= kSmallVictim, candidate.next_use, never ? -candidate.last_use : 0,
                    candidate.nbytes);
}

}  // namespace

int32_t choose_victim(const std::vector<Candidate>& candidates) noexcept {
  if (candidates.empty()) return -1;
  const auto best = std::max_element(candidates.begin(), candidates.end(),
                                     [](const Candidate& a, const Candidate& b) { return rank(a) < rank(b); });
  return static_cast<int32_t>(best - candidates.begin());
}

int64_t working_set(std::vector<int32_t> vars, const std::vector<int64_t>& nbytes, int64_t unit) {
  std::sort(vars.begin(), vars.end());
  vars.erase(std::unique(vars.begin(), vars.end()), vars.end());
  int64_t total = 0;
  for (const int32_t var : vars) total += (nbytes[static_cast<std::size_t>(var)] + unit - 1) / unit * unit;
  return total;
}

}  // namespace jtcy
