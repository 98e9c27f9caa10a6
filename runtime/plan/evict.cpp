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

bool can_map(const std::vector<Operand>& operands, int64_t fixed, int64_t room) noexcept {
  int64_t least = fixed + kMappedWindow;
  for (const Operand& operand : operands) {
    if (operand.nbytes > room) return false;
    if (operand.nbytes < kSmallMapped) least += operand.nbytes;
  }
  return least <= room;
}

std::vector<int32_t> choose_mapped(std::vector<Operand> operands, int64_t fixed, int64_t room) {
  int64_t needed = fixed;
  for (const Operand& operand : operands) needed += operand.nbytes;
  std::vector<int32_t> mapped;
  if (needed <= room) return mapped;
  std::stable_sort(operands.begin(), operands.end(), [](const Operand& a, const Operand& b) {
    return std::tuple(-a.nbytes, !a.on_disk) < std::tuple(-b.nbytes, !b.on_disk);
  });
  needed += kMappedWindow;
  for (const Operand& operand : operands) {
    if (needed <= room || operand.nbytes < kSmallMapped) break;
    mapped.push_back(operand.var);
    needed -= operand.nbytes;
  }
  return mapped;
}

}  // namespace jtcy
