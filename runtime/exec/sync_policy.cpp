// Windows of recorded ops.
#include "exec/sync_policy.h"

#include <algorithm>

#include "graph/graph_state.h"

namespace jtcy {

bool SyncPolicy::at_border(int64_t window_ops, int64_t window_nbytes) {
  left_behind_ = border_ ? g_graph.pending : std::min(left_behind_, g_graph.pending);
  border_ = false;
  const Op* const last = g_graph.last_pending;
  if (last == nullptr) return false;
  for (const Op* op = last; op != nullptr && op->id > seen_; op = op->previous_pending) {
    ++ops_;
    for (const Var* output : op->outputs) {
      if (output != nullptr) nbytes_ += output->nbytes();
    }
  }
  seen_ = last->id;
  // Reads restart the window but may leave a chain that grows, such as total += loss.
  const bool grown = g_graph.pending - left_behind_ >= window_ops;
  border_ = ops_ >= window_ops || nbytes_ >= window_nbytes || grown;
  return border_;
}

void SyncPolicy::restart() noexcept { ops_ = nbytes_ = 0; }

}  // namespace jtcy
