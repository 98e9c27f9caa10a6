// The interpreter: elementwise ops, and which file runs which family.
#include "exec/interpreter.h"

#include <algorithm>

#include "base/error.h"
#include "exec/attention.h"
#include "exec/contraction.h"
#include "exec/interpreter_view.h"
#include "exec/scan.h"

namespace jtcy {

namespace {

constexpr int kMaxElementwiseInputs = 3;

/// One operand, read block by block: in place, gathered, or one element over and over.
class Operand {
 public:
  explicit Operand(const TensorView& view)
      : reader_(view), repeats_(std::ranges::all_of(view.strides, [](int64_t stride) { return stride == 0; })) {
    if (repeats_) fill_items(block_, view.data, itemsize(view.dtype), kInterpreterBlock);
  }
  const void* at(int64_t start, int64_t count) { return repeats_ ? block_ : reader_.block(start, count, block_); }

 private:
  alignas(64) char block_[kInterpreterBlock * kLargestItem];
  StridedReader reader_;
  bool repeats_;
};

/// Calls the inner loop over [begin, end) of the output, in blocks where an operand does not lie as the output does.
template <typename Loop>
void for_each_block(const OpView& op, ThreadPool& pool, const Loop& loop) {
  const TensorView& output = *op.output;
  const int64_t size = itemsize(output.dtype);
  char* const to = static_cast<char*>(output.data);
  bool contiguous = true;
  for (int64_t i = 0; i < op.input_count; ++i) {
    contiguous &= is_contiguous(op.inputs[i].shape, op.inputs[i].strides);
  }
  const int64_t count = element_count(output.shape);
  if (contiguous) {
    pool.parallel_for(count, kInterpreterGrain, [&](int, int64_t begin, int64_t end) {
      const void* operand[kMaxElementwiseInputs] = {};
      for (int64_t i = 0; i < op.input_count; ++i) {
        operand[i] = static_cast<const char*>(op.inputs[i].data) + begin * itemsize(op.inputs[i].dtype);
      }
      loop(operand, to + begin * size, end - begin);
    });
    return;
  }
  pool.parallel_for(count, kInterpreterGrain, [&](int, int64_t begin, int64_t end) {
    // The last ones stand for those that the op does not have.
    Operand operands[kMaxElementwiseInputs] = {Operand(op.inputs[0]),
                                               Operand(op.inputs[std::min(op.input_count - 1, int64_t{1})]),
                                               Operand(op.inputs[op.input_count - 1])};
    for (int64_t at = begin; at < end; at += kInterpreterBlock) {
      const int64_t n = std::min(kInterpreterBlock, end - at);
      const void* operand[kMaxElementwiseInputs] = {};
      for (int64_t i = 0; i < op.input_count; ++i) operand[i] = operands[i].at(at, n);
      loop(operand, to + at * size, n);
    }
  });
}

void interpret_elementwise(const OpView& op, ThreadPool& pool) {
  const IsaTable& table = current_isa_table();
  const int kind = static_cast<int>(op.kind);
  const int dtype = static_cast<int>(op.inputs[0].dtype);
  if (op.kind == OpKind::kWhere) {
    const int64_t size = itemsize(op.output->dtype);
    const IsaTable::Ternary loop = table.where[__builtin_ctzll(static_cast<uint64_t>(size))];
    return for_each_block(op, pool, [loop](const void* const* x, void* y, int64_t n) { loop(x[0], x[1], x[2], y, n); });
  }
  if (op.input_count == 2) {
    const IsaTable::Binary loop = table.binary[kind][dtype];
    JTCY_ASSERT(loop != nullptr, "interpreter: no ", op_name(op.kind), " of ", dtype_name(op.inputs[0].dtype));
    return for_each_block(op, pool, [loop](const void* const* x, void* y, int64_t n) { loop(x[0], x[1], y, n); });
  }
  const IsaTable::Unary loop =
      op.kind == OpKind::kCast ? table.cast[dtype][static_cast<int>(op.output->dtype)] : table.unary[kind][dtype];
  JTCY_ASSERT(loop != nullptr, "interpreter: no ", op_name(op.kind), " of ", dtype_name(op.inputs[0].dtype));
  for_each_block(op, pool, [loop](const void* const* x, void* y, int64_t n) { loop(x[0], y, n); });
}

}  // namespace

int64_t interpreter_scratch(const OpView& op, int threads) {
  switch (family_of(op.kind)) {
    case Family::kReduce:
      return reduce_scratch(op);
    case Family::kScan:
      return scan_scratch(op);
    case Family::kReindexReduce:
      return reindex_reduce_scratch(op);
    case Family::kContraction:
      return contraction_scratch(op, threads);
    case Family::kAttention:
      return attention_scratch(op, threads);
    case Family::kSource:
    case Family::kRandom:
    case Family::kMovement:
    case Family::kElementwise:
    case Family::kReindex:
    case Family::kOpaque:
      return 0;
  }
  return 0;
}

void interpret(const OpView& op, void* scratch, KernelError* error, ThreadPool& pool) {
  if (element_count(op.output->shape) == 0 && family_of(op.kind) != Family::kReindexReduce) return;
  switch (family_of(op.kind)) {
    case Family::kSource:
    case Family::kRandom:
      return interpret_source(op, pool);
    case Family::kMovement:
      return interpret_movement(op, pool);
    case Family::kElementwise:
      return interpret_elementwise(op, pool);
    case Family::kReindex:
      return interpret_reindex(op, error, pool);
    case Family::kReindexReduce:
      return interpret_reindex_reduce(op, scratch, error, pool);
    case Family::kReduce:
      return interpret_reduce(op, scratch, pool);
    case Family::kScan:
      return run_scan(op, scratch, pool);
    case Family::kContraction:
      return run_contraction(op, scratch, pool);
    case Family::kAttention:
      return run_attention(op, scratch, pool);
    case Family::kOpaque:
      break;
  }
  JTCY_ASSERT(false, "interpreter: ", op_name(op.kind), " has no meaning of its own");
}

}  // namespace jtcy
