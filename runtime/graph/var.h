// Var and Op: the nodes of the lazy graph.
#pragma once
#include <cstdint>
#include <memory>

#include "base/hash.h"
#include "base/intrusive_ptr.h"
#include "base/small_vector.h"
#include "device/dtype.h"
#include "device/shape.h"
#include "graph/attrs.h"
#include "graph/op_kind.h"
#include "memory/buffer.h"

namespace jtcy {

class Op;
class Var;
/// Free chains of nodes iteratively (Note [Release] in var.cpp).
void destroy_object(const Var* var) noexcept;
void destroy_object(const Op* op) noexcept;

/// Where the user made a node: a code object and an instruction offset, owned through the hooks of graph.h.
struct Origin {
  void* code = nullptr;
  int32_t instruction = 0;
};

/// What is known of how a value was composed, for rewrites (Note [Rewrites] in rewrite.h).
struct Pattern {
  virtual ~Pattern() = default;
  bool of_scores = false;  // part of an attention; else of a sum of products
};

/// Of an op that a rewrite made, or looked at.
struct Provenance {
  SmallVector<uint64_t, 4> passed;  // ids of the values between: gradients go past them
  const char* kept = nullptr;       // why the op was left as it is, for debug.explain; lives for ever
};

// Note [Layout of nodes]
// Every pass over a cut goes through all its nodes, which are more than the caches of a core hold: what recording and
// flushing look at comes first, within two cache lines.

/// An immutable value: pending (it has a producer that has not run), realized (it has a Buffer), or failed.
class Var : public PlainRefCounted {
 public:
  int32_t held = 0;    // handles outside the graph (Python cells); those are outputs of a flush
  Ref<Op> producer;    // null for leaves, and once the value is there and no gradient can need it
  Ref<Buffer> buffer;  // set when the run that makes it is bound
  int64_t local = -1;  // scratch of graph walks
  /// Creation number; a topological order of the graph.
  uint64_t id = 0;
  int32_t output_index = 0;
  Device device;
  Dtype dtype = Dtype::kFloat32;
  bool stop_grad = false;
  bool trainable = false;  // a Parameter: backward() fills its grad
  bool trains = false;     // a gradient passes it on the way to one
  bool saved = false;      // of the cut at hand: must have a Buffer although nobody holds it (Note [Saved] in cut.cpp)
  bool released = false;   // the gradient path behind it was given up; a sweep that meets it throws
  bool ghost = false;      // nobody refers to it, but its op has other outputs (Note [Release] in var.cpp)
  Shape shape;

  Strides strides;                  // meaningful once realized
  int64_t offset = 0;               // of the first element, in elements
  int64_t slot = -1;                // scratch of a gradient sweep (which may call Python, and Python may flush)
  Origin origin;                    // of a leaf, and of what outlived its producer
  Ref<Var> companion;               // another output of the producer, which only the gradient reads
  std::unique_ptr<Pattern> recipe;  // of what outlived its producer; null: nothing that a rewrite looks for

  bool realized() const noexcept { return static_cast<bool>(buffer); }
  bool learned() const noexcept { return !stop_grad && (trainable || trains); }
  bool contiguous() const noexcept { return is_contiguous(shape, strides); }
  int64_t count() const noexcept {
    int64_t count = 1;
    for (const int64_t extent : shape) count *= extent;
    return count;
  }
  int64_t nbytes() const noexcept { return count() * itemsize(dtype); }
};

/// What a user's Function or hook asks of the sweep; calls into Python with the GIL held, in the recording thread.
struct GradientCallback {
  void* context = nullptr;
  /// cotangents in (null where zero), gradients of the inputs out (null where none). Throws kGradient after leaving a
  /// Python error set.
  void (*call)(void* context, const SmallVector<Ref<Var>, 2>& cotangents,
               SmallVector<Ref<Var>, 3>* gradients) = nullptr;
  void (*release)(void* context) = nullptr;
  int32_t output = 0;   // a Function of several outputs is that many Copies with one context: which this is,
  int32_t outputs = 1;  // of how many
};

class Op : public PlainRefCounted {
 public:
  OpKind kind = OpKind::kCopy;
  bool pending = true;          // has not been bound to a run
  bool executed = false;        // ran inside a fused kernel that stored no output; pending, but not counted as such
  bool differentiable = false;  // recorded with gradients on and an input that has one
  bool released = false;        // the gradient path through it was released
  uint32_t update_group = 0;    // nonzero: part of an optimizer's update of this number; fused only with its own kind
  int64_t local = -1;           // scratch of graph walks
  uint64_t id = 0;              // that of its first output
  Op* previous_pending = nullptr;  // the list of pending ops, in order of id
  Op* next_pending = nullptr;
  SmallVector<Ref<Var>, 2> inputs;
  SmallVector<Var*, 1> outputs;  // not owned: an output owns its producer; null once it is gone

  Hash128 hash;           // kind, structure, dtypes, number of scalars
  uint32_t schedule = 0;  // what jt.schedule() gave (compiler/ir/schedule.py); fused only with its own kind
  Attrs attrs;
  Origin origin;
  const char* function = nullptr;          // the public name, of ops that can fail while they run; lives for ever
  int64_t slot = -1;                       // scratch of a gradient sweep
  std::unique_ptr<Provenance> provenance;  // null: no rewrite has to do with it
  GradientCallback gradient;               // instead of the rule: a user's Function (on a Copy), Code, maximum pooling
};

}  // namespace jtcy
