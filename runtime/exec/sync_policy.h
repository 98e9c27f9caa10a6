// SyncPolicy: when recorded ops are flushed unasked, and up to where; a function of the sequence of ops alone.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "graph/graph.h"

namespace jtcy {

/// Counts ops and their output bytes since the last flush, and knows where an optimizer step ended. Recording thread.
class SyncPolicy {
 public:
  /// After ops were recorded: what to flush, at a step's end or at the window's limit.
  std::optional<Prefix> border(int64_t window_ops, int64_t window_nbytes);
  /// A read that needs something of a step that is recorded to its end: the whole step, which then counts as flushed.
  std::optional<Prefix> step_of(const std::vector<Op*>& cut);
  /// The same, where a target itself is part of the step: then no cut need be chosen.
  std::optional<Prefix> step_of(const std::vector<Var*>& targets);
  /// A flush of any reason starts a new window; `everything`: nothing is left of a step.
  void restart(bool everything) noexcept;

 private:
  std::optional<Prefix> border_within(Op* first, int64_t window_ops, int64_t window_nbytes);
  bool reads_an_update(const Op& op) const noexcept;
  Prefix step_before(uint64_t end) noexcept;
  Prefix whole_periods() const;

  uint64_t seen_ = 0;      // id of the last op that was counted
  uint64_t start_ = 0;     // the window holds what was recorded behind this op
  uint64_t step_end_ = 0;  // the last op of an update that no flush has met; 0: there is none
  uint64_t flushed_ = 0;   // updates up to this op belong to steps that were flushed
  int64_t ops_ = 0;
  int64_t nbytes_ = 0;
  bool flushed_here_ = false;  // the last answer was a border
  int64_t left_behind_ = 0;    // ops that were pending after that flush all the same
};

}  // namespace jtcy
