// Binder: gives a Layout its memory, in the order of its launches, and writes down what the run needs.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "exec/executor_run.h"
#include "graph/snapshot.h"
#include "graph/var.h"
#include "memory/manager.h"
#include "plan/evict.h"

namespace jtcy {

/// Reused from flush to flush: clear() keeps capacity. Everything happens in the recording thread.
struct BindContext {
  struct Slot {
    Ref<Buffer> buffer;
    int64_t offset_nbytes = 0;
  };
  std::vector<Slot> slots;  // of each var
  std::vector<std::pair<int32_t, Ref<Var>>> outputs;
  std::vector<Ref<Buffer>> graveyard;  // borrowed ones: their release may run Python, so it waits for the end
  std::vector<Block*> scratch;
  std::vector<Buffer*> foreign;  // live Buffers that this plan does not touch
  bool foreign_known = false;
  void clear();
};

class Binder {
 public:
  Binder(Layout& layout, MemoryManager& manager, Run& run, BindContext& context)
      : layout_(layout), manager_(manager), run_(run), context_(context) {}

  /// Before the cut is retired: leaves, scalars, outputs. `completed`: ticket up to which everything is done.
  void take(const GraphSnapshot& live, int64_t completed);
  /// After it: what nobody else holds dies at its last use. Throws kBudget when there is no room (bind_budget.cpp).
  void bind();

  /// Room for one Buffer on disk, at the cost of others.
  void restore(Buffer& buffer, int32_t before);
  /// Room for a Buffer of its own, likewise.
  Ref<Buffer> allocate(int64_t nbytes);
  /// Host bytes into a Buffer; `copied`: they may be gone when the run comes to it.
  void upload(Buffer& buffer, const void* host, int64_t nbytes, bool copied);
  /// Moves Buffers to disk until the counted bytes are within the budget, or none can go.
  void shrink_to_budget();
  /// Memory that left the pool while this plan was made.
  void free_later(void* address, int64_t nbytes);

 private:
  void bind_group(int32_t begin, int32_t end);
  void allocate_outputs(int32_t number);
  bool donate(const LaunchLayout& launch, int32_t output);
  void allocate_scratch(int32_t number);
  void* allocate_block(int64_t nbytes);
  void write_addresses(int32_t number);
  void let_go(int32_t var);

  // With a budget (bind_budget.cpp).
  Ref<Buffer> allocate_slowly(int64_t nbytes);
  Block* allocate_block_slowly(int64_t nbytes);
  void make_resident(int32_t begin, int32_t end);
  void choose_mapped_operands();
  bool is_mapped(int32_t var) const noexcept { return !mapped_.empty() && find_mapped(var); }
  bool find_mapped(int32_t var) const noexcept;
  bool evict_one();
  void evict(Buffer* buffer);
  void add_candidate(Buffer* buffer, int32_t next, std::vector<Candidate>* candidates,
                     std::vector<Buffer*>* buffers) const;
  bool in_group(const Buffer* buffer) const noexcept;
  void find_foreign();

  Layout& layout_;
  MemoryManager& manager_;
  Run& run_;
  BindContext& context_;
  int32_t group_begin_ = 0;
  int32_t group_end_ = 0;
  std::vector<int32_t> mapped_;  // vars that stay on disk while the group runs
};

/// Throws kBudget, naming the first op whose operands can never be in memory together; sets Run::split_batches where
/// only launches alone fit. Nothing is changed.
void check_budget(const Layout& layout, const MemoryManager& manager, const GraphSnapshot& live, Run* run);
/// The same as a question.
bool fits_budget(const Layout& layout, const MemoryManager& manager, const GraphSnapshot& live);

}  // namespace jtcy
