"""jittor_cy: lazy tensors whose operations are fused into generated kernels."""
