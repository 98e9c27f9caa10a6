"""Datasets: things with a length and numbered samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ShapeError

__all__ = ["Dataset", "Subset", "TensorDataset", "random_split"]


class Dataset:
    """Base of datasets: a subclass says `__len__` and `__getitem__(index)`.

    A subclass that can make many samples at once better than one by one also says `__getitems__(indices)`, which gives
    the whole batch, already stacked.

    Example: >>> class Squares(data.Dataset):
             ...     def __len__(self):
             ...         return 10
             ...     def __getitem__(self, index):
             ...         return np.float32(index), index * index
             >>> next(iter(data.DataLoader(Squares(), batch_size=3)))[1].tolist()
             [0, 1, 4]
    """

    def __getitem__(self, index: int) -> Any:
        raise TypeError(f"{type(self).__name__}: does not define __getitem__(index)")

    def __len__(self) -> int:
        raise TypeError(f"{type(self).__name__}: does not define __len__()")


class TensorDataset(Dataset):
    """Rows of several arrays (or Vars, read once) of the same length.

    Raises:  ShapeError: the lengths differ
    Example: >>> len(data.TensorDataset(np.zeros((5, 2)), np.arange(5)))
             5
    """

    def __init__(self, *arrays: Any) -> None:
        self.arrays = tuple(a.numpy() if isinstance(a, Var) else np.asarray(a) for a in arrays)
        if not self.arrays or any(a.ndim == 0 for a in self.arrays):
            raise ArgumentError("TensorDataset: give at least one array, each with a first axis")
        lengths = [len(a) for a in self.arrays]
        if len(set(lengths)) > 1:
            raise ShapeError(f"TensorDataset: the lengths differ, {lengths}")

    def __repr__(self) -> str:
        parts = ", ".join(f"{a.dtype}{list(a.shape[1:])}" for a in self.arrays)
        return f"{type(self).__name__}({len(self)} samples of {parts})"

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return tuple(a[index] for a in self.arrays)

    def __getitems__(self, indices: Sequence[int]) -> tuple[np.ndarray, ...]:
        """The rows of a batch, stacked."""
        return tuple(a[np.asarray(indices, np.int64)] for a in self.arrays)


class Subset(Dataset):
    """The samples of another dataset at some indices."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, list(indices)

    def __repr__(self) -> str:
        return f"Subset({len(self)} samples of {self.dataset!r})"

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self.indices[index]]


def random_split(dataset: Any, lengths: Sequence[int], seed: int = 0) -> list[Subset]:
    """Parts of the given lengths without overlap, drawn by `seed`.

    Raises: ArgumentError: the lengths do not add up to that of the dataset
    """
    if sum(lengths) != len(dataset):
        raise ArgumentError(
            f"random_split: lengths {list(lengths)} add up to {sum(lengths)}, the dataset has {len(dataset)}"
        )
    order = np.random.default_rng(seed).permutation(len(dataset)).tolist()
    ends = np.cumsum(lengths).tolist()
    return [Subset(dataset, order[end - length : end]) for end, length in zip(ends, lengths, strict=True)]
