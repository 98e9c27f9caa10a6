// Index programs, a block of positions at a time.
#include "exec/interpreter_index.h"

#include <algorithm>

#include "base/error.h"
#include "exec/interpreter_table.h"

namespace jtcy {

namespace {

int64_t floor_divide(int64_t a, int64_t b) noexcept {
  if (b == 0) return 0;
  if (b == -1) return static_cast<int64_t>(-static_cast<uint64_t>(a));
  const int64_t quotient = a / b;
  return quotient - static_cast<int64_t>((a % b != 0) && ((a < 0) != (b < 0)));
}

int64_t floor_modulo(int64_t a, int64_t b) noexcept {
  if (b == 0 || b == -1) return 0;
  const int64_t rest = a % b;
  return rest + ((rest != 0 && (rest < 0) != (b < 0)) ? b : 0);
}

int64_t divide_exactly(int64_t a, int64_t b) noexcept {
  if (b == 0) return -1;
  if (b == -1) return static_cast<int64_t>(-static_cast<uint64_t>(a));
  return a % b == 0 ? a / b : -1;
}

int64_t wrap_add(int64_t a, int64_t b) noexcept {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t wrap_subtract(int64_t a, int64_t b) noexcept {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t wrap_multiply(int64_t a, int64_t b) noexcept {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

template <typename F>
void combine(int64_t* a, const int64_t* b, int64_t count, const F& f) {
  for (int64_t i = 0; i < count; ++i) a[i] = f(a[i], b[i]);
}

/// Deepest that a stack can get: one place a push.
int64_t most_tokens(const int64_t* programs) {
  int64_t most = 1;
  const int64_t* at = programs + 1;
  for (int64_t program = 0; program < programs[0]; ++program) {
    most = std::max(most, at[1]);
    at += 2 + 2 * at[1];
  }
  return most;
}

}  // namespace

IndexEvaluator::IndexEvaluator(const OpView& op, const int64_t* programs, const Shape& domain, const Shape& target,
                               const Strides& target_strides)
    : op_(op),
      programs_(programs),
      domain_(domain),
      target_(target),
      strides_(target_strides),
      axes_(domain.size() * kIndexBlock),
      stack_(static_cast<std::size_t>(most_tokens(programs) * kIndexBlock)) {}

void IndexEvaluator::load_axes(int64_t start, int64_t count) {
  int64_t inner = 1;
  for (std::size_t axis = domain_.size(); axis-- > 0;) {
    const int64_t extent = domain_[axis];
    int64_t rest = start % inner, index = start / inner % extent;
    int64_t* const to = axes_.data() + axis * kIndexBlock;
    const int64_t step = inner == 1 && extent > 1 ? 1 : 0;  // runs of growing indices, or of equal ones
    for (int64_t i = 0; i < count;) {
      const int64_t run = std::min(count - i, extent == 1 ? count : step == 1 ? extent - index : inner - rest);
      for (int64_t k = 0; k < run; ++k) to[i + k] = index + k * step;
      i += run;
      rest = 0;
      index = index + (step == 1 ? run : 1) == extent ? 0 : index + 1;
    }
    inner *= extent;
  }
}

bool IndexEvaluator::evaluate(int64_t start, int64_t count, int64_t* offsets, uint8_t* inside) {
  start_ = start;
  load_axes(start, count);
  std::fill_n(offsets, count, 0);
  std::fill_n(inside, count, uint8_t{1});
  const int64_t* at = programs_ + 1;
  bool all_inside = true;
  for (int64_t program = 0; program < programs_[0]; ++program) {
    const auto axis = static_cast<std::size_t>(program);
    const int64_t length = at[1];
    if (!add_straight(at, axis, count, offsets)) {
      run_program(at + 2, length, count);
      all_inside &= apply_bounds(static_cast<IndexMode>(at[0]), axis, count, offsets, inside);
    }
    at += 2 + 2 * length;
  }
  return all_inside;
}

/// A program that is an axis of the domain, which no more than fits the target's: there is nothing to compute or check.
bool IndexEvaluator::add_straight(const int64_t* program, std::size_t axis, int64_t count, int64_t* offsets) {
  if (program[1] != 1 || program[2] != static_cast<int64_t>(IndexToken::kAxis)) return false;
  if (domain_[static_cast<std::size_t>(program[3])] > target_[axis]) return false;
  const int64_t* const index = axes_.data() + program[3] * kIndexBlock;
  const int64_t stride = strides_[axis];
  for (int64_t i = 0; i < count; ++i) offsets[i] += index[i] * stride;
  return true;
}

bool IndexEvaluator::apply_bounds(IndexMode mode, std::size_t axis, int64_t count, int64_t* offsets, uint8_t* inside) {
  const int64_t* const index = place(0);
  const int64_t limit = target_[axis];
  if (current_isa_table().add_places(reinterpret_cast<const long long*>(index), limit, strides_[axis],
                                     reinterpret_cast<long long*>(offsets), count)) {
    return true;
  }
  for (int64_t i = 0; i < count; ++i) {
    if (index[i] >= 0 && index[i] < limit) continue;
    if (mode == IndexMode::kChecked && inside[i] != 0) fault_.take({start_ + i, index[i], limit});
    inside[i] = 0;
  }
  return false;
}

void IndexEvaluator::run_program(const int64_t* tokens, int64_t length, int64_t count) {
  depth_ = 0;
  if (counts_from_end(tokens, length)) {
    const int64_t load = (length - 5) / 3;
    run_program(tokens, load, count);
    const int64_t* const extent = tokens + 2 * (2 * load + 2);
    current_isa_table().from_end(reinterpret_cast<long long*>(place(0)), number_of(extent[0], extent[1]), count);
    return;
  }
  for (int64_t i = 0; i < length; ++i) {
    const int64_t axes = straight_axes(tokens + 2 * i, length - i);
    i += axes;
    if (axes > 0) {
      load_straight(tokens[2 * i + 1], count);
    } else {
      push_token(tokens[2 * i], tokens[2 * i + 1], count);
    }
  }
  JTCY_ASSERT(depth_ == 1, "interpreter: an index program left ", depth_, " values");
}

/// Whether a program is `i < 0 ? i + extent : i`, where the same tokens compute each i: it is computed once then.
bool IndexEvaluator::counts_from_end(const int64_t* tokens, int64_t length) const {
  const int64_t load = (length - 5) / 3;
  if (length < 8 || length != 3 * load + 5) return false;
  const auto is = [&](int64_t at, IndexToken token) { return tokens[2 * at] == static_cast<int64_t>(token); };
  const auto again = [&](int64_t at) { return std::equal(tokens, tokens + 2 * load, tokens + 2 * at); };
  const int64_t extent = 2 * load + 2;
  return is(load, IndexToken::kConst) && tokens[2 * load + 1] == 0 && is(load + 1, IndexToken::kLt) &&
         again(load + 2) && (is(extent, IndexToken::kSlot) || is(extent, IndexToken::kExtent)) &&
         is(extent + 1, IndexToken::kAdd) && again(extent + 2) && is(length - 1, IndexToken::kSelect);
}

/// The value of a kConst, kSlot or kExtent.
int64_t IndexEvaluator::number_of(int64_t token, int64_t argument) const {
  if (token == static_cast<int64_t>(IndexToken::kConst)) return argument;
  if (token == static_cast<int64_t>(IndexToken::kSlot)) return op_.scalars[argument].i;
  return op_.inputs[argument / kMaxDims].shape[static_cast<std::size_t>(argument % kMaxDims)];
}

void IndexEvaluator::push_token(int64_t token, int64_t argument, int64_t count) {
  const auto binary = [&](auto f) {
    --depth_;
    combine(place(depth_ - 1), place(depth_), count, f);
  };
  switch (static_cast<IndexToken>(token)) {
    case IndexToken::kAxis:
      std::copy_n(axes_.data() + argument * kIndexBlock, count, place(depth_++));
      return;
    case IndexToken::kConst:
    case IndexToken::kSlot:
    case IndexToken::kExtent:
      std::fill_n(place(depth_++), count, number_of(token, argument));
      return;
    case IndexToken::kLoad:
      return load_input(argument, count);
    case IndexToken::kAdd:
      return binary(wrap_add);
    case IndexToken::kSub:
      return binary(wrap_subtract);
    case IndexToken::kMul:
      return binary(wrap_multiply);
    case IndexToken::kFloorDiv:
      return binary(floor_divide);
    case IndexToken::kMod:
      return binary(floor_modulo);
    case IndexToken::kMin:
      return binary([](int64_t a, int64_t b) { return std::min(a, b); });
    case IndexToken::kMax:
      return binary([](int64_t a, int64_t b) { return std::max(a, b); });
    case IndexToken::kLt:
      return binary([](int64_t a, int64_t b) { return static_cast<int64_t>(a < b); });
    case IndexToken::kEq:
      return binary([](int64_t a, int64_t b) { return static_cast<int64_t>(a == b); });
    case IndexToken::kDivExact:
      return binary(divide_exactly);
    case IndexToken::kSelect:
      depth_ -= 2;
      for (int64_t i = 0; i < count; ++i) {
        int64_t* const condition = place(depth_ - 1) + i;
        *condition = *condition != 0 ? place(depth_)[i] : place(depth_ + 1)[i];
      }
      return;
  }
  JTCY_ASSERT(false, "interpreter: index token ", token, " is unknown");
}

/// How many axes are named before an input that is read where the domain is, element behind element; 0: it is not.
int64_t IndexEvaluator::straight_axes(const int64_t* tokens, int64_t length) const {
  const auto ndim = static_cast<int64_t>(domain_.size());
  if (length <= ndim || tokens[2 * ndim] != static_cast<int64_t>(IndexToken::kLoad)) return 0;
  for (int64_t axis = 0; axis < ndim; ++axis) {
    if (tokens[2 * axis] != static_cast<int64_t>(IndexToken::kAxis) || tokens[2 * axis + 1] != axis) return 0;
  }
  const TensorView& x = op_.inputs[tokens[2 * ndim + 1]];
  return x.shape == domain_ && x.strides == contiguous_strides(domain_) ? ndim : 0;
}

void IndexEvaluator::load_straight(int64_t input, int64_t count) {
  const TensorView& x = op_.inputs[input];
  const auto widen = current_isa_table().cast[static_cast<int>(x.dtype)][static_cast<int>(Dtype::kInt64)];
  widen(static_cast<const char*>(x.data) + start_ * itemsize(x.dtype), place(depth_++), count);
}

/// Pops an index an axis; an index outside (only a computed one can be) reads the nearest element, never other memory.
void IndexEvaluator::load_input(int64_t input, int64_t count) {
  const TensorView& x = op_.inputs[input];
  const auto ndim = static_cast<int64_t>(x.shape.size());
  depth_ -= ndim;
  int64_t* const to = place(depth_);
  const int64_t size = itemsize(x.dtype);
  const auto widen = current_isa_table().cast[static_cast<int>(x.dtype)][static_cast<int>(Dtype::kInt64)];
  const bool empty = element_count(x.shape) == 0;
  for (int64_t i = 0; i < count; ++i) {
    int64_t offset = 0;
    for (int64_t axis = 0; axis < ndim && !empty; ++axis) {
      const auto k = static_cast<std::size_t>(axis);
      offset += std::clamp<int64_t>(place(depth_ + axis)[i], 0, x.shape[k] - 1) * x.strides[k];
    }
    int64_t value = 0;
    if (!empty) widen(static_cast<const char*>(x.data) + offset * size, &value, 1);
    to[i] = value;
  }
  ++depth_;
}

}  // namespace jtcy
