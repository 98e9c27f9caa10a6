// Run: a bound Plan as plain data, ready to be executed by any thread; and how it is executed.
#pragma once
#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include "exec/bind_layout.h"
#include "exec/plan_cache.h"
#include "memory/manager.h"

namespace jtcy {

/// Something that happens between launches: in front of launch `before`, in the order of planning.
struct RunStep {
  enum class What : uint8_t { kMove, kUpload, kFree };
  What what = What::kMove;
  int32_t before = 0;
  MemoryManager::Move move;      // kMove
  void* address = nullptr;       // kUpload, kFree
  int64_t nbytes = 0;            // kUpload, kFree
  const void* source = nullptr;  // kUpload
};

/// An operand that stays on disk while a launch works on it: there was no room for all of them at once.
struct RunMapping {
  int32_t launch = 0;
  int32_t operand = 0;  // of Run::addresses
  int64_t offset_nbytes = 0;
  MemoryManager::Mapping mapping;
};

struct RunOrigin {
  int32_t op = 0;
  Ref<OriginText> origin;
  Shape indexed;  // of the Var whose axes the origin's `checked` names
};

/// Reused: clear() keeps the capacity of its arrays.
struct Run {
  int64_t ticket = 0;
  Ref<Layout> layout;                 // null: steps only
  std::vector<void*> addresses;       // beside Layout::operands
  std::vector<void*> scratch;         // one a launch; null where none is needed
  std::vector<KernelScalar> scalars;  // beside Layout::scalars
  std::vector<RunStep> steps;
  std::vector<RunMapping> mappings;  // in the order of launches
  std::vector<std::unique_ptr<char[]>> uploads;
  std::vector<int64_t> reads;  // tickets of the leaves that were not done at binding
  std::vector<RunOrigin> origins;
  bool updates = false;
  bool split_batches = false;          // memory is short: launches of a batch run one by one
  int64_t room = 0;                    // bytes that a launch may take then
  std::exception_ptr planned_failure;  // set when binding failed half way: nothing is launched

  void clear();
};

/// Executes every step and, unless `failure` is set, every launch. The first error stops the launches (not the steps)
/// and is returned; null when all went well.
std::exception_ptr execute(Run& run, Device device, std::exception_ptr failure);

}  // namespace jtcy
