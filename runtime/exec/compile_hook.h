// The hook that turns a miss into a Program; set by _plan.pyx, so that no floor below Python knows the compiler.
#pragma once
#include "base/intrusive_ptr.h"
#include "exec/plan_cache.h"

namespace jtcy {

/// All are called in the recording thread with the GIL held and no lock.
struct CompileHook {
  void* context = nullptr;
  /// `snapshot` holds live nodes. Null: stay with the interpreted Program.
  Ref<Program> (*compile)(void* context, const GraphSnapshot& snapshot) = nullptr;
  /// What an earlier process compiled for this structure, or null. May be missing.
  Ref<Program> (*recall)(void* context, const GraphSnapshot& snapshot) = nullptr;
  /// Starts the compile elsewhere; `entry.fused` is set later by a thread that holds the GIL. May be missing.
  void (*compile_later)(void* context, const Ref<PlanEntry>& entry) = nullptr;
};
void set_compile_hook(CompileHook hook) noexcept;

}  // namespace jtcy
