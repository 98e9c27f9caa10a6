"""SGD: stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jittor_cy import _compose, ops
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError
from jittor_cy.optim.optimizer import Optimizer

__all__ = ["SGD"]


class SGD(Optimizer):
    """p -= lr d, where d = momentum b + (1 - dampening) g is kept as the next b, and g includes weight_decay p.

    Args:    params: Vars or groups · lr: learning rate · nesterov: d = g + momentum b instead
    Source:  Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning"; as PyTorch's
    Example: >>> x = nn.Parameter(jt.array([3.0]))
             >>> optim.SGD([x], 0.1).step((x * x).sum())
             >>> x.item()
             2.4000000953674316
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ArgumentError(
                "SGD: nesterov needs momentum above 0 and dampening 0",
                help=f"found momentum {momentum} and dampening {dampening}",
            )
        if lr < 0 or momentum < 0 or weight_decay < 0:
            raise ArgumentError(f"SGD: lr {lr}, momentum {momentum} and weight_decay {weight_decay} cannot be negative")
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def _zeros(self, group: dict[str, Any]) -> tuple[str, ...]:
        # Without dampening momentum * 0 + g is g: the first step needs no kernel of its own.
        return ("momentum_buffer",) if group["momentum"] != 0 and group["dampening"] == 0 else ()

    def _update(self, param: Var, gradient: Var, group: dict[str, Any], state: dict[str, Any], number: int) -> None:
        buffer = state.get("momentum_buffer")
        first = buffer is None
        if group["momentum"] != 0 and first:
            buffer = state["momentum_buffer"] = ops.zeros(param.shape, dtype=str(param.dtype)).stop_grad()
        _compose.sgd_update(
            param,
            gradient,
            buffer if group["momentum"] != 0 else None,
            group["lr"],
            group["momentum"],
            group["dampening"],
            group["weight_decay"],
            group["nesterov"],
            group["maximize"],
            first,
            number,
        )
