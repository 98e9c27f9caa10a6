// AttentionSpec to and from Attrs, and the makers of Attention and AttentionGradient.
#include "graph/attention.h"

#include <utility>

#include "graph/graph_state.h"

namespace jtcy {
namespace {

Dtype accumulator_dtype(Dtype dtype) noexcept { return dtype == Dtype::kFloat64 ? dtype : Dtype::kFloat32; }

}  // namespace

AttentionSpec AttentionSpec::from(const Attrs& attrs) {
  AttentionSpec spec;
  spec.causal = attrs.structure[0] != 0;
  spec.mask = static_cast<MaskKind>(attrs.structure[1]);
  spec.zero_rows = attrs.structure[2] != 0;
  spec.scale = attrs.scalars[0].f;
  spec.fill = attrs.scalars[1].f;
  return spec;
}

Attrs AttentionSpec::to_attrs(bool two_outputs) const {
  Attrs attrs;
  attrs.structure = {causal, static_cast<int64_t>(mask), zero_rows, two_outputs};
  attrs.add_float(scale);
  attrs.add_float(fill);
  return attrs;
}

VarRef make_attention(const VarRef& q, const VarRef& k, const VarRef& v, const VarRef& mask,
                      const AttentionSpec& spec) {
  SmallVector<VarRef, 2> inputs{q, k, v};
  if (mask) inputs.push_back(mask);
  JTCY_ASSERT((spec.mask == MaskKind::kNone) == !mask, "attention: a mask and its kind");
  Shape shape = q->shape;
  shape.back() = v->shape.back();
  const bool two_outputs = records_gradient(inputs, q->dtype);
  Attrs attrs = spec.to_attrs(two_outputs);
  if (!two_outputs) return make_node(OpKind::kAttention, inputs, std::move(attrs), shape, q->dtype);
  const Shape rows(shape.begin(), shape.begin() + (shape.size() - 1));
  const auto outputs =
      make_nodes(OpKind::kAttention, inputs, std::move(attrs), {shape, rows}, {q->dtype, accumulator_dtype(q->dtype)});
  outputs[1]->stop_grad = true;
  outputs[0]->companion = outputs[1];
  return outputs[0];
}

SmallVector<VarRef, 2> make_attention_gradient(const SmallVector<VarRef, 2>& inputs, const AttentionSpec& spec,
                                               const VarRef& y, const VarRef& normalizer, const VarRef& dy) {
  SmallVector<VarRef, 2> operands = inputs;
  for (const VarRef* operand : {&y, &normalizer, &dy}) operands.push_back(*operand);
  const Dtype dtype = inputs[0]->dtype;
  return make_nodes(OpKind::kAttentionGradient, operands, spec.to_attrs(false),
                    {inputs[0]->shape, inputs[1]->shape, inputs[2]->shape}, {dtype, dtype, dtype});
}

}  // namespace jtcy
