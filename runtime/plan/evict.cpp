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

}  // namespace jtcy
