// Reading what was spread: index programs as sums of axes, and chains of movements.
#include "graph/spread.h"

#include <algorithm>
#include <utility>

#include "graph/graph_state.h"
#include "graph/index_program.h"

namespace jtcy {
namespace {

/// One index of an index program: at most two axes with factors, an offset and a divisor.
struct Affine {
  SmallVector<std::pair<int64_t, int64_t>, 2> terms;  // (axis, factor)
  int64_t offset = 0;
  int64_t divisor = 1;
  bool fixed = true;  // the offset does not come from a Slot

  bool is_number() const { return terms.empty() && divisor == 1; }
};

void add_term(Affine* to, int64_t axis, int64_t factor) {
  for (auto& [own, own_factor] : to->terms) {
    if (own != axis) continue;
    own_factor += factor;
    return;
  }
  to->terms.push_back({axis, factor});
}

/// Runs a program on Affines instead of numbers.
class AffineReader {
 public:
  AffineReader(const Attrs& attrs, const Shape& source) : attrs_(attrs), source_(source) {}

  /// Null, or why the program is more than an Affine.
  const char* read(const int64_t* tokens, int64_t length, Affine* result) {
    stack_.clear();
    for (int64_t i = 0; i < length; ++i) {
      const char* trouble = push(static_cast<IndexToken>(tokens[2 * i]), tokens[2 * i + 1]);
      if (trouble != nullptr) return trouble;
    }
    *result = stack_.back();
    if (result->terms.size() > 2) return "an index has more than two axes";
    return nullptr;
  }

 private:
  const char* push(IndexToken token, int64_t argument) {
    Affine value;
    switch (token) {
      case IndexToken::kAxis:
        value.terms.push_back({argument, 1});
        break;
      case IndexToken::kConst:
        value.offset = argument;
        break;
      case IndexToken::kSlot:
        value.offset = attrs_.scalars[static_cast<std::size_t>(argument)].i;
        value.fixed = false;
        break;
      case IndexToken::kExtent:
        value.offset = source_[static_cast<std::size_t>(argument % 16)];
        break;
      case IndexToken::kLoad:
        return "an index depends on data";
      case IndexToken::kAdd:
      case IndexToken::kSub:
        return join(token == IndexToken::kAdd ? 1 : -1);
      case IndexToken::kMul:
        return multiply();
      case IndexToken::kDivExact:
        return divide();
      default:
        return "an index is not a sum of axes";
    }
    stack_.push_back(value);
    return nullptr;
  }
  Affine pop() {
    Affine value = stack_.back();
    stack_.pop_back();
    return value;
  }
  const char* join(int64_t sign) {
    const Affine b = pop();
    Affine a = pop();
    if (a.divisor != 1 || b.divisor != 1) return "an index is not a sum of axes";
    for (const auto& [axis, factor] : b.terms) add_term(&a, axis, sign * factor);
    a.offset += sign * b.offset;
    a.fixed = a.fixed && b.fixed;
    stack_.push_back(a);
    return nullptr;
  }
  const char* multiply() {
    Affine b = pop(), a = pop();
    if (!b.is_number()) std::swap(a, b);
    if (!b.is_number() || !b.fixed || a.divisor != 1) return "an axis has a factor that is not a constant";
    for (auto& term : a.terms) term.second *= b.offset;
    a.offset *= b.offset;
    stack_.push_back(a);
    return nullptr;
  }
  const char* divide() {
    const Affine b = pop();
    Affine a = pop();
    if (!b.is_number() || !b.fixed || b.offset <= 0 || a.divisor != 1) return "an index is not a sum of axes";
    a.divisor = b.offset;
    stack_.push_back(a);
    return nullptr;
  }

  const Attrs& attrs_;
  const Shape& source_;
  SmallVector<Affine, 8> stack_;
};

ContractionDim dim_of(const Affine& index) {
  ContractionDim dim{-1, 0, -1, 0, index.divisor, index.offset};
  for (const auto& [axis, factor] : index.terms) {
    if (factor == 0) continue;
    (dim.axis1 < 0 ? dim.axis1 : dim.axis2) = axis;
    (dim.axis2 < 0 ? dim.coef1 : dim.coef2) = factor;
  }
  return dim;
}

bool may_be_outside(const ContractionDim& dim, const Shape& shape, int64_t extent) {
  int64_t lowest = dim.offset, highest = dim.offset;
  for (const auto& [axis, factor] : {std::pair{dim.axis1, dim.coef1}, std::pair{dim.axis2, dim.coef2}}) {
    if (axis >= 0) (factor < 0 ? lowest : highest) += factor * std::max<int64_t>(0, shape[axis] - 1);
  }
  return dim.divisor != 1 || lowest < 0 || highest >= extent;
}

/// Fills dims and bounded; null, or what cannot be.
const char* read_reindex(Spread* to, const Attrs& attrs, const Shape& shape) {
  AffineReader reader(attrs, to->source->shape);
  const int64_t* at = attrs.structure.data() + 1;
  for (std::size_t d = 0; d < to->source->shape.size(); ++d) {
    const int64_t length = at[1];
    Affine index;
    if (const char* trouble = reader.read(at + 2, length, &index); trouble != nullptr) return trouble;
    ContractionDim dim = dim_of(index);
    const bool outside = may_be_outside(dim, shape, to->source->shape[d]);
    if (dim.axis1 < 0 && (outside || to->source->shape[d] != 1)) return "an index is a constant";
    if (dim.axis1 < 0) dim = ContractionDim{-1};
    to->bounded = to->bounded || (outside && static_cast<IndexMode>(at[0]) != IndexMode::kFree);
    to->dims.push_back(dim);
    at += 2 + 2 * length;
  }
  const KernelScalar fill = attrs.scalars.back();
  const bool is_float = (attrs.float_scalars >> (attrs.scalars.size() - 1) & 1) != 0;
  if (to->bounded && (is_float ? fill.f != 0 : fill.i != 0)) return "what is outside is not 0";
  return nullptr;
}

/// The same index after axes moved: axis i of the input is axis places[i] of the output, or gone (of extent 1).
ContractionDim moved(const ContractionDim& dim, const SmallVector<int64_t, 8>& places) {
  ContractionDim out = dim;
  out.axis1 = dim.axis1 < 0 ? -1 : places[dim.axis1];
  out.axis2 = dim.axis2 < 0 ? -1 : places[dim.axis2];
  if (out.axis1 < 0 && out.axis2 >= 0) {
    std::swap(out.axis1, out.axis2);
    std::swap(out.coef1, out.coef2);
  }
  if (out.axis2 < 0) out.coef2 = 0;
  return out;
}

bool is_movement(const Var& y) noexcept {
  const Op* op = y.producer.get();
  return op != nullptr && !op->released && (op->kind == OpKind::kBroadcast || op->kind == OpKind::kTranspose);
}

void begin(const Var& y, Var* x, Spread* to) {
  to->source = VarRef(x);
  to->stopped = y.stop_grad && takes_gradient(*x);
}

/// A value that no movement made.
bool read_base(const Var& y, Spread* to) {
  if (y.recipe) {
    if (y.recipe->of_scores) return false;
    const Recipe& recipe = static_cast<const Recipe&>(*y.recipe);
    if (recipe.operands.size() == 1) *to = recipe.operands[0];
    return recipe.operands.size() == 1;
  }
  const Op* op = y.producer.get();
  if (op == nullptr || op->released || op->kind != OpKind::kReindex) return false;
  Var* const x = op->inputs[0].get();
  if (y.count() < x->count()) return false;
  begin(y, x, to);
  to->trouble = op->inputs.size() > 1 ? "an index depends on data" : read_reindex(to, op->attrs, y.shape);
  to->between.push_back(y.id);
  return true;
}

/// One movement further: x was read as `to` says (`found`), or is no Spread itself.
bool move_on(const Var& y, Var* x, const int64_t* axes, bool found, Spread* to) {
  if (x->count() == 1 || (!found && y.count() <= x->count())) return false;
  SmallVector<int64_t, 8> places(x->shape.size(), -1);
  for (std::size_t axis = 0; axis < y.shape.size(); ++axis) {
    if (axes[axis] >= 0) places[axes[axis]] = static_cast<int64_t>(axis);
  }
  if (!found) {
    begin(y, x, to);
    for (const int64_t place : places) to->dims.push_back(ContractionDim{place});
  } else {
    to->stopped = to->stopped || (y.stop_grad && takes_gradient(*x));
    for (ContractionDim& dim : to->dims) dim = moved(dim, places);
  }
  for (const ContractionDim& dim : to->dims) {
    if (dim.axis1 < 0 && dim.offset != 0) to->trouble = "an index is a constant";
  }
  to->between.push_back(y.id);
  return true;
}

}  // namespace

bool read_spread(Var* y, Spread* spread) {
  SmallVector<Var*, 8> chain;
  while (!y->recipe && is_movement(*y)) {
    chain.push_back(y);
    y = y->producer->inputs[0].get();
  }
  bool found = read_base(*y, spread);
  for (std::size_t i = chain.size(); i-- > 0;) {
    const Op& op = *chain[i]->producer;
    found = move_on(*chain[i], op.inputs[0].get(), op.attrs.structure.data(), found, spread);
  }
  return found;
}

bool read_view(const Var& y, Var* x, const int64_t* axes, Spread* spread) {
  const bool found = read_spread(x, spread);
  return move_on(y, x, axes, found, spread);
}

}  // namespace jtcy
