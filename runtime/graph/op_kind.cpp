// Tables behind the queries of op_kind.h, generated from op_kinds.def.
#include "graph/op_kind.h"

#include <array>

namespace jtcy {
namespace {

struct Row {
  std::string_view name;
  Family family;
  int8_t arity;
  DtypeRule dtype_rule;
  uint8_t properties;
};

constexpr Family kSource = Family::kSource, kRandom = Family::kRandom, kMovement = Family::kMovement,
                 kElementwise = Family::kElementwise, kReindex = Family::kReindex,
                 kReindexReduce = Family::kReindexReduce, kReduce = Family::kReduce,
                 kContraction = Family::kContraction, kOpaque = Family::kOpaque;
constexpr DtypeRule kSame = DtypeRule::kSame, kBool = DtypeRule::kBool, kGiven = DtypeRule::kGiven,
                    kWhere = DtypeRule::kWhere, kFirst = DtypeRule::kFirst;

constexpr std::array<Row, kOpKindCount> kRows = {{
#define JTCY_OP(name, family, arity, dtype_rule, properties) \
  Row{#name, family, arity, dtype_rule, static_cast<uint8_t>(properties)},
#include "graph/op_kinds.def"
#undef JTCY_OP
}};

const Row& row(OpKind kind) noexcept { return kRows[static_cast<std::size_t>(kind)]; }

}  // namespace

std::string_view op_name(OpKind kind) noexcept { return row(kind).name; }
Family family_of(OpKind kind) noexcept { return row(kind).family; }
int arity_of(OpKind kind) noexcept { return row(kind).arity; }
DtypeRule dtype_rule_of(OpKind kind) noexcept { return row(kind).dtype_rule; }
uint8_t properties_of(OpKind kind) noexcept { return row(kind).properties; }

}  // namespace jtcy
