// IndexBuilder: writes the structure of a Reindex or ReindexReduce program by program.
#pragma once
#include "graph/attrs.h"
#include "graph/index_program.h"

namespace jtcy {

/// One program for each axis of the indexed Var, in order: begin(mode), tokens, begin(mode), tokens, ...
class IndexBuilder {
 public:
  explicit IndexBuilder(Attrs* attrs, int64_t programs) : structure_(attrs->structure) {
    structure_.push_back(programs);
  }

  IndexBuilder& begin(IndexMode mode) {
    structure_.push_back(static_cast<int64_t>(mode));
    length_at_ = structure_.size();
    structure_.push_back(0);
    return *this;
  }
  IndexBuilder& put(IndexToken token, int64_t argument = 0) {
    structure_.push_back(static_cast<int64_t>(token));
    structure_.push_back(argument);
    ++structure_[length_at_];
    return *this;
  }
  IndexBuilder& axis(int64_t axis) { return put(IndexToken::kAxis, axis); }

 private:
  SmallVector<int64_t, 8>& structure_;
  std::size_t length_at_ = 0;
};

/// Calls f(token, argument) for each token of each program from `at` on (which points at the number of programs).
template <typename F>
void for_each_index_token(const SmallVector<int64_t, 8>& structure, std::size_t at, F&& f) {
  const int64_t programs = structure[at++];
  for (int64_t program = 0; program < programs; ++program) {
    const int64_t length = structure[at + 1];
    at += 2;
    for (int64_t i = 0; i < length; ++i, at += 2) f(static_cast<IndexToken>(structure[at]), structure[at + 1]);
  }
}

}  // namespace jtcy
