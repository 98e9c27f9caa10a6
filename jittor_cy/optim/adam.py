"""Adam and AdamW: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jittor_cy import _compose
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError
from jittor_cy.optim.optimizer import Optimizer

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """p -= lr m' / (sqrt(v') + eps), where m' and v' are bias-corrected means of g and g^2; g includes weight_decay p.

    Args:    betas: how much the two means keep of what they were · amsgrad: use the largest v so far
    Source:  Kingma & Ba 2014, arXiv:1412.6980; amsgrad: Reddi et al. 2018, arXiv:1904.09237; as PyTorch's
    Example: >>> x = nn.Parameter(jt.array([3.0]))
             >>> optim.Adam([x], lr=0.5).step((x * x).sum())
             >>> x.item()
             2.5
    """

    _decoupled = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        if lr < 0 or eps < 0 or weight_decay < 0 or not all(0 <= beta < 1 for beta in betas):
            raise ArgumentError(
                f"{type(self).__name__}: lr {lr}, betas {betas}, eps {eps}, weight_decay {weight_decay}",
                help="betas are within [0, 1), the others not negative",
            )
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": tuple(betas),
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
            },
        )

    def _zeros(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def _update(self, param: Var, gradient: Var, group: dict[str, Any], state: dict[str, Any], number: int) -> None:
        state["step"] = int(state.get("step", 0)) + 1
        largest = state["max_exp_avg_sq"] if group["amsgrad"] else None
        _compose.adam_update(
            param,
            gradient,
            state["exp_avg"],
            state["exp_avg_sq"],
            largest,
            group["lr"],
            *group["betas"],
            group["eps"],
            group["weight_decay"],
            self._decoupled,
            group["maximize"],
            state["step"],
            number,
        )


class AdamW(Adam):
    """Adam with the weight decay outside the scaled step: p -= lr weight_decay p first.

    Source: Loshchilov & Hutter 2017, arXiv:1711.05101; as PyTorch's
    """

    _decoupled = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)
