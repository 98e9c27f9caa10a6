"""JAX: every step one jitted function, updates donate their buffers; images as they come, channels in front."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jittor_cy.bench.case import Case
from jittor_cy.bench.frameworks.base import ADAMW, MOMENTUM, RATE, Framework, Step, as_list

__all__ = ["Jax"]

EPS = 1e-5
SPATIAL = "DHW"


class Jax(Framework):
    """Steps are dispatched; `wait` is block_until_ready."""

    version = jax.__version__
    lazy = True
    exp = staticmethod(jnp.exp)
    log = staticmethod(jnp.log)
    tanh = staticmethod(jnp.tanh)
    sin = staticmethod(jnp.sin)
    cos = staticmethod(jnp.cos)
    sigmoid = staticmethod(jax.nn.sigmoid)
    relu = staticmethod(jax.nn.relu)
    where = staticmethod(jnp.where)
    maximum = staticmethod(jnp.maximum)
    cumsum = staticmethod(jnp.cumsum)
    softmax = staticmethod(jax.nn.softmax)
    permute = staticmethod(lambda x, *dims: x.transpose(dims))
    contiguous = staticmethod(lambda x: x)
    concat = staticmethod(jnp.concatenate)
    take_along = staticmethod(jnp.take_along_axis)
    matmul = staticmethod(jnp.matmul)
    einsum = staticmethod(jnp.einsum)
    argmax = staticmethod(jnp.argmax)

    def __init__(self, threads: int) -> None:
        del threads  # the process's affinity decides

    # ---- arrays, steps ----

    def array(self, value: np.ndarray) -> Any:
        return jnp.asarray(value)

    def numpy(self, value: Any) -> np.ndarray:
        return np.asarray(value)

    def forward(self, case: Case, data: dict[str, Any]) -> Step:
        def run(data: dict[str, Any]) -> list[Any]:
            return as_list(case.run(self, **data))

        run = jax.jit(run) if case.traced else run
        return lambda: run(data)

    def gradient(self, case: Case, data: dict[str, Any]) -> Step:
        cotangent = data.pop("dy")
        targets = [data.pop(name) for name in case.wrt]

        def run(targets: list[Any], data: dict[str, Any], cotangent: Any) -> list[Any]:
            def value(*args: Any) -> Any:
                return case.run(self, **dict(zip(case.wrt, args, strict=True)), **data)

            y, back = jax.vjp(value, *targets)
            return [y, *back(cotangent)]

        run = jax.jit(run) if case.traced else run
        return lambda: run(targets, data, cotangent)

    def train(self, case: Case, data: dict[str, Any]) -> Step:
        update, state = self.optimizer(case.optimizer, data["p"])

        def run(p: Any, state: Any, x: Any, y: Any) -> Any:
            loss, gradients = jax.value_and_grad(lambda p: self.loss(case, p, x, y))(p)
            return (loss, *update(p, gradients, state))

        run = jax.jit(run, donate_argnums=(0, 1))
        held = [data.pop("p"), state]

        def step() -> list[Any]:
            loss, held[0], held[1] = run(held[0], held[1], data["x"], data["y"])
            return [loss, *jax.tree_util.tree_leaves(held[0])]

        return step

    def update(self, case: Case, data: dict[str, Any]) -> Step:
        update, state = self.optimizer(case.optimizer, data["p"])
        run = jax.jit(update, donate_argnums=(0, 2))
        held = [data.pop("p"), state]

        def step() -> list[Any]:
            held[0], held[1] = run(held[0], data["g"], held[1])
            return held[0]

        return step

    def training_outputs(self, case: Case, data: dict[str, Any]) -> list[Any]:
        loss = jax.jit(jax.value_and_grad(lambda p: self.loss(case, p, data["x"], data["y"])))
        value, gradients = loss(data["p"])
        return [value, *(gradients[name] for name in data["p"])]

    def optimizer(self, name: str, p: Any) -> tuple[Any, Any]:
        zeros = jax.tree_util.tree_map(jnp.zeros_like, p)
        if name == "adamw":
            return adamw, (zeros, jax.tree_util.tree_map(jnp.zeros_like, p), jnp.zeros(()))
        return (momentum, zeros) if name == "momentum" else (sgd, ())

    def wait(self, values: list[Any]) -> None:
        jax.block_until_ready(values)

    # ---- functions that have another form here ----

    def gelu(self, x: Any) -> Any:
        return jax.nn.gelu(x, approximate=False)

    def sum(self, x: Any, dims: Any, keepdims: bool = False) -> Any:
        return x.sum(dims, keepdims=keepdims)

    def mean(self, x: Any, dims: Any, keepdims: bool = False) -> Any:
        return x.mean(dims, keepdims=keepdims)

    def max(self, x: Any, dims: Any, keepdims: bool = False) -> Any:
        return x.max(dims, keepdims=keepdims)

    def variance(self, x: Any, dims: Any) -> Any:
        return x.var(dims)

    def layer_norm(self, x: Any, weight: Any, bias: Any) -> Any:
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) * lax.rsqrt(variance + EPS) * weight + bias

    def batch_norm(self, x: Any, weight: Any, bias: Any) -> Any:
        dims, shape = (0, *range(2, x.ndim)), (-1, *(1,) * (x.ndim - 2))
        mean, variance = x.mean(dims, keepdims=True), x.var(dims, keepdims=True)
        return (x - mean) * lax.rsqrt(variance + EPS) * weight.reshape(shape) + bias.reshape(shape)

    def cross_entropy(self, logits: Any, labels: Any) -> Any:
        return -jnp.take_along_axis(jax.nn.log_softmax(logits, -1), labels[:, None], 1).mean()

    def linear(self, x: Any, weight: Any, bias: Any = None) -> Any:
        y = x @ weight.T
        return y if bias is None else y + bias

    def pad2d(self, x: Any, width: int) -> Any:
        return jnp.pad(x, ((0, 0), (0, 0), (width, width), (width, width)))

    def pool(self, x: Any, start: float, operation: Any, size: int, stride: int, padding: int) -> Any:
        border = ((0, 0), (0, 0), (padding, padding), (padding, padding))
        return lax.reduce_window(x, start, operation, (1, 1, size, size), (1, 1, stride, stride), border)

    def max_pool2d(self, x: Any, size: int, stride: int, padding: int) -> Any:
        return self.pool(x, -jnp.inf, lax.max, size, stride, padding)

    def avg_pool2d(self, x: Any, size: int) -> Any:
        return self.pool(x, 0.0, lax.add, size, size, 0) / (size * size)

    def embedding(self, table: Any, index: Any) -> Any:
        return table[index]

    def attention(self, q: Any, k: Any, v: Any, causal: bool) -> Any:
        scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
        if causal:
            scores = jnp.where(jnp.tri(scores.shape[-1], dtype=bool), scores, -jnp.inf)
        return jax.nn.softmax(scores, -1) @ v

    def conv(
        self, x: Any, w: Any, stride: int, padding: int, dilation: int = 1, groups: int = 1, bias: Any = None
    ) -> Any:
        count = x.ndim - 2
        axes = SPATIAL[3 - count :]
        y = lax.conv_general_dilated(
            x,
            w,
            (stride,) * count,
            [(padding, padding)] * count,
            rhs_dilation=(dilation,) * count,
            dimension_numbers=(f"NC{axes}", f"OI{axes}", f"NC{axes}"),
            feature_group_count=groups,
        )
        return y if bias is None else y + bias.reshape(-1, *(1,) * count)

    def conv_transpose2d(self, x: Any, w: Any, stride: int, padding: int) -> Any:
        border = w.shape[-1] - 1 - padding
        return lax.conv_general_dilated(
            x,
            w[:, :, ::-1, ::-1].swapaxes(0, 1),
            (1, 1),
            [(border, border)] * 2,
            lhs_dilation=(stride, stride),
            dimension_numbers=("NCHW", "OIHW", "NCHW"),
        )

    def lstm(self, x: Any, p: dict[str, Any]) -> Any:
        """The last state of one layer."""
        from_input = x @ p["weight_ih_l0"].T + (p["bias_ih_l0"] + p["bias_hh_l0"])
        start = jnp.zeros((x.shape[1], p["weight_hh_l0"].shape[1]), x.dtype)

        def step(state: Any, gates: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(gates + h @ p["weight_hh_l0"].T, 4, 1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        return lax.scan(step, (start, start), from_input)[0][0]


def sgd(p: Any, g: Any, state: Any) -> Any:
    return jax.tree_util.tree_map(lambda p, g: p - RATE * g, p, g), state


def momentum(p: Any, g: Any, state: Any) -> Any:
    state = jax.tree_util.tree_map(lambda v, g: MOMENTUM * v + g, state, g)
    return jax.tree_util.tree_map(lambda p, v: p - RATE * v, p, state), state


def adamw(p: Any, g: Any, state: Any) -> Any:
    m, v, count = state
    beta1, beta2 = ADAMW["betas"]
    count = count + 1
    m = jax.tree_util.tree_map(lambda m, g: beta1 * m + (1 - beta1) * g, m, g)
    v = jax.tree_util.tree_map(lambda v, g: beta2 * v + (1 - beta2) * g * g, v, g)

    def one(p: Any, m: Any, v: Any) -> Any:
        step = (m / (1 - beta1**count)) / (jnp.sqrt(v / (1 - beta2**count)) + ADAMW["eps"])
        return p * (1 - ADAMW["lr"] * ADAMW["weight_decay"]) - ADAMW["lr"] * step

    return jax.tree_util.tree_map(one, p, m, v), (m, v, count)
