"""Models: training steps and inference, written as functions of a dict of weights with PyTorch's names."""

from __future__ import annotations

from typing import Any

from jittor_cy.bench.case import TRAIN, Case, Maker
from jittor_cy.bench.workloads import networks as net

__all__ = ["CASES"]

GPT = net.Transformer(layers=4, width=256, heads=8, tokens=128)
GPT_BATCH, VOCABULARY = 8, 1000
VIT = net.Transformer(layers=4, width=192, heads=6, tokens=64)
VIT_BATCH, PATCH = 16, 4
LENGTHS = (17, 33, 64, 100, 127)  # batches and sequences as they come: mostly odd


def labelled(weights: Any, x: Any, classes: int, count: int) -> Any:
    return lambda m: {"p": weights(m), "x": x(m), "y": m.integers(classes, count)}


def train(name: str, about: str, run: Any, weights: Any, x: Any, classes: int, count: int, **more: Any) -> Case:
    return Case(
        name=name, about=about, inputs=labelled(weights, x, classes, count), run=run, mode=TRAIN, terms=1 << 18, **more
    )


def gpt_tokens(m: Maker) -> Any:
    return m.integers(VOCABULARY, GPT_BATCH, GPT.tokens)


def gpt_flops() -> int:
    return 6 * GPT_BATCH * GPT.tokens * (GPT.product_weights + GPT.width * VOCABULARY) + 3 * GPT.score_flops(GPT_BATCH)


def resnet_flops(batch: int) -> int:
    return 3 * batch * net.resnet_flops()


CASES = (
    train(
        "mlp",
        "784-512-512-10, batch 128, SGD step",
        net.mlp,
        net.mlp_weights,
        lambda m: m.normal(128, 784),
        10,
        128,
        optimizer="sgd",
        flops=2 * 128 * (2 * 784 * 512 + 3 * 512 * 512 + 3 * 512 * 10),
    ),
    train(
        "lenet",
        "LeNet-5 on 28x28, batch 64, SGD step",
        net.lenet,
        net.lenet_weights,
        lambda m: m.normal(64, 1, 28, 28),
        10,
        64,
        optimizer="sgd",
        flops=64 * 2 * (2 * 784 * 150 + 3 * (100 * 16 * 150 + 400 * 120 + 120 * 84 + 840)),
        images=True,
    ),
    train(
        "resnet18",
        "ResNet-18 with the CIFAR stem, 3x32x32, batch 32, SGD step with momentum",
        net.resnet,
        net.resnet_weights,
        lambda m: m.normal(32, 3, 32, 32),
        10,
        32,
        optimizer="momentum",
        flops=resnet_flops(32),
        images=True,
        kinks=True,
    ),
    Case(
        name="resnet18_forward",
        about="the same network, batch 8, forward alone",
        inputs=lambda m: {"p": net.resnet_weights(m), "x": m.normal(8, 3, 32, 32)},
        run=net.resnet,
        flops=resnet_flops(8) // 3,
        images=True,
        terms=1 << 16,
    ),
    train(
        "gpt",
        f"GPT, {GPT}, batch {GPT_BATCH}, vocabulary {VOCABULARY}, AdamW step",
        lambda fw, p, x: net.gpt(fw, p, x, GPT),
        lambda m: net.gpt_weights(m, GPT, VOCABULARY),
        gpt_tokens,
        VOCABULARY,
        GPT_BATCH * GPT.tokens,
        optimizer="adamw",
        flops=gpt_flops(),
    ),
    Case(
        name="gpt_forward",
        about="the same, one sequence, forward alone",
        inputs=lambda m: {"p": net.gpt_weights(m, GPT, VOCABULARY), "x": m.integers(VOCABULARY, 1, GPT.tokens)},
        run=lambda fw, p, x: net.gpt(fw, p, x, GPT),
        flops=gpt_flops() // (3 * GPT_BATCH),
        terms=1 << 16,
    ),
    train(
        "vit",
        f"vision transformer, {VIT}, 3x32x32 in patches of {PATCH}, batch {VIT_BATCH}, AdamW step",
        lambda fw, p, x: net.vit(fw, p, x, VIT, PATCH),
        lambda m: net.vit_weights(m, VIT, PATCH, 10),
        lambda m: m.normal(VIT_BATCH, 3, 32, 32),
        10,
        VIT_BATCH,
        optimizer="adamw",
        flops=6 * VIT_BATCH * VIT.tokens * VIT.product_weights + 3 * VIT.score_flops(VIT_BATCH),
        images=True,
    ),
    train(
        "lstm",
        "LSTM of 256 over 32 steps of 128, batch 32, SGD step",
        net.lstm_classifier,
        lambda m: net.lstm_weights(m, 128, 256, 10),
        lambda m: m.normal(32, 32, 128),
        10,
        32,
        optimizer="sgd",
        flops=6 * 32 * 32 * 4 * 256 * (128 + 256),
    ),
    Case(
        name="mlp_shapes",
        about=f"784-512-512-10 forward on batches of {', '.join(map(str, LENGTHS))}",
        inputs=lambda m: {"p": net.mlp_weights(m), "xs": [m.normal(n, 784) for n in LENGTHS]},
        run=lambda fw, p, xs: [net.mlp(fw, p, x) for x in xs],
        flops=2 * sum(LENGTHS) * (784 * 512 + 512 * 512 + 512 * 10),
        terms=784,
    ),
    Case(
        name="gpt_shapes",
        about=f"GPT, {GPT}, forward on sequences of {', '.join(map(str, LENGTHS))}",
        inputs=lambda m: {
            "p": net.gpt_weights(m, GPT, VOCABULARY),
            "xs": [m.integers(VOCABULARY, 1, n) for n in LENGTHS],
        },
        run=lambda fw, p, xs: [net.gpt(fw, p, x, GPT) for x in xs],
        flops=2 * sum(LENGTHS) * (GPT.product_weights + GPT.width * VOCABULARY),
        terms=1 << 16,
    ),
)
