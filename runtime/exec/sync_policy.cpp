// Windows of recorded ops.
#include "exec/sync_policy.h"

#include "graph/graph_state.h"

namespace jtcy {

bool SyncPolicy::at_border(int64_t window_ops, int64_t window_nbytes) {
  const Op* const last = g_graph.last_pending;
  if (last == nullptr) return false;
  for (const Op* op = last; op != nullptr && op->id > seen_; op = op->previous_pending) {
    ++ops_;
    for (const Var* output : op->outputs) {
      if (output != nullptr) nbytes_ += output->nbytes();
    }
  }
  seen_ = last->id;
  return ops_ >= window_ops || nbytes_ >= window_nbytes;
}

void SyncPolicy::restart() noexcept { ops_ = nbytes_ = 0; }

}  // namespace jtcy
