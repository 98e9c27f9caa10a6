"""Normalisation over the batch, over the last axes, over groups of channels and over instances."""

from __future__ import annotations

import math

from jittor_cy import _compose, ops
from jittor_cy._var import Var
from jittor_cy.autograd import no_grad
from jittor_cy.errors import ArgumentError, ArgumentTypeError, ShapeError
from jittor_cy.nn.module import Module, Parameter

__all__ = [
    "BatchNorm",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "GroupNorm",
    "InstanceNorm",
    "InstanceNorm2d",
    "LayerNorm",
    "RMSNorm",
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "rms_norm",
]

Extents = int | tuple[int, ...]


def batch_norm(
    x: Var,
    running_mean: Var | None = None,
    running_var: Var | None = None,
    weight: Var | None = None,
    bias: Var | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Var:
    """x minus its mean over its standard deviation for each channel, times weight plus bias.

    In training the statistics are the batch's and the running ones move towards them by `momentum` (the variance
    with n - 1), in the same flush; otherwise the running ones are used.

    Shapes:   x (N, C, *S) · the others (C,) · returns (N, C, *S); x of no elements leaves the running ones alone
    Args:     eps: added to the variance before the square root
    Raises:   ShapeError: a parameter is not (C,) · ArgumentError: training on one value a channel
    Gradient: x, weight, bias
    Source:   Ioffe & Szegedy 2015, arXiv:1502.03167, alg. 1
    Example:  >>> nn.batch_norm(jt.ones(4, 3, 2, 2), training=True).shape
              (4, 3, 2, 2)
    """
    if not training and (running_mean is None or running_var is None):
        raise ArgumentError("batch_norm: outside training running_mean and running_var are needed")
    if math.prod(x.shape) == 0:
        return _scaled(x, weight, bias, (-1, *(1,) * (x.ndim - 2)))
    if not training:
        return _compose.batch_norm(x, running_mean, running_var, weight, bias, eps, False)[0]
    count = math.prod(x.shape) // x.shape[1] if x.ndim > 1 and x.shape[1] else 0
    if count == 1:
        raise ArgumentError(f"batch_norm: x is {tuple(x.shape)}: training needs more than one value for each channel")
    y, mean, variance = _compose.batch_norm(x, None, None, weight, bias, eps, True)
    with no_grad():
        if running_mean is not None:
            running_mean.update(running_mean * (1 - momentum) + mean * momentum)
        if running_var is not None:
            running_var.update(running_var * (1 - momentum) + variance * (momentum * count / (count - 1)))
    return y


def layer_norm(
    x: Var, normalized_shape: Extents, weight: Var | None = None, bias: Var | None = None, eps: float = 1e-5
) -> Var:
    """x minus its mean over its standard deviation along the last axes, times weight plus bias.

    Shapes:   x (*, *normalized_shape) · weight and bias normalized_shape · returns as x
    Raises:   ShapeError: x does not end in normalized_shape
    Gradient: x, weight, bias
    Cost:     one kernel
    Source:   Ba et al. 2016, arXiv:1607.06450
    """
    return _compose.layer_norm(x, normalized_shape, weight, bias, eps)


def group_norm(x: Var, num_groups: int, weight: Var | None = None, bias: Var | None = None, eps: float = 1e-5) -> Var:
    """Normalises each group of channels of each sample, then times weight plus bias for each channel.

    Shapes:   x (N, C, *S) · weight and bias (C,) · returns (N, C, *S)
    Raises:   ShapeError: C is no multiple of num_groups
    Gradient: x, weight, bias
    Source:   Wu & He 2018, arXiv:1803.08494
    """
    if x.ndim < 2 or x.shape[1] % num_groups:
        raise ShapeError(f"group_norm: x is {tuple(x.shape)}: axis 1 does not divide into {num_groups} groups", x=x)
    # Channels keep an axis of their own: inside a group each is then a loop with one weight.
    channels = (num_groups, x.shape[1] // num_groups)
    groups = x.reshape(x.shape[0], *channels, math.prod(x.shape[2:]))
    y = _compose.layer_norm(groups, groups.shape[2:], None, None, eps)
    return _scaled(y, weight, bias, (*channels, 1)).reshape(x.shape)


def instance_norm(
    x: Var,
    running_mean: Var | None = None,
    running_var: Var | None = None,
    weight: Var | None = None,
    bias: Var | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Var:
    """Normalises each channel of each sample, then times weight plus bias for each channel.

    The running statistics, where given, move by `momentum` towards the mean of the samples' (the variance with n - 1).

    Shapes:   x (N, C, *S) · the others (C,) · returns (N, C, *S)
    Args:     use_input_stats: False takes the running statistics, as batch_norm outside training
    Raises:   ArgumentError: one value a channel of a sample, or no running statistics where they are asked for
    Gradient: x, weight, bias
    Source:   Ulyanov et al. 2016, arXiv:1607.08022
    """
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ArgumentError("instance_norm: without use_input_stats running_mean and running_var are needed")
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    if math.prod(x.shape[2:]) == 1:
        raise ArgumentError(f"instance_norm: x is {tuple(x.shape)}: more than one value for each channel is needed")
    if math.prod(x.shape):
        axes = tuple(range(2, x.ndim))
        with no_grad():
            _move(running_mean, x.mean(axes).mean(0), momentum)
            _move(running_var, x.var(axes).mean(0), momentum)
    return group_norm(x, x.shape[1], weight, bias, eps)


def _move(running: Var | None, found: Var, momentum: float) -> None:
    if running is not None:
        running.update(running * (1 - momentum) + found.cast(running.dtype) * momentum)


def rms_norm(x: Var, normalized_shape: Extents, weight: Var | None = None, eps: float | None = None) -> Var:
    """x over the root of its mean square along the last axes, times weight.

    Args:   eps: added to the mean square; default the spacing of x's dtype at one
    Source: Zhang & Sennrich 2019, arXiv:1910.07467
    """
    normalized = _extents(normalized_shape)
    if tuple(x.shape[-len(normalized) :]) != normalized:
        raise ShapeError(f"rms_norm: x is {tuple(x.shape)}, which does not end in {normalized}", x=x)
    eps = _SPACING[str(x.dtype)] if eps is None else eps
    axes = tuple(range(x.ndim - len(normalized), x.ndim))
    y = x * ((x * x).mean(axes, keepdims=True) + eps).rsqrt()
    return y if weight is None else y * weight


_SPACING = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}


def _scaled(y: Var, weight: Var | None, bias: Var | None, shape: tuple[int, ...]) -> Var:
    """y times weight plus bias, both of this shape."""
    y = y if weight is None else y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


def _extents(shape: Extents) -> tuple[int, ...]:
    extents = (shape,) if isinstance(shape, int) else tuple(shape)
    if not extents or not all(isinstance(extent, int) for extent in extents):
        raise ArgumentTypeError(f"normalized_shape is {shape!r}", help="give one positive integer, or several")
    return extents


class BatchNorm(Module):
    """Batch normalisation of x (N, C) or (N, C, *S); running statistics are buffers.

    Args:    momentum: weight of a new batch in the running statistics; None averages all batches equally
    Source:  Ioffe & Szegedy 2015, arXiv:1502.03167
    Example: >>> nn.BatchNorm2d(3)(jt.ones(4, 3, 2, 2)).shape
             (4, 3, 2, 2)
    """

    ranks: tuple[int, ...] = ()  # numbers of axes that x may have; () for any from 2

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = Parameter(ops.ones((num_features,))) if affine else None
        self.bias = Parameter(ops.zeros((num_features,))) if affine else None
        if track_running_stats:
            self.register_buffer("running_mean", ops.zeros((num_features,)))
            self.register_buffer("running_var", ops.ones((num_features,)))
            self.register_buffer("num_batches_tracked", 0)

    def register_buffer(self, name: str, value: object, persistent: bool = True) -> None:
        # A count that Python keeps costs no kernel a step; it becomes a Var where someone asks for it.
        if name == "num_batches_tracked":
            self._kinds[name], self._batches = "buffer", int(value)
        else:
            super().register_buffer(name, value, persistent)

    @property
    def num_batches_tracked(self) -> Var:
        """How many batches training mode has seen, as an int64 Var."""
        return ops.array(self._batches, dtype="int64")

    def _load(self, name: str, value: Var) -> None:
        if name == "num_batches_tracked":
            self._batches = int(value.item())
        else:
            super()._load(name, value)

    def execute(self, x: Var) -> Var:
        if (x.ndim not in self.ranks) if self.ranks else x.ndim < 2:
            expected = " or ".join(map(str, self.ranks)) or "2 or more"
            raise ShapeError(f"{type(self).__name__}: x has {x.ndim} axes, not {expected}", x=x)
        if not self.track_running_stats:
            return batch_norm(x, None, None, self.weight, self.bias, True, 0.0, self.eps)
        momentum = self.momentum
        if self.training:
            self.__dict__["_batches"] += 1
            momentum = 1 / self._batches if momentum is None else momentum
        return batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, self.training, momentum, self.eps
        )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L)."""

    ranks = (2, 3)


class BatchNorm2d(BatchNorm):
    """Batch normalisation of (N, C, H, W)."""

    ranks = (4,)


class BatchNorm3d(BatchNorm):
    """Batch normalisation of (N, C, D, H, W)."""

    ranks = (5,)


class LayerNorm(Module):
    """The function layer_norm as a layer with weight and bias.

    Source: Ba et al. 2016, arXiv:1607.06450
    """

    def __init__(
        self, normalized_shape: Extents, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True
    ) -> None:
        super().__init__()
        self.normalized_shape, self.eps = _extents(normalized_shape), eps
        self.elementwise_affine = elementwise_affine
        self.weight = Parameter(ops.ones(self.normalized_shape)) if elementwise_affine else None
        self.bias = Parameter(ops.zeros(self.normalized_shape)) if elementwise_affine and bias else None

    def execute(self, x: Var) -> Var:
        return _compose.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """The function group_norm as a layer with weight and bias.

    Source: Wu & He 2018, arXiv:1803.08494
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ArgumentError(f"GroupNorm: {num_channels} channels do not divide into {num_groups} groups")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.weight = Parameter(ops.ones((num_channels,))) if affine else None
        self.bias = Parameter(ops.zeros((num_channels,))) if affine else None

    def execute(self, x: Var) -> Var:
        return group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"


class InstanceNorm2d(Module):
    """The function instance_norm as a layer for (N, C, H, W); weight and bias only with affine=True, as PyTorch's.

    Source: Ulyanov et al. 2016, arXiv:1607.08022
    """

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False) -> None:
        """`momentum` is accepted for PyTorch's positional order; there are no running statistics."""
        super().__init__()
        self.num_features, self.eps, self.affine = num_features, eps, affine
        self.weight = Parameter(ops.ones((num_features,))) if affine else None
        self.bias = Parameter(ops.zeros((num_features,))) if affine else None

    def execute(self, x: Var) -> Var:
        return instance_norm(x, weight=self.weight, bias=self.bias, eps=self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, affine={self.affine}"


InstanceNorm = InstanceNorm2d  # Jittor's name


class RMSNorm(Module):
    """The function rms_norm as a layer with weight.

    Source: Zhang & Sennrich 2019, arXiv:1910.07467
    """

    def __init__(self, normalized_shape: Extents, eps: float | None = None, elementwise_affine: bool = True) -> None:
        super().__init__()
        self.normalized_shape, self.eps = _extents(normalized_shape), eps
        self.weight = Parameter(ops.ones(self.normalized_shape)) if elementwise_affine else None

    def execute(self, x: Var) -> Var:
        return rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}"
