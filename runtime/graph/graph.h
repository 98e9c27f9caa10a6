// Graph: making nodes, the pending set, choosing what a flush runs, and release of dead nodes.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "graph/var.h"

namespace jtcy {

using VarRef = Ref<Var>;

/// Hooks of the Cython floor. `current` gives the nearest user frame (with a new reference to its code object).
struct OriginHooks {
  Origin (*current)() = nullptr;
  Origin (*retain)(Origin origin) = nullptr;
  void (*release)(Origin origin) = nullptr;
  std::string (*text)(Origin origin) = nullptr;  // "train.py:41"
};
void set_origin_hooks(OriginHooks hooks) noexcept;
/// Drops the producer of a value that is there; the user's line stays known.
void forget_producer(Var* var) noexcept;
/// "file.py:12", or "" when unknown.
std::string origin_text(const Var& var);
/// The Var that holds a Buffer, as errors show it.
std::string describe_holder(const Buffer& buffer);

/// The recording thread's graph; everything below is called with the GIL held.
VarRef make_leaf(Ref<Buffer> buffer, int64_t offset, Shape shape, Strides strides, Dtype dtype, Device device);
/// Checks nothing about meaning (graph/infer.h does that in the typed makers below); hashes, links, counts as pending.
VarRef make_node(OpKind kind, SmallVector<VarRef, 2> inputs, Attrs attrs, const Shape& shape, Dtype dtype);
/// The same with several outputs.
SmallVector<VarRef, 2> make_nodes(OpKind kind, SmallVector<VarRef, 2> inputs, Attrs attrs,
                                  const SmallVector<Shape, 2>& shapes, const SmallVector<Dtype, 2>& dtypes);

/// Typed makers: infer dtype and shape, check, and make one node (or reuse x where the op would be the identity).
/// Every error names `function`, the public name.
VarRef make_elementwise(OpKind kind, SmallVector<VarRef, 2> inputs, const char* function);
VarRef make_cast(const VarRef& x, Dtype dtype);
VarRef make_full(const Shape& shape, Dtype dtype, double value);
VarRef make_full_int(const Shape& shape, Dtype dtype, int64_t value);
VarRef make_iota(const Shape& shape, Dtype dtype, int axis, double start, double step);
VarRef make_random(const Shape& shape, Dtype dtype, int64_t seed, int64_t counter);
VarRef make_broadcast(const VarRef& x, const Shape& shape, const SmallVector<int64_t, 6>& input_axes);
/// NumPy's rule: align at the right, repeat extents of 1.
VarRef make_broadcast_to(const VarRef& x, const Shape& shape, const char* function);
VarRef make_transpose(const VarRef& x, const SmallVector<int64_t, 6>& perm);
VarRef make_reshape(const VarRef& x, const Shape& shape, const char* function);
VarRef make_slice(const VarRef& x, const SmallVector<int64_t, 6>& start, const SmallVector<int64_t, 6>& step,
                  const Shape& shape);
VarRef make_pad(const VarRef& x, const SmallVector<int64_t, 6>& low, const Shape& shape, double value);
VarRef make_concat(const SmallVector<VarRef, 2>& inputs, int axis, const char* function);
VarRef make_insert(const VarRef& x, const VarRef& v, const SmallVector<int64_t, 6>& start,
                   const SmallVector<int64_t, 6>& step);
/// `structure` and `scalars` as op_kinds.def says.
VarRef make_reindex(const SmallVector<VarRef, 2>& inputs, Attrs attrs, const Shape& shape, const char* function);
VarRef make_reindex_reduce(const SmallVector<VarRef, 2>& inputs, Attrs attrs, const Shape& shape, const char* function);
/// Any set of axes (bit mask): chains of one Reduce a contiguous run of axes, innermost first. Drops the axes.
VarRef make_reduce(const VarRef& x, ReduceKind kind, uint32_t axes, const char* function);
/// Running sums or products along an axis, in reverse from its end; `factor` of x's shape and dtype for kLinear only.
/// Products have no reverse.
VarRef make_scan(const VarRef& x, const VarRef& factor, ScanKind kind, int64_t axis, bool reverse,
                 const char* function);
VarRef make_contraction(const VarRef& a, const VarRef& b, const Attrs& attrs, const Shape& shape, const char* function);

/// The same value without a gradient path.
VarRef make_detached(const VarRef& x);
/// Outputs of a user's Function: copies of `values` whose gradients flow to `inputs` through the callback (called once
/// a sweep with a cotangent for each value). `release` runs once, when the last of them is gone.
SmallVector<VarRef, 2> make_function(const SmallVector<VarRef, 2>& values, const SmallVector<VarRef, 2>& inputs,
                                     GradientCallback callback);
/// A user's kernel: `attrs` as op_kinds.def says; callback.call null: no gradient.
SmallVector<VarRef, 2> make_code(const SmallVector<VarRef, 2>& inputs, Attrs attrs, const SmallVector<Shape, 2>& shapes,
                                 const SmallVector<Dtype, 2>& dtypes, GradientCallback callback);
/// Where sources (Full, Iota, Random) are made; leaves bring their own.
void set_default_device(Device device) noexcept;
Device default_device() noexcept;
/// What ops recorded from now on carry as Op::schedule; 0: nothing was given. kScheduleChangesBits is a flag in it.
void set_schedule(uint32_t number) noexcept;
inline constexpr uint32_t kScheduleChangesBits = uint32_t{1} << 31;

/// Pending ops now, and all recorded since the start.
int64_t pending_ops() noexcept;
int64_t recorded_ops() noexcept;
int64_t live_vars() noexcept;
int64_t live_ops() noexcept;

/// Marks Python's interest; a held pending Var is an output of the flush that runs it.
void hold(Var& var) noexcept;
void unhold(Var& var) noexcept;

/// Ops that a flush of `targets` runs: their pending ancestors, and held pending Vars recorded before the last target
/// whose pending ancestors are all among them. In order of id. `everything`: all held pending Vars and their ancestors.
std::vector<Op*> choose_cut(const std::vector<Var*>& targets, bool everything);

/// A part of what was recorded: up to the op `last`, and of what came behind it, in front of the op `end`, only what
/// reads that part and nothing else that is pending.
struct Prefix {
  uint64_t last = 0;
  uint64_t end = 0;
};
/// Ops that a flush of a prefix runs: what is held there, and its pending ancestors. In order of id.
std::vector<Op*> choose_prefix(const Prefix& prefix);

/// Movements recorded behind the op `id` whose input was realized since become views, as if recorded now: a graph does
/// then not depend on whether a flush came in front of them or just behind.
void make_views_behind(uint64_t id);

/// After a cut was bound: its ops stop pending; producers that no gradient can reach are dropped.
/// Note [Paths]: a producer stays while some Var that Python holds is a differentiable ancestor.
void retire(const std::vector<Op*>& cut);

}  // namespace jtcy
