// Rewrites that change arithmetic: what users compose of simpler operators becomes one operator with a faster kernel.
#pragma once
#include <memory>

#include "graph/graph.h"

namespace jtcy {

// Note [Rewrites]
// The last op of a pattern is looked at when it is recorded: if its operands' producers are the pattern's, another op
// is made of the values that they began with. So that a rewrite follows from the sequence of ops alone, a value whose
// producer goes keeps what the pattern says of it (Var::recipe): it is then the same whatever was realized meanwhile,
// in every mode. A recipe holds the values that the pattern began with, which are smaller than its own; it lives as
// long as the value does, and only values that outlive their producers have one. Nothing else holds more than it would:
// values between are as they are without a rewrite, and what nobody reads is not computed. Gradients are those of the
// new op. One that is asked for at a value between would miss it: grad() says so. Each rewrite has a flag: its bits
// differ from those of the composition by rounding.

void set_rewrites(bool enabled) noexcept;

/// The sum of x over `axes` as a Contraction, where x is a' * b', a' and b' repeated or indexed, each with axes that
/// the other lacks. Null where it is none, and then the reason, if x looked like one.
VarRef rewrite_sum(const VarRef& x, uint32_t axes, const char** reason);

/// The product of a and b, both repeated, each with axes that the other lacks, as the contraction of `left` and
/// `right`, its summed axis of extent 1; false where it is none.
bool read_outer_product(const VarRef& a, const VarRef& b, VarRef* left, VarRef* right, Attrs* attrs);

/// What Op::function says of arithmetic with a number, and of the last op of a softmax over the last axis.
inline constexpr char kWithNumber[] = "arithmetic with a number";
inline constexpr char kSoftmax[] = "softmax";

/// The product of v with softmax(scale q k^T + mask) as an Attention; null likewise.
VarRef rewrite_weighted(const VarRef& weights, const VarRef& v, const char** reason);

/// Why a rewrite left `op` as it is; null where none looked at it.
inline const char* why_kept(const Op& op) noexcept { return op.provenance ? op.provenance->kept : nullptr; }
inline void note_kept(const Var& y, const char* reason) {
  y.producer->provenance = std::make_unique<Provenance>();
  y.producer->provenance->kept = reason;
}

/// The producer of `var`, which is realized, is about to go.
void keep_recipe(Var* var);
/// `y` is a view of x without a producer: a Broadcast or Transpose by `axes`.
void keep_view_recipe(Var* y, const VarRef& x, OpKind kind, const Attrs& attrs);
/// The values that a recipe of `op`'s output would begin with are to be realized with it (Note [Saved] in cut.cpp).
void save_recipe(const Op& op);

}  // namespace jtcy
