// Attention forward: online softmax over blocks of keys, queries side by side in the lanes of a vector.
#include "exec/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "exec/attention_blocks.h"

namespace jtcy {
namespace {

// Note [Scores of attention]
// Scores are computed keys by queries: a block of keys is the packed operand of the tiles, the queries are their
// columns. Maximum and sum of a row are then elementwise over vectors of queries, and the probabilities stand as the
// second product (values by queries) reads them. Only the result is transposed.

constexpr int64_t kBlock = kAttentionBlock;
/// What bounds on scores are multiplied by, for rounding.
constexpr double kMargin = 1.001;

template <typename T>
class Worker {
 public:
  Worker(const OpView& op, const AttentionShape& shape, AttentionMemory memory)
      : op_(op),
        shape_(shape),
        query_(op.inputs[0], op.output->shape, shape.accumulator),
        key_(op.inputs[1], op.output->shape, shape.accumulator),
        value_(op.inputs[2], op.output->shape, shape.accumulator),
        mask_(op.inputs[op.input_count - 1], op.output->shape, shape.accumulator),
        product_(*shape.tiles, kBlock, kBlock) {
    take(memory);
  }

  static int64_t nbytes(const OpView& op, const AttentionShape& shape) {
    AttentionMemory memory(nullptr);
    return Worker(op, shape, memory).taken_;
  }

  /// Blocks of queries, numbered through all heads.
  void run(int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t head = unit / shape_.query_blocks;
      if (head != head_) load_head(head);
      run_block(unit % shape_.query_blocks * kBlock);
    }
  }

 private:
  using Product = AttentionProduct<T>;

  void take(AttentionMemory& memory) {
    const int64_t widest = std::max(shape_.dims, shape_.values);
    keys_ = memory.take<T>(shape_.keys * shape_.dims);
    values_ = memory.take<T>(shape_.keys * shape_.values);
    key_square_ = memory.take<double>(shape_.key_blocks);
    value_square_ = memory.take<double>(shape_.key_blocks);
    stage_ = memory.take<T>(kBlock * std::max(widest, kBlock));
    turned_ = memory.take<T>(kBlock * shape_.dims);
    scores_ = memory.take<T>(kBlock * kBlock);
    result_ = memory.take<T>(kBlock * shape_.values);
    if (masked()) mask_rows_ = memory.take<T>(kBlock * kBlock);
    if (masked()) mask_turned_ = memory.take<T>(kBlock * kBlock);
    for (T** state : {&highest_, &sum_, &factor_, &normalizer_}) *state = memory.take<T>(kBlock);
    taken_ = memory.total();
  }
  bool masked() const { return shape_.spec.mask != MaskKind::kNone; }

  /// Packs all keys and values of a head.
  void load_head(int64_t head) {
    head_ = head;
    const int64_t dims = shape_.dims, values = shape_.values;
    for (int64_t block = 0; block < shape_.key_blocks; ++block) {
      const int64_t first = block * kBlock, count = std::min(kBlock, shape_.keys - first);
      const void* const keys = key_.rows(head, first, count, dims, stage_);
      if (masked()) key_square_[block] = shape_.loops->largest_square(keys, dims, count, dims);
      shape_.turn(keys, dims, count, dims, turned_, kBlock);
      shape_.loops->to_panels(turned_, kBlock, dims, count, shape_.panels(count), keys_ + first * dims);
      const void* const rows = value_.rows(head, first, count, values, stage_);
      if (masked()) value_square_[block] = shape_.loops->largest_square(rows, values, count, values);
      shape_.loops->to_panels(rows, values, count, values, shape_.panels(values), values_ + first * values);
    }
  }

  void load_queries(int64_t first, int64_t count) {
    const int64_t dims = shape_.dims;
    const void* const rows = query_.rows(head_, first, count, dims, stage_);
    if (masked()) query_square_ = shape_.loops->largest_square(rows, dims, count, dims);
    if (count < kBlock) std::memset(turned_, 0, static_cast<std::size_t>(kBlock * dims) * sizeof(T));
    shape_.turn(rows, dims, count, dims, turned_, kBlock);
  }

  void run_block(int64_t first) {
    const int64_t count = std::min(kBlock, shape_.queries - first);
    width_ = (count + kAttentionLanes - 1) / kAttentionLanes * kAttentionLanes;
    load_queries(first, count);
    std::fill_n(highest_, kBlock, -std::numeric_limits<T>::infinity());
    std::fill_n(sum_, kBlock, T(0));
    started_ = false;
    for (int64_t block = 0; block < shape_.key_blocks; ++block) {
      const int64_t key = block * kBlock;
      if (shape_.spec.causal && key >= first + count) break;
      add_keys(block, first, count);
    }
    write(first, count);
  }

  void add_keys(int64_t block, int64_t query, int64_t queries) {
    const int64_t key = block * kBlock, packed = std::min(kBlock, shape_.keys - key);
    const int64_t count = shape_.spec.causal ? std::min(packed, query + queries - key) : packed;
    if (masked()) {
      mask_.read(head_, query, queries, key, count, mask_rows_, kBlock);
      if (adds_nothing(block, queries, count)) return;
      shape_.turn(mask_rows_, kBlock, queries, count, mask_turned_, kBlock);
    }
    const int64_t dims = shape_.dims, values = shape_.values;
    product_.run({keys_ + key * dims, packed, dims}, count, dims, turned_, width_, scores_, false);
    const AttentionSoftmax softmax{shape_.scores(scores_, masked() ? mask_turned_ : nullptr),
                                   count,
                                   width_,
                                   shape_.spec.causal,
                                   query - key,
                                   highest_,
                                   sum_,
                                   factor_};
    shape_.loops->softmax(&softmax);
    const bool same = std::all_of(factor_, factor_ + width_, [](T factor) { return factor == 1; });
    if (started_ && !same) shape_.loops->scale_columns(result_, values, width_, factor_);
    product_.run({values_ + key * values, values, packed}, values, count, scores_, width_, result_, started_);
    started_ = true;
  }

  /// The mask alone sees to it that every probability of the block is 0, and no value makes more of that.
  bool adds_nothing(int64_t block, int64_t queries, int64_t count) const {
    const double bound = std::sqrt(query_square_ * key_square_[block]) * std::abs(shape_.spec.scale) * kMargin;
    if (!std::isfinite(bound) || !std::isfinite(value_square_[block])) return false;
    const double least = *std::min_element(highest_, highest_ + queries);
    const double limit = least - shape_.underflow();
    if (shape_.spec.mask == MaskKind::kAdded) {
      return shape_.loops->all_at_most(mask_rows_, queries, count, limit - bound) != 0;
    }
    return shape_.spec.fill <= limit && shape_.loops->all_at_most(mask_rows_, queries, count, 0) != 0;
  }

  void write(int64_t first, int64_t count) {
    const int64_t values = shape_.values;
    shape_.loops->finish(highest_, sum_, shape_.spec.zero_rows, factor_, normalizer_);
    if (!started_) std::fill_n(result_, kBlock * values, T(0));
    shape_.loops->scale_columns(result_, values, width_, factor_);
    shape_.turn(result_, kBlock, values, count, stage_, values);
    const int64_t row = head_ * shape_.queries + first;
    write_attention_rows(*op_.output, shape_.accumulator, row, count, stage_);
    if (op_.structure[3] == 0) return;
    std::memcpy(static_cast<T*>(op_.output[1].data) + row, normalizer_, static_cast<std::size_t>(count) * sizeof(T));
  }

  const OpView& op_;
  const AttentionShape& shape_;
  AttentionOperand query_, key_, value_, mask_;
  Product product_;
  T *keys_, *values_, *stage_, *turned_, *scores_, *result_, *mask_rows_ = nullptr, *mask_turned_ = nullptr;
  T *highest_, *sum_, *factor_, *normalizer_;
  double *key_square_, *value_square_, query_square_ = 0;
  int64_t taken_ = 0, head_ = -1, width_ = 0;
  bool started_ = false;
};

template <typename T>
void run_forward(const OpView& op, const AttentionShape& shape, char* scratch, ThreadPool& pool) {
  const int64_t nbytes = Worker<T>::nbytes(op, shape);
  const int64_t products = std::max<int64_t>(1, kBlock * shape.keys * (shape.dims + shape.values));
  const auto part = [&](int thread, int64_t begin, int64_t end) {
    Worker<T>(op, shape, AttentionMemory(scratch + thread * nbytes)).run(begin, end);
  };
  pool.parallel_for(shape.heads * shape.query_blocks, (kAttentionGrainProducts + products - 1) / products, part);
}

}  // namespace

int64_t attention_scratch(const OpView& op, int threads) {
  if (op.kind == OpKind::kAttentionGradient) return attention_gradient_scratch(op, threads);
  const AttentionShape shape(op);
  const bool wide = shape.accumulator == Dtype::kFloat64;
  return threads * (wide ? Worker<double>::nbytes(op, shape) : Worker<float>::nbytes(op, shape));
}

void run_attention(const OpView& op, void* scratch, ThreadPool& pool) {
  if (op.kind == OpKind::kAttentionGradient) return run_attention_gradient(op, scratch, pool);
  const AttentionShape shape(op);
  char* const memory = static_cast<char*>(scratch);
  if (shape.accumulator == Dtype::kFloat64) return run_forward<double>(op, shape, memory, pool);
  run_forward<float>(op, shape, memory, pool);
}

}  // namespace jtcy
