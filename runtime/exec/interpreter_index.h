// IndexEvaluator: runs the index programs of a Reindex or ReindexReduce for a block of positions at a time.
#pragma once
#include <cstdint>
#include <vector>

#include "exec/interpreter.h"
#include "graph/index_program.h"

namespace jtcy {

inline constexpr int64_t kIndexBlock = 256;

/// The first out-of-range index in row-major order: the same for any number of threads.
struct IndexFault {
  int64_t position = INT64_MAX;
  int64_t value = 0;
  int64_t limit = 0;
  void take(const IndexFault& other) noexcept {
    if (other.position < position) *this = other;
  }
};

/// One thread's evaluator. `domain`: the shape whose indices the programs read; `target`: the tensor that they address.
class IndexEvaluator {
 public:
  /// `programs`: structure from the number of programs on.
  IndexEvaluator(const OpView& op, const int64_t* programs, const Shape& domain, const Shape& target,
                 const Strides& target_strides);

  /// Offsets in elements of positions [start, start + count), count <= kIndexBlock; `inside[i]` is 0 where a bounded
  /// index lies outside (or a checked one does, which is also noted in fault()). Whether all are inside.
  bool evaluate(int64_t start, int64_t count, int64_t* offsets, uint8_t* inside);
  const IndexFault& fault() const noexcept { return fault_; }

 private:
  void load_axes(int64_t start, int64_t count);
  /// Leaves the result in the first place of the stack.
  void run_program(const int64_t* tokens, int64_t length, int64_t count);
  void push_token(int64_t token, int64_t argument, int64_t count);
  void load_input(int64_t input, int64_t count);
  int64_t straight_axes(const int64_t* tokens, int64_t length) const;
  bool counts_from_end(const int64_t* tokens, int64_t length) const;
  int64_t number_of(int64_t token, int64_t argument) const;
  void load_straight(int64_t input, int64_t count);
  bool apply_bounds(IndexMode mode, std::size_t axis, int64_t count, int64_t* offsets, uint8_t* inside);
  bool add_straight(const int64_t* program, std::size_t axis, int64_t count, int64_t* offsets);
  int64_t* place(int64_t depth) { return stack_.data() + depth * kIndexBlock; }

  const OpView& op_;
  const int64_t* programs_;
  const Shape& domain_;
  const Shape& target_;
  const Strides& strides_;
  std::vector<int64_t> axes_;  // kIndexBlock indices an axis
  std::vector<int64_t> stack_;
  int64_t depth_ = 0;
  int64_t start_ = 0;  // of the positions at hand
  IndexFault fault_;
};

}  // namespace jtcy
