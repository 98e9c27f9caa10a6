// Scheduler: runs the threads of a simulated launch as fibers, block after block, in a chosen order.
#pragma once
#include <cstddef>
#include <string>

namespace jtcy::simulated {

struct LaunchShape {
  unsigned grid[3] = {1, 1, 1};
  unsigned block[3] = {1, 1, 1};
};

/// Symbols of one kernel in a module that was compiled with simt.h.
struct SimulatedKernel {
  void (*run)(void** parameters) = nullptr;
  const unsigned* parameter_nbytes = nullptr;  // ended by 0
  bool waits = false;                          // has barriers or warp exchanges; else its threads run as a plain loop
  void* module = nullptr;                      // its function simt_module
};

/// Which of the threads that could go on goes on first; a kernel that is right must not care.
enum class FiberOrder { kAscending = 0, kDescending = 1, kShuffled = 2 };

/// Runs the whole grid on the calling thread. Empty on success, else what went wrong: threads that wait for each other
/// for ever, a barrier that only some reach, a lane outside its own mask, more threads than a block may have.
std::string run_grid(const SimulatedKernel& kernel, const LaunchShape& shape, void** parameters, FiberOrder order);

}  // namespace jtcy::simulated
