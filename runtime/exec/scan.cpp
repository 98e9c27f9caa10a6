// Scans on the CPU: lines side by side; where there are few, their blocks side by side.
#include "exec/scan.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/rounding.h"
#include "exec/interpreter_view.h"

namespace jtcy {
namespace {

/// Lines that the loops take together where they are beside each other, and where they are not.
constexpr int64_t kBeside = 16;
constexpr int64_t kApart = 8;
/// Below so many units of lines the blocks of a sum are units, too.
constexpr int64_t kFewUnits = 8;
/// Elements that a pass over blocks goes through before the second pass comes back to them: they are still in caches.
constexpr int64_t kSpan = 1 << 18;

constexpr int64_t kAlignment = 64;

/// An operand as (outer, axis, lines): the steps of each, in elements.
struct Steps {
  int64_t outer, step, line;
};

/// The step of neighbouring axes that walk memory evenly.
std::optional<int64_t> step_of_run(const TensorView& view, std::size_t first, std::size_t end) {
  std::optional<int64_t> step;
  int64_t reach = 0;
  for (std::size_t axis = end; axis-- > first;) {
    if (view.shape[axis] == 1) continue;
    if (step && view.strides[axis] != reach) return std::nullopt;
    if (!step) step = view.strides[axis];
    reach = view.strides[axis] * view.shape[axis];
  }
  return step.value_or(0);
}

/// Axes before the scanned one are `outer`, those behind it are lines; if there are none, those before it are lines.
struct ScanShape {
  ScanKind kind;
  std::size_t axis;
  bool reverse, rows;
  int64_t outer, length, lines;

  explicit ScanShape(const OpView& op)
      : kind(static_cast<ScanKind>(op.structure[0])),
        axis(static_cast<std::size_t>(op.structure[1])),
        reverse(op.structure[2] != 0) {
    const Shape& shape = op.output->shape;
    outer = extent_product(shape, 0, axis);
    length = shape[axis];
    lines = extent_product(shape, axis + 1, shape.size());
    rows = lines == 1;
    if (rows) std::swap(outer, lines);
  }
  /// Null where the operand has to be copied.
  std::optional<Steps> steps(const TensorView& view) const {
    const auto before = step_of_run(view, 0, axis), behind = step_of_run(view, axis + 1, view.shape.size());
    if (!before || !behind) return std::nullopt;
    return rows ? Steps{0, view.strides[axis], *before} : Steps{*before, view.strides[axis], *behind};
  }
  Steps contiguous() const { return rows ? Steps{0, 1, length} : Steps{length * lines, lines, 1}; }
  int64_t blocks() const { return divide_up(length, kScanBlock); }
  int64_t all_lines() const { return outer * lines; }
  bool by_blocks() const {
    const int64_t width = rows ? kApart : kBeside;
    return kind == ScanKind::kSum && outer * divide_up(lines, width) < kFewUnits && blocks() >= kApart;
  }
  /// Blocks between two looks at their sums.
  int64_t span() const { return std::max(kApart, kSpan / (kScanBlock * all_lines())); }
  /// Of the sums of a span, and of what is before it.
  int64_t sums_nbytes() const {
    return by_blocks() ? round_up(all_lines() * (span() + 1) * kLargestItem, kAlignment) : 0;
  }
};

int64_t copy_nbytes(const TensorView& view) {
  return round_up(element_count(view.shape) * itemsize(view.dtype), kAlignment);
}

/// A: the accumulator.
template <typename A>
class Scan {
 public:
  Scan(const OpView& op, const ScanShape& shape, char* scratch, ThreadPool& pool)
      : shape_(shape),
        loops_(current_isa_table().scan[static_cast<int>(shape.kind)][static_cast<int>(op.output->dtype)]),
        itemsize_(itemsize(op.output->dtype)),
        pool_(pool),
        before_(reinterpret_cast<A*>(scratch)),
        scratch_(scratch + shape.sums_nbytes()),
        x_(operand(op.inputs[0], 0)),
        y_(place(*op.output, shape.contiguous(), 0)) {
    if (op.input_count > 1) factor_ = operand(op.inputs[1], 1);
    beside_ = x_.steps.line == 1 && y_.steps.line == 1;
  }

  void run() { shape_.by_blocks() ? run_blocks() : run_lines(); }

 private:
  /// Where the scan begins.
  struct Place {
    char* data = nullptr;
    Steps steps{};
  };

  Place place(const TensorView& view, Steps steps, int64_t shift) const {
    char* data = static_cast<char*>(view.data);
    if (!shape_.reverse) return {data, steps};
    data += (shape_.length - 1 + shift) * steps.step * itemsize_;
    return {data, {steps.outer, -steps.step, steps.line}};
  }

  /// In reverse, an element's factor is that of the element behind it: `shift`.
  Place operand(const TensorView& view, int64_t shift) {
    if (const auto steps = shape_.steps(view)) return place(view, *steps, shift);
    TensorView copy = view;
    copy.data = scratch_;
    scratch_ += copy_nbytes(view);
    const StridedReader reader(view);
    pool_.parallel_for(element_count(view.shape), kInterpreterGrain, [&](int, int64_t begin, int64_t end) {
      reader.gather(begin, end - begin, static_cast<char*>(copy.data) + begin * itemsize_);
    });
    return place(copy, shape_.contiguous(), shift);
  }

  /// From a line and an element of it on.
  ScanLines lines_from(int64_t outer, int64_t line, int64_t element, A* before) const {
    const auto at = [&](const Place& p) {
      return p.data + (outer * p.steps.outer + line * p.steps.line + element * p.steps.step) * itemsize_;
    };
    ScanLines out{};
    out.x = at(x_), out.y = at(y_), out.factor = factor_.data == nullptr ? nullptr : at(factor_);
    out.x_line = x_.steps.line, out.y_line = y_.steps.line, out.factor_line = factor_.steps.line;
    out.x_step = x_.steps.step, out.y_step = y_.steps.step, out.factor_step = factor_.steps.step;
    out.before = before;
    return out;
  }

  /// Whole lines, in units of those that the loops take together.
  void run_lines() {
    const int64_t width = beside_ ? kBeside : kApart, units = divide_up(shape_.lines, width);
    const int64_t elements = shape_.length * std::min(width, shape_.lines);
    pool_.parallel_for(
        shape_.outer * units, std::max<int64_t>(1, kInterpreterGrain / elements), [&](int, int64_t begin, int64_t end) {
          for (int64_t at = begin; at < end;) {
            const int64_t unit = at % units, taken = std::min({units - unit, end - at, kScanLines / width});
            scan_whole(at / units, unit * width, std::min(taken * width, shape_.lines - unit * width));
            at += taken;
          }
        });
  }

  void scan_whole(int64_t outer, int64_t line, int64_t count) const {
    A before[kScanLines];
    std::fill_n(before, count, kNothing);
    ScanLines lines = lines_from(outer, line, 0, before);
    lines.lines = count;
    lines.length = shape_.length;
    loops_.scan(&lines);
  }

  /// Long lines, few of them: a span of blocks is summed up, then scanned from what is before each block.
  void run_blocks() {
    const int64_t all = shape_.all_lines(), blocks = shape_.blocks(), span = shape_.span();
    A* const before_span = before_ + all * span;
    std::fill_n(before_span, all, kNothing);
    for (int64_t first = 0; first < blocks; first += span) {
      const int64_t count = std::min(span, blocks - first);
      each_block(first, count, loops_.totals);
      for (int64_t line = 0; line < all; ++line) {
        A sum = before_span[line];
        for (int64_t block = 0; block < count; ++block) {
          A* const own = sum_of(line / shape_.lines, line % shape_.lines, block);
          const A next = sum + *own;
          *own = sum;
          sum = next;
        }
        before_span[line] = sum;
      }
      each_block(first, count, loops_.scan);
    }
  }

  /// Sums of lines beside each other lie so, else sums of neighbouring blocks.
  A* sum_of(int64_t outer, int64_t line, int64_t block) const {
    const int64_t span = shape_.span();
    return before_ +
           (beside_ ? (outer * span + block) * shape_.lines + line : (outer * shape_.lines + line) * span + block);
  }

  void each_block(int64_t first, int64_t count, void (*loop)(const ScanLines*)) {
    const int64_t group = beside_ ? 1 : kApart, groups = divide_up(count, group);
    const int64_t chains = beside_ ? shape_.outer : shape_.all_lines();
    pool_.parallel_for(chains * groups, 1, [&](int, int64_t begin, int64_t end) {
      for (int64_t at = begin; at < end; ++at) {
        const int64_t chain = at / groups, block = at % groups * group;
        if (beside_) {
          block_of_lines(chain, first, block, loop);
        } else {
          blocks_of_line(chain, first, block, std::min(group, count - block), loop);
        }
      }
    });
  }

  int64_t length_of(int64_t block) const { return std::min<int64_t>(kScanBlock, shape_.length - block * kScanBlock); }

  void block_of_lines(int64_t outer, int64_t first, int64_t block, void (*loop)(const ScanLines*)) const {
    ScanLines lines = lines_from(outer, 0, (first + block) * kScanBlock, sum_of(outer, 0, block));
    lines.lines = shape_.lines;
    lines.length = length_of(first + block);
    loop(&lines);
  }

  /// The blocks stand as lines; the last one may be shorter.
  void blocks_of_line(int64_t chain, int64_t first, int64_t block, int64_t count,
                      void (*loop)(const ScanLines*)) const {
    const int64_t outer = chain / shape_.lines, line = chain % shape_.lines;
    const int64_t last = length_of(first + block + count - 1), whole = last == kScanBlock ? count : count - 1;
    for (const auto& [from, lines_of, length] :
         {std::array{int64_t{0}, whole, int64_t{kScanBlock}}, std::array{whole, count - whole, last}}) {
      ScanLines lines = lines_from(outer, line, (first + block + from) * kScanBlock, sum_of(outer, line, block + from));
      lines.x_line = lines.x_step * kScanBlock;
      lines.y_line = lines.y_step * kScanBlock;
      lines.lines = lines_of;
      lines.length = length;
      loop(&lines);
    }
  }

  /// What may be added to anything.
  static constexpr A kNothing = static_cast<A>(-0.0);

  const ScanShape& shape_;
  const ScanLoops& loops_;
  int64_t itemsize_;
  ThreadPool& pool_;
  A* before_;
  char* scratch_;
  Place x_, y_, factor_;
  bool beside_;
};

}  // namespace

int64_t scan_scratch(const OpView& op) {
  const ScanShape shape(op);
  int64_t nbytes = shape.sums_nbytes();
  for (int64_t i = 0; i < op.input_count; ++i) {
    if (!shape.steps(op.inputs[i])) nbytes += copy_nbytes(op.inputs[i]);
  }
  return nbytes;
}

void run_scan(const OpView& op, void* scratch, ThreadPool& pool) {
  const ScanShape shape(op);
  char* const memory = static_cast<char*>(scratch);
  if (op.output->dtype == Dtype::kInt64) return Scan<long long>(op, shape, memory, pool).run();
  Scan<double>(op, shape, memory, pool).run();
}

}  // namespace jtcy
