"""Tutorial 4: look inside: what is pending, which kernels will run it and why, their source, and the counters."""

from __future__ import annotations

import jittor_cy as jt
from jittor_cy import nn, optim


def main() -> None:
    # The pending graph of a softmax, before anything has run.
    x = jt.rand(8, 1000)
    y = nn.softmax(x * 2)
    print("--- graph")
    print(jt.debug.graph(y))

    # The kernels that will run it: one, although it holds two reductions. Each line names the operation and its origin.
    print("--- explain")
    print(jt.debug.explain(y))

    # Their source. (JTCY_DUMP=folder keeps it, with everything that led to it, for a whole program.)
    print("--- source")
    for name, text in jt.debug.sources(y).items():
        print(f"// {name}")
        print(text)

    # What was counted while two thousand steps of a small net ran: kernels are compiled in the first steps only, and a
    # changed learning rate is a number that kernels read.
    net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    before = jt.stats()
    for step in range(2000):
        inputs = jt.rand(16, 10)
        loss = nn.mse_loss(net(inputs), inputs.sum(dim=1, keepdim=True))
        optimizer.lr = 0.01 / (1 + step / 1000)
        optimizer.step(loss)
    print("--- counters of 2000 steps; the last loss is", loss.item())
    for name, value in jt.stats().items():
        if value != before.get(name):
            print(f"{name:>28}  {value - before.get(name, 0)}")


if __name__ == "__main__":
    main()
