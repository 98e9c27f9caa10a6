"""Construction of graph nodes, one thin call each: Vars and Python numbers in, Vars out; nothing runs.

Everything here is lazy and differentiable unless it says otherwise. Arguments are positional and already normalised
(axes are non-negative, shapes are tuples of int): `ops` is the friendly layer on top.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jittor_cy._var import Var

Ints = Sequence[int]

# ---- composites (runtime/graph/compose.h) ----
def linear(x: Var, weight: Var, bias: Var | None = None) -> Var: ...
def conv(
    x: Var, weight: Var, bias: Var | None, stride: Ints, padding: Ints, dilation: Ints, groups: int = 1
) -> Var: ...
def conv_transpose(
    x: Var,
    weight: Var,
    bias: Var | None,
    stride: Ints,
    padding: Ints,
    output_padding: Ints,
    dilation: Ints,
    groups: int = 1,
) -> Var: ...
def pool(
    x: Var,
    maximum: bool,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Var: ...
def batch_norm(
    x: Var,
    mean: Var | None,
    variance: Var | None,
    weight: Var | None,
    bias: Var | None,
    eps: float,
    training: bool,
) -> tuple[Var, Var | None, Var | None]:
    """Gives (y, batch mean, biased batch variance); the last two are None where `training` is false."""

def layer_norm(x: Var, normalized_dims: int, weight: Var | None, bias: Var | None, eps: float) -> Var: ...
def cross_entropy(
    logits: Var,
    target: Var,
    weight: Var | None = None,
    reduction: str = "mean",
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Var: ...
def softmax(x: Var, axis: int, logarithm: bool = False) -> Var: ...
def logsumexp(x: Var, axes: int, keepdims: bool) -> Var: ...
def relu(x: Var) -> Var: ...
def gelu(x: Var, tanh_form: bool = False) -> Var: ...
def dropout(x: Var, p: float, seed: int, counter: int) -> Var: ...
def embedding(weight: Var, index: Var) -> Var: ...
def take(x: Var, index: Var, axis: int, function: str = "take") -> Var: ...
def matmul(a: Var, b: Var) -> Var: ...
def sgd_update(
    parameter: Var,
    gradient: Var,
    momentum_buffer: Var | None,
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
    first: bool = False,
    group: int = 0,
) -> None:
    """One SGD step, put into the cells of `parameter` and `momentum_buffer`; runs with the next flush.

    `momentum_buffer` is a Var (zeros at the start) where momentum is not 0, else None. Takes no gradient path along.
    `group`: a number (next_update_group()) shared by all calls of one optimizer step, so that they run as one launch.
    `first`: the momentum buffer starts as the gradient.
    """

def adam_update(
    parameter: Var,
    gradient: Var,
    m: Var,
    v: Var,
    vmax: Var | None,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
    step: int,
    group: int,
) -> None:
    """One Adam step (AdamW where `decoupled`, AMSGrad where `vmax` is a Var), put into the cells of all four Vars."""

def set_schedule(number: int) -> None:
    """Ops recorded from now on carry what this number stands for (compiler/ir/schedule.py)."""

def next_update_group() -> int: ...

# ---- element by element ----
def unary(kind: str, x: Var, function: str) -> Var:
    """`kind` as in op_kinds.def ("Exp"); integers go to float32 where the function is one of reals."""

def binary(kind: str, a: object, b: object, function: str) -> Var:
    """One of a, b may be a Python number; broadcasting and promotion as in PyTorch."""

def where(condition: Var, a: Var, b: Var) -> Var: ...
def cast(x: Var, dtype: str) -> Var: ...
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

# ---- state of the runtime ----
def flush(targets: Sequence[Var]) -> None: ...
def sync_all() -> None: ...
def pending_ops() -> int: ...
def stats() -> dict[str, int]: ...
def reset_stats() -> None: ...

# ---- settings and the process ----
def default_threads() -> int: ...
def apply_threads(count: int) -> None: ...
def apply_isa(name: str) -> None: ...
def apply_trace(value: int | str) -> None: ...
def after_fork() -> None: ...
def stop() -> None: ...
def install() -> None:
    """Connects settings, origins, waits, forks and exit with the runtime; called once by the package."""
