"""Embedding: rows of a table by index."""

from __future__ import annotations

from jittor_cy import _compose, _graph
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError
from jittor_cy.nn import init
from jittor_cy.nn.module import Module, Parameter

__all__ = ["Embedding", "embedding"]


def embedding(x: Var, weight: Var) -> Var:
    """Rows of weight at the indices x; every index is checked when the kernel runs.

    Shapes:   x (*) integers · weight (V, D) · returns (*, D)
    Raises:   IndexError: an index outside [0, V), at the next read
    Gradient: weight (contributions to one row add up in the order of x)
    Example:  >>> nn.embedding(jt.array([2, 0]), jt.eye(3)).numpy().tolist()
              [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    return _compose.embedding(weight, x)


class Embedding(Module):
    """A table of num_embeddings rows; weight (num_embeddings, embedding_dim), normal at the start as PyTorch's.

    Args: padding_idx: this row is zero at the start and its gradient is zero
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else _row("Embedding", padding_idx, num_embeddings)
        table = init.normal((num_embeddings, embedding_dim)).stop_grad()
        if self.padding_idx is not None:
            table[self.padding_idx] = 0.0
        self.weight = Parameter(table)

    def execute(self, x: Var) -> Var:
        rows = _compose.embedding(self.weight, x)
        if self.padding_idx is None:
            return rows
        is_padding = (x == self.padding_idx).unsqueeze(-1)
        return _graph.where(is_padding, rows.detach(), rows)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


def _row(function: str, index: int, count: int) -> int:
    if not -count <= index < count:
        raise ArgumentError(f"{function}: padding_idx {index} is out of range for {count} rows")
    return index % count
