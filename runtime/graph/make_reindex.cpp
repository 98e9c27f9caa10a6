// Makers of Reindex and ReindexReduce: their index programs are checked by running them on stack depths.
#include <string>
#include <unordered_set>
#include <utility>

#include "graph/graph_state.h"
#include "graph/index_program.h"

namespace jtcy {
namespace {

/// What a program may refer to.
struct ProgramScope {
  const SmallVector<VarRef, 2>* inputs = nullptr;
  int64_t axes = 0;  // of the index that it reads
  int64_t slots = 0;
  const char* function = "";
};

int64_t values_taken(IndexToken token, int64_t argument, const ProgramScope& scope) {
  switch (token) {
    case IndexToken::kAxis:
    case IndexToken::kConst:
    case IndexToken::kSlot:
    case IndexToken::kExtent:
      return 0;
    case IndexToken::kLoad:
      return static_cast<int64_t>((*scope.inputs)[argument]->shape.size());
    case IndexToken::kSelect:
      return 3;
    default:
      return 2;
  }
}

void check_argument(IndexToken token, int64_t argument, const ProgramScope& scope) {
  const auto inputs = static_cast<int64_t>(scope.inputs->size());
  bool fits = token >= IndexToken::kAxis && token <= IndexToken::kDivExact;
  if (token == IndexToken::kAxis) fits = argument >= 0 && argument < scope.axes;
  if (token == IndexToken::kSlot) fits = argument >= 0 && argument < scope.slots;
  if (token == IndexToken::kLoad) fits = argument > 0 && argument < inputs;
  if (token == IndexToken::kExtent) {
    fits = argument >= 0 && argument / 16 < inputs &&
           argument % 16 < static_cast<int64_t>((*scope.inputs)[argument / 16]->shape.size());
  }
  JTCY_CHECK(fits, ErrorKind::kValue, scope.function, ": token ", static_cast<int64_t>(token),
             " of an index has argument ", argument, ", which names nothing\n  help: there are ", scope.axes, " axes, ",
             scope.slots, " slots and ", inputs, " inputs");
}

/// Leaves exactly one value; returns the position behind the program.
std::size_t check_program(const SmallVector<int64_t, 8>& structure, std::size_t at, const ProgramScope& scope) {
  JTCY_CHECK(at + 2 <= structure.size(), ErrorKind::kValue, scope.function, ": an index program is cut short");
  const int64_t mode = structure[at];
  const int64_t length = structure[at + 1];
  JTCY_CHECK(mode >= 0 && mode <= 2 && length > 0 && at + 2 + 2 * length <= structure.size(), ErrorKind::kValue,
             scope.function, ": an index program has mode ", mode, " and length ", length);
  at += 2;
  int64_t depth = 0;
  for (int64_t i = 0; i < length; ++i, at += 2) {
    const auto token = static_cast<IndexToken>(structure[at]);
    check_argument(token, structure[at + 1], scope);
    depth -= values_taken(token, structure[at + 1], scope);
    JTCY_CHECK(depth >= 0, ErrorKind::kValue, scope.function, ": an index program takes more values than it has");
    ++depth;
  }
  JTCY_CHECK(depth == 1, ErrorKind::kValue, scope.function, ": an index program leaves ", depth,
             " values instead of one");
  return at;
}

void check_programs(const SmallVector<int64_t, 8>& structure, std::size_t at, int64_t count,
                    const ProgramScope& scope) {
  JTCY_CHECK(at < structure.size() && structure[at] == count, ErrorKind::kValue, scope.function, ": needs ", count,
             " indices, one an axis, got ", at < structure.size() ? structure[at] : 0, operand_lines(*scope.inputs));
  ++at;
  for (int64_t i = 0; i < count; ++i) at = check_program(structure, at, scope);
  JTCY_CHECK(at == structure.size(), ErrorKind::kValue, scope.function,
             ": something stands behind the last index program");
}

void check_index_vars(const SmallVector<VarRef, 2>& inputs, const char* function) {
  JTCY_ASSERT(!inputs.empty(), "a reindex without input");
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    JTCY_CHECK(is_integral(inputs[i]->dtype), ErrorKind::kIndex, function,
               ": an index var must have an integer dtype, got ", dtype_name(inputs[i]->dtype), operand_lines(inputs),
               "\n  help: convert with .int64()");
  }
}

/// A node that remembers its public name: an index Var's values are checked when it runs, long after the call.
VarRef named_node(OpKind kind, const SmallVector<VarRef, 2>& inputs, Attrs attrs, const Shape& shape,
                  const char* function) {
  static std::unordered_set<std::string> names;  // guarded by the GIL; a handful
  VarRef out = make_node(kind, inputs, std::move(attrs), shape, inputs[0]->dtype);
  if (inputs.size() > 1) out->producer->function = names.emplace(function).first->c_str();
  return out;
}

}  // namespace

VarRef make_reindex(const SmallVector<VarRef, 2>& inputs, Attrs attrs, const Shape& shape, const char* function) {
  check_index_vars(inputs, function);
  check_size(function, shape, itemsize(inputs[0]->dtype));
  JTCY_ASSERT(!attrs.scalars.empty(), "a reindex needs a fill value");
  const ProgramScope scope{&inputs, static_cast<int64_t>(shape.size()), static_cast<int64_t>(attrs.scalars.size()) - 1,
                           function};
  check_programs(attrs.structure, 0, static_cast<int64_t>(inputs[0]->shape.size()), scope);
  return named_node(OpKind::kReindex, inputs, std::move(attrs), shape, function);
}

VarRef make_reindex_reduce(const SmallVector<VarRef, 2>& inputs, Attrs attrs, const Shape& shape,
                           const char* function) {
  check_index_vars(inputs, function);
  check_size(function, shape, itemsize(inputs[0]->dtype));
  JTCY_CHECK(!attrs.structure.empty() && attrs.structure[0] >= 0 && attrs.structure[0] <= 3, ErrorKind::kValue,
             function, ": reduces with sum, prod, max or min only");
  const ProgramScope scope{&inputs, static_cast<int64_t>(inputs[0]->shape.size()),
                           static_cast<int64_t>(attrs.scalars.size()), function};
  check_programs(attrs.structure, 1, static_cast<int64_t>(shape.size()), scope);
  return named_node(OpKind::kReindexReduce, inputs, std::move(attrs), shape, function);
}

}  // namespace jtcy
