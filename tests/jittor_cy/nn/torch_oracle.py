"""Compares a layer or function with torch's in float64: values, gradients of inputs and of parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy.testing.tolerance import assert_close

torch = pytest.importorskip("torch")


def array(*shape: int, seed: int = 0) -> np.ndarray:
    """Normal numbers that float32 holds."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def outputs_of(result: Any) -> list[Any]:
    """The Vars or tensors of a result that may be nested in tuples."""
    if isinstance(result, (tuple, list)):
        return [x for entry in result for x in outputs_of(entry)]
    return [] if result is None else [result]


def assert_function_matches(
    ours: Callable, theirs: Callable, arrays: Sequence[np.ndarray], operations: float = 64
) -> None:
    """Same values, and same gradients of every floating input for random cotangents."""
    mine = [jt.array(a) for a in arrays]
    other = [torch.tensor(a.astype(np.float64) if a.dtype.kind == "f" else a) for a in arrays]
    for tensor in other:
        tensor.requires_grad_(tensor.is_floating_point())
    compare(ours(*mine), theirs(*other), leaves(mine), [t for t in other if t.requires_grad], operations)


def assert_layer_matches(
    ours: jt.nn.Module, theirs: Any, arrays: Sequence[np.ndarray], operations: float = 256
) -> None:
    """As assert_function_matches, with the parameters of torch's layer in ours, and their gradients too."""
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    theirs.double()
    mine = [jt.array(a) for a in arrays]
    other = [torch.tensor(a.astype(np.float64) if a.dtype.kind == "f" else a) for a in arrays]
    for tensor in other:
        tensor.requires_grad_(tensor.is_floating_point())
    names = [name for name, _ in theirs.named_parameters()]
    assert [name for name, _ in ours.named_parameters()] == names
    compare(
        ours(*mine),
        theirs(*other),
        leaves(mine) + ours.parameters(),
        [t for t in other if t.requires_grad] + list(theirs.parameters()),
        operations,
    )


def leaves(values: Sequence[jt.Var]) -> list[jt.Var]:
    """The floating ones."""
    return [v for v in values if "float" in str(v.dtype)]


def compare(mine: Any, other: Any, targets: list[jt.Var], their_targets: list[Any], operations: float) -> None:
    """Values, then gradients of a random weighting of all outputs."""
    mine, other = outputs_of(mine), outputs_of(other)
    assert len(mine) == len(other)
    for got, expected in zip(mine, other, strict=True):
        assert_close(got.numpy(), expected.detach().numpy(), "float32", operations, "value")
    weights = [array(*tuple(o.shape), seed=17 + i) for i, o in enumerate(other)]
    total = sum((o * torch.tensor(w.astype(np.float64))).sum() for o, w in zip(other, weights, strict=True))
    expected = torch.autograd.grad(total, their_targets, allow_unused=True)
    gradients = jt.grad(sum((m * jt.array(w)).sum() for m, w in zip(mine, weights, strict=True)), targets)
    for number, (got, want) in enumerate(zip(gradients, expected, strict=True)):
        want = np.zeros(tuple(got.shape)) if want is None else want.numpy()
        assert_close(got.numpy(), want, "float32", 4 * operations, f"gradient {number}")
