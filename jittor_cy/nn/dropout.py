"""Dropout: random zeros in training; the mask comes from counters, so that it can be made again."""

from __future__ import annotations

import math

from jittor_cy import _compose, random
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError
from jittor_cy.nn.module import Module

__all__ = ["Dropout", "dropout"]


def dropout(x: Var, p: float = 0.5, is_train: bool = True, training: bool | None = None) -> Var:
    """x with elements zero with probability p and the others times 1 / (1 - p); x itself outside training.

    Args:     is_train: Jittor's name of `training`, in its place
    Raises:   ArgumentError: p is not within [0, 1]
    Gradient: x (through the same mask)
    Source:   Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting"
    """
    if not 0 <= p <= 1:
        raise ArgumentError(f"dropout: p is {p}, which is not between 0 and 1")
    if not (is_train if training is None else training) or p == 0:
        return x
    seed, counter = random.next_counter(math.prod(x.shape))
    return _compose.dropout(x, p, seed, counter)


class Dropout(Module):
    """The function dropout as a layer; it drops in training mode only."""

    def __init__(self, p: float = 0.5, is_train: bool = True) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ArgumentError(f"Dropout: p is {p}, which is not between 0 and 1")
        self.p, self.training = p, is_train

    def execute(self, x: Var) -> Var:
        return dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"
