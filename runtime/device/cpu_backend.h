// The CPU's Backend; everyone else asks backend_of().
#pragma once
#include "device/backend.h"

namespace jtcy {

/// Made at the first call, lives until the process ends.
Backend& cpu_backend();

}  // namespace jtcy
