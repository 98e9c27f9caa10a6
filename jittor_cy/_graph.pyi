"""Construction of graph nodes, one thin call each: Vars and Python numbers in, Vars out; nothing runs.

Everything here is lazy and differentiable unless it says otherwise. Arguments are positional and already normalised
(axes are non-negative, shapes are tuples of int): `ops` is the friendly layer on top.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jittor_cy._var import Var

Ints = Sequence[int]

# ---- element by element ----
def unary(kind: str, x: Var, function: str) -> Var:
    """`kind` as in op_kinds.def ("Exp"); integers go to float32 where the function is one of reals."""

def binary(kind: str, a: object, b: object, function: str) -> Var:
    """One of a, b may be a Python number; broadcasting and promotion as in PyTorch."""

def where(condition: Var, a: Var, b: Var) -> Var: ...
def cast(x: Var, dtype: str, function: str = "cast") -> Var: ...
def copy(x: Var) -> Var: ...

# ---- sources ----
def full(shape: Ints, dtype: str, value: float | int | bool) -> Var: ...
def iota(shape: Ints, dtype: str, axis: int, start: float, step: float) -> Var: ...
def random(shape: Ints, dtype: str, seed: int, counter: int) -> Var: ...

# ---- movement ----
def broadcast_to(x: Var, shape: Ints, function: str = "broadcast_to") -> Var: ...
def broadcast_axes(x: Var, shape: Ints, input_axes: Ints) -> Var: ...
def transpose(x: Var, perm: Ints) -> Var: ...
def reshape(x: Var, shape: Ints, function: str = "reshape") -> Var: ...
def slice_(x: Var, start: Ints, step: Ints, shape: Ints) -> Var: ...
def pad(x: Var, low: Ints, shape: Ints, value: float = 0.0) -> Var: ...
def concat(inputs: Sequence[Var], axis: int, function: str = "concat") -> Var: ...
def insert(x: Var, v: Var, start: Ints, step: Ints) -> Var: ...
def reindex(
    inputs: Sequence[Var], structure: Ints, scalars: Sequence[float | int], shape: Ints, function: str
) -> Var: ...
def reindex_reduce(
    inputs: Sequence[Var], structure: Ints, scalars: Sequence[float | int], shape: Ints, function: str
) -> Var: ...

# ---- reductions ----
def reduce(kind: str, x: Var, axes: int, keepdims: bool, function: str) -> Var:
    """`kind` is sum, prod, max, min, argmax or argmin; `axes` is a bit mask."""

def mean(x: Var, axes: int, keepdims: bool) -> Var: ...
def variance(x: Var, axes: int, keepdims: bool, correction: float) -> Var: ...
def scan(kind: str, x: Var, axis: int, function: str) -> Var:
    """`kind` is sum or prod; `axis` is not negative."""

def contraction(a: Var, b: Var, structure: Ints, offsets: Ints, shape: Ints, function: str) -> Var: ...

# ---- gradients ----
def backward(
    loss: Var, cotangent: Var | None, targets: Sequence[Var], release: bool
) -> tuple[list[Var | None], list[str]]:
    """Gradients of `targets` (None: no path), and for each target "" or why there is no path."""

def set_grad_enabled(enabled: bool) -> None: ...
def grad_enabled() -> bool: ...
def with_gradient(x: Var, callback: Callable[[Var | None], Var | None]) -> Var:
    """A copy of x whose cotangent goes through `callback` on its way back (hooks, user functions)."""

def trained_leaves(loss: Var) -> list[Var]:
    """The Vars with requires_grad_() that `loss` depends on differentiably, in the order of their making."""

def user_function(
    values: Sequence[Var], inputs: Sequence[Var], callback: Callable[[list[Var | None]], Sequence[Var | None]]
) -> list[Var]:
    """Copies of `values` whose gradients `callback(cotangents) -> gradients of inputs` gives."""

def code(
    inputs: Sequence[Var],
    spec: int,
    scalars: Sequence[float | int],
    shapes: Sequence[Ints],
    dtypes: Sequence[str],
    callback: Callable[[list[Var | None]], Sequence[Var | None]] | None,
) -> list[Var]:
    """Outputs of a user's kernel that register_code() gave the number `spec`."""

def register_code(name: str, address: int) -> int: ...
def result_dtype(a: Var, b: Var) -> str: ...
def set_schedule(number: int) -> None:
    """Ops recorded from now on carry what this number stands for (compiler/ir/schedule.py)."""
