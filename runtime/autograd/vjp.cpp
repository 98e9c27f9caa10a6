// The table of gradient rules, in the order of op_kinds.def.
#include "autograd/vjp.h"

namespace jtcy {

VjpRule vjp_of(OpKind kind) noexcept {
  static constexpr VjpRule kRules[] = {
#define JTCY_OP(name, family, arity, dtype_rule, properties) vjp_##name,
#include "graph/op_kinds.def"
#undef JTCY_OP
  };
  return kRules[static_cast<std::size_t>(kind)];
}

}  // namespace jtcy
