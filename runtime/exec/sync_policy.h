// SyncPolicy: when recorded ops are flushed unasked; a function of the sequence of ops alone.
#pragma once
#include <cstdint>

namespace jtcy {

/// Counts the output bytes of ops recorded since the last flush. Recording thread only.
class SyncPolicy {
 public:
  /// After ops were recorded: true at a window's border.
  bool at_border(int64_t window_ops, int64_t window_nbytes);
  /// A flush of any reason starts a new window.
  void restart() noexcept;

 private:
  uint64_t seen_ = 0;  // id of the last op that was counted
  int64_t ops_ = 0;
  int64_t nbytes_ = 0;
  bool border_ = false;      // the last answer; a flush followed
  int64_t left_behind_ = 0;  // ops that were pending after that flush all the same
};

}  // namespace jtcy
