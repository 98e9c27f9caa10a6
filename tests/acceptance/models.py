"""The networks that the measurements train: MLP, LeNet-5, ResNet-18, the Fashion-MNIST tutorial's, a small GPT."""

from __future__ import annotations

from typing import Any

import numpy as np

import jittor_cy as jt
from jittor_cy import nn

__all__ = ["GPT", "LeNet", "ResNet", "batch", "fashion_net", "mlp", "tokens"]


def mlp() -> nn.Module:
    """784-512-512-10."""
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


class LeNet(nn.Module):
    """LeNet-5 for 28 x 28 images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def execute(self, x: Any) -> Any:
        x = nn.max_pool2d(nn.relu(self.conv1(x)), 2, 2)
        x = nn.max_pool2d(nn.relu(self.conv2(x)), 2, 2)
        x = x.reshape(x.shape[0], -1)
        return self.fc3(nn.relu(self.fc2(nn.relu(self.fc1(x)))))


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norm, added to their input, which a 1x1 convolution brings to their shape."""

    def __init__(self, into: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(into, width, 3, stride, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        same = stride == 1 and into == width
        down = nn.Sequential(nn.Conv2d(into, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        self.down = nn.Identity() if same else down

    def execute(self, x: Any) -> Any:
        y = self.bn2(self.conv2(nn.relu(self.bn1(self.conv1(x)))))
        return nn.relu(y + self.down(x))


class ResNet(nn.Module):
    """ResNet-18 for 32 x 32 images."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU())
        widths = (64, 64, 64, 128, 128, 256, 256, 512, 512)
        pairs = zip(widths, widths[1:], strict=False)
        self.blocks = nn.Sequential(*(Residual(a, b, 1 if a == b else 2) for a, b in pairs))
        self.fc = nn.Linear(512, 10)

    def execute(self, x: Any) -> Any:
        return self.fc(self.blocks(self.stem(x)).mean((2, 3)))


class Block(nn.Module):
    """Causal self-attention and a gelu MLP, each behind a layer norm and added to its input."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ln1, self.qkv, self.proj = nn.LayerNorm(d), nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.ln2, self.fc1, self.fc2 = nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def execute(self, x: Any, mask: Any) -> Any:
        b, t, d = x.shape
        h = self.qkv(self.ln1(x)).reshape(b, t, 3, self.heads, d // self.heads)
        q, k, v = (h[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
        scores = jt.matmul(q, k.transpose(0, 1, 3, 2)) * (d // self.heads) ** -0.5 + mask
        a = jt.matmul(nn.softmax(scores, dim=-1), v).transpose(0, 2, 1, 3).reshape(b, t, d)
        x = x + self.proj(a)
        return x + self.fc2(nn.gelu(self.fc1(self.ln2(x))))


class GPT(nn.Module):
    """Logits of the next token, one row a token."""

    def __init__(self, layers: int = 4, d: int = 256, heads: int = 8, seq: int = 128, vocab: int = 1000) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab, d), nn.Embedding(seq, d)
        self.blocks = nn.ModuleList([Block(d, heads) for _ in range(layers)])
        self.ln_f, self.head = nn.LayerNorm(d), nn.Linear(d, vocab, bias=False)
        self.mask = jt.array(np.triu(np.full((seq, seq), -1e9, np.float32), 1)).stop_grad()

    def execute(self, x: Any) -> Any:
        h = self.wte(x) + self.wpe(jt.arange(x.shape[1]))
        for block in self.blocks:
            h = block(h, self.mask)
        return self.head(self.ln_f(h)).reshape(-1, self.head.weight.shape[0])


def tokens(batch: int = 8, seq: int = 128, vocab: int = 1000, seed: int = 0) -> tuple[jt.Var, jt.Var]:
    """Random tokens, and as many to predict, from a seed."""
    generator = np.random.default_rng(seed)
    return jt.array(generator.integers(0, vocab, (batch, seq))), jt.array(generator.integers(0, vocab, batch * seq))


def fashion_net() -> nn.Module:
    """Two convolutions with batch norm and pooling, then a linear layer."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, 10),
    )


def batch(shape: tuple[int, ...], seed: int = 0) -> tuple[jt.Var, jt.Var]:
    """Normal images and labels of ten classes, from a seed."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal(shape, dtype=np.float32)
    return jt.array(x), jt.array(generator.integers(0, 10, shape[0]))
