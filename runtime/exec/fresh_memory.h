// FreshMemory: memory of a first run's results gets its pages while its kernels are compiled.
#pragma once
#include <vector>

#include "exec/kernel.h"
#include "exec/program.h"
#include "graph/snapshot.h"
#include "memory/manager.h"

namespace jtcy {

/// Made and destroyed in the recording thread. Blocks go back to the cache, where binding finds them with their pages;
/// nothing is taken that the run would not take itself.
class FreshMemory {
 public:
  /// Takes a block for each large result that is not written into an input's memory. None while there is a budget.
  FreshMemory(const GraphSnapshot& snapshot, const Program& program, MemoryManager& manager);
  ~FreshMemory();
  FreshMemory(const FreshMemory&) = delete;
  FreshMemory& operator=(const FreshMemory&) = delete;

  /// Until the kernel left kCompiling or all pages are there; the caller released the GIL. What is in the memory stays:
  /// runs that are still queued may use it.
  void make_pages(const Kernel& kernel) noexcept;

 private:
  MemoryManager& manager_;
  std::vector<Block*> blocks_;
  std::size_t block_ = 0;  // the first that has no pages yet, and how many of its bytes have
  int64_t done_nbytes_ = 0;
};

}  // namespace jtcy
