// The hook that turns a miss into a Program; set by _plan.pyx, so that no floor below Python knows the compiler.
#pragma once
#include "base/intrusive_ptr.h"
#include "exec/program.h"
#include "graph/snapshot.h"

namespace jtcy {

struct CompileHook {
  void* context = nullptr;
  /// Called in the recording thread with the GIL held and no lock. Null: stay with the interpreted Program.
  Ref<Program> (*compile)(void* context, const GraphSnapshot& snapshot) = nullptr;
};
void set_compile_hook(CompileHook hook) noexcept;

}  // namespace jtcy
