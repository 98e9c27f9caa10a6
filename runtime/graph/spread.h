// Spread: how the elements of a value that was broadcast, transposed or reindexed are read from the value it began
// with.
#pragma once
#include <memory>

#include "graph/contraction.h"
#include "graph/graph.h"

namespace jtcy {

struct Spread {
  VarRef source;
  SmallVector<ContractionDim, 6> dims;  // index d of the source, of the value's axes (axis1 -1: 0)
  bool bounded = false;                 // an index may be outside: 0 is read
  bool stopped = false;                 // a gradient of the source does not pass here
  const char* trouble = nullptr;        // why no contraction can read it so
  SmallVector<uint64_t, 4> between;     // ids of the values from behind the source to this one
};

/// What a value keeps of its pattern when its producer goes: one Spread, or the two factors of a product.
struct Recipe : Pattern {
  SmallVector<Spread, 2> operands;
  bool stopped = false;  // of a product: a gradient does not pass it
};

std::unique_ptr<Pattern> spread_recipe(Var* y, const Op& op);
/// Of a view without a producer.
std::unique_ptr<Pattern> view_recipe(const Var& y, const VarRef& x, const Attrs& attrs);
std::unique_ptr<Pattern> scores_recipe(Var* y, const Op& op);
/// What they begin with is to be realized.
void save_spreads(const Pattern& recipe);
void save_scores(const Pattern& recipe);

/// False: `y` is read from nothing smaller.
bool read_spread(Var* y, Spread* spread);
/// The same of a view `y` of x, by `axes` (the input axis of each output axis, or -1), that has no producer.
bool read_view(const Var& y, Var* x, const int64_t* axes, Spread* spread);

}  // namespace jtcy
