// Which instruction set the interpreter's loops and the prebuilt kernels use: the best that the CPU has, or JTCY_ISA.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "exec/interpreter.h"
#include "exec/interpreter_table.h"

namespace jtcy {

namespace {

struct InstructionSet {
  const char* name;
  const IsaTable& (*table)();
  bool (*supported)();
};

/// The v4 and v3 levels of x86-64, as -march=x86-64-v4 and -v3 assume them.
bool has_avx512() { return __builtin_cpu_supports("x86-64-v4") != 0; }
bool has_avx2() { return __builtin_cpu_supports("x86-64-v3") != 0; }
bool has_portable() { return true; }

// Best first.
constexpr InstructionSet kInstructionSets[] = {
    {"avx512", avx512::isa_table, has_avx512},
    {"avx2", avx2::isa_table, has_avx2},
    {"portable", portable::isa_table, has_portable},
};

const InstructionSet* find(const char* name) noexcept {
  for (const InstructionSet& set : kInstructionSets) {
    if (set.supported() && (name == nullptr || std::strcmp(set.name, name) == 0)) return &set;
  }
  return nullptr;
}

const InstructionSet* choose() noexcept {
  __builtin_cpu_init();
  const InstructionSet* const forced = find(std::getenv("JTCY_ISA"));
  return forced != nullptr ? forced : find(nullptr);
}

std::atomic<const InstructionSet*> current{nullptr};
std::atomic<const IsaTable*> current_table{nullptr};

const InstructionSet* ensure() noexcept {
  const InstructionSet* set = current.load(std::memory_order_acquire);
  if (set == nullptr) current.store(set = choose(), std::memory_order_release);
  return set;
}

}  // namespace

const char* instruction_set() noexcept { return ensure()->name; }

std::vector<std::string> instruction_sets(bool supported_only) {
  __builtin_cpu_init();
  std::vector<std::string> names;
  for (const InstructionSet& set : kInstructionSets) {
    if (!supported_only || set.supported()) names.emplace_back(set.name);
  }
  return names;
}

bool set_instruction_set(const char* name) noexcept {
  const InstructionSet* const set = find(name);
  if (set == nullptr) return false;
  current.store(set, std::memory_order_release);
  current_table.store(&set->table(), std::memory_order_release);
  return true;
}

const IsaTable& current_isa_table() noexcept {
  const IsaTable* table = current_table.load(std::memory_order_acquire);
  if (table == nullptr) current_table.store(table = &ensure()->table(), std::memory_order_release);
  return *table;
}

}  // namespace jtcy
