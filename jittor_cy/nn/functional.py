"""Stateless forms: every function of nn by its plain name, and those that need no layer."""

from __future__ import annotations

from collections.abc import Sequence

from jittor_cy import _compose, ops
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError
from jittor_cy.nn.activation import (
    elu,
    gelu,
    hardsigmoid,
    hardswish,
    leaky_relu,
    log_softmax,
    mish,
    relu,
    relu6,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from jittor_cy.nn.attention import scaled_dot_product_attention
from jittor_cy.nn.conv import conv1d, conv2d, conv3d, conv_transpose2d
from jittor_cy.nn.dropout import dropout
from jittor_cy.nn.embedding import embedding
from jittor_cy.nn.linear import linear
from jittor_cy.nn.loss import (
    bce_loss,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    cross_entropy_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
    smooth_l1_loss,
)
from jittor_cy.nn.norm import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from jittor_cy.nn.pool import adaptive_avg_pool2d, avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from jittor_cy.ops.gathering import one_hot
from jittor_cy.ops.padding import pad

__all__ = [
    "adaptive_avg_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "bce_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose2d",
    "cross_entropy",
    "cross_entropy_loss",
    "dropout",
    "elu",
    "embedding",
    "flatten",
    "gelu",
    "group_norm",
    "hardsigmoid",
    "hardswish",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "max_pool1d",
    "max_pool2d",
    "mish",
    "mse_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "relu",
    "relu6",
    "rms_norm",
    "scaled_dot_product_attention",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
]


def flatten(x: Var, start_dim: int = 0, end_dim: int = -1) -> Var:
    """Axes start_dim to end_dim become one."""
    return x.flatten(start_dim, end_dim)


def interpolate(
    x: Var,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Var:
    """Spatial axes of x (N, C, *S) stretched to `size` or by `scale_factor`, each element from its nearest neighbour.

    Element i of an axis comes from floor(i S / S'), or floor(i / scale_factor), as in PyTorch.

    Args:     align_corners, antialias: have no meaning here but None or False
              recompute_scale_factor: True takes S / S' also where scale_factor is given
    Raises:   ArgumentError: another mode than "nearest", or an argument that only other modes have
    """
    spatial = tuple(x.shape[2:])
    if mode != "nearest":
        raise ArgumentError(f"interpolate: mode is {mode!r}", help='only "nearest" is there')
    if align_corners or antialias:
        raise ArgumentError(
            f"interpolate: align_corners is {align_corners} and antialias {antialias}",
            help='mode "nearest" has neither; leave them out',
        )
    if (size is None) == (scale_factor is None):
        raise ArgumentError("interpolate: give either size or scale_factor")
    if size is not None:
        sizes = (size,) * len(spatial) if isinstance(size, int) else tuple(size)
        factors = [n / m for n, m in zip(spatial, sizes, strict=True)]
    else:
        scales = (scale_factor,) * len(spatial) if isinstance(scale_factor, (int, float)) else tuple(scale_factor)
        sizes = tuple(int(n * s) for n, s in zip(spatial, scales, strict=True))
        factors = [n / m if recompute_scale_factor else 1 / s for n, m, s in zip(spatial, sizes, scales, strict=True)]
    for axis, (n, m, factor) in enumerate(zip(spatial, sizes, factors, strict=True), 2):
        if m == n:
            continue
        if m % n == 0:
            x = x.unsqueeze(axis + 1).expand(*x.shape[: axis + 1], m // n, *x.shape[axis + 1 :]).flatten(axis, axis + 1)
        else:
            source = [min(int(i * factor), n - 1) for i in range(m)]
            x = _compose.take(x, ops.array(source), axis, "interpolate")
    return x


def normalize(x: Var, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Var:
    """x over its p-norm along `dim`, or over eps where the norm is smaller."""
    return x / ops.norm(x, p, dim, keepdim=True).maximum(eps)
