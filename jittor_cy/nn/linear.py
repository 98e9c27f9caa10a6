"""Linear: the affine map x W^T + b; Flatten and Identity, which only reshape or pass on."""

from __future__ import annotations

import math

from jittor_cy import _compose
from jittor_cy._var import Var
from jittor_cy.nn import init
from jittor_cy.nn.module import Module, Parameter

__all__ = ["Flatten", "Identity", "Linear", "linear"]


def linear(x: Var, weight: Var, bias: Var | None = None) -> Var:
    """x times the transposed weight, plus bias.

    Shapes:   x (*, in) · weight (out, in) · bias (out,) · returns (*, out)
    Raises:   ShapeError: the inner sizes differ
    Gradient: x, weight, bias
    Cost:     one contraction, the bias in its epilogue
    Example:  >>> nn.linear(jt.ones(3, 4), jt.ones(2, 4)).shape
              (3, 2)
    """
    return _compose.linear(x, weight, bias)


class Linear(Module):
    """Affine map x W^T + b of the last axis; weight (out_features, in_features).

    Source:  initial values as PyTorch's: uniform in +-1/sqrt(in_features)
    Example: >>> nn.Linear(4, 2)(jt.ones(3, 4)).shape
             (3, 2)
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        bound = 1 / math.sqrt(max(1, in_features))
        self.weight = Parameter(init.uniform((out_features, in_features), -bound, bound))
        self.bias = Parameter(init.uniform((out_features,), -bound, bound)) if bias else None

    def execute(self, x: Var) -> Var:
        return _compose.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Identity(Module):
    """Gives back what it gets, whatever arguments it is made with."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__()

    def execute(self, x: Var) -> Var:
        return x


class Flatten(Module):
    """Axes start_dim to end_dim become one.

    Example: >>> nn.Flatten()(jt.ones(2, 3, 4)).shape
             (2, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def execute(self, x: Var) -> Var:
        return x.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
