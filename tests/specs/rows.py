"""One OpSpec row an operation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jittor_cy.testing.opspec import OpSpec

Samples = Callable[[np.random.Generator], list[np.ndarray]]


def between(low: float, high: float, *shapes: tuple[int, ...]) -> Samples:
    return lambda g: [g.uniform(low, high, shape) for shape in shapes or ((3, 5),)]


def away_from(points: tuple[float, ...], scale: float = 2.0) -> Samples:
    """Values at least 0.1 from each point, where a kink or a jump is."""

    def draw(g: np.random.Generator) -> list[np.ndarray]:
        x = g.uniform(-scale, scale, (3, 5))
        for point in points:
            x = np.where(np.abs(x - point) < 0.1, x + 0.25, x)
        return [x]

    return draw


def distinct(*shape: int) -> Samples:
    """Values far enough apart that no maximum is a tie."""
    return lambda g: [(g.permutation(math.prod(shape)).reshape(shape) - math.prod(shape) / 2) / 7.0]


def unary(
    name: str,
    oracle: Callable,
    samples: Samples,
    *,
    gradient: bool = True,
    special: bool = True,
    function: Callable | None = None,
) -> OpSpec:
    return OpSpec(
        name, function or (lambda jt, x: getattr(jt, name)(x)), oracle, samples, gradient=gradient, special=special
    )


erf = np.vectorize(math.erf, otypes=[float])
erfc = np.vectorize(math.erfc, otypes=[float])


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def layer_norm(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * w + b


def convolve(
    x: np.ndarray, w: np.ndarray, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> np.ndarray:
    """Cross-correlation by its definition."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    n, _, height, width = x.shape
    out_channels, in_channels, kh, kw = w.shape
    oh = (height - dilation * (kh - 1) - 1) // stride + 1
    ow = (width - dilation * (kw - 1) - 1) // stride + 1
    out = np.zeros((n, out_channels, oh, ow))
    per_group = out_channels // groups
    for o in range(out_channels):
        first = o // per_group * in_channels
        for i in range(kh):
            for j in range(kw):
                rows = slice(i * dilation, i * dilation + stride * (oh - 1) + 1, stride)
                columns = slice(j * dilation, j * dilation + stride * (ow - 1) + 1, stride)
                out[:, o] += np.einsum("nchw,c->nhw", x[:, first : first + in_channels, rows, columns], w[o, :, i, j])
    return out


def pooled(x: np.ndarray, reduce: Callable) -> np.ndarray:
    n, c, h, w = x.shape
    return reduce(x[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2), axis=(3, 5))


def cross_entropy(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    logs = x - x.max(1, keepdims=True)
    logs = logs - np.log(np.exp(logs).sum(1, keepdims=True))
    return np.asarray(-logs[np.arange(len(x)), labels].mean())


def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: Any = 0.0) -> np.ndarray:
    s = q @ np.swapaxes(k, -1, -2) * q.shape[-1] ** -0.5 + mask
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True) @ v


def conv_row(name: str, x: tuple, w: tuple, **options: Any) -> OpSpec:
    return OpSpec(
        name,
        lambda jt, x, w: jt.nn.conv2d(x, w, **options),
        lambda x, w: convolve(x, w, **options),
        lambda g: [g.standard_normal(x), g.standard_normal(w) * 0.3],
        roundings=64,
    )


ELEMENTWISE = (
    unary("exp", np.exp, between(-3, 3)),
    unary("exp2", np.exp2, between(-3, 3)),
    unary("expm1", np.expm1, between(-2, 2)),
    unary("log", np.log, between(0.1, 5)),
    unary("log1p", np.log1p, between(-0.9, 5)),
    unary("sqrt", np.sqrt, between(0.1, 5)),
    unary("rsqrt", lambda x: 1 / np.sqrt(x), between(0.1, 5)),
    unary("sin", np.sin, between(-8, 8)),
    unary("cos", np.cos, between(-8, 8)),
    unary("tan", np.tan, between(-1.2, 1.2)),
    unary("asin", np.arcsin, between(-0.9, 0.9), function=lambda jt, x: jt.asin(x)),
    unary("acos", np.arccos, between(-0.9, 0.9), function=lambda jt, x: jt.acos(x)),
    unary("atan", np.arctan, between(-5, 5), function=lambda jt, x: jt.atan(x)),
    unary("sinh", np.sinh, between(-3, 3)),
    unary("cosh", np.cosh, between(-3, 3)),
    unary("tanh", np.tanh, between(-3, 3)),
    unary("asinh", np.arcsinh, between(-5, 5), function=lambda jt, x: jt.asinh(x)),
    unary("acosh", np.arccosh, between(1.2, 5), function=lambda jt, x: jt.acosh(x)),
    unary("atanh", np.arctanh, between(-0.9, 0.9), function=lambda jt, x: jt.atanh(x)),
    unary("sigmoid", lambda x: 1 / (1 + np.exp(-x)), between(-5, 5)),
    unary("erf", erf, between(-3, 3)),
    unary("erfc", erfc, between(-3, 3)),
    unary("floor", np.floor, away_from((-2, -1, 0, 1, 2)), gradient=False),
    unary("ceil", np.ceil, away_from((-2, -1, 0, 1, 2)), gradient=False),
    unary("round", np.round, away_from((-1.5, -0.5, 0.5, 1.5)), gradient=False),
    unary("trunc", np.trunc, away_from((-1, 0, 1)), gradient=False),
    unary("abs", np.abs, away_from((0,))),
    unary("sign", np.sign, away_from((0,)), gradient=False),
    unary("relu", lambda x: np.maximum(x, 0), away_from((0,)), function=lambda jt, x: jt.nn.relu(x)),
    unary(
        "gelu",
        lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2))),
        between(-3, 3),
        special=False,
        function=lambda jt, x: jt.nn.gelu(x),
    ),
    unary("silu", lambda x: x / (1 + np.exp(-x)), between(-3, 3), special=False, function=lambda jt, x: jt.nn.silu(x)),
    unary("square", lambda x: x**2, between(-3, 3), function=lambda jt, x: x**2),
)

BINARY = tuple(
    OpSpec(name, function, oracle, samples, gradient=gradient)
    for name, function, oracle, samples, gradient in (
        ("add", lambda jt, x, y: x + y, np.add, between(-2, 2, (3, 5), (5,)), True),
        ("sub", lambda jt, x, y: x - y, np.subtract, between(-2, 2, (3, 1), (1, 5)), True),
        ("mul", lambda jt, x, y: x * y, np.multiply, between(-2, 2, (3, 5), (3, 5)), True),
        ("div", lambda jt, x, y: x / y, np.divide, between(0.5, 2, (3, 5), (5,)), True),
        ("pow", lambda jt, x, y: x**y, np.power, between(0.5, 2, (3, 5), (5,)), True),
        ("atan2", lambda jt, x, y: jt.atan2(x, y), np.arctan2, between(0.5, 2, (3, 5), (5,)), True),
        ("floor_divide", lambda jt, x, y: x // y, np.floor_divide, between(0.3, 4, (3, 5), (5,)), False),
        ("remainder", lambda jt, x, y: x % y, np.mod, between(0.3, 4, (3, 5), (5,)), False),
        ("maximum", lambda jt, x, y: jt.maximum(x, y), np.maximum, between(-2, 2, (3, 5), (3, 5)), True),
        ("minimum", lambda jt, x, y: jt.minimum(x, y), np.minimum, between(-2, 2, (3, 5), (3, 5)), True),
        (
            "where",
            lambda jt, x, y: jt.where(x > y, x * y, y),
            lambda x, y: np.where(x > y, x * y, y),
            between(-2, 2, (3, 5), (3, 5)),
            True,
        ),
        ("less", lambda jt, x, y: x < y, np.less, between(-2, 2, (3, 5), (5,)), False),
        (
            "scalars",
            lambda jt, x, y: (2 - x) * 0.5 + 3 / (y + 4),
            lambda x, y: (2 - x) * 0.5 + 3 / (y + 4),
            between(-2, 2, (3, 5), (5,)),
            True,
        ),
    )
)


def border_row(mode: str, numpy: str) -> OpSpec:
    return OpSpec(
        f"pad {mode}",
        lambda jt, x: jt.pad(x, (2, 1, 0, 2), mode),
        lambda x: np.pad(x, ((0, 0), (0, 2), (2, 1)), numpy),
        between(-1, 1, (2, 3, 4)),
    )


SHAPED = (
    OpSpec("sum all", lambda jt, x: x.sum(), np.sum, between(-1, 1, (4, 33)), roundings=64),
    OpSpec("sum rows", lambda jt, x: x.sum(1), lambda x: x.sum(1), between(-1, 1, (4, 70)), roundings=64),
    OpSpec("sum columns", lambda jt, x: x.sum(0), lambda x: x.sum(0), between(-1, 1, (9, 5)), roundings=64),
    OpSpec("sum around", lambda jt, x: x.sum((0, 2)), lambda x: x.sum((0, 2)), between(-1, 1, (3, 4, 6)), roundings=64),
    OpSpec("mean", lambda jt, x: x.mean(-1, keepdims=True), lambda x: x.mean(-1, keepdims=True), between(-1, 1)),
    OpSpec("var", lambda jt, x: x.var(1), lambda x: x.var(1, ddof=1), between(-1, 1, (3, 7)), roundings=64),
    OpSpec("std", lambda jt, x: x.std(0), lambda x: x.std(0, ddof=1), between(-1, 1, (6, 3)), roundings=64),
    OpSpec("prod", lambda jt, x: x.prod(1), lambda x: x.prod(1), between(0.5, 1.5, (3, 6)), roundings=32),
    OpSpec("amax", lambda jt, x: jt.amax(x, 1), lambda x: x.max(1), distinct(3, 6)),
    OpSpec("amin", lambda jt, x: jt.amin(x, 0), lambda x: x.min(0), distinct(3, 6)),
    OpSpec("argmax", lambda jt, x: x.argmax(1), lambda x: x.argmax(1), distinct(3, 6), gradient=False),
    OpSpec("logsumexp", lambda jt, x: jt.logsumexp(x, 1), lambda x: np.log(np.exp(x).sum(1)), between(-2, 2)),
    OpSpec("softmax", lambda jt, x: jt.softmax(x, 1), lambda x: softmax(x, 1), between(-3, 3)),
    OpSpec("softmax of columns", lambda jt, x: jt.softmax(x, 0), lambda x: softmax(x, 0), between(-3, 3)),
    OpSpec("log_softmax", lambda jt, x: jt.log_softmax(x, 1), lambda x: np.log(softmax(x, 1)), between(-3, 3)),
    OpSpec("cumsum", lambda jt, x: jt.cumsum(x, 1), lambda x: np.cumsum(x, 1), between(-2, 2, (5, 9, 2))),
    OpSpec("cumsum of rows", lambda jt, x: jt.cumsum(x, 1), lambda x: np.cumsum(x, 1), between(-2, 2, (9, 20))),
    OpSpec("cumprod", lambda jt, x: jt.cumprod(x, 1), lambda x: np.cumprod(x, 1), between(0.7, 1.4, (5, 6, 2))),
    OpSpec("cumprod of rows", lambda jt, x: jt.cumprod(x, 1), lambda x: np.cumprod(x, 1), between(-1.5, 1.5, (5, 6))),
    OpSpec("transpose", lambda jt, x: x.transpose(1, 2, 0), lambda x: x.transpose(1, 2, 0), between(-1, 1, (2, 3, 4))),
    OpSpec("reshape", lambda jt, x: x.reshape(4, -1), lambda x: x.reshape(4, -1), between(-1, 1, (2, 6, 2))),
    OpSpec("getitem", lambda jt, x: x[1:, ::-2], lambda x: x[1:, ::-2], between(-1, 1, (4, 7))),
    OpSpec("getitem int", lambda jt, x: x[1, ..., None], lambda x: x[1, ..., None], between(-1, 1, (4, 7))),
    OpSpec(
        "getitem rows",
        lambda jt, x: x[jt.array(np.array([2, 0, 2, -1]))],
        lambda x: x[np.array([2, 0, 2, -1])],
        between(-1, 1, (4, 3)),
    ),
    OpSpec(
        "broadcast_to", lambda jt, x: x.broadcast_to((4, 3, 5)), lambda x: np.broadcast_to(x, (4, 3, 5)), between(-1, 1)
    ),
    OpSpec(
        "concat",
        lambda jt, x, y: jt.concat([x, y, x], 1),
        lambda x, y: np.concatenate([x, y, x], 1),
        between(-1, 1, (2, 3), (2, 4)),
    ),
    OpSpec(
        "stack", lambda jt, x, y: jt.stack([x, y], 1), lambda x, y: np.stack([x, y], 1), between(-1, 1, (2, 3), (2, 3))
    ),
    OpSpec("flip", lambda jt, x: jt.flip(x, 1), lambda x: x[:, ::-1], between(-1, 1)),
    OpSpec(
        "repeated use",
        lambda jt, x: x * x.sum(1, keepdims=True) + x.transpose(1, 0).sum(0, keepdims=True).transpose(1, 0),
        lambda x: x * x.sum(1, keepdims=True) + x.sum(1, keepdims=True),
        between(-1, 1),
        roundings=64,
    ),
    OpSpec("matmul", lambda jt, a, b: a @ b, np.matmul, between(-1, 1, (4, 6), (6, 3)), roundings=64),
    OpSpec("matmul batched", lambda jt, a, b: a @ b, np.matmul, between(-1, 1, (2, 1, 3, 4), (3, 4, 2)), roundings=64),
    OpSpec("matmul vector", lambda jt, a, b: a @ b, np.matmul, between(-1, 1, (4, 6), (6,)), roundings=64),
    OpSpec(
        "matmul transposed",
        lambda jt, a, b: a.T @ b.T,
        lambda a, b: a.T @ b.T,
        between(-1, 1, (6, 4), (3, 6)),
        roundings=64,
    ),
    OpSpec(
        "einsum",
        lambda jt, a, b: jt.einsum("bij,bkj->bik", a, b),
        lambda a, b: np.einsum("bij,bkj->bik", a, b),
        between(-1, 1, (2, 3, 4), (2, 5, 4)),
        roundings=64,
    ),
    OpSpec(
        "attention",
        lambda jt, q, k, v: jt.nn.scaled_dot_product_attention(q, k, v, is_causal=True),
        lambda q, k, v: attention(q, k, v, np.where(np.tri(33, 34) > 0, 0.0, -np.inf)),
        between(-1, 1, (33, 3), (34, 3), (34, 2)),
        roundings=256,
    ),
    OpSpec(
        "product and sum of repeated values",
        lambda jt, a, b: (a.unsqueeze(2) * b.unsqueeze(0)).sum(1),
        np.matmul,
        between(-1, 1, (4, 6), (6, 3)),
        roundings=64,
    ),
    OpSpec(
        "layer_norm",
        lambda jt, x, w, b: jt.nn.layer_norm(x, (6,), w, b),
        layer_norm,
        between(0.5, 2, (3, 6), (6,), (6,)),
        roundings=256,
    ),
    conv_row("conv", (2, 3, 6, 5), (4, 3, 3, 3)),
    conv_row("conv padded", (2, 2, 5, 6), (3, 2, 3, 3), padding=1),
    conv_row("conv strided", (1, 2, 7, 8), (3, 2, 3, 3), stride=2, padding=1),
    conv_row("conv dilated", (1, 2, 8, 8), (2, 2, 3, 3), dilation=2, padding=2),
    conv_row("conv grouped", (2, 4, 5, 5), (6, 2, 3, 3), groups=2, padding=1),
    conv_row("conv depthwise", (1, 3, 5, 5), (3, 1, 3, 3), groups=3),
    conv_row("conv of one pixel", (2, 3, 4, 4), (5, 3, 1, 1)),
    border_row("reflect", "reflect"),
    border_row("replicate", "edge"),
    border_row("circular", "wrap"),
    OpSpec("max_pool2d", lambda jt, x: jt.nn.max_pool2d(x, 2), lambda x: pooled(x, np.max), distinct(2, 2, 4, 6)),
    OpSpec(
        "avg_pool2d", lambda jt, x: jt.nn.avg_pool2d(x, 2), lambda x: pooled(x, np.mean), between(-1, 1, (2, 2, 4, 6))
    ),
    OpSpec(
        "cross_entropy",
        lambda jt, x: jt.nn.cross_entropy_loss(x, jt.array(np.array([1, 0, 4]))),
        lambda x: cross_entropy(x, np.array([1, 0, 4])),
        between(-2, 2),
    ),
)

ROWS = (*ELEMENTWISE, *BINARY, *SHAPED)
