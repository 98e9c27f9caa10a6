"""Trains a network for a few steps and prints the losses as JSON: cuda_training.py mlp|lenet cpu|explicit|managed."""

from __future__ import annotations

import json
import sys

import jittor_cy as jt
from jittor_cy import nn, optim
from tests.acceptance.models import LeNet, batch, mlp

STEPS = 3


def main(network: str, device: str) -> None:
    if device != "cpu":
        jt.flags.simulate_cuda = True
        jt.flags.managed_memory = device == "managed"
        jt.flags.use_cuda = True
    jt.seed(3)
    model, shape = (mlp(), (16, 784)) if network == "mlp" else (LeNet(), (8, 1, 28, 28))
    x, labels = batch(shape)
    optimizer = (
        optim.AdamW(model.parameters(), lr=1e-2)
        if network == "mlp"
        else optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    )
    losses = []
    for _ in range(STEPS):
        loss = nn.cross_entropy_loss(model(x), labels)
        optimizer.step(loss)
        losses.append(loss.item())
    weights = float(sum((p * p).sum().item() for p in model.parameters()))
    from jittor_cy import _cuda

    launches = _cuda.simulated_launch_count()
    print(json.dumps({"losses": losses, "weights": weights, "launches": launches}))


if __name__ == "__main__":
    main(*sys.argv[1:])
