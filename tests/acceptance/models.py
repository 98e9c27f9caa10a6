"""The networks that the measurements train: an MLP, LeNet-5 and the convolutional net of the Fashion-MNIST tutorial."""

from __future__ import annotations

from typing import Any

import numpy as np

import jittor_cy as jt
from jittor_cy import nn

__all__ = ["LeNet", "batch", "fashion_net", "mlp"]


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
