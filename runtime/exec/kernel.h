// Kernel: entry points of one generated kernel, found by KernelKey; filled when its compile is done.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/intrusive_ptr.h"

namespace jtcy {

class Kernel : public RefCounted {
 public:
  enum class State : int { kCompiling = 0, kReady = 1, kFailed = 2 };
  std::string key;            // hex
  std::string name;           // readable: exp_sum_div_f32
  std::vector<void*> phases;  // valid once state is kReady
  std::string failure;        // valid once state is kFailed
  std::atomic<State> state{State::kCompiling};
  /// The CUDA module or dlopen handle; kept for the life of the process.
  void* library = nullptr;
};

/// KernelKey → Kernel, for the life of the process. Thread-safe.
class KernelTable {
 public:
  static KernelTable& instance();
  /// Finds or makes the entry (kCompiling).
  Ref<Kernel> get(const std::string& key, const std::string& name);
  bool contains(const std::string& key) const;
  /// Loads `phases` symbols kernel_<symbol>_phase<i> from the shared object; state becomes kReady. Throws kCompile.
  void load_cpu(const std::string& key, const std::string& path, const std::string& symbol, int phases);
  /// Gives the entry points directly (CUDA, simulated GPU).
  void set_ready(const std::string& key, std::vector<void*> phases, void* library);
  void set_failed(const std::string& key, std::string why);
  /// Waits until the kernel left kCompiling; the caller released the GIL.
  void wait(const Kernel& kernel) const;
  /// Grows whenever a kernel leaves kCompiling, or something else happens that a waiting thread may want to know.
  int64_t changes() const;
  void note_change();
  /// Until there were more changes than `seen`, at the latest at `deadline_ns` of now_ns().
  void wait_for_change(int64_t seen, int64_t deadline_ns) const;
  std::size_t size() const;
  /// Empties the table (tests: a cold start in the same process). Kernels in use stay alive.
  void clear();
  /// In a forked child: forgets the kernels that the parent was compiling. The plans that wait for them must go first.
  void after_fork();
};

}  // namespace jtcy
