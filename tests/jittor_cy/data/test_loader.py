"""The loader gives every sample once, in the order of the sampler, whoever makes the batches."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import data


class Squares(data.Dataset):
    """Index and square; sample 13 fails when there is one."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int):
        if index == 13:
            raise RuntimeError("sample 13 is unlucky")
        return {"x": np.float32(index), "name": str(index), "pair": (index, index * 0.5)}


def add_up(samples: list) -> int:
    return sum(int(sample["x"]) for sample in samples)


def test_batches_are_vars_of_stacked_samples():
    batch = next(iter(data.DataLoader(Squares(5), batch_size=3)))

    assert isinstance(batch["x"], jt.Var)
    assert batch["x"].numpy().tolist() == [0.0, 1.0, 2.0]
    assert batch["name"] == ["0", "1", "2"]
    assert (str(batch["pair"][0].dtype), str(batch["pair"][1].dtype)) == ("int64", "float32")


def test_last_batch_is_shorter_or_left_out():
    assert [len(b["name"]) for b in data.DataLoader(Squares(7), 3)] == [3, 3, 1]
    assert [len(b["name"]) for b in data.DataLoader(Squares(7), 3, drop_last=True)] == [3, 3]
    assert len(data.DataLoader(Squares(7), 3)) == 3
    assert len(data.DataLoader(Squares(7), 3, drop_last=True)) == 2


def test_shuffling_gives_every_sample_once_in_another_order_each_time():
    loader = data.DataLoader(data.TensorDataset(np.arange(100)), 10, shuffle=True, seed=3)

    first, second = ([int(i) for (batch,) in loader for i in batch.numpy()] for _ in range(2))

    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second != list(range(100))


def test_shuffling_follows_from_its_seed():
    orders = [
        [int(i) for (b,) in data.DataLoader(data.TensorDataset(np.arange(50)), 50, True, seed=seed) for i in b.numpy()]
        for seed in (1, 1, 2)
    ]

    assert orders[0] == orders[1] != orders[2]


def test_shuffling_without_a_seed_follows_from_jt_seed():
    orders = []
    for _ in range(2):
        jt.seed(4)
        (batch,) = next(iter(data.DataLoader(data.TensorDataset(np.arange(50)), 50, shuffle=True)))
        orders.append(batch.numpy().tolist())

    assert orders[0] == orders[1]


@pytest.mark.parametrize("workers", ["process", "thread"])
def test_workers_keep_the_order(workers):
    loader = data.DataLoader(data.TensorDataset(np.arange(40), np.arange(40) * 2), 3, num_workers=2, workers=workers)

    batches = [[x.numpy().tolist(), y.numpy().tolist()] for x, y in loader]
    again = [[x.numpy().tolist(), y.numpy().tolist()] for x, y in loader]
    loader.close()

    assert batches == [
        [list(range(i, min(i + 3, 40))), [2 * j for j in range(i, min(i + 3, 40))]] for i in range(0, 40, 3)
    ]
    assert again == batches


def test_workers_raise_what_the_dataset_raises_in_its_turn():
    loader = data.DataLoader(Squares(20), 5, num_workers=2, workers="thread")
    batches = iter(loader)

    assert [len(next(batches)["name"]) for _ in range(2)] == [5, 5]
    with pytest.raises(RuntimeError, match="sample 13 is unlucky"):
        next(batches)
    loader.close()


def test_leaving_a_loop_early_leaves_nothing_running():
    before = threading.active_count()
    loader = data.DataLoader(Squares(12), 2, num_workers=2, workers="thread")

    for _ in loader:
        break
    loader.close()

    assert threading.active_count() == before


def test_own_collate_function_is_used():
    assert list(data.DataLoader(Squares(4), 2, collate_fn=add_up)) == [1, 5]


def test_own_batch_sampler_is_used():
    loader = data.DataLoader(data.TensorDataset(np.arange(9)), batch_sampler=[[8, 1], [3]])

    assert [batch.numpy().tolist() for (batch,) in loader] == [[8, 1], [3]]


def test_subset_and_split_hold_each_sample_once():
    parts = data.random_split(Squares(10), [7, 3], seed=1)

    assert sorted(int(sample["x"]) for part in parts for sample in (part[i] for i in range(len(part)))) == list(
        range(10)
    )


def test_subset_sampler_shuffles_its_indices():
    order = list(data.SubsetRandomSampler([4, 7, 9], seed=0))

    assert sorted(order) == [4, 7, 9]


ERRORS = [
    (lambda: data.DataLoader(Squares(3), 0), ValueError, "BatchSampler: batch_size is 0"),
    (lambda: data.DataLoader(Squares(3), sampler=[1], shuffle=True), ValueError, "sampler and shuffle exclude"),
    (lambda: data.DataLoader(Squares(3), num_workers=-1), ValueError, "num_workers is -1"),
    (lambda: data.DataLoader(Squares(3), 2, batch_sampler=[[1]]), ValueError, "batch_sampler excludes"),
    (lambda: data.TensorDataset(np.ones(3), np.ones(4)), ValueError, r"the lengths differ, \[3, 4\]"),
    (lambda: data.random_split(Squares(3), [1, 1]), ValueError, "add up to 2, the dataset has 3"),
    (lambda: data.collate([object()]), TypeError, "samples of type object cannot be stacked"),
    (lambda: data.Dataset()[0], TypeError, r"Dataset: does not define __getitem__"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=[message[:30] for _, _, message in ERRORS])
def test_mistake_is_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
