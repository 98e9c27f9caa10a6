// The words for an index Var whose value is out of range.
#pragma once
#include <string>

#include "exec/executor_run.h"
#include "exec/kernel_abi.h"

namespace jtcy {

/// Names the public function, the axis, the value as the user gave it, the valid range and the user's line.
std::string index_error_text(const RunOrigin& origin, const KernelError& error);

}  // namespace jtcy
