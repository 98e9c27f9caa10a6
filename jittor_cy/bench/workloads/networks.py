"""The networks of the models: their weights, and what they compute through a framework's functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from jittor_cy.bench.case import Maker

__all__ = [
    "Transformer",
    "gpt",
    "gpt_weights",
    "lenet",
    "lenet_weights",
    "lstm_classifier",
    "lstm_weights",
    "mlp",
    "mlp_weights",
    "resnet",
    "resnet_flops",
    "resnet_weights",
    "vit",
    "vit_weights",
]

Weights = dict[str, Any]
RESNET_STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # width, stride of the first block
BIAS_SCALE = 0.01
EMBEDDING_SCALE = 0.02


def add_linear(p: Weights, m: Maker, name: str, out: int, into: int, bias: bool = True) -> None:
    p[f"{name}.weight"] = m.normal(out, into, scale=into**-0.5)
    if bias:
        p[f"{name}.bias"] = m.normal(out, scale=BIAS_SCALE)


def add_conv(p: Weights, m: Maker, name: str, out: int, into: int, kernel: int, bias: bool) -> None:
    p[f"{name}.weight"] = m.normal(out, into, kernel, kernel, scale=(into * kernel * kernel) ** -0.5)
    if bias:
        p[f"{name}.bias"] = m.normal(out, scale=BIAS_SCALE)


def add_norm(p: Weights, name: str, width: int) -> None:
    p[f"{name}.weight"], p[f"{name}.bias"] = np.ones(width, np.float32), np.zeros(width, np.float32)


def dense(fw: Any, p: Weights, name: str, x: Any) -> Any:
    return fw.linear(x, p[f"{name}.weight"], p.get(f"{name}.bias"))


def norm(fw: Any, p: Weights, name: str, x: Any) -> Any:
    return fw.layer_norm(x, p[f"{name}.weight"], p[f"{name}.bias"])


# ---- dense layers and small images ----


def mlp_weights(m: Maker) -> Weights:
    p: Weights = {}
    for name, out, into in (("0", 512, 784), ("2", 512, 512), ("4", 10, 512)):
        add_linear(p, m, name, out, into)
    return p


def mlp(fw: Any, p: Weights, x: Any) -> Any:
    return dense(fw, p, "4", fw.relu(dense(fw, p, "2", fw.relu(dense(fw, p, "0", x)))))


def lenet_weights(m: Maker) -> Weights:
    p: Weights = {}
    add_conv(p, m, "conv1", 6, 1, 5, bias=True)
    add_conv(p, m, "conv2", 16, 6, 5, bias=True)
    for name, out, into in (("fc1", 120, 400), ("fc2", 84, 120), ("fc3", 10, 84)):
        add_linear(p, m, name, out, into)
    return p


def lenet(fw: Any, p: Weights, x: Any) -> Any:
    x = fw.max_pool2d(fw.relu(fw.conv(x, p["conv1.weight"], 1, 2, bias=p["conv1.bias"])), 2, 2, 0)
    x = fw.max_pool2d(fw.relu(fw.conv(x, p["conv2.weight"], 1, 0, bias=p["conv2.bias"])), 2, 2, 0)
    x = x.reshape(x.shape[0], 400)
    return dense(fw, p, "fc3", fw.relu(dense(fw, p, "fc2", fw.relu(dense(fw, p, "fc1", x)))))


# ---- residual networks ----


def resnet_blocks() -> list[tuple[str, int, int, int]]:
    """(name, channels in, channels out, stride) of every block."""
    blocks, into = [], 64
    for stage, (width, stride) in enumerate(RESNET_STAGES, 1):
        for number in range(2):
            blocks.append((f"layer{stage}.{number}", into, width, stride if number == 0 else 1))
            into = width
    return blocks


def resnet_weights(m: Maker) -> Weights:
    p: Weights = {}
    add_conv(p, m, "conv1", 64, 3, 3, bias=False)
    add_norm(p, "bn1", 64)
    for name, into, width, stride in resnet_blocks():
        add_conv(p, m, f"{name}.conv1", width, into, 3, bias=False)
        add_norm(p, f"{name}.bn1", width)
        add_conv(p, m, f"{name}.conv2", width, width, 3, bias=False)
        add_norm(p, f"{name}.bn2", width)
        if stride != 1 or into != width:
            add_conv(p, m, f"{name}.down", width, into, 1, bias=False)
            add_norm(p, f"{name}.down_bn", width)
    add_linear(p, m, "fc", 10, 512)
    return p


def resnet(fw: Any, p: Weights, x: Any) -> Any:
    def batch_norm(name: str, x: Any) -> Any:
        return fw.batch_norm(x, p[f"{name}.weight"], p[f"{name}.bias"])

    x = fw.relu(batch_norm("bn1", fw.conv(x, p["conv1.weight"], 1, 1)))
    for name, into, width, stride in resnet_blocks():
        y = fw.relu(batch_norm(f"{name}.bn1", fw.conv(x, p[f"{name}.conv1.weight"], stride, 1)))
        y = batch_norm(f"{name}.bn2", fw.conv(y, p[f"{name}.conv2.weight"], 1, 1))
        if stride != 1 or into != width:
            x = batch_norm(f"{name}.down_bn", fw.conv(x, p[f"{name}.down.weight"], stride, 0))
        x = fw.relu(y + x)
    return dense(fw, p, "fc", fw.mean(x, (2, 3)))


def resnet_flops() -> int:
    """Of one image of 32x32, forward."""
    side, total = 32, 2 * 32 * 32 * 64 * 27
    for _, into, width, stride in resnet_blocks():
        side //= stride
        down = into if stride != 1 or into != width else 0
        total += 2 * side * side * width * (9 * (into + width) + down)
    return total


# ---- transformers ----


@dataclass(frozen=True, slots=True)
class Transformer:
    """Sizes of a stack of blocks: layer norm, attention, layer norm, two linear layers with gelu."""

    layers: int
    width: int
    heads: int
    tokens: int

    def __str__(self) -> str:
        return f"{self.layers} layers, width {self.width}, {self.heads} heads, {self.tokens} tokens"

    @property
    def product_weights(self) -> int:
        return self.layers * 12 * self.width * self.width

    def score_flops(self, batch: int) -> int:
        """Of the products of attention, forward."""
        return 4 * self.layers * batch * self.tokens * self.tokens * self.width


def add_blocks(p: Weights, m: Maker, sizes: Transformer) -> None:
    d = sizes.width
    for layer in range(sizes.layers):
        add_norm(p, f"blocks.{layer}.ln1", d)
        add_linear(p, m, f"blocks.{layer}.qkv", 3 * d, d)
        add_linear(p, m, f"blocks.{layer}.proj", d, d)
        add_norm(p, f"blocks.{layer}.ln2", d)
        add_linear(p, m, f"blocks.{layer}.fc1", 4 * d, d)
        add_linear(p, m, f"blocks.{layer}.fc2", d, 4 * d)


def blocks(fw: Any, p: Weights, x: Any, sizes: Transformer, causal: bool) -> Any:
    batch, tokens, d = x.shape
    heads = sizes.heads
    for layer in range(sizes.layers):
        name = f"blocks.{layer}"
        h = dense(fw, p, f"{name}.qkv", norm(fw, p, f"{name}.ln1", x)).reshape(batch, tokens, 3, heads, d // heads)
        q, k, v = (fw.permute(h[:, :, i], 0, 2, 1, 3) for i in range(3))
        a = fw.permute(fw.attention(q, k, v, causal), 0, 2, 1, 3).reshape(batch, tokens, d)
        x = x + dense(fw, p, f"{name}.proj", a)
        h = dense(fw, p, f"{name}.fc1", norm(fw, p, f"{name}.ln2", x))
        x = x + dense(fw, p, f"{name}.fc2", fw.gelu(h))
    return x


def gpt_weights(m: Maker, sizes: Transformer, vocabulary: int) -> Weights:
    p: Weights = {
        "wte.weight": m.normal(vocabulary, sizes.width, scale=EMBEDDING_SCALE),
        "wpe.weight": m.normal(sizes.tokens, sizes.width, scale=EMBEDDING_SCALE),
    }
    add_blocks(p, m, sizes)
    add_norm(p, "ln_f", sizes.width)
    add_linear(p, m, "head", vocabulary, sizes.width, bias=False)
    return p


def gpt(fw: Any, p: Weights, tokens: Any, sizes: Transformer) -> Any:
    x = fw.embedding(p["wte.weight"], tokens) + p["wpe.weight"][: tokens.shape[1]]
    x = norm(fw, p, "ln_f", blocks(fw, p, x, sizes, causal=True))
    return dense(fw, p, "head", x).reshape(-1, p["head.weight"].shape[0])


def vit_weights(m: Maker, sizes: Transformer, patch: int, classes: int) -> Weights:
    p: Weights = {"position": m.normal(sizes.tokens, sizes.width, scale=EMBEDDING_SCALE)}
    add_conv(p, m, "patches", sizes.width, 3, patch, bias=True)
    add_blocks(p, m, sizes)
    add_norm(p, "ln_f", sizes.width)
    add_linear(p, m, "head", classes, sizes.width)
    return p


def vit(fw: Any, p: Weights, images: Any, sizes: Transformer, patch: int) -> Any:
    x = fw.conv(images, p["patches.weight"], patch, 0, bias=p["patches.bias"])
    x = fw.permute(x.reshape(x.shape[0], sizes.width, sizes.tokens), 0, 2, 1) + p["position"]
    x = norm(fw, p, "ln_f", blocks(fw, p, x, sizes, causal=False))
    return dense(fw, p, "head", fw.mean(x, (1,)))


# ---- recurrent ----


def lstm_weights(m: Maker, into: int, width: int, classes: int) -> Weights:
    p: Weights = {}
    scale = width**-0.5
    for name, shape in (("weight_ih_l0", (4 * width, into)), ("weight_hh_l0", (4 * width, width))):
        p[name] = m.normal(*shape, scale=scale)
    p["bias_ih_l0"], p["bias_hh_l0"] = m.normal(4 * width, scale=scale), m.normal(4 * width, scale=scale)
    add_linear(p, m, "head", classes, width)
    return p


def lstm_classifier(fw: Any, p: Weights, x: Any) -> Any:
    """The label from the last of the states; x is (steps, batch, features)."""
    return dense(fw, p, "head", fw.lstm(x, p))
