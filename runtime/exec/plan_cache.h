// PlanCache: Signature → the Programs of a structure, and the Layouts of each.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "exec/bind_layout.h"
#include "exec/program.h"
#include "graph/snapshot.h"

namespace jtcy {

/// An axis whose index an op checks. `wraps`: negative indices count from its end.
struct CheckedAxis {
  int32_t axis = 0;
  bool wraps = false;
};

/// Which public function made an op, and where the user called it, as text; immutable, so that runs may share it.
class OriginText : public RefCounted {
 public:
  std::string text;
  const char* function = nullptr;
  std::vector<CheckedAxis> checked;
};

/// An op that can fail while it runs (checked indices, user code).
struct FallibleOp {
  int32_t op = 0;
  Origin seen;  // of the op that `origin` was made for; not owned, compared only
  std::vector<CheckedAxis> checked;
  Ref<OriginText> origin;
};

/// The Var that an op with index programs addresses.
const Var& indexed_var(const Op& op) noexcept;

/// What is known of one Signature. Belongs to the recording thread; a run in flight only keeps it alive.
class PlanEntry : public RefCounted {
 public:
  explicit PlanEntry(const GraphSnapshot& snapshot);

  GraphSnapshot snapshot;  // without live nodes
  Ref<Program> interpreted;
  Ref<Program> fused;     // null: not asked for yet, or the compiler declined
  bool recalled = false;  // looked for among what earlier processes compiled
  bool asked = false;     // the compile hook was called
  bool planning = false;  // and has not answered yet: read and written with the GIL held
  bool met = false;       // flushed before
  bool waited = false;    // some flush waited for its kernels
  bool updates = false;   // holds an optimizer's update: the end of a step
  bool own_bits = false;  // some schedule changes the bits: the interpreter does not know them
  std::vector<FallibleOp> fallible;

  /// Whether kernels that it lacks may still come.
  bool is_promised() { return planning || (fused && !fused_ready() && !fused->failed()); }
  bool fused_ready() {
    if (!fused_ready_ && fused) fused_ready_ = fused->ready();
    return fused_ready_;
  }
  /// The Layout of `program` for these extents; made where there is none.
  Ref<Layout> layout(const GraphSnapshot& live, const Ref<Program>& program, int threads);
  /// Origin texts of the fallible ops of `live`; calls the text hook only for places not seen last time.
  void refresh_origins(const GraphSnapshot& live);

 private:
  bool fused_ready_ = false;
  std::vector<Ref<Layout>> layouts_;  // last used first
  std::vector<int64_t> key_;
};

class PlanCache {
 public:
  /// Null when there is none.
  PlanEntry* find(const Hash128& signature);
  /// `reason` gets the first difference from the entry that is most like it.
  Ref<PlanEntry> insert(const GraphSnapshot& snapshot, std::string* reason);
  std::size_t size() const noexcept { return entries_.size(); }
  void clear();

 private:
  std::unordered_map<Hash128, Ref<PlanEntry>, Hash128Hasher> entries_;
  std::vector<Ref<PlanEntry>> recent_;  // newest last, for reasons
};

}  // namespace jtcy
