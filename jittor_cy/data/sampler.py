"""Samplers: in which order, and in which batches, samples are taken."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Sequence, Sized

import numpy as np

from jittor_cy import random
from jittor_cy.errors import ArgumentError

__all__ = ["BatchSampler", "RandomSampler", "Sampler", "SequentialSampler", "SubsetRandomSampler"]


class Sampler(abc.ABC):
    """Base of samplers: iterating gives indices, and there is a length."""

    @abc.abstractmethod
    def __iter__(self) -> Iterator[int]: ...

    @abc.abstractmethod
    def __len__(self) -> int: ...

    def __repr__(self) -> str:
        return f"{type(self).__name__}(length {len(self)})"


class SequentialSampler(Sampler):
    """0, 1, 2, ... to the end of the dataset."""

    def __init__(self, dataset: Sized) -> None:
        self.dataset = dataset

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.dataset)))

    def __len__(self) -> int:
        return len(self.dataset)


class RandomSampler(Sampler):
    """All indices in random order, another one each time.

    Args: seed: the orders follow from it alone; None: from jt.seed() and how many random numbers were asked for
    """

    def __init__(self, dataset: Sized, seed: int | None = None) -> None:
        self.dataset = dataset
        self._generator = None if seed is None else np.random.default_rng(seed)

    def __iter__(self) -> Iterator[int]:
        generator = self._generator or np.random.default_rng(random.next_counter(len(self.dataset)))
        return iter(generator.permutation(len(self.dataset)).tolist())

    def __len__(self) -> int:
        return len(self.dataset)


class SubsetRandomSampler(RandomSampler):
    """The given indices in random order, another one each time."""

    def __init__(self, indices: Sequence[int], seed: int | None = None) -> None:
        super().__init__(indices, seed)

    def __iter__(self) -> Iterator[int]:
        return iter([self.dataset[position] for position in super().__iter__()])


class BatchSampler(Sampler):
    """Lists of batch_size indices each; the last one is shorter, or left out with drop_last."""

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool = False) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ArgumentError(f"BatchSampler: batch_size is {batch_size!r}", help="give a positive integer")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self.batch_size)
        return full + (rest > 0 and not self.drop_last)
