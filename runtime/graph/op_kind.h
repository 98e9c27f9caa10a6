// OpKind and Family: which primitive a node is; queries generated from op_kinds.def.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace jtcy {

enum class OpKind : uint16_t {
#define JTCY_OP(name, family, arity, dtype_rule, properties) k##name,
#include "graph/op_kinds.def"
#undef JTCY_OP
};

inline constexpr int kOpKindCount = 0
#define JTCY_OP(name, family, arity, dtype_rule, properties) +1
#include "graph/op_kinds.def"
#undef JTCY_OP
    ;

enum class Family : uint8_t {
  kSource,
  kRandom,
  kMovement,
  kElementwise,
  kReindex,
  kReindexReduce,
  kReduce,
  kScan,
  kContraction,
  kAttention,
  kOpaque,
};

enum class DtypeRule : uint8_t { kSame, kBool, kGiven, kIndex, kWhere, kFirst };

/// Bits of the last column of op_kinds.def.
enum OpProperty : uint8_t { kNone = 0, kCommutative = 1, kFloatOnly = 2, kIntOnly = 4, kCostly = 8 };

enum class ReduceKind : uint8_t { kSum = 0, kProd = 1, kMax = 2, kMin = 3, kArgMax = 4, kArgMin = 5 };

enum class ScanKind : uint8_t { kSum = 0, kProd = 1, kLinear = 2 };

/// A row of op_kinds.def.
struct OpTraits {
  std::string_view name;
  Family family;
  int8_t arity;
  DtypeRule dtype_rule;
  uint8_t properties;
};
extern const OpTraits kOpTraits[kOpKindCount];
inline const OpTraits& traits_of(OpKind kind) noexcept { return kOpTraits[static_cast<std::size_t>(kind)]; }

inline std::string_view op_name(OpKind kind) noexcept { return traits_of(kind).name; }
inline Family family_of(OpKind kind) noexcept { return traits_of(kind).family; }
inline int arity_of(OpKind kind) noexcept { return traits_of(kind).arity; }
inline DtypeRule dtype_rule_of(OpKind kind) noexcept { return traits_of(kind).dtype_rule; }
inline uint8_t properties_of(OpKind kind) noexcept { return traits_of(kind).properties; }

}  // namespace jtcy
