"""Activations: compositions with their source named; nn has the layers."""

from __future__ import annotations

from jittor_cy import _compose
from jittor_cy._var import Var
from jittor_cy.ops._rules import as_var
from jittor_cy.ops.elementwise import sigmoid

__all__ = ["gelu", "relu", "silu"]


def relu(x: Var) -> Var:
    """The larger of x and 0; NaN stays NaN.

    Gradient: x, where it is above 0
    Example:  >>> jt.relu(jt.array([-1.0, 2.0])).tolist()
              [0.0, 2.0]
    """
    return _compose.relu(as_var(x, "relu"))


def gelu(x: Var, approximate: str = "none") -> Var:
    """x times the normal distribution's integral up to x; "tanh" takes the usual approximation.

    Dtypes:   floating; 16-bit inputs compute in float32
    Source:   Hendrycks & Gimpel 2016, arXiv:1606.08415
    """
    return _compose.gelu(as_var(x, "gelu"), approximate == "tanh")


def silu(x: Var) -> Var:
    """x times its own sigmoid.

    Source:   Elfwing et al. 2017, arXiv:1702.03118
    """
    x = as_var(x, "silu")
    return x * sigmoid(x)
