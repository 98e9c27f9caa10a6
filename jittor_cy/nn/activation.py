"""Activations: element-wise functions and softmax, each as a function and as a layer."""

from __future__ import annotations

from jittor_cy import _compose, ops
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, IndexError_
from jittor_cy.nn.module import Module, Parameter
from jittor_cy.ops.activation import relu, silu
from jittor_cy.ops.elementwise import sigmoid, tanh

__all__ = [
    "ELU",
    "GELU",
    "Hardsigmoid",
    "Hardswish",
    "LeakyReLU",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "elu",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "leaky_relu",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]


def relu6(x: Var) -> Var:
    """x between 0 and 6, else the nearer of the two.

    Source: Krizhevsky 2010, "Convolutional deep belief networks on CIFAR-10"
    """
    return ops.where(x >= 6, 6.0, _compose.relu(x))


def leaky_relu(x: Var, negative_slope: float = 0.01) -> Var:
    """x where positive, else negative_slope times x.

    Source: Maas et al. 2013, "Rectifier nonlinearities improve neural network acoustic models"
    """
    return ops.where(x > 0, x, x * negative_slope)


def gelu(x: Var, approximate: str = "none") -> Var:
    """x times the normal distribution function of x.

    Args:   approximate: "none" uses erf, "tanh" the approximation of the paper
    Source: Hendrycks & Gimpel 2016, arXiv:1606.08415
    """
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f'gelu: approximate is {approximate!r}\n  help: "none" or "tanh"')
    return _compose.gelu(x, approximate == "tanh")


def elu(x: Var, alpha: float = 1.0) -> Var:
    """x where positive, else alpha (exp(x) - 1).

    Source: Clevert et al. 2015, arXiv:1511.07289
    """
    positive = x > 0
    return ops.where(positive, x, ops.where(positive, 0.0, x).expm1() * alpha)


def hardsigmoid(x: Var) -> Var:
    """(x + 3) / 6 between 0 and 1; flat at -3 and at 3.

    Source: Courbariaux et al. 2015, arXiv:1511.00363; the slope is PyTorch's
    """
    return ops.where(x <= -3, 0.0, ops.where(x >= 3, 1.0, (x + 3) / 6))


def hardswish(x: Var) -> Var:
    """x times hardsigmoid(x); its slope is 0 at -3 and 1 at 3.

    Source: Howard et al. 2019, arXiv:1905.02244
    """
    low, high = x <= -3, x >= 3
    middle = ops.where(low | high, 0.0, x)  # an infinity stays out of the square, whose gradient it would spoil
    return ops.where(low, x * 0.0, ops.where(high, x, middle * (middle + 3) / 6))


def softplus(x: Var, beta: float = 1.0, threshold: float = 20.0) -> Var:
    """log(1 + exp(beta x)) / beta; x itself where beta x is above threshold.

    Source: Dugas et al. 2001, "Incorporating second-order functional knowledge for better option pricing"
    """
    scaled = x * beta
    linear = scaled > threshold
    return ops.where(linear, x, ops.where(linear, 0.0, scaled).exp().log1p() / beta)


def mish(x: Var) -> Var:
    """x times tanh(softplus(x)).

    Source: Misra 2019, arXiv:1908.08681
    """
    return x * softplus(x).tanh()


def softmax(x: Var, dim: int = -1) -> Var:
    """exp(x) over its sum along `dim`, computed without overflow.

    Cost:     one kernel
    Gradient: x
    Example:  >>> nn.softmax(jt.zeros(4)).tolist()
              [0.25, 0.25, 0.25, 0.25]
    """
    return _compose.softmax(x, axis_of("softmax", x, dim), False)


def log_softmax(x: Var, dim: int = -1) -> Var:
    """The logarithm of softmax along `dim`, computed without overflow or underflow."""
    return _compose.softmax(x, axis_of("log_softmax", x, dim), True)


def axis_of(function: str, x: Var, dim: int) -> int:
    """`dim` counted from the front, checked; 0 for a Var without axes."""
    count = max(1, x.ndim)
    if not -count <= dim < count:
        raise IndexError_(f"{function}: dim {dim} is out of range for a {x.ndim}-d var")
    return dim % count


class _Plain(Module):
    """A layer without parameters or arguments; a subclass names its function."""

    function = staticmethod(relu)

    def __init__(self, inplace: bool = False) -> None:
        """`inplace` is accepted for PyTorch's sake: fused kernels keep no copy anyway."""
        super().__init__()

    def execute(self, x: Var) -> Var:
        return self.function(x)


def _plain_layer(name: str, function) -> type[Module]:
    doc = f"The function {function.__name__} as a layer."
    return type(name, (_Plain,), {"function": staticmethod(function), "__doc__": doc, "__module__": __name__})


ReLU, ReLU6, SiLU = _plain_layer("ReLU", relu), _plain_layer("ReLU6", relu6), _plain_layer("SiLU", silu)
Sigmoid, Tanh, Mish = _plain_layer("Sigmoid", sigmoid), _plain_layer("Tanh", tanh), _plain_layer("Mish", mish)
Hardswish, Hardsigmoid = _plain_layer("Hardswish", hardswish), _plain_layer("Hardsigmoid", hardsigmoid)


class LeakyReLU(Module):
    """The function leaky_relu as a layer."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope

    def execute(self, x: Var) -> Var:
        return leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class PReLU(Module):
    """Leaky ReLU whose slope is learnt: one for all, or one for each channel (axis 1).

    Source: He et al. 2015, arXiv:1502.01852
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(ops.full((num_parameters,), init))

    def execute(self, x: Var) -> Var:
        shape = (self.num_parameters, *(1,) * (x.ndim - 2)) if self.num_parameters > 1 else (1,)
        return ops.where(x > 0, x, x * self.weight.reshape(shape))

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class GELU(Module):
    """The function gelu as a layer."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def execute(self, x: Var) -> Var:
        return gelu(x, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class ELU(Module):
    """The function elu as a layer."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha

    def execute(self, x: Var) -> Var:
        return elu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class Softplus(Module):
    """The function softplus as a layer."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def execute(self, x: Var) -> Var:
        return softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softmax(Module):
    """The function softmax as a layer."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def execute(self, x: Var) -> Var:
        return softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """The function log_softmax as a layer."""

    def execute(self, x: Var) -> Var:
        return log_softmax(x, self.dim)
