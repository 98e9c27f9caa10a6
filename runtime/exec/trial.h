// Trial: launches of one graph timed on scratch memory, for choosing between schedules; no Var is touched.
#pragma once
#include <cstdint>
#include <vector>

#include "exec/program.h"
#include "graph/snapshot.h"
#include "graph/var.h"

namespace jtcy {

/// Keeps what a launch depends on beside the Program: extents, strides of leaves, scalars. Recording thread.
class Trial {
 public:
  explicit Trial(const GraphSnapshot& live);

  /// Least nanoseconds of each launch, taken in turn for about `budget_ns`; waits for what is running first. Empty
  /// where the memory budget has no room. `launches`: loaded kernels of this graph.
  std::vector<int64_t> time(std::vector<Launch> launches, int64_t budget_ns);
  /// Extent of each symbol.
  std::vector<int64_t> extents() const;

 private:
  std::vector<KernelScalar> scalars_of(const Launch& launch) const;

  GraphSnapshot snapshot_;  // live Vars of leaves only
  std::vector<Ref<Var>> leaves_;
  std::vector<std::vector<KernelScalar>> scalars_;  // of each op
};

}  // namespace jtcy
