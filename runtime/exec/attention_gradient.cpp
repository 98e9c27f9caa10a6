// The gradient of attention: probabilities are computed again, block by block, from the saved sums.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "exec/attention_blocks.h"

namespace jtcy {
namespace {

// Note [Order of the gradient]
// dk and dv of a block of keys add blocks of queries in ascending order, dq of a block of queries adds blocks of keys.
// A thread that has a whole head goes over the blocks of keys and does all three: five products a pair of blocks. Where
// there are fewer heads than threads like, blocks of keys are shared first (dk, dv), then blocks of queries (dq):
// scores and dp are then computed twice, seven products. Either way each sum has the same order. A few blocks of keys
// stay in the second-level cache while the queries of the head pass, each block of queries by all of them.

constexpr int64_t kBlock = kAttentionBlock;
constexpr double kMargin = 1.001;
constexpr int64_t kMostKeyBlocks = 4;
constexpr int64_t kProductsTogether = 5, kProductsApart = 7;

enum class Part : uint8_t { kAll, kKeys, kQueries };

int64_t padded(int64_t columns) noexcept { return (columns + kAttentionLanes - 1) / kAttentionLanes * kAttentionLanes; }

template <typename T>
class Worker {
 public:
  Worker(const OpView& op, const AttentionShape& shape, AttentionMemory memory)
      : op_(op),
        shape_(shape),
        query_(op.inputs[0], op.inputs[0].shape, shape.accumulator),
        key_(op.inputs[1], op.inputs[0].shape, shape.accumulator),
        value_(op.inputs[2], op.inputs[0].shape, shape.accumulator),
        mask_(op.inputs[3], op.inputs[0].shape, shape.accumulator),
        result_(op.inputs[op.input_count - 3], op.inputs[0].shape, shape.accumulator),
        cotangent_(op.inputs[op.input_count - 1], op.inputs[0].shape, shape.accumulator),
        by_block_(*shape.tiles, kBlock, kBlock),
        by_key_(*shape.tiles, padded(shape.dims), padded(shape.dims)) {
    take(memory);
  }

  static int64_t nbytes(const OpView& op, const AttentionShape& shape) {
    AttentionMemory memory(nullptr);
    return Worker(op, shape, memory).taken_;
  }

  /// Blocks [begin, end) of keys (kAll, kKeys) or of queries of one head.
  void run(int64_t head, Part part, int64_t begin, int64_t end) {
    const bool by_keys = part != Part::kQueries;
    if (head != head_ || by_keys != by_keys_ || !by_keys) {
      head_ = head;
      by_keys_ = by_keys;
      load_queries(by_keys ? 0 : begin, by_keys ? shape_.query_blocks : end);
    }
    const int64_t last = by_keys ? end : shape_.key_blocks;
    for (int64_t first = by_keys ? begin : 0; first < last; first += together_) {
      const int64_t count = std::min(together_, last - first);
      for (int64_t k = 0; k < count; ++k) load_keys(first + k, &blocks_[k]);
      for (int64_t q = by_keys ? 0 : begin; q < (by_keys ? shape_.query_blocks : end); ++q) {
        for (int64_t k = 0; k < count; ++k) add_pair(q, first + k, &blocks_[k], part);
      }
      for (int64_t k = 0; by_keys && k < count; ++k) write_keys(first + k, &blocks_[k]);
    }
    if (part != Part::kKeys) write_queries(by_keys ? 0 : begin, by_keys ? shape_.query_blocks : end);
  }

 private:
  /// What is kept of a block of keys while the queries pass.
  struct KeyBlock {
    T *turned, *rows, *value_turned, *sums, *value_sums;
    double square = 0, value_square = 0;
    bool touched = false;
  };

  void take(AttentionMemory& memory) {
    together_ = std::min(kMostKeyBlocks, shape_.key_blocks);
    const int64_t dims = shape_.dims, values = shape_.values, queries = shape_.queries;
    stage_ = memory.take<T>(kBlock * std::max({dims, values, kBlock}));
    turned_ = memory.take<T>(kBlock * std::max({dims, values, kBlock}));
    query_rows_ = memory.take<T>(queries * dims);
    query_dims_ = memory.take<T>(queries * dims);
    cotangent_rows_ = memory.take<T>(queries * values);
    cotangent_values_ = memory.take<T>(queries * values);
    normalizer_ = memory.take<T>(queries);
    delta_ = memory.take<T>(queries);
    query_square_ = memory.take<double>(shape_.query_blocks);
    cotangent_square_ = memory.take<double>(shape_.query_blocks);
    query_touched_ = memory.take<bool>(shape_.query_blocks);
    query_sums_ = memory.take<T>(shape_.query_blocks * kBlock * padded(dims));
    for (int64_t k = 0; k < together_; ++k) {
      blocks_[k].turned = memory.take<T>(kBlock * dims);
      blocks_[k].rows = memory.take<T>(kBlock * padded(dims));
      blocks_[k].value_turned = memory.take<T>(kBlock * values);
      blocks_[k].sums = memory.take<T>(kBlock * dims);
      blocks_[k].value_sums = memory.take<T>(kBlock * values);
    }
    scores_ = memory.take<T>(kBlock * kBlock);
    dp_ = memory.take<T>(kBlock * kBlock);
    panels_ = memory.take<T>(kBlock * kBlock);
    if (masked()) mask_rows_ = memory.take<T>(kBlock * kBlock);
    taken_ = memory.total();
  }
  bool masked() const { return shape_.spec.mask != MaskKind::kNone; }
  int64_t queries_of(int64_t block) const { return std::min(kBlock, shape_.queries - block * kBlock); }
  int64_t keys_of(int64_t block) const { return std::min(kBlock, shape_.keys - block * kBlock); }

  /// Of rows x columns: panels of its rows (summed over columns), and of its columns (summed over rows).
  void pack_both(const void* data, int64_t rows, int64_t columns, T* by_rows, T* by_columns) {
    shape_.loops->to_panels(data, columns, rows, columns, shape_.panels(columns), by_columns);
    shape_.turn(data, columns, rows, columns, turned_, kBlock);
    shape_.loops->to_panels(turned_, kBlock, columns, rows, shape_.panels(rows), by_rows);
  }

  void load_queries(int64_t begin, int64_t end) {
    const int64_t dims = shape_.dims, values = shape_.values;
    const T* const normalizers = static_cast<const T*>(op_.inputs[op_.input_count - 2].data);
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kBlock, count = queries_of(block);
      const void* const rows = query_.rows(head_, first, count, dims, stage_);
      if (masked()) query_square_[block] = shape_.loops->largest_square(rows, dims, count, dims);
      pack_both(rows, count, dims, query_rows_ + first * dims, query_dims_ + first * dims);
      const void* const results = result_.rows(head_, first, count, values, turned_);
      const void* const cotangents = cotangent_.rows(head_, first, count, values, stage_);
      shape_.loops->row_products(cotangents, results, values, count, values, delta_ + first);
      if (masked()) cotangent_square_[block] = shape_.loops->largest_square(cotangents, values, count, values);
      pack_both(cotangents, count, values, cotangent_rows_ + first * values, cotangent_values_ + first * values);
      std::memcpy(normalizer_ + first, normalizers + head_ * shape_.queries + first,
                  static_cast<std::size_t>(count) * sizeof(T));
      query_touched_[block] = false;
    }
  }

  void load_keys(int64_t block, KeyBlock* at) {
    at_ = at;
    at_->touched = false;
    const int64_t dims = shape_.dims, values = shape_.values, first = block * kBlock, count = keys_of(block);
    if (count < kBlock) {
      std::memset(at_->turned, 0, static_cast<std::size_t>(kBlock * dims) * sizeof(T));
      std::memset(at_->value_turned, 0, static_cast<std::size_t>(kBlock * values) * sizeof(T));
    }
    key_.read(head_, first, count, 0, dims, at_->rows, padded(dims));
    if (masked()) at_->square = shape_.loops->largest_square(at_->rows, padded(dims), count, dims);
    shape_.turn(at_->rows, padded(dims), count, dims, at_->turned, kBlock);
    const void* const rows = value_.rows(head_, first, count, values, stage_);
    if (masked()) at_->value_square = shape_.loops->largest_square(rows, values, count, values);
    shape_.turn(rows, values, count, values, at_->value_turned, kBlock);
  }

  void add_pair(int64_t query_block, int64_t key_block, KeyBlock* at, Part part) {
    at_ = at;
    const int64_t query = query_block * kBlock, key = key_block * kBlock;
    const int64_t queries = queries_of(query_block), keys = keys_of(key_block);
    if (shape_.spec.causal && key >= query + queries) return;
    if (masked()) {
      mask_.read(head_, query, queries, key, keys, mask_rows_, kBlock);
      if (adds_nothing(query_block, queries, keys)) return;
    }
    find_cotangents(query, key, queries, keys);
    if (part != Part::kQueries) add_to_keys(query, queries, keys);
    if (part != Part::kKeys) add_to_queries(query_block, queries, keys);
  }

  /// The mask alone sees to it that every probability of the pair is 0, and nothing makes more of that.
  bool adds_nothing(int64_t block, int64_t queries, int64_t keys) const {
    const double bound = std::sqrt(query_square_[block] * at_->square) * std::abs(shape_.spec.scale) * kMargin;
    const T* const delta = delta_ + block * kBlock;
    const bool finite = std::isfinite(bound) && std::isfinite(cotangent_square_[block]) &&
                        std::isfinite(at_->value_square) &&
                        std::all_of(delta, delta + queries, [](T x) { return std::isfinite(x); });
    if (!finite) return false;
    const T* const normalizer = normalizer_ + block * kBlock;
    const double limit = *std::min_element(normalizer, normalizer + queries) - shape_.underflow();
    if (shape_.spec.mask == MaskKind::kAdded) {
      return shape_.loops->all_at_most(mask_rows_, queries, keys, limit - bound) != 0;
    }
    return shape_.spec.fill <= limit && shape_.loops->all_at_most(mask_rows_, queries, keys, 0) != 0;
  }

  /// Probabilities to scores_, cotangents of the raw scores to dp_; queries by keys.
  void find_cotangents(int64_t query, int64_t key, int64_t queries, int64_t keys) {
    const int64_t dims = shape_.dims, values = shape_.values, width = padded(keys);
    by_block_.run({query_rows_ + query * dims, queries, dims}, queries, dims, at_->turned, width, scores_, false);
    by_block_.run({cotangent_rows_ + query * values, queries, values}, queries, values, at_->value_turned, width, dp_,
                  false);
    const AttentionCotangents block{shape_.scores(scores_, masked() ? mask_rows_ : nullptr),
                                    dp_,
                                    queries,
                                    width,
                                    shape_.spec.causal,
                                    query - key,
                                    normalizer_ + query,
                                    delta_ + query};
    shape_.loops->cotangents(&block);
  }

  void add_to_keys(int64_t query, int64_t queries, int64_t keys) {
    const int64_t dims = shape_.dims, values = shape_.values, width = padded(keys);
    by_block_.run({cotangent_values_ + query * values, values, queries}, values, queries, scores_, width,
                  at_->value_sums, at_->touched);
    by_block_.run({query_dims_ + query * dims, dims, queries}, dims, queries, dp_, width, at_->sums, at_->touched);
    at_->touched = true;
  }

  void add_to_queries(int64_t block, int64_t queries, int64_t keys) {
    const int64_t step = padded(shape_.dims);
    shape_.turn(dp_, kBlock, queries, keys, turned_, kBlock);
    shape_.loops->to_panels(turned_, kBlock, keys, queries, shape_.panels(queries), panels_);
    by_key_.run({panels_, queries, keys}, queries, keys, at_->rows, step, query_sums_ + block * kBlock * step,
                query_touched_[block]);
    query_touched_[block] = true;
  }

  void write_keys(int64_t block, KeyBlock* at) {
    at_ = at;
    const int64_t dims = shape_.dims, values = shape_.values, count = keys_of(block);
    const int64_t row = head_ * shape_.keys + block * kBlock;
    if (!at_->touched) {
      std::fill_n(at_->sums, kBlock * dims, T(0));
      std::fill_n(at_->value_sums, kBlock * values, T(0));
    }
    shape_.turn(at_->sums, kBlock, dims, count, stage_, dims);
    write_attention_rows(op_.output[1], shape_.accumulator, row, count, stage_);
    shape_.turn(at_->value_sums, kBlock, values, count, stage_, values);
    write_attention_rows(op_.output[2], shape_.accumulator, row, count, stage_);
  }

  void write_queries(int64_t begin, int64_t end) {
    const int64_t dims = shape_.dims, step = padded(dims);
    for (int64_t block = begin; block < end; ++block) {
      const T* const sums = query_sums_ + block * kBlock * step;
      const int64_t count = queries_of(block);
      const bool touched = query_touched_[block];
      if (!touched) std::fill_n(stage_, count * dims, T(0));
      for (int64_t i = 0; touched && step != dims && i < count; ++i) {
        std::copy_n(sums + i * step, dims, stage_ + i * dims);
      }
      write_attention_rows(op_.output[0], shape_.accumulator, head_ * shape_.queries + block * kBlock, count,
                           touched && step == dims ? sums : stage_);
    }
  }

  const OpView& op_;
  const AttentionShape& shape_;
  AttentionOperand query_, key_, value_, mask_, result_, cotangent_;
  AttentionProduct<T> by_block_, by_key_;
  T *stage_, *turned_, *query_rows_, *query_dims_, *cotangent_rows_, *cotangent_values_, *normalizer_, *delta_;
  T *query_sums_, *scores_, *dp_, *panels_, *mask_rows_ = nullptr;
  double *query_square_, *cotangent_square_;
  bool *query_touched_, by_keys_ = true;
  KeyBlock blocks_[kMostKeyBlocks];
  KeyBlock* at_ = blocks_;  // the one at work
  int64_t together_ = 1;    // blocks of keys
  int64_t taken_ = 0, head_ = -1;
};

template <typename T>
void run_backward(const OpView& op, const AttentionShape& shape, char* scratch, ThreadPool& pool) {
  const int64_t nbytes = Worker<T>::nbytes(op, shape);
  const int64_t products = std::max<int64_t>(1, kBlock * shape.keys * (shape.dims + shape.values));
  const auto share = [&](Part part, int64_t blocks) {
    const auto body = [&](int thread, int64_t begin, int64_t end) {
      Worker<T> worker(op, shape, AttentionMemory(scratch + thread * nbytes));
      while (begin < end) {
        const int64_t head = begin / blocks, first = begin % blocks, last = std::min(blocks, first + end - begin);
        worker.run(head, part, first, last);
        begin += last - first;
      }
    };
    const int64_t grain = (kAttentionGrainProducts + products - 1) / products;
    // A head whose dq is wanted with the rest is not divided.
    if (part == Part::kAll) {
      const auto heads = [&](int thread, int64_t begin, int64_t end) { body(thread, begin * blocks, end * blocks); };
      return pool.parallel_for(shape.heads, (grain + blocks - 1) / blocks, heads);
    }
    pool.parallel_for(shape.heads * blocks, grain, body);
  };
  const int64_t threads = pool.threads(), rounds = (shape.heads + threads - 1) / threads;
  if (rounds * threads * kProductsTogether <= shape.heads * kProductsApart) {
    return share(Part::kAll, shape.key_blocks);
  }
  share(Part::kKeys, shape.key_blocks);
  share(Part::kQueries, shape.query_blocks);
}

}  // namespace

int64_t attention_gradient_scratch(const OpView& op, int threads) {
  const AttentionShape shape(op);
  const bool wide = shape.accumulator == Dtype::kFloat64;
  return threads * (wide ? Worker<double>::nbytes(op, shape) : Worker<float>::nbytes(op, shape));
}

void run_attention_gradient(const OpView& op, void* scratch, ThreadPool& pool) {
  const AttentionShape shape(op);
  char* const memory = static_cast<char*>(scratch);
  if (shape.accumulator == Dtype::kFloat64) return run_backward<double>(op, shape, memory, pool);
  run_backward<float>(op, shape, memory, pool);
}

}  // namespace jtcy
