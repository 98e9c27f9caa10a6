// Winograd's F(4 x 4, 3 x 3): a 3 x 3 convolution of stride 1 with a quarter of the multiplications.
#pragma once
#include "graph/compose.h"

namespace jtcy {

/// Whether the flag is on and x and weight are what it is for: 2-d, float32, on the CPU, stride and dilation 1, one
/// group, enough channels and large enough maps to gain. compose_conv's checks were made.
bool is_winograd(const VarRef& x, const VarRef& weight, const ConvSpec& spec);
/// The convolution, without bias; its gradient to x is one of these too.
VarRef winograd_conv(const VarRef& x, const VarRef& weight, const SmallVector<int64_t, 3>& padding);

}  // namespace jtcy
