// MappedOperands: what a launch reads and writes through the spill file, since not all of it fits the budget at once.
#pragma once
#include <cstddef>
#include <vector>

#include "exec/executor_run.h"

namespace jtcy {

/// Maps what one launch has on disk and puts their addresses into the Run; unmaps them at the end. In the executor.
class MappedOperands {
 public:
  /// `next`: the launch's first entry of Run::mappings; moved behind its last. Throws kRuntime on I/O errors.
  MappedOperands(Run& run, std::size_t* next, MemoryManager& manager);
  ~MappedOperands();
  MappedOperands(const MappedOperands&) = delete;
  MappedOperands& operator=(const MappedOperands&) = delete;

  /// How many iterations of a grid touch about a window's worth of pages, if all touch as many.
  int64_t part_of(int64_t grid) const noexcept;
  /// The pages that were touched leave memory.
  void release_pages() const noexcept;

 private:
  explicit MappedOperands(MemoryManager& manager) noexcept : manager_(manager) {}
  void* map(const MemoryManager::Mapping& wanted);

  MemoryManager& manager_;
  std::vector<MemoryManager::Mapping> mappings_;
  int64_t nbytes_ = 0;
};

}  // namespace jtcy
