// What both ways of a convolution share: layouts of scratch memory, panels of rows, moves to the output.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "exec/scratch.h"
#include "exec/window.h"

namespace jtcy {

// Below this many multiply-adds a part one thread is faster (waking another costs about 4 us).
inline constexpr int64_t kGrainProducts = 400'000;

// Panels of rows for which tiles merge the pieces of their columns themselves: for more of them it is done once.
inline constexpr int64_t kMergedPanels = 8;

/// Panels of at most `most` rows, as even as possible.
class RowPanels {
 public:
  RowPanels(int64_t row_count, int64_t most)
      : rows(row_count), count(divide_up(row_count, most)), begin_(static_cast<std::size_t>(count) + 1) {
    for (int64_t panel = 0; panel <= count; ++panel) begin_[static_cast<std::size_t>(panel)] = rows * panel / count;
  }
  int64_t begin(int64_t panel) const noexcept { return begin_[static_cast<std::size_t>(panel)]; }
  /// Where each panel begins, and the last one's end.
  const int64_t* begins() const noexcept { return begin_.data(); }
  int64_t height(int64_t panel) const noexcept { return begin(panel + 1) - begin(panel); }
  const int64_t rows, count;

 private:
  std::vector<int64_t> begin_;
};

inline const long long* as_abi(const int64_t* values) noexcept { return reinterpret_cast<const long long*>(values); }

/// to[i * step] = from[i]; 16-bit floats are rounded here, once.
void move_run(const Window& w, const char* from, char* to, int64_t count, int64_t step) noexcept;

/// Positions are the columns of tiles.
int64_t window_columns_scratch(const Window& w, int threads) noexcept;
void run_window_columns(const Window& w, char* memory, ThreadPool& pool, const Epilogue* epilogue);
/// Positions are summed.
int64_t window_rows_scratch(const Window& w, int threads) noexcept;
void run_window_rows(const Window& w, char* memory, ThreadPool& pool);

}  // namespace jtcy
