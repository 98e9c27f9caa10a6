// KernelTable: compiled kernels by key, filled by background compiles, read by everybody.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/clock.h"
#include "base/error.h"
#include "exec/kernel.h"

namespace jtcy {

namespace {

/// One for all kernels: states change rarely.
struct Table {
  std::mutex mutex;
  std::condition_variable changed;
  int64_t changes = 0;
  std::unordered_map<std::string, Ref<Kernel>> kernels;
};

// Never destroyed: compile threads may outlive statics.
Table* g_table = std::make_unique<Table>().release();

Table& table() { return *g_table; }

/// The caller holds the mutex.
void tell_waiting() {
  ++table().changes;
  table().changed.notify_all();
}

/// The caller holds the mutex.
Kernel& find_kernel(const std::string& key) {
  const auto at = table().kernels.find(key);
  JTCY_ASSERT(at != table().kernels.end(), "no kernel with key ", key);
  return *at->second;
}

std::vector<void*> find_phases(void* library, const std::string& path, const std::string& symbol, int phases) {
  std::vector<void*> entries;
  for (int phase = 0; phase < phases; ++phase) {
    const std::string name = str_cat("kernel_", symbol, "_phase", phase);
    void* const entry = ::dlsym(library, name.c_str());
    JTCY_CHECK(entry != nullptr, ErrorKind::kCompile, "kernel: ", path, " has no function ", name);
    entries.push_back(entry);
  }
  return entries;
}

}  // namespace

KernelTable& KernelTable::instance() {
  static KernelTable table;
  return table;
}

Ref<Kernel> KernelTable::get(const std::string& key, const std::string& name) {
  const std::lock_guard lock(table().mutex);
  Ref<Kernel>& kernel = table().kernels[key];
  if (!kernel) {
    kernel = make_ref<Kernel>();
    kernel->key = key;
    kernel->name = name;
  }
  return kernel;
}

bool KernelTable::contains(const std::string& key) const {
  const std::lock_guard lock(table().mutex);
  return table().kernels.contains(key);
}

void KernelTable::load_cpu(const std::string& key, const std::string& path, const std::string& symbol, int phases) {
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw_error(ErrorKind::kCompile, str_cat("kernel: cannot load ", path, ": ", ::dlerror()));
  set_ready(key, find_phases(library, path, symbol, phases), library);
}

void KernelTable::set_ready(const std::string& key, std::vector<void*> phases, void* library) {
  const std::lock_guard lock(table().mutex);
  Kernel& kernel = find_kernel(key);
  if (kernel.state.load(std::memory_order_relaxed) == Kernel::State::kReady) return;
  kernel.phases = std::move(phases);
  kernel.library = library;
  kernel.state.store(Kernel::State::kReady, std::memory_order_release);
  tell_waiting();
}

void KernelTable::set_failed(const std::string& key, std::string why) {
  const std::lock_guard lock(table().mutex);
  Kernel& kernel = find_kernel(key);
  if (kernel.state.load(std::memory_order_relaxed) != Kernel::State::kCompiling) return;
  kernel.failure = std::move(why);
  kernel.state.store(Kernel::State::kFailed, std::memory_order_release);
  tell_waiting();
}

void KernelTable::wait(const Kernel& kernel) const {
  std::unique_lock lock(table().mutex);
  table().changed.wait(lock, [&] { return kernel.state.load(std::memory_order_acquire) != Kernel::State::kCompiling; });
}

int64_t KernelTable::changes() const {
  const std::lock_guard lock(table().mutex);
  return table().changes;
}

void KernelTable::note_change() {
  const std::lock_guard lock(table().mutex);
  tell_waiting();
}

void KernelTable::wait_for_change(int64_t seen, int64_t deadline_ns) const {
  std::unique_lock lock(table().mutex);
  const std::chrono::nanoseconds left(std::max<int64_t>(0, deadline_ns - now_ns()));
  table().changed.wait_for(lock, left, [&] { return table().changes > seen; });
}

std::size_t KernelTable::size() const {
  const std::lock_guard lock(table().mutex);
  return table().kernels.size();
}

void KernelTable::after_fork() {
  const Table& before = *g_table;  // its mutex may be held by a thread that does not exist here
  auto here = std::make_unique<Table>();
  for (const auto& [key, kernel] : before.kernels) {
    if (kernel->state.load(std::memory_order_acquire) != Kernel::State::kCompiling) here->kernels.emplace(key, kernel);
  }
  g_table = here.release();
}

void KernelTable::clear() {
  const std::lock_guard lock(table().mutex);
  table().kernels.clear();
}

}  // namespace jtcy
