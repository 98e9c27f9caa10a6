"""DataLoader: batches of a dataset as Vars, made here or ahead of time by worker processes or threads."""

from __future__ import annotations

import collections
import multiprocessing
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np

from jittor_cy import ops
from jittor_cy._var import Var
from jittor_cy.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from jittor_cy.errors import ArgumentError, ArgumentTypeError

__all__ = ["DataLoader", "collate"]

_AHEAD = 2  # batches that each worker makes before they are asked for


class DataLoader:
    """Iterating gives the batches of one epoch, in the order of the sampler whatever the number of workers.

    Args:   dataset: has a length and numbered samples (data.Dataset says what else it may have)
            shuffle: a new order each epoch; `seed` fixes the orders, else jt.seed() does
            sampler, batch_sampler: give indices, or lists of them, instead of shuffle (and batch_size)
            num_workers: 0 makes batches in this thread; else so many workers make them ahead
            workers: "process" (started by forkserver: dataset and collate_fn must be picklable, and a script needs
            `if __name__ == "__main__":`) or "thread" (for datasets that wait for files)
            collate_fn: makes a batch of a list of samples, of NumPy arrays where workers are processes
            drop_last: leave out a last, shorter batch
    Raises: what the dataset raises, in the order of the batches
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Sequence[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list], Any] | None = None,
        drop_last: bool = False,
        *,
        seed: int | None = None,
        workers: str = "process",
    ) -> None:
        if batch_sampler is not None and (shuffle or sampler is not None or batch_size != 1 or drop_last):
            raise ArgumentError("DataLoader: batch_sampler excludes batch_size, shuffle, sampler and drop_last")
        if sampler is not None and shuffle:
            raise ArgumentError("DataLoader: sampler and shuffle exclude each other")
        if num_workers < 0 or workers not in ("process", "thread"):
            raise ArgumentError(
                f"DataLoader: num_workers is {num_workers}, workers is {workers!r}",
                help='0 or more; "process" or "thread"',
            )
        if sampler is None:
            sampler = RandomSampler(dataset, seed) if shuffle else SequentialSampler(dataset)
        self.dataset, self.batch_size, self.num_workers, self.workers = dataset, batch_size, num_workers, workers
        self.batch_sampler = batch_sampler or BatchSampler(sampler, batch_size, drop_last)
        self.collate_fn = collate_fn
        self._pool: Executor | None = None

    def __repr__(self) -> str:
        return f"DataLoader({self.dataset!r}, {len(self)} batches, num_workers={self.num_workers})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pool": None}

    def __len__(self) -> int:
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[Any]:
        batches = self._batches_ahead() if self.num_workers else self._batches_here()
        return map(_to_vars, batches)

    def close(self) -> None:
        """End the workers; they start again when the loader is iterated over once more."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _batches_here(self) -> Iterator[Any]:
        for indices in self.batch_sampler:
            yield _make_batch(self.dataset, self.collate_fn, indices)

    def _batches_ahead(self) -> Iterator[Any]:
        pool, queue = self._start(), collections.deque[Future]()
        try:
            for indices in self.batch_sampler:
                queue.append(pool.submit(*self._task(indices)))
                if len(queue) == _AHEAD * self.num_workers:
                    yield queue.popleft().result()
            while queue:
                yield queue.popleft().result()
        finally:
            for future in queue:
                future.cancel()

    def _task(self, indices: Sequence[int]) -> tuple[Any, ...]:
        if self.workers == "thread":
            return _make_batch, self.dataset, self.collate_fn, indices
        return _make_batch_in_worker, indices

    def _start(self) -> Executor:
        if self._pool is None:
            if self.workers == "thread":
                self._pool = ThreadPoolExecutor(self.num_workers, "jittor_cy-data")
            else:
                self._pool = ProcessPoolExecutor(
                    self.num_workers,
                    multiprocessing.get_context("forkserver"),
                    _remember,
                    (self.dataset, self.collate_fn),
                )
            weakref.finalize(self, self._pool.shutdown, wait=False, cancel_futures=True)
        return self._pool


_IN_WORKER: list[Any] = []  # the dataset and the collate function of this worker process


def _remember(dataset: Any, collate_fn: Callable[[list], Any] | None) -> None:
    _IN_WORKER[:] = [dataset, collate_fn]


def _make_batch_in_worker(indices: Sequence[int]) -> Any:
    return _make_batch(*_IN_WORKER, indices)


def _make_batch(dataset: Any, collate_fn: Callable[[list], Any] | None, indices: Sequence[int]) -> Any:
    if collate_fn is None and hasattr(dataset, "__getitems__"):
        return dataset.__getitems__(indices)
    return (collate_fn or collate)([dataset[index] for index in indices])


def collate(samples: list[Any]) -> Any:
    """A list of samples as one batch of NumPy arrays: numbers and arrays stacked, tuples and dicts entry by entry.

    Python floats become float32; strings stay a list.
    Raises: ArgumentTypeError: samples of a type that cannot be stacked
    """
    first = samples[0]
    if isinstance(first, Var):
        return np.stack([sample.numpy() for sample in samples])
    if isinstance(first, (np.ndarray, np.generic)):
        return np.stack(samples)
    if isinstance(first, float):
        return np.array(samples, np.float32)
    if isinstance(first, (bool, int)):
        return np.array(samples)
    if isinstance(first, str):
        return samples
    if isinstance(first, Mapping):
        return {key: collate([sample[key] for sample in samples]) for key in first}
    if isinstance(first, (tuple, list)):
        return tuple(collate(list(entries)) for entries in zip(*samples, strict=True))
    raise ArgumentTypeError(
        f"DataLoader: samples of type {type(first).__name__} cannot be stacked",
        help="give arrays, numbers, tuples or dicts, or a collate_fn of your own",
    )


def _to_vars(batch: Any) -> Any:
    if isinstance(batch, np.ndarray) and batch.dtype.kind in "biuf":
        return ops.array(batch)
    if isinstance(batch, Mapping):
        return {key: _to_vars(value) for key, value in batch.items()}
    if isinstance(batch, (tuple, list)):
        return type(batch)(_to_vars(entry) for entry in batch)
    return batch
