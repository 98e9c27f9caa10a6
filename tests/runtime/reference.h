// A second answer for graphs: evaluates every primitive but Random and Code in double precision, one function a family.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include "graph/contraction.h"
#include "graph/graph.h"
#include "graph/index_program.h"
#include "reference_math.h"

namespace reference {

using namespace jtcy;
using Values = std::vector<double>;
using Index = std::vector<int64_t>;

/// A realized float64 Var over memory of its own.
inline VarRef leaf(const Shape& shape, const Values& values) {
  auto* memory = static_cast<double*>(std::malloc(std::max<std::size_t>(values.size(), 1) * sizeof(double)));
  std::copy(values.begin(), values.end(), memory);
  const auto nbytes = static_cast<int64_t>(values.size() * sizeof(double));
  auto buffer = make_ref<Buffer>(memory, nbytes, Device(), std::free, memory);
  return make_leaf(std::move(buffer), 0, shape, contiguous_strides(shape), Dtype::kFloat64, Device());
}

inline VarRef int_leaf(const Shape& shape, const std::vector<int64_t>& values) {
  auto* memory = static_cast<int64_t*>(std::malloc(std::max<std::size_t>(values.size(), 1) * sizeof(int64_t)));
  std::copy(values.begin(), values.end(), memory);
  const auto nbytes = static_cast<int64_t>(values.size() * sizeof(int64_t));
  auto buffer = make_ref<Buffer>(memory, nbytes, Device(), std::free, memory);
  return make_leaf(std::move(buffer), 0, shape, contiguous_strides(shape), Dtype::kInt64, Device());
}

inline double* memory_of(const VarRef& x) { return static_cast<double*>(x->buffer->address()); }

/// Different, irregular values away from 0, from `seed`.
inline Values irregular(int64_t count, int seed, double low = -2, double high = 2) {
  Values values;
  uint64_t state = static_cast<uint64_t>(seed) * 2654435761u + 12345;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    values.push_back(low + (high - low) * static_cast<double>(state >> 33) / 2147483648.0);
  }
  return values;
}

/// Calls f(index, position) in row-major order.
template <typename F>
void for_each_index(const Shape& shape, F&& f) {
  Index index(shape.size(), 0);
  const int64_t count = element_count(shape);
  for (int64_t at = 0; at < count; ++at) {
    f(index, static_cast<std::size_t>(at));
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

/// Position of an index, or -1 outside.
inline int64_t position(const Shape& shape, const Index& index) {
  int64_t at = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (index[axis] < 0 || index[axis] >= shape[axis]) return -1;
    at = at * shape[axis] + index[axis];
  }
  return at;
}

inline double combine(ReduceKind kind, double a, double b) {
  switch (kind) {
    case ReduceKind::kSum:
      return a + b;
    case ReduceKind::kProd:
      return a * b;
    case ReduceKind::kMax:
      return std::max(a, b);
    default:
      return std::min(a, b);
  }
}

inline double identity(ReduceKind kind) {
  const double infinity = std::numeric_limits<double>::infinity();
  switch (kind) {
    case ReduceKind::kSum:
      return 0;
    case ReduceKind::kProd:
      return 1;
    case ReduceKind::kMax:
      return -infinity;
    default:
      return infinity;
  }
}

class Evaluator {
 public:
  /// Values of x in row-major order; what was computed for others is reused.
  const Values& operator()(const VarRef& x) {
    std::vector<const Var*> stack{x.get()}, todo;
    std::set<const Var*> seen;
    while (!stack.empty()) {
      const Var* var = stack.back();
      stack.pop_back();
      if (known_.count(var) || !seen.insert(var).second) continue;
      todo.push_back(var);
      if (var->realized()) continue;
      for (const VarRef& input : var->producer->inputs) stack.push_back(input.get());
    }
    std::sort(todo.begin(), todo.end(), [](auto* a, auto* b) { return a->id < b->id; });
    for (const Var* var : todo) known_[var] = var->realized() ? read(*var) : run(*var->producer, *var);
    return known_.at(x.get());
  }

 private:
  static Values read(const Var& x) {
    Values out(static_cast<std::size_t>(x.count()));
    for_each_index(x.shape, [&](const Index& index, std::size_t at) {
      int64_t offset = x.offset;
      for (std::size_t axis = 0; axis < index.size(); ++axis) offset += index[axis] * x.strides[axis];
      const void* data = x.buffer->address();
      out[at] = x.dtype == Dtype::kFloat64 ? static_cast<const double*>(data)[offset]
                                           : static_cast<double>(static_cast<const int64_t*>(data)[offset]);
    });
    return out;
  }

  const Values& in(const Op& op, std::size_t i = 0) const { return known_.at(op.inputs[i].get()); }

  static double scalar(const Op& op, std::size_t i) {
    return (op.attrs.float_scalars >> i & 1) != 0 ? op.attrs.scalars[i].f : static_cast<double>(op.attrs.scalars[i].i);
  }

  Values run(const Op& op, const Var& out) const {
    switch (family_of(op.kind)) {
      case Family::kSource:
        return source(op, out);
      case Family::kMovement:
        return movement(op, out);
      case Family::kElementwise:
        return elementwise(op, out);
      case Family::kReindex:
        return reindex(op, out);
      case Family::kReindexReduce:
        return reindex_reduce(op, out);
      case Family::kReduce:
        return reduce(op, out);
      case Family::kContraction:
        return contraction(op, out);
      default:
        std::abort();
    }
  }

  static Values source(const Op& op, const Var& out) {
    Values y(static_cast<std::size_t>(out.count()), op.kind == OpKind::kFull ? scalar(op, 0) : 0);
    if (op.kind == OpKind::kFull) return y;
    for_each_index(out.shape, [&](const Index& index, std::size_t at) {
      y[at] = scalar(op, 0) + scalar(op, 1) * static_cast<double>(index[op.attrs.structure[0]]);
    });
    return y;
  }

  Values movement(const Op& op, const Var& out) const {
    const auto& s = op.attrs.structure;
    const auto start = [&](std::size_t axis) { return op.attrs.scalars[axis].i; };
    const Shape& shape = op.inputs[0]->shape;
    if (op.kind == OpKind::kReshape) return in(op);
    if (op.kind == OpKind::kConcat) return concat(op, out);
    if (op.kind == OpKind::kInsert) {
      Values y = in(op);
      for_each_index(op.inputs[1]->shape, [&](Index index, std::size_t at) {
        for (std::size_t axis = 0; axis < index.size(); ++axis) index[axis] = start(axis) + index[axis] * s[axis];
        y[position(shape, index)] = in(op, 1)[at];
      });
      return y;
    }
    Values y(static_cast<std::size_t>(out.count()));
    for_each_index(out.shape, [&](const Index& index, std::size_t at) {
      Index from(shape.size(), 0);
      for (std::size_t axis = 0; axis < index.size(); ++axis) {
        if (op.kind == OpKind::kBroadcast && s[axis] >= 0) from[s[axis]] = index[axis];
        if (op.kind == OpKind::kTranspose) from[s[axis]] = index[axis];
        if (op.kind == OpKind::kSlice) from[axis] = start(axis) + index[axis] * s[axis];
        if (op.kind == OpKind::kPad) from[axis] = index[axis] - start(axis);
      }
      const int64_t place = position(shape, from);
      y[at] = place >= 0 ? in(op)[place] : scalar(op, shape.size());
    });
    return y;
  }

  Values concat(const Op& op, const Var& out) const {
    Values y(static_cast<std::size_t>(out.count()));
    const int64_t axis = op.attrs.structure[0];
    int64_t base = 0;
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      for_each_index(op.inputs[i]->shape, [&](Index index, std::size_t at) {
        index[axis] += base;
        y[position(out.shape, index)] = in(op, i)[at];
      });
      base += op.inputs[i]->shape[axis];
    }
    return y;
  }

  Values elementwise(const Op& op, const Var& out) const {
    Values y(static_cast<std::size_t>(out.count()));
    for (std::size_t at = 0; at < y.size(); ++at) {
      if (op.kind == OpKind::kWhere) {
        y[at] = in(op, 0)[at] != 0 ? in(op, 1)[at] : in(op, 2)[at];
      } else if (op.kind == OpKind::kCast) {
        y[at] = out.dtype == Dtype::kBool ? in(op)[at] != 0
                : is_floating(out.dtype)  ? in(op)[at]
                                          : std::trunc(in(op)[at]);
      } else {
        y[at] = arity_of(op.kind) == 1 ? unary(op.kind, in(op)[at]) : binary(op.kind, in(op)[at], in(op, 1)[at]);
      }
    }
    return y;
  }

  Values reduce(const Op& op, const Var& out) const {
    const auto kind = static_cast<ReduceKind>(op.attrs.structure[0]);
    const int64_t first = op.attrs.structure[1], end = op.attrs.structure[2];
    const bool arg_max = kind == ReduceKind::kArgMax, arg = arg_max || kind == ReduceKind::kArgMin;
    Values y(static_cast<std::size_t>(out.count()), arg ? -1 : identity(kind));
    Values best(y.size());
    std::vector<int64_t> seen(y.size(), 0);
    for_each_index(op.inputs[0]->shape, [&](const Index& index, std::size_t at) {
      Index to(index.begin(), index.begin() + first);
      to.insert(to.end(), index.begin() + end, index.end());
      const int64_t place = position(out.shape, to);
      const double x = in(op)[at];
      const int64_t r = seen[place]++;
      if (!arg) {
        y[place] = combine(kind, y[place], x);
      } else if (r == 0 || (arg_max ? x > best[place] : x < best[place])) {
        y[place] = static_cast<double>(r);
        best[place] = x;
      }
    });
    return y;
  }

  /// Runs the index programs from structure[at] on, for `index`; false in `inside` when a bounded one is outside.
  Index indices(const Op& op, std::size_t at, const Index& index, const Shape& shape, bool* inside) const {
    const auto& s = op.attrs.structure;
    Index result;
    const int64_t programs = s[at++];
    for (int64_t program = 0; program < programs; ++program) {
      const int64_t length = s[at + 1];
      at += 2;
      Index stack;
      for (int64_t i = 0; i < length; ++i, at += 2) step(op, static_cast<IndexToken>(s[at]), s[at + 1], index, &stack);
      result.push_back(stack.back());
      if (stack.back() < 0 || stack.back() >= shape[program]) *inside = false;
    }
    return result;
  }

  void step(const Op& op, IndexToken token, int64_t argument, const Index& index, Index* stack) const {
    const auto pop = [&] {
      const int64_t value = stack->back();
      stack->pop_back();
      return value;
    };
    if (token == IndexToken::kAxis) return stack->push_back(index[argument]);
    if (token == IndexToken::kConst) return stack->push_back(argument);
    if (token == IndexToken::kSlot) return stack->push_back(op.attrs.scalars[argument].i);
    if (token == IndexToken::kExtent) return stack->push_back(op.inputs[argument / 16]->shape[argument % 16]);
    if (token == IndexToken::kLoad) {
      const Var& source = *op.inputs[argument];
      Index at(source.shape.size());
      for (std::size_t axis = at.size(); axis-- > 0;) at[axis] = pop();
      return stack->push_back(static_cast<int64_t>(in(op, argument)[position(source.shape, at)]));
    }
    const int64_t b = pop(), a = pop();
    if (token == IndexToken::kSelect) return stack->push_back(pop() != 0 ? a : b);
    stack->push_back(index_binary(token, a, b));
  }

  static int64_t index_binary(IndexToken token, int64_t a, int64_t b) {
    const int64_t floored = b == 0 ? 0 : a / b - (a % b != 0 && (a % b < 0) != (b < 0));
    switch (token) {
      case IndexToken::kAdd:
        return a + b;
      case IndexToken::kSub:
        return a - b;
      case IndexToken::kMul:
        return a * b;
      case IndexToken::kFloorDiv:
        return floored;
      case IndexToken::kMod:
        return b == 0 ? 0 : a - floored * b;
      case IndexToken::kMin:
        return std::min(a, b);
      case IndexToken::kMax:
        return std::max(a, b);
      case IndexToken::kLt:
        return a < b;
      case IndexToken::kEq:
        return a == b;
      case IndexToken::kDivExact:
        return b != 0 && a % b == 0 ? a / b : -1;
      default:
        std::abort();
    }
  }

  Values reindex(const Op& op, const Var& out) const {
    const Shape& shape = op.inputs[0]->shape;
    Values y(static_cast<std::size_t>(out.count()));
    for_each_index(out.shape, [&](const Index& index, std::size_t at) {
      bool inside = true;
      const Index from = indices(op, 0, index, shape, &inside);
      y[at] = inside ? in(op)[position(shape, from)] : scalar(op, op.attrs.scalars.size() - 1);
    });
    return y;
  }

  Values reindex_reduce(const Op& op, const Var& out) const {
    const auto kind = static_cast<ReduceKind>(op.attrs.structure[0]);
    Values y(static_cast<std::size_t>(out.count()), identity(kind));
    for_each_index(op.inputs[0]->shape, [&](const Index& index, std::size_t at) {
      bool inside = true;
      const Index to = indices(op, 1, index, out.shape, &inside);
      if (inside) y[position(out.shape, to)] = combine(kind, y[position(out.shape, to)], in(op)[at]);
    });
    return y;
  }

  static double operand(const SmallVector<ContractionDim, 6>& dims, const Shape& shape, const Values& x,
                        const Index& i) {
    Index at;
    for (const ContractionDim& dim : dims) {
      const int64_t v = dim.coef1 * i[dim.axis1] + (dim.axis2 >= 0 ? dim.coef2 * i[dim.axis2] : 0) + dim.offset;
      at.push_back(v % dim.divisor == 0 ? v / dim.divisor : -1);
    }
    const int64_t place = position(shape, at);
    return place >= 0 ? x[place] : 0;
  }

  Values contraction(const Op& op, const Var& out) const {
    const ContractionMap map = ContractionMap::from(op.attrs);
    Shape extents = out.shape;
    extents.resize(static_cast<std::size_t>(map.out_ndim + map.summed), 0);
    for (std::size_t operand = 0; operand < 2; ++operand) {
      const auto& dims = operand == 0 ? map.a : map.b;
      for (std::size_t i = 0; i < dims.size(); ++i) {
        if (dims[i].plain() && dims[i].offset == 0) extents[dims[i].axis1] = op.inputs[operand]->shape[i];
      }
    }
    Values y(static_cast<std::size_t>(out.count()), 0);
    for_each_index(extents, [&](const Index& i, std::size_t) {
      const Index to(i.begin(), i.begin() + map.out_ndim);
      y[position(out.shape, to)] +=
          operand(map.a, op.inputs[0]->shape, in(op, 0), i) * operand(map.b, op.inputs[1]->shape, in(op, 1), i);
    });
    return y;
  }

  std::map<const Var*, Values> known_;
};

inline Values evaluate(const VarRef& x) { return Evaluator()(x); }

}  // namespace reference
