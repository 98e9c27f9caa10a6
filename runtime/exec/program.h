// Program: what the compiler makes of a Signature: launches in order, free of extents. Plain data.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/intrusive_ptr.h"
#include "exec/kernel.h"

namespace jtcy {

/// A number that a kernel receives in KernelArgs::dim; resolved for the extents at hand.
struct DimRef {
  enum class What : uint8_t { kExtent, kStride, kConstant, kCount };
  What what = What::kConstant;
  int32_t var = 0;
  int32_t axis = 0;
  int64_t value = 0;  // kConstant; kCount: product of the var's extents of the axes [axis, value)
};

/// Product of ceil(dim / divisor) over its terms, times `factor`.
struct Product {
  struct Term {
    int32_t dim = 0;  // index into Launch::dims
    int64_t divisor = 1;
  };
  std::vector<Term> terms;
  int64_t factor = 1;
  int64_t evaluate(const int64_t* dims) const noexcept;
};

struct ScalarRef {
  int32_t op = 0;
  int32_t scalar = 0;
};

struct PhaseSpec {
  Product grid;  // iterations of the parallel range
  Product work;  // rough nanoseconds of one iteration on one thread, for the grain
  bool block_per_iteration = false;
  int64_t grain_ns = 10'000;  // the least work for a thread: waking one costs a few microseconds
};

/// One Group: a compiled Kernel, or one op that the runtime runs itself (interpreter; contraction routines).
struct Launch {
  Ref<Kernel> kernel;            // null: `ops` holds one op, run by the interpreter
  std::vector<int32_t> ops;      // in the snapshot's numbering, for stats, explain and errors
  std::vector<int32_t> buffers;  // vars in the order of KernelArgs::ptr, inputs first
  int32_t output_count = 1;      // the last ones of `buffers`
  std::vector<DimRef> dims;
  std::vector<ScalarRef> scalars;
  std::vector<PhaseSpec> phases;
  Product local_nbytes;   // scratch a thread
  Product shared_nbytes;  // scratch a launch
  /// (output position in buffers, input position): the output may take over that input's memory when the input dies.
  std::vector<std::pair<int32_t, int32_t>> donations;
  /// Neighbours with the same nonzero batch run as one: independent launches of one kernel; or a contraction, behind it
  /// the kernel that goes on from its pieces (its epilogue), in front of it the one that makes an operand while it is
  /// packed (its prologue).
  int32_t batch = 0;
};

class Program : public RefCounted {
 public:
  Hash128 signature;
  std::vector<Launch> launches;  // in order
  /// From the launches: for each var the launch that makes it (-1: leaf or never in memory) and the last that reads it.
  std::vector<int32_t> defined_at, last_use;
  std::string text() const;  // readable, stable; what debug prints and tests compare

  /// True once every kernel is loaded. A failed kernel sets failed and the interpreted Program stays in use.
  bool ready() const noexcept;
  bool failed() const noexcept;
  /// Kernels that are being compiled.
  int missing() const noexcept;

  /// Fills defined_at and last_use; checks that every buffer read is a leaf or made before (kInternal else).
  void finish(int32_t var_count, int32_t leaf_count);
};

}  // namespace jtcy
