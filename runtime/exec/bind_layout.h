// Layout: a Program with its numbers for given extents: dims, grids, sizes, and when each var dies.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "base/intrusive_ptr.h"
#include "device/backend.h"
#include "exec/interpreter.h"
#include "exec/program.h"
#include "graph/snapshot.h"
#include "plan/lifetime.h"

namespace jtcy {

/// One Launch of a Layout; ranges into the Layout's flat arrays.
struct LaunchLayout {
  Kernel* kernel = nullptr;  // owned by the Program; null: one op that the runtime runs itself
  int32_t first_operand = 0;
  int32_t input_count = 0;
  int32_t output_count = 0;
  int32_t first_scalar = 0;
  int32_t first_dim = 0;
  int32_t first_phase = 0;
  int32_t phase_count = 0;
  int32_t first_free = 0;  // vars that nothing reads after this launch (after its batch)
  int32_t free_count = 0;
  int32_t batch_end = 0;  // launches [this, batch_end) start as one; this + 1 where alone
  int32_t split_end = 0;  // the same where memory is short: what is made while it is packed stays with its contraction
  int32_t op_view = -1;   // into Layout::op_views
  int32_t first_donation = 0;
  int32_t donation_count = 0;
  int64_t output_nbytes = 0;  // of its largest output
  int64_t shared_nbytes = 0;  // scratch of the launch, in front of the threads' own
  int64_t scratch_nbytes = 0;
};

/// Immutable but for the data pointers of `views`, which belong to whoever runs it (under the device's run lock).
class Layout : public RefCounted {
 public:
  std::vector<int64_t> key;
  Ref<Program> program;
  int32_t threads = 1;
  std::vector<LaunchLayout> launches;
  std::vector<int32_t> operands;  // vars: inputs, then outputs of each launch
  std::vector<long long> dims;
  std::vector<PhaseLaunch> phases;
  std::vector<ScalarRef> scalars;
  std::vector<int32_t> frees;
  std::vector<int64_t> nbytes;     // of each var
  std::vector<uint8_t> is_output;  // of each var
  /// (output var, input var): the input dies in that launch, is contiguous and as large; whether it is ours alone is
  /// known at binding only.
  std::vector<std::pair<int32_t, int32_t>> donations;
  Uses uses;                      // launches that touch each var, for planning evictions
  std::vector<TensorView> views;  // beside `operands`, where a launch is interpreted; else empty ones
  std::vector<OpView> op_views;
  std::vector<int64_t> structure;  // that the op_views point to
  int64_t work_ns = 0;             // rough time on one thread
  int64_t launch_count = 0;        // a batch counts once
  int64_t interpreted_count = 0;
};

/// Extents, strides of strided leaves, offsets of contractions, threads: what a Layout of one Program depends on.
void layout_key(const GraphSnapshot& snapshot, int threads, std::vector<int64_t>* key);

/// `snapshot` holds live Vars. `key` as layout_key gives it.
Ref<Layout> make_layout(const GraphSnapshot& snapshot, const Ref<Program>& program, int threads,
                        const std::vector<int64_t>& key);

/// The bytes of a value for these extents.
int64_t nbytes_of(const GraphSnapshot& snapshot, int32_t var);
/// The most bytes that a Program's results and temporaries take at one time for these extents.
int64_t peak_nbytes(const GraphSnapshot& snapshot, const Program& program);
/// The bytes of what a structure leaves in memory.
int64_t output_nbytes(const GraphSnapshot& snapshot);
/// One launch an op, in the order of recording; needs no compiler.
Ref<Program> make_interpreted_program(const GraphSnapshot& snapshot);

}  // namespace jtcy
