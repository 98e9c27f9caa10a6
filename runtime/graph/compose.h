// Hot composites, built from primitives in one call: one Cython entry each.
#pragma once
#include "graph/graph.h"

namespace jtcy {

// Broadcasting, promotion and defaults happen here; `function` is the public name for errors.
VarRef compose_binary(OpKind kind, const VarRef& a, const VarRef& b, const char* function);
/// Python scalars do not take part in promotion beyond their category (PyTorch's rule). `is_float`: value is `f`.
VarRef compose_binary_scalar(OpKind kind, const VarRef& a, bool scalar_first, bool is_float, double f, int64_t i,
                             const char* function);
VarRef compose_unary(OpKind kind, const VarRef& x, const char* function);  // ints go to float32 for float functions
VarRef compose_where(const VarRef& condition, const VarRef& a, const VarRef& b);
/// sum/prod of bool and small ints give int64; 16-bit floats accumulate in float32. `axes` 0 with ndim > 0: all axes.
VarRef compose_reduce(ReduceKind kind, const VarRef& x, uint32_t axes, bool keepdims, const char* function);
VarRef compose_mean(const VarRef& x, uint32_t axes, bool keepdims);
VarRef compose_variance(const VarRef& x, uint32_t axes, bool keepdims, double correction);
VarRef compose_softmax(const VarRef& x, int axis, bool logarithm);
VarRef compose_logsumexp(const VarRef& x, uint32_t axes, bool keepdims);
VarRef compose_layer_norm(const VarRef& x, int normalized_dims, const VarRef& weight, const VarRef& bias, double eps);
/// Training: also gives batch mean and biased variance through the pointers.
VarRef compose_batch_norm(const VarRef& x, const VarRef& mean, const VarRef& variance, const VarRef& weight,
                          const VarRef& bias, double eps, bool training, VarRef* batch_mean, VarRef* batch_variance);
VarRef compose_relu(const VarRef& x);
VarRef compose_gelu(const VarRef& x, bool tanh_form);
/// Class indices of any integer dtype; reduction 0 none, 1 mean, 2 sum; ignore_index and label smoothing as PyTorch's.
VarRef compose_cross_entropy(const VarRef& logits, const VarRef& target, const VarRef& weight, int reduction,
                             int64_t ignore_index, double label_smoothing);
/// One Contraction; of floats whose sums go along the rows of an operand, or of one term, a product and its sum.
VarRef compose_contraction(const VarRef& a, const VarRef& b, const Attrs& attrs, const Shape& shape,
                           const char* function);
/// (..., M, K) x (..., K, N), vectors as in NumPy.
VarRef compose_matmul(const VarRef& a, const VarRef& b);
/// softmax(scale q k^T + mask) v as one Attention; `fill`: the score where a mask of bools is false; `zero_rows`: a row
/// of nothing gives 0, else NaN. Null where the flag is off or why_no_attention says something.
VarRef compose_attention(const VarRef& q, const VarRef& k, const VarRef& v, const VarRef& mask, double scale,
                         double fill, bool causal, bool zero_rows);
/// Null where Attention takes these operands.
const char* why_no_attention(const VarRef& q, const VarRef& k, const VarRef& v, const VarRef& mask);
void set_fused_attention(bool enabled) noexcept;
/// x weight^T + bias
VarRef compose_linear(const VarRef& x, const VarRef& weight, const VarRef& bias);
struct ConvSpec {
  SmallVector<int64_t, 3> stride, padding, dilation;
  int64_t groups = 1;
};
/// Of 3 x 3 filters by Winograd's transforms, where they apply (graph/winograd.h).
void set_winograd(bool enabled) noexcept;
VarRef compose_conv(const VarRef& x, const VarRef& weight, const VarRef& bias, const ConvSpec& spec);
VarRef compose_conv_transpose(const VarRef& x, const VarRef& weight, const VarRef& bias, const ConvSpec& spec,
                              const SmallVector<int64_t, 3>& output_padding);
/// maximum: gradient to the first maximum of each window, as PyTorch's. Average: count_include_pad as given.
VarRef compose_pool(const VarRef& x, bool maximum, const SmallVector<int64_t, 3>& kernel,
                    const SmallVector<int64_t, 3>& stride, const SmallVector<int64_t, 3>& padding, bool ceil_mode,
                    bool count_include_pad);
/// rows of weight (V, D...) by index of any shape; checked.
VarRef compose_embedding(const VarRef& weight, const VarRef& index);
/// x.take along one axis by an index Var: out shape = index shape in place of the axis; checked, negatives wrap.
VarRef compose_take(const VarRef& x, const VarRef& index, int axis, const char* function);
VarRef compose_dropout(const VarRef& x, double p, int64_t seed, int64_t counter);

struct SgdSpec {
  double lr = 0, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false, maximize = false;
  bool first = false;  // momentum buffer starts as the gradient
};
struct AdamSpec {
  double lr = 0, beta1 = 0, beta2 = 0, eps = 0, weight_decay = 0;
  bool decoupled = false, amsgrad = false, maximize = false;
  int64_t step = 1;
};
/// New values: parameter (and state through the pointers); marked with `group` (Op::update_group).
VarRef compose_sgd(const VarRef& p, const VarRef& g, VarRef* momentum, const SgdSpec& spec, uint32_t group);
VarRef compose_adam(const VarRef& p, const VarRef& g, VarRef* m, VarRef* v, VarRef* vmax, const AdamSpec& spec,
                    uint32_t group);

}  // namespace jtcy
