"""PyTorch, eager: with its defaults, as an expert sets it up, and in float64 as the reference."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from jittor_cy.bench.case import Case
from jittor_cy.bench.frameworks.base import ADAMW, MOMENTUM, RATE, Framework, Step, as_list

__all__ = ["Torch", "TorchFloat64", "TorchTuned"]


class Torch(Framework):
    """NCHW images, optimizers as constructed."""

    version = torch.__version__
    fused: dict[str, bool] = {}  # arguments of the optimizers
    exp = staticmethod(torch.exp)
    log = staticmethod(torch.log)
    tanh = staticmethod(torch.tanh)
    sin = staticmethod(torch.sin)
    cos = staticmethod(torch.cos)
    sigmoid = staticmethod(torch.sigmoid)
    relu = staticmethod(torch.relu)
    gelu = staticmethod(F.gelu)
    where = staticmethod(torch.where)
    cumsum = staticmethod(torch.cumsum)
    softmax = staticmethod(torch.softmax)
    permute = staticmethod(lambda x, *dims: x.permute(dims))
    contiguous = staticmethod(lambda x: x.contiguous())
    concat = staticmethod(torch.cat)
    max_pool2d = staticmethod(F.max_pool2d)
    avg_pool2d = staticmethod(F.avg_pool2d)
    matmul = staticmethod(torch.matmul)
    linear = staticmethod(F.linear)
    einsum = staticmethod(torch.einsum)
    argmax = staticmethod(torch.argmax)

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)

    # ---- arrays, steps ----

    def array(self, value: np.ndarray) -> Any:
        return torch.from_numpy(value)

    def numpy(self, value: Any) -> np.ndarray:
        return value.detach().numpy()

    def forward(self, case: Case, data: dict[str, Any]) -> Step:
        def step() -> list[Any]:
            with torch.no_grad():
                return as_list(case.run(self, **data))

        return step

    def gradient(self, case: Case, data: dict[str, Any]) -> Step:
        cotangent = data.pop("dy")
        targets = [data[name].requires_grad_() for name in case.wrt]

        def step() -> list[Any]:
            y = case.run(self, **data)
            return [y.detach(), *torch.autograd.grad(y, targets, cotangent)]

        return step

    def train(self, case: Case, data: dict[str, Any]) -> Step:
        weights = {name: value.requires_grad_() for name, value in data["p"].items()}
        optimizer = self.optimizer(case.optimizer, list(weights.values()))

        def step() -> list[Any]:
            optimizer.zero_grad()
            loss = self.loss(case, weights, data["x"], data["y"])
            loss.backward()
            optimizer.step()
            return [loss.detach()]

        return step

    def update(self, case: Case, data: dict[str, Any]) -> Step:
        params = [value.requires_grad_() for value in data["p"]]
        for param, gradient in zip(params, data["g"], strict=True):
            param.grad = gradient
        optimizer = self.optimizer(case.optimizer, params)

        def step() -> list[Any]:
            optimizer.step()
            return params

        return step

    def training_outputs(self, case: Case, data: dict[str, Any]) -> list[Any]:
        weights = {name: value.requires_grad_() for name, value in data["p"].items()}
        loss = self.loss(case, weights, data["x"], data["y"])
        return [loss.detach(), *torch.autograd.grad(loss, list(weights.values()))]

    def optimizer(self, name: str, params: list[Any]) -> Any:
        if name == "adamw":
            return torch.optim.AdamW(params, **ADAMW, **self.fused)
        return torch.optim.SGD(params, RATE, momentum=MOMENTUM if name == "momentum" else 0, **self.fused)

    # ---- functions that have another form here ----

    def maximum(self, x: Any, number: float) -> Any:
        return x.clamp_min(number)

    def sum(self, x: Any, dims: Any, keepdims: bool = False) -> Any:
        return x.sum(dims, keepdim=keepdims)

    def mean(self, x: Any, dims: Any, keepdims: bool = False) -> Any:
        return x.mean(dims, keepdim=keepdims)

    def max(self, x: Any, dims: Any, keepdims: bool = False) -> Any:
        return x.amax(dims, keepdim=keepdims)

    def variance(self, x: Any, dims: Any) -> Any:
        return x.var(dims, correction=0)

    def layer_norm(self, x: Any, weight: Any, bias: Any) -> Any:
        return F.layer_norm(x, weight.shape, weight, bias)

    def batch_norm(self, x: Any, weight: Any, bias: Any) -> Any:
        return F.batch_norm(x, None, None, weight, bias, training=True)

    def cross_entropy(self, logits: Any, labels: Any) -> Any:
        return F.cross_entropy(logits, labels.long())

    def pad2d(self, x: Any, width: int) -> Any:
        return F.pad(x, (width,) * 4)

    def embedding(self, table: Any, index: Any) -> Any:
        return F.embedding(index, table)

    def take_along(self, x: Any, index: Any, dim: int) -> Any:
        return torch.take_along_dim(x, index.long(), dim)

    def attention(self, q: Any, k: Any, v: Any, causal: bool) -> Any:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)

    def conv(
        self, x: Any, w: Any, stride: int, padding: int, dilation: int = 1, groups: int = 1, bias: Any = None
    ) -> Any:
        function = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}[x.ndim]
        return function(x, w, bias, stride, padding, dilation, groups)

    def conv_transpose2d(self, x: Any, w: Any, stride: int, padding: int) -> Any:
        return F.conv_transpose2d(x, w, None, stride, padding)

    def lstm(self, x: Any, p: dict[str, Any]) -> Any:
        """The last state of one layer."""
        start = x.new_zeros(1, x.shape[1], p["weight_hh_l0"].shape[1])
        flat = [p[name] for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")]
        return torch.lstm(x, (start, start), flat, True, 1, 0.0, True, False, False)[1][0]


class TorchTuned(Torch):
    """Channels-last images and kernels, fused optimizers; the runner also has the C library keep freed memory."""

    fused = {"fused": True}
    images = False

    def build(self, case: Case) -> Step:
        self.images = case.images
        return super().build(case)

    def array(self, value: np.ndarray) -> Any:
        found = torch.from_numpy(value)
        return found.to(memory_format=torch.channels_last) if self.images and value.ndim == 4 else found


class TorchFloat64(Torch):
    """The reference."""

    float_dtype = np.float64

    def attention(self, q: Any, k: Any, v: Any, causal: bool) -> Any:
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        if causal:
            scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -math.inf)
        return torch.softmax(scores, -1) @ v
