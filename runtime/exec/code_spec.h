// CodeSpec: a user's own kernel (jt.code): source in, entry point out.
#pragma once
#include <cstdint>
#include <string>

#include "exec/interpreter.h"

namespace jtcy {

/// What the entry point of a user's kernel receives; codegen pastes the same struct before the user's source.
struct CodeTensor {
  void* data = nullptr;
  long long ndim = 0;
  const long long* shape = nullptr;
};
/// Runs in the executor, on one thread; inputs and outputs are contiguous.
using CodeEntry = void (*)(const CodeTensor* inputs, const CodeTensor* outputs, const KernelScalar* scalars);

/// Registers an entry point and gives the id for Attrs::structure; the library stays loaded.
int64_t register_code(const std::string& name, CodeEntry entry);
CodeEntry find_code(int64_t id);

}  // namespace jtcy
