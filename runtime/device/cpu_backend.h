// The CPU's Backend; everyone else asks backend_of().
#pragma once
#include "device/backend.h"

namespace jtcy {

/// Made at the first call, lives until the process ends.
Backend& cpu_backend();

/// Whether memory that is taken from the system from now on is asked to be made of huge pages, and gets its pages while
/// kernels are compiled; any thread.
void set_huge_pages(bool on) noexcept;

}  // namespace jtcy
