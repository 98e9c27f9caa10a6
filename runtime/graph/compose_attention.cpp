// scaled_dot_product_attention: one Attention where its kernel can do it.
#include <algorithm>

#include "graph/attention.h"
#include "graph/compose_support.h"

namespace jtcy {
namespace {

/// Below, the scores are no larger than what the kernel needs for itself.
constexpr int64_t kLeastLength = 32;

Shape without_last_two(const VarRef& x) { return Shape(x->shape.begin(), x->shape.begin() + (x->shape.size() - 2)); }

/// The dims in front of the last two of all operands together, by NumPy's rule; false where they do not fit.
bool join(const VarRef& x, Shape* batch) {
  const Shape own = without_last_two(x);
  while (own.size() > batch->size()) batch->insert(0, 1);
  for (std::size_t i = 0; i < own.size(); ++i) {
    int64_t& extent = (*batch)[batch->size() - own.size() + i];
    if (extent != own[i] && extent != 1 && own[i] != 1) return false;
    if (own[i] != 1) extent = own[i];
  }
  return true;
}

VarRef spread(const VarRef& x, Dtype dtype, const Shape& batch) {
  Shape shape = batch;
  shape.push_back(x->shape[x->shape.size() - 2]);
  shape.push_back(x->shape.back());
  return make_broadcast_to(make_cast(x, dtype), shape, "attention");
}

/// As many dims as the operands have, in a dtype that the kernel reads.
VarRef fitting_mask(const VarRef& mask, Dtype dtype, std::size_t ndim) {
  if (!mask) return mask;
  Shape shape = mask->shape;
  while (shape.size() < ndim) shape.insert(0, 1);
  const VarRef own = mask->dtype == Dtype::kBool ? mask : make_cast(mask, compute_dtype(dtype));
  return make_reshape(own, shape, "attention");
}

bool mask_fits(const VarRef& mask, const Shape& batch, int64_t rows, int64_t columns) {
  Shape whole = batch;
  whole.push_back(rows);
  whole.push_back(columns);
  if (mask->shape.size() > whole.size()) return false;
  for (std::size_t i = 0; i < mask->shape.size(); ++i) {
    const int64_t own = mask->shape[i], extent = whole[whole.size() - mask->shape.size() + i];
    if (own != extent && own != 1) return false;
  }
  return mask->dtype == Dtype::kBool || floating(mask->dtype);
}

}  // namespace

const char* why_no_attention(const VarRef& q, const VarRef& k, const VarRef& v, const VarRef& mask) {
  for (const VarRef* x : {&q, &k, &v}) {
    if ((*x)->shape.size() < 2) return "an operand has fewer than two dims";
    if (!floating((*x)->dtype)) return "an operand is not floating";
    if ((*x)->count() == 0) return "an operand is empty";
    if ((*x)->shape.back() > kMostHeadDims) return "a head has more dims than the kernel takes";
    if ((*x)->device.kind != DeviceKind::kCpu) return "there is no kernel for this device";
  }
  const std::size_t rows = 2;
  if (q->shape.back() != k->shape.back()) return "query and key differ in their last dim";
  if (std::min(q->shape[q->shape.size() - rows], k->shape[k->shape.size() - rows]) < kLeastLength) {
    return "there are too few queries or keys for the kernel to pay";
  }
  if (k->shape[k->shape.size() - rows] != v->shape[v->shape.size() - rows]) return "key and value differ in length";
  Shape batch;
  if (!join(q, &batch) || !join(k, &batch) || !join(v, &batch)) return "the dims in front do not broadcast";
  if (batch.size() + rows > kMaxDims) return "there are too many dims";
  if (!mask) return nullptr;
  // Its gradient exists (the rule makes it of matrix products), but then the products alone are cheaper.
  if (mask->learned()) return "the mask is learned";
  if (!mask_fits(mask, batch, q->shape[q->shape.size() - rows], k->shape[k->shape.size() - rows])) {
    return "the mask does not fit the scores";
  }
  return nullptr;
}

void set_fused_attention(bool enabled) noexcept { g_graph.fused_attention = enabled; }

VarRef compose_attention(const VarRef& q, const VarRef& k, const VarRef& v, const VarRef& mask, double scale,
                         double fill, bool causal, bool zero_rows) {
  if (!g_graph.fused_attention || why_no_attention(q, k, v, mask) != nullptr) return VarRef();
  const Dtype dtype = promote(promote(q->dtype, k->dtype), v->dtype);
  Shape batch;
  for (const VarRef* x : {&q, &k, &v}) join(*x, &batch);
  AttentionSpec spec;
  spec.scale = scale;
  spec.fill = fill;
  spec.causal = causal;
  spec.zero_rows = zero_rows;
  spec.mask = !mask ? MaskKind::kNone : mask->dtype == Dtype::kBool ? MaskKind::kKept : MaskKind::kAdded;
  return make_attention(spread(q, dtype, batch), spread(k, dtype, batch), spread(v, dtype, batch),
                        fitting_mask(mask, dtype, batch.size() + 2), spec);
}

}  // namespace jtcy
