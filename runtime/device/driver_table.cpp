// The names and signatures of DriverTable's entries, and filling one by position.
#include "device/driver_table.h"

#include <cstring>
#include <iterator>

namespace jtcy {
namespace {

constexpr const char* kNames[] = {
#define JTCY_ENTRY_NAME(name, parameters, signature) #name,
    JTCY_DRIVER_ENTRIES(JTCY_ENTRY_NAME)
#undef JTCY_ENTRY_NAME
};

constexpr const char* kSignatures[] = {
#define JTCY_ENTRY_SIGNATURE(name, parameters, signature) signature,
    JTCY_DRIVER_ENTRIES(JTCY_ENTRY_SIGNATURE)
#undef JTCY_ENTRY_SIGNATURE
};

static_assert(sizeof(DriverTable) == sizeof(kNames), "a DriverTable is nothing but one pointer an entry");

}  // namespace

int driver_entry_count() noexcept { return static_cast<int>(std::size(kNames)); }
const char* driver_entry_name(int entry) noexcept { return kNames[entry]; }
const char* driver_entry_signature(int entry) noexcept { return kSignatures[entry]; }

void set_driver_entry(DriverTable* table, int entry, void* function) noexcept {
  std::memcpy(reinterpret_cast<char*>(table) + static_cast<size_t>(entry) * sizeof(void*), &function, sizeof function);
}

}  // namespace jtcy
