// Operands on disk become addresses for the time of a launch.
#include "exec/mapped_operands.h"

#include <algorithm>

#include "plan/evict.h"

namespace jtcy {

MappedOperands::MappedOperands(Run& run, std::size_t* next, MemoryManager& manager)
    : MappedOperands(manager) {  // from here on the destructor unmaps, should a mapping fail
  const int32_t launch = run.mappings[*next].launch;
  std::size_t& i = *next;
  for (; i < run.mappings.size() && run.mappings[i].launch == launch; ++i) {
    const RunMapping& entry = run.mappings[i];
    run.addresses[static_cast<std::size_t>(entry.operand)] =
        static_cast<char*>(map(entry.mapping)) + entry.offset_nbytes;
  }
}

MappedOperands::~MappedOperands() {
  for (const MemoryManager::Mapping& mapping : mappings_) manager_.unmap(mapping);
}

/// Operands of one Buffer share a Mapping.
void* MappedOperands::map(const MemoryManager::Mapping& wanted) {
  const auto found = std::find_if(mappings_.begin(), mappings_.end(),
                                  [&](const MemoryManager::Mapping& mapping) { return mapping.slot == wanted.slot; });
  if (found != mappings_.end()) return found->address;
  MemoryManager::Mapping mapping = wanted;
  manager_.map(&mapping);
  mappings_.push_back(mapping);
  nbytes_ += mapping.nbytes;
  return mapping.address;
}

int64_t MappedOperands::part_of(int64_t grid) const noexcept {
  const int64_t parts = (nbytes_ + kMappedWindow - 1) / kMappedWindow;
  return std::max<int64_t>(1, grid / std::max<int64_t>(1, parts));
}

void MappedOperands::release_pages() const noexcept {
  for (const MemoryManager::Mapping& mapping : mappings_) MemoryManager::release_pages(mapping);
}

}  // namespace jtcy
