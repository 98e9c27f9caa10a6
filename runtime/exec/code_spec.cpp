// Entry points of users' own kernels, by id.
#include "exec/code_spec.h"

#include <mutex>
#include <utility>
#include <vector>

#include "base/error.h"

namespace jtcy {

namespace {

struct CodeTable {
  std::mutex mutex;
  std::vector<std::pair<std::string, CodeEntry>> entries;
};

CodeTable& table() {
  static CodeTable instance;
  return instance;
}

}  // namespace

int64_t register_code(const std::string& name, CodeEntry entry) {
  CodeTable& codes = table();
  const std::lock_guard lock(codes.mutex);
  codes.entries.emplace_back(name, entry);
  return static_cast<int64_t>(codes.entries.size()) - 1;
}

CodeEntry find_code(int64_t id) {
  CodeTable& codes = table();
  const std::lock_guard lock(codes.mutex);
  JTCY_ASSERT(id >= 0 && id < static_cast<int64_t>(codes.entries.size()), "no code with id ", id);
  return codes.entries[static_cast<std::size_t>(id)].second;
}

}  // namespace jtcy
