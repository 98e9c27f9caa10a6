// Invariants of the live graph, checked on request (JTCY_VERIFY=1 and every test).
#pragma once

namespace jtcy {

/// Throws kInternal with the first broken invariant.
void verify_graph();

}  // namespace jtcy
