"""Initialisers: values for parameters, each with its paper; `name(shape)` makes a Var, `name_(x)` fills one in place.

All are lazy: the random numbers are drawn where the parameter is first used or read.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

from jittor_cy import ops, random
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ShapeError

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "eye",
    "eye_",
    "fan_in_and_fan_out",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "trunc_normal",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]

_GAINS = {"linear": 1.0, "conv2d": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
_PLAIN_SLOPE = 0.01  # of leaky ReLU, where none is given: PyTorch's default
_TRUNCATED_AT = 1e-7  # keeps erfinv finite at the ends of its range


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the variance of activations through `nonlinearity`.

    Source: He et al. 2015, arXiv:1502.01852; the table is PyTorch's
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (_PLAIN_SLOPE if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        known = ", ".join(sorted([*_GAINS, "leaky_relu"]))
        raise ArgumentError(f"calculate_gain: no gain for {nonlinearity!r}\n  help: known are {known}")
    return _GAINS[nonlinearity]


def fan_in_and_fan_out(shape: Sequence[int]) -> tuple[int, int]:
    """How many inputs an output sees and how many outputs an input reaches, for weights (out, in, *kernel)."""
    if len(shape) < 2:
        raise ShapeError(f"init: fan in and fan out need at least two axes, not shape {tuple(shape)}")
    receptive = math.prod(shape[2:])
    return shape[1] * receptive, shape[0] * receptive


def _in_place(make: Callable[..., Var]) -> Callable[..., Var]:
    @functools.wraps(make)
    def fill(x: Var, *args, **kwargs) -> Var:
        x.update(make(tuple(x.shape), *args, **kwargs, dtype=str(x.dtype)))
        return x

    fill.__name__ = fill.__qualname__ = make.__name__ + "_"
    fill.__doc__ = f"Fill x in place as {make.__name__}(x.shape) would; returns x."
    return fill


def constant(shape: Sequence[int], value: float, dtype: str = "float32") -> Var:
    """All elements are `value`."""
    return ops.full(tuple(shape), value, dtype=dtype)


def zeros(shape: Sequence[int], dtype: str = "float32") -> Var:
    """All elements are zero."""
    return constant(shape, 0, dtype)


def ones(shape: Sequence[int], dtype: str = "float32") -> Var:
    """All elements are one."""
    return constant(shape, 1, dtype)


def eye(shape: Sequence[int], dtype: str = "float32") -> Var:
    """One on the diagonal of a matrix, zero elsewhere."""
    rows, columns = shape
    return ops.eye(rows, columns, dtype=dtype)


def uniform(shape: Sequence[int], low: float = 0.0, high: float = 1.0, dtype: str = "float32") -> Var:
    """Uniform numbers in [low, high)."""
    return _cast(random.rand(*shape) * (high - low) + low, dtype)


def normal(shape: Sequence[int], mean: float = 0.0, std: float = 1.0, dtype: str = "float32") -> Var:
    """Normal numbers."""
    return _cast(random.randn(*shape) * std + mean, dtype)


def trunc_normal(
    shape: Sequence[int], mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, dtype: str = "float32"
) -> Var:
    """Normal numbers, those outside [a, b] drawn again: by the inverse of the distribution function.

    Source: PyTorch's trunc_normal_, with the inverse of Giles 2012, "Approximating the erfinv function"
    """
    low, high = (math.erf((edge - mean) / (std * math.sqrt(2))) for edge in (a, b))
    edge = 1 - _TRUNCATED_AT
    flat = (random.rand(*shape) * (high - low) + low).clamp(-edge, edge)
    return _cast((_erfinv(flat) * (std * math.sqrt(2)) + mean).clamp(a, b), dtype)


def _erfinv(x: Var) -> Var:
    """Giles 2012, table 5: two polynomials in w = -log(1 - x^2)."""
    w = -((1 - x) * (1 + x)).log()
    central = _polynomial(
        w - 2.5,
        (
            2.81022636e-08,
            3.43273939e-07,
            -3.5233877e-06,
            -4.39150654e-06,
            0.00021858087,
            -0.00125372503,
            -0.00417768164,
            0.246640727,
            1.50140941,
        ),
    )
    tail = _polynomial(
        w.sqrt() - 3,
        (
            -0.000200214257,
            0.000100950558,
            0.00134934322,
            -0.00367342844,
            0.00573950773,
            -0.0076224613,
            0.00943887047,
            1.00167406,
            2.83297682,
        ),
    )
    return ops.where(w < 5, central, tail) * x


def _polynomial(x: Var, coefficients: Sequence[float]) -> Var:
    value = coefficients[0] * x + coefficients[1]
    for coefficient in coefficients[2:]:
        value = value * x + coefficient
    return value


def xavier_uniform(shape: Sequence[int], gain: float = 1.0, dtype: str = "float32") -> Var:
    """Uniform with the variance 2 / (fan in + fan out).

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks"
    """
    bound = gain * math.sqrt(6 / sum(fan_in_and_fan_out(shape)))
    return uniform(shape, -bound, bound, dtype)


def xavier_normal(shape: Sequence[int], gain: float = 1.0, dtype: str = "float32") -> Var:
    """Normal with the variance 2 / (fan in + fan out).

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks"
    """
    return normal(shape, 0.0, gain * math.sqrt(2 / sum(fan_in_and_fan_out(shape))), dtype)


def kaiming_uniform(
    shape: Sequence[int], a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", dtype: str = "float32"
) -> Var:
    """Uniform with the variance gain^2 / fan; a is the slope of the leaky ReLU behind it.

    Source: He et al. 2015, arXiv:1502.01852
    """
    bound = math.sqrt(3) * _kaiming_std(shape, a, mode, nonlinearity)
    return uniform(shape, -bound, bound, dtype)


def kaiming_normal(
    shape: Sequence[int], a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", dtype: str = "float32"
) -> Var:
    """Normal with the variance gain^2 / fan; a is the slope of the leaky ReLU behind it.

    Source: He et al. 2015, arXiv:1502.01852
    """
    return normal(shape, 0.0, _kaiming_std(shape, a, mode, nonlinearity), dtype)


def _kaiming_std(shape: Sequence[int], a: float, mode: str, nonlinearity: str) -> float:
    fans = dict(zip(("fan_in", "fan_out"), fan_in_and_fan_out(shape), strict=True))
    if mode not in fans:
        raise ArgumentError(f"kaiming: mode is {mode!r}\n  help: fan_in or fan_out")
    return calculate_gain(nonlinearity, a) / math.sqrt(max(1, fans[mode]))


def orthogonal(shape: Sequence[int], gain: float = 1.0, dtype: str = "float32") -> Var:
    """Rows (or columns, if there are fewer) of a random orthogonal matrix; drawn at once, not lazily.

    Source: Saxe et al. 2013, arXiv:1312.6120
    """
    import numpy as np

    rows, columns = shape[0], math.prod(shape[1:])
    flat = random.randn(max(rows, columns), min(rows, columns)).numpy()
    q, r = np.linalg.qr(flat)
    q = q * np.sign(np.diag(r))  # makes the distribution uniform (Mezzadri 2006, arXiv:math-ph/0609050)
    q = q.T if rows < columns else q
    return _cast(ops.array((gain * q).reshape(shape).astype(np.float32)), dtype)


def _cast(x: Var, dtype: str) -> Var:
    return x if str(x.dtype) == dtype else x.cast(dtype)


constant_, zeros_, ones_, eye_ = _in_place(constant), _in_place(zeros), _in_place(ones), _in_place(eye)
uniform_, normal_, trunc_normal_ = _in_place(uniform), _in_place(normal), _in_place(trunc_normal)
xavier_uniform_, xavier_normal_ = _in_place(xavier_uniform), _in_place(xavier_normal)
kaiming_uniform_, kaiming_normal_ = _in_place(kaiming_uniform), _in_place(kaiming_normal)
orthogonal_ = _in_place(orthogonal)
