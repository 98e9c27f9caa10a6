"""jittor_cy itself, as its users write it."""

from __future__ import annotations

from typing import Any

import numpy as np

import jittor_cy as jt
from jittor_cy import nn
from jittor_cy.bench.case import Case
from jittor_cy.bench.frameworks.base import ADAMW, MOMENTUM, RATE, Framework, Step, as_list

__all__ = ["JittorCy", "JittorCyFloat64"]


class JittorCy(Framework):
    """Steps record; `wait` is sync_all."""

    version = jt.__version__
    lazy = True
    exp = staticmethod(jt.exp)
    log = staticmethod(jt.log)
    tanh = staticmethod(jt.tanh)
    sin = staticmethod(jt.sin)
    cos = staticmethod(jt.cos)
    sigmoid = staticmethod(jt.sigmoid)
    relu = staticmethod(nn.relu)
    gelu = staticmethod(nn.gelu)
    where = staticmethod(jt.where)
    maximum = staticmethod(jt.maximum)
    max = staticmethod(jt.amax)
    cumsum = staticmethod(jt.cumsum)
    softmax = staticmethod(jt.softmax)
    cross_entropy = staticmethod(nn.cross_entropy)
    permute = staticmethod(jt.permute)
    concat = staticmethod(jt.concat)
    max_pool2d = staticmethod(nn.max_pool2d)
    avg_pool2d = staticmethod(nn.avg_pool2d)
    take_along = staticmethod(jt.take_along_dim)
    matmul = staticmethod(jt.matmul)
    linear = staticmethod(nn.functional.linear)
    einsum = staticmethod(jt.einsum)
    mean = staticmethod(jt.mean)
    sum = staticmethod(jt.sum)
    argmax = staticmethod(jt.argmax)

    def __init__(self, threads: int) -> None:
        jt.flags.threads = threads
        self.recurrent: Any = None

    # ---- arrays, steps ----

    def array(self, value: np.ndarray) -> Any:
        made = jt.array(value)
        jt.sync_all()
        return made

    def numpy(self, value: Any) -> np.ndarray:
        return value.numpy()

    def forward(self, case: Case, data: dict[str, Any]) -> Step:
        def step() -> list[Any]:
            with jt.no_grad():
                return as_list(case.run(self, **data))

        return step

    def gradient(self, case: Case, data: dict[str, Any]) -> Step:
        cotangent = data.pop("dy")
        targets = [data[name] for name in case.wrt]

        def step() -> list[Any]:
            y = case.run(self, **data)
            return [y, *jt.grad(y, targets, grad_outputs=cotangent)]

        return step

    def train(self, case: Case, data: dict[str, Any]) -> Step:
        weights = self.trainable(data["p"])
        optimizer = self.optimizer(case.optimizer, list(weights.values()))

        def step() -> list[Any]:
            loss = self.loss(case, weights, data["x"], data["y"])
            optimizer.step(loss)
            return [loss]

        return step

    def update(self, case: Case, data: dict[str, Any]) -> Step:
        params = list(self.trainable(dict(enumerate(data["p"]))).values())
        for param, gradient in zip(params, data["g"], strict=True):
            param.grad = gradient
        optimizer = self.optimizer(case.optimizer, params)

        def step() -> list[Any]:
            optimizer.step()
            return params

        return step

    def training_outputs(self, case: Case, data: dict[str, Any]) -> list[Any]:
        loss = self.loss(case, data["p"], data["x"], data["y"])
        return [loss, *jt.grad(loss, list(data["p"].values()))]

    def trainable(self, weights: dict[Any, Any]) -> dict[Any, Any]:
        return {name: value.requires_grad_() for name, value in weights.items()}

    def optimizer(self, name: str, params: list[Any]) -> Any:
        if name == "adamw":
            return jt.optim.AdamW(params, **ADAMW)
        return jt.optim.SGD(params, RATE, momentum=MOMENTUM if name == "momentum" else 0)

    def start(self, values: list[Any]) -> None:
        jt.sync(values)

    def wait(self, values: list[Any]) -> None:
        jt.sync_all(True)

    def settle(self) -> None:
        jt.sync_all(True)
        jt.debug.wait_for_compiles()

    # ---- functions that have another form here ----

    def variance(self, x: Any, dims: Any) -> Any:
        return x.var(dims, unbiased=False)

    def layer_norm(self, x: Any, weight: Any, bias: Any) -> Any:
        return nn.layer_norm(x, weight.shape[0], weight, bias)

    def batch_norm(self, x: Any, weight: Any, bias: Any) -> Any:
        return nn.batch_norm(x, None, None, weight, bias, training=True)

    def contiguous(self, x: Any) -> Any:
        return x.clone()

    def pad2d(self, x: Any, width: int) -> Any:
        return nn.pad(x, (width,) * 4)

    def embedding(self, table: Any, index: Any) -> Any:
        return nn.functional.embedding(index, table)

    def attention(self, q: Any, k: Any, v: Any, causal: bool) -> Any:
        return nn.scaled_dot_product_attention(q, k, v, is_causal=causal)

    def conv(
        self, x: Any, w: Any, stride: int, padding: int, dilation: int = 1, groups: int = 1, bias: Any = None
    ) -> Any:
        function = {3: nn.conv1d, 4: nn.conv2d, 5: nn.conv3d}[x.ndim]
        return function(x, w, bias, stride, padding, dilation, groups)

    def conv_transpose2d(self, x: Any, w: Any, stride: int, padding: int) -> Any:
        return nn.conv_transpose2d(x, w, None, stride, padding)

    def lstm(self, x: Any, p: dict[str, Any]) -> Any:
        """The last state of one layer."""
        if self.recurrent is None:
            self.recurrent = nn.LSTM(x.shape[-1], p["weight_hh_l0"].shape[1])
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
            setattr(self.recurrent, name, p[name])
        return self.recurrent(x)[1][0][0]


class JittorCyFloat64(JittorCy):
    """The reference where no other framework is installed: the same program in float64, each operation by itself."""

    float_dtype = np.float64

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        jt.flags.fuse = False
