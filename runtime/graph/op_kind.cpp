// The table behind the queries of op_kind.h, generated from op_kinds.def.
#include "graph/op_kind.h"

namespace jtcy {
namespace {

constexpr Family kSource = Family::kSource, kRandom = Family::kRandom, kMovement = Family::kMovement,
                 kElementwise = Family::kElementwise, kReindex = Family::kReindex,
                 kReindexReduce = Family::kReindexReduce, kReduce = Family::kReduce, kScan = Family::kScan,
                 kContraction = Family::kContraction, kAttention = Family::kAttention, kOpaque = Family::kOpaque;
constexpr DtypeRule kSame = DtypeRule::kSame, kBool = DtypeRule::kBool, kGiven = DtypeRule::kGiven,
                    kWhere = DtypeRule::kWhere, kFirst = DtypeRule::kFirst;

}  // namespace

constexpr OpTraits kOpTraits[kOpKindCount] = {
#define JTCY_OP(name, family, arity, dtype_rule, properties) \
  {#name, family, arity, dtype_rule, static_cast<uint8_t>(properties)},
#include "graph/op_kinds.def"
#undef JTCY_OP
};

}  // namespace jtcy
