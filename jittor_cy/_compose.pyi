"""Layers and updates as one call each: the formulas are the runtime's (runtime/graph/compose.h); nothing runs.

Everything here is lazy and differentiable unless it says otherwise. Arguments are positional and already normalised
(axes are non-negative, shapes are tuples of int): `ops` and `nn` are the friendly layers on top.
"""

from __future__ import annotations

from collections.abc import Sequence

from jittor_cy._var import Var

Ints = Sequence[int]

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

def layer_norm(x: Var, normalized_shape: Ints | int, weight: Var | None, bias: Var | None, eps: float) -> Var: ...
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
def attention(q: Var, k: Var, v: Var, mask: Var | None, scale: float, fill: float, causal: bool) -> Var | None: ...
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

def next_update_group() -> int: ...
