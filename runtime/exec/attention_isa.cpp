// The loops of attention: softmax of a block of scores, the cotangents of scores, and panels for tiles.
#include "exec/interpreter_isa.h"

namespace jtcy::JTCY_ISA_NAME {

namespace {

constexpr int kBlock = kAttentionBlock;
constexpr int kLanes = kAttentionLanes;
constexpr int kPanelRows = 12;  // JT_MOST_ROWS

float exp_of(float x) { return jt_exp_f32(x); }
double exp_of(double x) { return jt_exp_f64(x); }
float log_of(float x) { return jt_log_f32(x); }
double log_of(double x) { return jt_log_f64(x); }

template <typename T>
void to_panels(const void* source, long long step, long long depth, long long rows, long long panels, void* target) {
  const T* const from = static_cast<const T*>(source);
  T* to = static_cast<T*>(target);
  for (long long p = 0; p < panels; ++p) {
    const long long first = rows * p / panels, count = rows * (p + 1) / panels - first;
    // More than needed, in one piece, as long as something follows: what is written next lies over it.
    const long long whole = p + 1 < panels ? depth : step < kPanelRows ? 0 : depth - 1;
    for (long long k = 0; k < whole; ++k, to += count) {
      const T* const row = from + k * step + first;
      for (int i = 0; i < kPanelRows; ++i) to[i] = row[i];
    }
    for (long long k = whole; k < depth; ++k, to += count) {
      for (long long i = 0; i < count; ++i) to[i] = from[k * step + first + i];
    }
  }
}

/// One row of lanes: s = the scores.
template <typename T>
void score_lanes(const AttentionScores& x, const T* mask, T* s) {
  const T scale = static_cast<T>(x.scale), fill = static_cast<T>(x.fill);
  if (mask == nullptr) {
    for (int l = 0; l < kLanes; ++l) s[l] = s[l] * scale;
  } else if (x.kept != 0) {
    for (int l = 0; l < kLanes; ++l) s[l] = mask[l] != 0 ? s[l] * scale : fill;
  } else {
    for (int l = 0; l < kLanes; ++l) s[l] = s[l] * scale + mask[l];
  }
}

template <typename T>
T lowest() {
  return static_cast<T>(-__builtin_inff());
}

/// The larger one; a NaN of `s` is left out, as its probability is NaN and then the row's sum.
template <typename T>
T higher(T s, T high) {
  return s > high ? s : high;
}

/// Scores as they are but for the scale, which is not stored.
template <typename T>
void highest_of_plain(const T* scores, long long keys, T scale, T* highest) {
  T high[kLanes];
  for (int l = 0; l < kLanes; ++l) high[l] = highest[l];
  for (long long k = 0; k < keys; ++k) {
    for (int l = 0; l < kLanes; ++l) high[l] = higher(scores[k * kBlock + l] * scale, high[l]);
  }
  for (int l = 0; l < kLanes; ++l) highest[l] = high[l];
}

/// Stores the scores of columns from j on.
template <typename T>
void highest_of_scores(const AttentionSoftmax& x, long long j, T* scores, T* highest) {
  const T* const mask = x.scores.mask == nullptr ? nullptr : static_cast<const T*>(x.scores.mask) + j;
  for (long long k = 0; k < x.keys; ++k) {
    T* const s = scores + k * kBlock;
    score_lanes(x.scores, mask == nullptr ? nullptr : mask + k * kBlock, s);
    if (x.causal != 0 && k > x.first_query + j) {
      const int hidden = static_cast<int>(k - x.first_query - j);
      for (int l = 0; l < kLanes; ++l) s[l] = l < hidden ? lowest<T>() : s[l];
    }
    for (int l = 0; l < kLanes; ++l) highest[l] = higher(s[l], highest[l]);
  }
}

/// Probabilities of scores times `scale`, and their sum.
template <typename T>
void probabilities(T* scores, long long keys, T scale, const T* shift, T* total) {
  T sum[kLanes] = {};
  for (long long k = 0; k < keys; ++k) {
    T* const s = scores + k * kBlock;
    for (int l = 0; l < kLanes; ++l) {
      const T p = exp_of(s[l] * scale - shift[l]);
      s[l] = p;
      sum[l] = sum[l] + p;
    }
  }
  for (int l = 0; l < kLanes; ++l) total[l] = sum[l];
}

template <typename T>
void softmax_lanes(const AttentionSoftmax& x, long long j) {
  T high[kLanes], shift[kLanes], sum[kLanes];
  T* const highest = static_cast<T*>(x.highest) + j;
  T* const total = static_cast<T*>(x.sum) + j;
  T* const factor = static_cast<T*>(x.factor) + j;
  T* const scores = static_cast<T*>(x.scores.scores) + j;
  const bool plain = x.scores.mask == nullptr && (x.causal == 0 || x.keys <= x.first_query + j + 1);
  for (int l = 0; l < kLanes; ++l) high[l] = highest[l];
  if (plain) {
    highest_of_plain(scores, x.keys, static_cast<T>(x.scores.scale), high);
  } else {
    highest_of_scores(x, j, scores, high);
  }
  for (int l = 0; l < kLanes; ++l) {
    shift[l] = high[l] == lowest<T>() ? 0 : high[l];  // -inf - -inf would be NaN
    factor[l] = exp_of(highest[l] - shift[l]);
    highest[l] = high[l];
  }
  probabilities(scores, x.keys, plain ? static_cast<T>(x.scores.scale) : T(1), shift, sum);
  for (int l = 0; l < kLanes; ++l) total[l] = total[l] * factor[l] + sum[l];
}

template <typename T>
void softmax(const AttentionSoftmax* block) {
  for (long long j = 0; j < block->width; j += kLanes) softmax_lanes<T>(*block, j);
}

/// Lanes from j on of row i.
template <typename T>
void cotangent_lanes(const AttentionCotangents& x, long long i, long long j) {
  const T normalizer = static_cast<const T*>(x.normalizer)[i], delta = static_cast<const T*>(x.delta)[i];
  const T scale = static_cast<T>(x.scores.scale);
  T* const p = static_cast<T*>(x.scores.scores) + i * kBlock + j;
  T* const ds = static_cast<T*>(x.dp) + i * kBlock + j;
  const T* const mask = x.scores.mask == nullptr ? nullptr : static_cast<const T*>(x.scores.mask) + i * kBlock + j;
  score_lanes(x.scores, mask, p);
  for (int l = 0; l < kLanes; ++l) p[l] = exp_of(p[l] - normalizer);
  if (x.causal != 0 && i + x.first_query < j + kLanes - 1) {
    const int visible = static_cast<int>(i + x.first_query - j);
    for (int l = 0; l < kLanes; ++l) p[l] = l <= visible ? p[l] : 0;
  }
  for (int l = 0; l < kLanes; ++l) ds[l] = p[l] * (ds[l] - delta) * scale;
  if (mask != nullptr && x.scores.kept != 0) {
    for (int l = 0; l < kLanes; ++l) ds[l] = mask[l] != 0 ? ds[l] : 0;
  }
}

template <typename T>
void cotangents(const AttentionCotangents* block) {
  for (long long i = 0; i < block->queries; ++i) {
    for (long long j = 0; j < block->width; j += kLanes) cotangent_lanes<T>(*block, i, j);
  }
}

template <typename T>
void scale_columns(void* data, long long rows, long long width, const void* factors) {
  const T* const factor = static_cast<const T*>(factors);
  for (long long i = 0; i < rows; ++i) {
    T* const x = static_cast<T*>(data) + i * kBlock;
    for (long long j = 0; j < width; ++j) x[j] = x[j] * factor[j];
  }
}

template <typename T>
void row_products(const void* a_data, const void* b_data, long long step, long long rows, long long count, void* to) {
  for (long long i = 0; i < rows; ++i) {
    const T* const a = static_cast<const T*>(a_data) + i * step;
    const T* const b = static_cast<const T*>(b_data) + i * step;
    T lane[kDeltaLanes] = {};
    long long j = 0;
    for (; j + kDeltaLanes <= count; j += kDeltaLanes) {
      for (int l = 0; l < kDeltaLanes; ++l) lane[l] = lane[l] + a[j + l] * b[j + l];
    }
    for (int l = 0; j + l < count; ++l) lane[l] = lane[l] + a[j + l] * b[j + l];
    for (int half = kDeltaLanes / 2; half > 0; half /= 2) {
      for (int l = 0; l < half; ++l) lane[l] = lane[l] + lane[l + half];
    }
    static_cast<T*>(to)[i] = lane[0];
  }
}

template <typename T>
double largest_square(const void* data, long long step, long long rows, long long count) {
  double largest = 0;
  for (long long i = 0; i < rows; ++i) {
    const T* const x = static_cast<const T*>(data) + i * step;
    T lane[kLanes] = {};
    long long j = 0;
    for (; j + kLanes <= count; j += kLanes) {
      for (int l = 0; l < kLanes; ++l) lane[l] += x[j + l] * x[j + l];
    }
    double sum = 0;
    for (; j < count; ++j) sum += static_cast<double>(x[j]) * static_cast<double>(x[j]);
    for (int l = 0; l < kLanes; ++l) sum += static_cast<double>(lane[l]);
    largest = sum <= largest ? largest : sum;  // takes a NaN, and then keeps it
    if (sum != sum) return sum;
  }
  return largest;
}

template <typename T>
int all_at_most(const void* data, long long rows, long long count, double limit) {
  const T bound = static_cast<T>(limit);
  for (long long i = 0; i < rows; ++i) {
    const T* const x = static_cast<const T*>(data) + i * kBlock;
    int above = 0;
    for (long long j = 0; j < count; ++j) above |= !(x[j] <= bound);
    if (above != 0) return 0;
  }
  return 1;
}

template <typename T>
void finish(const void* highest_data, const void* sum_data, int zero_rows, void* factor_data, void* normalizer_data) {
  const T* const highest = static_cast<const T*>(highest_data);
  const T* const sum = static_cast<const T*>(sum_data);
  T* const factor = static_cast<T*>(factor_data);
  T* const normalizer = static_cast<T*>(normalizer_data);
  for (int j = 0; j < kBlock; ++j) {
    const bool nothing = sum[j] == 0;
    const T idle = zero_rows != 0 ? 0 : static_cast<T>(__builtin_nanf(""));
    const T divisor = nothing ? 1 : sum[j];
    factor[j] = nothing ? idle : 1 / divisor;
    // exp(score - inf) is 0: such a row has no gradient
    normalizer[j] = nothing ? (zero_rows != 0 ? -lowest<T>() : idle) : highest[j] + log_of(divisor);
  }
}

template <typename T>
void fill(AttentionLoops* loops) {
  loops->to_panels = to_panels<T>;
  loops->softmax = softmax<T>;
  loops->cotangents = cotangents<T>;
  loops->scale_columns = scale_columns<T>;
  loops->row_products = row_products<T>;
  loops->largest_square = largest_square<T>;
  loops->all_at_most = all_at_most<T>;
  loops->finish = finish<T>;
}

}  // namespace

void fill_attention(IsaTable* table) {
  fill<float>(&table->attention[0]);
  fill<double>(&table->attention[1]);
}

}  // namespace jtcy::JTCY_ISA_NAME
