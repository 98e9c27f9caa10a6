"""Pooling: maximum or mean of windows, and averages down to a given size."""

from __future__ import annotations

from jittor_cy import _compose, ops
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ArgumentTypeError, ShapeError
from jittor_cy.nn.conv import Extent, per_axis
from jittor_cy.nn.module import Module

__all__ = [
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "MaxPool1d",
    "MaxPool2d",
    "Pool",
    "adaptive_avg_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "max_pool1d",
    "max_pool2d",
]


def _pool(
    function: str,
    axes: int,
    maximum: bool,
    x: Var,
    kernel: Extent,
    stride: Extent | None,
    padding: Extent,
    ceil_mode: bool,
    count_include_pad: bool,
) -> Var:
    if x.ndim not in (axes + 1, axes + 2):
        raise ShapeError(
            f"{function}: x has {x.ndim} axes", help=f"(batch, channels, then {axes} spatial) are expected", x=x
        )
    kernel = per_axis(kernel, axes, f"{function}: kernel_size")
    stride = kernel if stride is None else per_axis(stride, axes, f"{function}: stride")
    padding = per_axis(padding, axes, f"{function}: padding")
    if any(p > k // 2 for p, k in zip(padding, kernel, strict=True)):
        raise ArgumentError(f"{function}: padding {padding} is more than half of the kernel {kernel}")
    y = x.unsqueeze(0) if x.ndim == axes + 1 else x
    y = _compose.pool(y, maximum, kernel, stride, padding, ceil_mode, count_include_pad)
    return y.squeeze(0) if x.ndim == axes + 1 else y


def _check_plain(function: str, axes: int, dilation: Extent, return_indices: bool) -> None:
    if isinstance(dilation, bool):
        raise ArgumentTypeError(f"{function}: dilation is {dilation}", help="give ceil_mode by its name")
    if any(d != 1 for d in per_axis(dilation, axes, f"{function}: dilation")):
        raise ArgumentError(f"{function}: dilation is {dilation}, only 1 is there")
    if return_indices:
        raise ArgumentError(f"{function}: return_indices is {return_indices}", help="only the values are there")


def max_pool1d(
    x: Var,
    kernel_size: Extent,
    stride: Extent | None = None,
    padding: Extent = 0,
    dilation: Extent = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Var:
    """Largest value of each window over one spatial axis; max_pool2d says the rest."""
    _check_plain("max_pool1d", 1, dilation, return_indices)
    return _pool("max_pool1d", 1, True, x, kernel_size, stride, padding, ceil_mode, False)


def max_pool2d(
    x: Var,
    kernel_size: Extent,
    stride: Extent | None = None,
    padding: Extent = 0,
    dilation: Extent = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Var:
    """Largest value of each window over two spatial axes; padding never wins.

    Shapes:   x (N, C, H, W) or (C, H, W) · returns (N, C, H', W')
    Args:     stride: default kernel_size · ceil_mode: a last window that sticks out counts too
              dilation, return_indices: only 1 and False are there; they hold PyTorch's positions
    Raises:   ArgumentError: a dilation or indices are asked for
    Gradient: x (to the first largest value of a window)
    Example:  >>> nn.max_pool2d(jt.arange(16.0).reshape(1, 1, 4, 4), 2).numpy().ravel().tolist()
              [5.0, 7.0, 13.0, 15.0]
    """
    _check_plain("max_pool2d", 2, dilation, return_indices)
    return _pool("max_pool2d", 2, True, x, kernel_size, stride, padding, ceil_mode, False)


def avg_pool1d(
    x: Var,
    kernel_size: Extent,
    stride: Extent | None = None,
    padding: Extent = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Var:
    """Mean of each window over one spatial axis."""
    return _pool("avg_pool1d", 1, False, x, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    x: Var,
    kernel_size: Extent,
    stride: Extent | None = None,
    padding: Extent = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Var:
    """Mean of each window over two spatial axes.

    Shapes:   x (N, C, H, W) or (C, H, W) · returns (N, C, H', W')
    Args:     count_include_pad: whether padding counts as zeros or not at all
    Gradient: x
    """
    return _pool("avg_pool2d", 2, False, x, kernel_size, stride, padding, ceil_mode, count_include_pad)


def adaptive_avg_pool2d(x: Var, output_size: int | None | tuple[int | None, int | None]) -> Var:
    """Means of windows that cover the input evenly, so that the result has `output_size` (None: as the input).

    Window i spans floor(i H / H') to ceil((i + 1) H / H'), as in PyTorch.
    """
    height, width = x.shape[-2:]
    pair = (output_size, output_size) if output_size is None or isinstance(output_size, int) else tuple(output_size)
    rows, columns = pair[0] or height, pair[1] or width
    if height % rows == 0 and width % columns == 0:
        return avg_pool2d(x, (height // rows, width // columns))
    spans = [_spans(height, rows), _spans(width, columns)]
    lines = [ops.stack([x[..., a:b, c:d].mean((-2, -1)) for c, d in spans[1]], -1) for a, b in spans[0]]
    return ops.stack(lines, -2)


def _spans(size: int, count: int) -> list[tuple[int, int]]:
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


class _PoolLayer(Module):
    axes, maximum = 2, True

    def __init__(
        self,
        kernel_size: Extent,
        stride: Extent | None = None,
        padding: Extent = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad

    def execute(self, x: Var) -> Var:
        return _pool(
            type(self).__name__,
            self.axes,
            self.maximum,
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _MaxPool(_PoolLayer):
    def __init__(
        self,
        kernel_size: Extent,
        stride: Extent | None = None,
        padding: Extent = 0,
        dilation: Extent = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, False)
        _check_plain(type(self).__name__, self.axes, dilation, return_indices)


class MaxPool1d(_MaxPool):
    """The function max_pool1d as a layer; return_indices stands before ceil_mode, as in PyTorch's."""

    axes = 1


class MaxPool2d(_MaxPool):
    """The function max_pool2d as a layer; return_indices stands before ceil_mode, as in PyTorch's."""


class AvgPool1d(_PoolLayer):
    """The function avg_pool1d as a layer."""

    axes, maximum = 1, False


class AvgPool2d(_PoolLayer):
    """The function avg_pool2d as a layer."""

    maximum = False


class AdaptiveAvgPool2d(Module):
    """The function adaptive_avg_pool2d as a layer."""

    def __init__(self, output_size: int | None | tuple[int | None, int | None]) -> None:
        super().__init__()
        self.output_size = output_size

    def execute(self, x: Var) -> Var:
        return adaptive_avg_pool2d(x, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class Pool(_PoolLayer):
    """Jittor's pooling layer: op is "maximum" or "mean"."""

    def __init__(
        self,
        kernel_size: Extent,
        stride: Extent | None = None,
        padding: Extent = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        op: str = "maximum",
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        if op not in ("maximum", "mean"):
            raise ArgumentError(f"Pool: op is {op!r}", help='"maximum" or "mean"')
        self.op, self.maximum = op, op == "maximum"
