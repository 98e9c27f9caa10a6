"""Every public type: repr, equality, hash, copy, pickle and weak references."""

from __future__ import annotations

import copy
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import data, nn, optim


def trained() -> optim.Optimizer:
    """An Adam that has state."""
    net = nn.Linear(2, 3)
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    optimizer.step(net(jt.ones((4, 2))).sum())
    return optimizer


OBJECTS: dict[str, Callable[[], Any]] = {
    "Var": lambda: jt.array([1.0, 2.0]),
    "pending Var": lambda: jt.array([1.0, 2.0]) + 1,
    "Parameter": lambda: nn.Parameter(jt.ones(3)),
    "dtype": lambda: jt.float32,
    "flags": lambda: jt.flags,
    "Generator": lambda: jt.random.Generator(3),
    "Linear": lambda: nn.Linear(2, 3),
    "Sequential": lambda: nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.BatchNorm1d(3)),
    "Adam": trained,
    "StepLR": lambda: optim.lr_scheduler.StepLR(trained(), 2),
    "TensorDataset": lambda: data.TensorDataset(np.ones((3, 2)), np.arange(3)),
    "Subset": lambda: data.Subset(data.TensorDataset(np.ones((3, 2))), [0, 2]),
    "DataLoader": lambda: data.DataLoader(data.TensorDataset(np.ones((3, 2))), 2),
    "RandomSampler": lambda: data.RandomSampler(range(4), seed=1),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_repr_names_the_type_and_no_address(name: str) -> None:
    found = repr(OBJECTS[name]())

    assert name.split()[-1] in found or name in ("dtype", "Parameter")
    assert " object at 0x" not in found


@pytest.mark.parametrize("name", OBJECTS)
def test_hash_and_weak_reference(name: str) -> None:
    value = OBJECTS[name]()

    assert hash(value) == hash(value)
    assert weakref.ref(value)() is value


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
@pytest.mark.parametrize("name", OBJECTS)
def test_a_copy_looks_the_same(name: str, way: Callable[[Any], Any]) -> None:
    value = OBJECTS[name]()
    jt.sync_all()

    found = way(value)

    assert type(found) is type(value)
    assert name == "pending Var" or repr(found) == repr(value)


def test_equality_of_vars_is_elementwise_and_of_dtypes_is_by_name() -> None:
    a, b = jt.array([1.0, 2.0]), jt.array([1.0, 3.0])

    assert (a == b).tolist() == [True, False]
    assert jt.float32 == "float32" == jt.zeros(1).dtype == np.float32
    assert jt.float32 != jt.float64
    assert pickle.loads(pickle.dumps(jt.flags)) is jt.flags


def test_a_var_is_found_in_a_dict_by_identity() -> None:
    a, b = jt.array([1.0]), jt.array([1.0])

    assert {a: "a", b: "b"}[a] == "a"


def test_a_copied_optimizer_goes_on_with_its_own_parameters() -> None:
    """Its state belongs to the copies, as PyTorch's does."""
    optimizer = trained()
    twin = copy.deepcopy(optimizer)

    def step(of: optim.Optimizer) -> list[np.ndarray]:
        weight, bias = of.param_groups[0]["params"]
        of.step((weight * 2).sum() + bias.sum())
        return [weight.numpy().copy(), bias.numpy().copy()]

    before = [p.numpy().copy() for p in optimizer.param_groups[0]["params"]]
    stepped = step(twin)
    for kept, param in zip(before, optimizer.param_groups[0]["params"], strict=True):
        np.testing.assert_array_equal(param.numpy(), kept)
    for a, b in zip(stepped, step(optimizer), strict=True):
        np.testing.assert_array_equal(a, b)
