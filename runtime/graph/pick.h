// Pick: one element along an axis, chosen by an index Var over the other axes; and its gradient.
#pragma once
#include "graph/graph.h"

namespace jtcy {

// Note [Pick]
// out[rest] = x[.., index[rest], ..], checked. Its gradient is where(iota along the axis == index, dy, 0): elementwise,
// so it fuses with the rest of a loss, and no two indices can meet at one element.

VarRef make_pick(const VarRef& x, const VarRef& index, int axis, const char* function);
/// The axis, or -1 when the Reindex is anything else.
int read_pick(const Op& op);
VarRef pick_gradient(const VarRef& dy, const VarRef& index, const Shape& shape, int axis);

}  // namespace jtcy
