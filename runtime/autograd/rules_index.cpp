// Gradients of Reindex and ReindexReduce: each is the other, except for windows and picks (Notes [Windows], [Pick]).
#include "autograd/vjp.h"
#include "graph/index_builder.h"
#include "graph/pick.h"
#include "graph/window.h"

namespace jtcy {
namespace {

/// Copies index programs for an op whose first input is another: extents of the first input become slots.
struct MovedPrograms {
  Attrs attrs;

  MovedPrograms(const Attrs& from, std::size_t programs_at, std::size_t slots, const Shape& first_input) {
    for (std::size_t i = 0; i < slots; ++i) attrs.add_int(from.scalars[i].i);
    attrs.structure.assign(from.structure.begin() + programs_at, from.structure.end());
    std::size_t at = 1;
    for (int64_t program = 0; program < attrs.structure[0]; ++program) {
      const int64_t length = attrs.structure[at + 1];
      at += 2;
      for (int64_t i = 0; i < length; ++i, at += 2) replace_extent(at, first_input);
    }
  }

 private:
  void replace_extent(std::size_t at, const Shape& first_input) {
    int64_t& token = attrs.structure[at];
    int64_t& argument = attrs.structure[at + 1];
    if (token != static_cast<int64_t>(IndexToken::kExtent) || argument >= 16) return;
    attrs.add_int(first_input[argument]);
    token = static_cast<int64_t>(IndexToken::kSlot);
    argument = static_cast<int64_t>(attrs.scalars.size()) - 1;
  }
};

SmallVector<VarRef, 2> with_first(const VarRef& first, const Op& op) {
  SmallVector<VarRef, 2> inputs = op.inputs;
  inputs[0] = first;
  return inputs;
}

/// Of an index that is out of range in a gradient alone.
const char* function_of(const Op& op, const char* otherwise) noexcept {
  return op.function != nullptr ? op.function : otherwise;
}

void add_zero_fill(Attrs* attrs, Dtype dtype) {
  if (floating(dtype)) {
    attrs->add_float(0);
  } else {
    attrs->add_int(0);
  }
}

/// out[f(i)] += value[i], f from the Reindex `op`.
VarRef scatter_by_reindex(const Op& op, const VarRef& value, const Shape& shape) {
  MovedPrograms moved(op.attrs, 0, op.attrs.scalars.size() - 1, op.inputs[0]->shape);
  moved.attrs.structure.insert(0, static_cast<int64_t>(ReduceKind::kSum));
  return make_reindex_reduce(with_first(value, op), std::move(moved.attrs), shape, function_of(op, "reindex"));
}

/// Both directions along the index programs of a ReindexReduce.
struct Scattered {
  const Op& op;
  VarRef y;

  VarRef gather(const VarRef& value) const {
    MovedPrograms moved(op.attrs, 1, op.attrs.scalars.size(), op.inputs[0]->shape);
    add_zero_fill(&moved.attrs, value->dtype);
    return make_reindex(with_first(value, op), std::move(moved.attrs), op.inputs[0]->shape,
                        function_of(op, "reindex_reduce"));
  }
  VarRef scatter(const VarRef& value, ReduceKind kind) const {
    Attrs attrs = op.attrs;
    attrs.structure[0] = static_cast<int64_t>(kind);
    return make_reindex_reduce(with_first(value, op), std::move(attrs), y->shape, function_of(op, "reindex_reduce"));
  }
};

VarRef extreme_gradient(const Vjp& v, const Scattered& s) {
  const VarRef& x = v.x();
  const VarRef hit = apply(OpKind::kBitOr, equal(x, s.gather(v.y)), apply(OpKind::kIsNan, x));
  const VarRef ties = s.scatter(make_cast(hit, x->dtype), ReduceKind::kSum);
  const VarRef share = apply_where(equal(ties, 0.0), zeros_like(v.dy), v.dy / ties);
  return apply_where(hit, s.gather(share), zeros_like(x));
}

/// Places meet at will, so there is no tree of pairs: zeros are counted and left out of what is divided by. Written
/// with the zeros' own values, so that its gradient is right as well: it is a product that lacks one or two zeros.
VarRef prod_gradient(const Vjp& v, const Scattered& s) {
  const VarRef& x = v.x();
  const VarRef is_zero = equal(x, 0.0), none = zeros_like(v.dy);
  const VarRef nonzero = apply_where(is_zero, constant_like(x, 1), x);
  const VarRef zeros = s.scatter(make_cast(is_zero, x->dtype), ReduceKind::kSum);
  const VarRef zero_sum = s.scatter(apply_where(is_zero, x, zeros_like(x)), ReduceKind::kSum);
  const VarRef scaled = v.dy * s.scatter(nonzero, ReduceKind::kProd);
  const VarRef one = apply_where(equal(zeros, 1.0), scaled, none), two = apply_where(equal(zeros, 2.0), scaled, none);
  const VarRef no_zero = apply_where(equal(zeros, 0.0), scaled, one * zero_sum);
  const VarRef at_zero = s.gather(one) + s.gather(two) * (s.gather(zero_sum) - x);
  return apply_where(is_zero, at_zero, s.gather(no_zero) / nonzero);
}

}  // namespace

JTCY_VJP(Reindex) {
  if (!v.wants(0)) return;
  WindowMap window;
  if (v.op.inputs.size() == 1 && read_window(v.op.attrs, v.y->shape.size(), &window)) {
    v.give(0, gather_window_gradient(window, v.dy, v.x()->shape));
  } else if (const int axis = read_pick(v.op); axis >= 0) {
    v.give(0, pick_gradient(v.dy, v.x(1), v.x()->shape, axis));
  } else {
    v.give(0, scatter_by_reindex(v.op, v.dy, v.x()->shape));
  }
}

JTCY_VJP(ReindexReduce) {
  if (!v.wants(0)) return;
  const Scattered scattered{v.op, v.y};
  switch (static_cast<ReduceKind>(v.op.attrs.structure[0])) {
    case ReduceKind::kSum:
      v.give(0, scattered.gather(v.dy));
      break;
    case ReduceKind::kProd:
      v.give(0, prod_gradient(v, scattered));
      break;
    default:
      v.give(0, extreme_gradient(v, scattered));
  }
}

JTCY_VJP(Code) {}  // through its callback only

}  // namespace jtcy
