"""Convolutions and transposed convolutions of one, two and three spatial axes."""

from __future__ import annotations

import math

from jittor_cy import _compose, _graph
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ArgumentTypeError, ShapeError
from jittor_cy.nn import init
from jittor_cy.nn.module import Module, Parameter

__all__ = [
    "Conv",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose",
    "ConvTranspose2d",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose2d",
]

Extent = int | tuple[int, ...]


def per_axis(value: Extent, count: int, what: str) -> tuple[int, ...]:
    """One integer for each of `count` spatial axes."""
    values = (value,) * count if isinstance(value, int) else tuple(value)
    if len(values) != count or not all(isinstance(v, int) for v in values):
        raise ArgumentTypeError(f"{what} is {value!r}\n  help: give one integer, or {count} of them")
    return values


def _convolve(
    function: str,
    axes: int,
    x: Var,
    weight: Var,
    bias: Var | None,
    stride: Extent,
    padding: Extent | str,
    dilation: Extent,
    groups: int,
) -> Var:
    if x.ndim not in (axes + 1, axes + 2):
        raise ShapeError(
            f"{function}: x has {x.ndim} axes\n  help: (batch, channels, then {axes} spatial) are expected"
        )
    stride, dilation = per_axis(stride, axes, f"{function}: stride"), per_axis(dilation, axes, f"{function}: dilation")
    if isinstance(padding, str):
        x, padding = _named_padding(function, x, tuple(weight.shape[2:]), stride, dilation, padding)
    padding = per_axis(padding, axes, f"{function}: padding")
    if x.ndim == axes + 1:
        return _compose.conv(x.unsqueeze(0), weight, bias, stride, padding, dilation, groups).squeeze(0)
    return _compose.conv(x, weight, bias, stride, padding, dilation, groups)


def _named_padding(
    function: str, x: Var, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...], padding: str
) -> tuple[Var, tuple[int, ...]]:
    if padding == "valid":
        return x, (0,) * len(kernel)
    if padding != "same" or any(s != 1 for s in stride):
        raise ArgumentError(f'{function}: padding is {padding!r}\n  help: "same" (stride 1 only), "valid" or integers')
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if any(total % 2 for total in totals):  # the odd one goes behind, as in PyTorch
        lead = x.ndim - len(kernel)
        shape = (*x.shape[:lead], *(n + t % 2 for n, t in zip(x.shape[lead:], totals, strict=True)))
        x = _graph.pad(x, (0,) * x.ndim, shape)
    return x, tuple(total // 2 for total in totals)


def conv1d(
    x: Var,
    weight: Var,
    bias: Var | None = None,
    stride: Extent = 1,
    padding: Extent | str = 0,
    dilation: Extent = 1,
    groups: int = 1,
) -> Var:
    """Cross-correlation of x with weight over one spatial axis; conv2d says the rest."""
    return _convolve("conv1d", 1, x, weight, bias, stride, padding, dilation, groups)


def conv2d(
    x: Var,
    weight: Var,
    bias: Var | None = None,
    stride: Extent = 1,
    padding: Extent | str = 0,
    dilation: Extent = 1,
    groups: int = 1,
) -> Var:
    """Cross-correlation of x with weight over two spatial axes, as PyTorch's.

    Shapes:   x (N, C, H, W) or (C, H, W) · weight (out, C / groups, kh, kw) · bias (out,) · returns (N, out, H', W')
    Args:     padding: zeros on both sides, or "same" or "valid"
    Raises:   ShapeError: channels, groups and weight do not fit, or the kernel is larger than the padded input
    Gradient: x, weight, bias
    Cost:     one contraction without an unfolded copy of x
    Example:  >>> nn.conv2d(jt.ones(1, 3, 8, 8), jt.ones(4, 3, 3, 3), padding=1).shape
              (1, 4, 8, 8)
    """
    return _convolve("conv2d", 2, x, weight, bias, stride, padding, dilation, groups)


def conv3d(
    x: Var,
    weight: Var,
    bias: Var | None = None,
    stride: Extent = 1,
    padding: Extent | str = 0,
    dilation: Extent = 1,
    groups: int = 1,
) -> Var:
    """Cross-correlation of x with weight over three spatial axes; conv2d says the rest."""
    return _convolve("conv3d", 3, x, weight, bias, stride, padding, dilation, groups)


def conv_transpose2d(
    x: Var,
    weight: Var,
    bias: Var | None = None,
    stride: Extent = 1,
    padding: Extent = 0,
    output_padding: Extent = 0,
    groups: int = 1,
    dilation: Extent = 1,
) -> Var:
    """What the gradient of conv2d with respect to its input computes, as a layer of its own.

    Shapes:   x (N, C, H, W) or (C, H, W) · weight (C, out / groups, kh, kw) · bias (out,)
              returns H' = (H - 1) stride - 2 padding + dilation (kh - 1) + output_padding + 1, W' likewise
    Gradient: x, weight, bias
    Source:   Zeiler et al. 2010, "Deconvolutional networks"; the arguments are PyTorch's
    """
    if x.ndim not in (3, 4):
        raise ShapeError(
            f"conv_transpose2d: x has {x.ndim} axes\n  help: (batch, channels, height, width) are expected"
        )
    stride, padding, output_padding, dilation = (
        per_axis(value, 2, f"conv_transpose2d: {name}")
        for name, value in (
            ("stride", stride),
            ("padding", padding),
            ("output_padding", output_padding),
            ("dilation", dilation),
        )
    )
    y = x.unsqueeze(0) if x.ndim == 3 else x
    y = _compose.conv_transpose(y, weight, bias, stride, padding, output_padding, dilation, groups)
    return y.squeeze(0) if x.ndim == 3 else y


class _Conv(Module):
    axes = 0

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Extent,
        stride: Extent = 1,
        padding: Extent | str = 0,
        dilation: Extent = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        _check_groups(name, in_channels, out_channels, groups)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = per_axis(kernel_size, self.axes, f"{name}: kernel_size")
        self.stride = per_axis(stride, self.axes, f"{name}: stride")
        self.dilation = per_axis(dilation, self.axes, f"{name}: dilation")
        self.padding = padding if isinstance(padding, str) else per_axis(padding, self.axes, f"{name}: padding")
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight, self.bias = _initial(shape, out_channels, bias)

    def execute(self, x: Var) -> Var:
        return _convolve(
            type(self).__name__,
            self.axes,
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
        )

    def extra_repr(self) -> str:
        words = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        words += [f"padding={self.padding!r}"] if any(p not in (0,) for p in self.padding) else []
        words += [f"dilation={self.dilation}"] if any(d != 1 for d in self.dilation) else []
        words += [f"groups={self.groups}"] if self.groups != 1 else []
        words += ["bias=False"] if self.bias is None else []
        return ", ".join(words)


class Conv1d(_Conv):
    """Convolution over one spatial axis; weight (out, in / groups, k). Conv2d says the rest."""

    axes = 1


class Conv2d(_Conv):
    """Convolution over two spatial axes; weight (out, in / groups, kh, kw).

    Source:  initial values as PyTorch's: uniform in +-1/sqrt(fan in)
    Example: >>> nn.Conv2d(3, 8, 3, padding=1)(jt.ones(2, 3, 6, 6)).shape
             (2, 8, 6, 6)
    """

    axes = 2


class Conv3d(_Conv):
    """Convolution over three spatial axes; weight (out, in / groups, kd, kh, kw). Conv2d says the rest."""

    axes = 3


class ConvTranspose2d(Module):
    """Transposed convolution over two spatial axes; weight (in, out / groups, kh, kw).

    Example: >>> nn.ConvTranspose2d(4, 2, 2, stride=2)(jt.ones(1, 4, 3, 3)).shape
             (1, 2, 6, 6)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Extent,
        stride: Extent = 1,
        padding: Extent = 0,
        output_padding: Extent = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Extent = 1,
    ) -> None:
        super().__init__()
        _check_groups("ConvTranspose2d", in_channels, out_channels, groups)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = per_axis(kernel_size, 2, "ConvTranspose2d: kernel_size")
        self.stride, self.padding = stride, padding
        self.output_padding, self.dilation = output_padding, dilation
        self.weight, self.bias = _initial((in_channels, out_channels // groups, *self.kernel_size), out_channels, bias)

    def execute(self, x: Var) -> Var:
        return conv_transpose2d(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding}"
        )


Conv, ConvTranspose = Conv2d, ConvTranspose2d  # Jittor's names


def _check_groups(name: str, in_channels: int, out_channels: int, groups: int) -> None:
    if groups < 1 or in_channels % groups or out_channels % groups:
        raise ArgumentError(f"{name}: {in_channels} and {out_channels} channels do not divide into {groups} groups")


def _initial(shape: tuple[int, ...], outputs: int, bias: bool) -> tuple[Var, Var | None]:
    bound = 1 / math.sqrt(max(1, init.fan_in_and_fan_out(shape)[0]))
    weight = Parameter(init.uniform(shape, -bound, bound))
    return weight, Parameter(init.uniform((outputs,), -bound, bound)) if bias else None
