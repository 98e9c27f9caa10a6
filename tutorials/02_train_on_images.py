"""Tutorial 2: train a small convolutional network on real images, with a progress bar and a bound on memory if wanted.

python tutorials/02_train_on_images.py                           handwritten digits of scikit-learn, half a minute
python tutorials/02_train_on_images.py --seeds 5                 the same five times: mean and worst accuracy
python tutorials/02_train_on_images.py --data fashion-mnist      pictures of clothes (--folder, FASHION_MNIST_DIR
                                                                 or Debian's package dataset-fashion-mnist)
python tutorials/02_train_on_images.py --budget 300MiB           never more than this, whatever the batch size
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

import jittor_cy as jt
from jittor_cy import nn

MIB = 1 << 20
EVALUATION_BATCH = 500
STEPS_BETWEEN_READS = 20  # the loss on the bar: reading it waits for the step


@dataclass(frozen=True)
class Task:
    """A data set with the settings that train well on it."""

    dataset: str
    epochs: int
    batch_size: int
    lr: float


TASKS = {"digits": Task("Digits", 20, 64, 3e-3), "fashion-mnist": Task("FashionMNIST", 10, 64, 2e-3)}


class Net(nn.Module):
    """Two blocks of convolution, batch norm, relu and pooling; then two linear layers with dropout."""

    def __init__(self, side: int, classes: int = 10, dropout: float = 0.25) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(32 * (side // 4) ** 2, 128),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(128, classes),
        )

    def execute(self, x: jt.Var) -> jt.Var:
        return self.head(self.features(x))


def load(options: argparse.Namespace) -> tuple[jt.data.TensorDataset, jt.data.TensorDataset]:
    """Training and test set, both shifted and scaled by the mean and deviation of the training pixels."""
    kind = getattr(jt.data, TASKS[options.data].dataset)
    arguments = {"folder": options.folder} if options.data == "fashion-mnist" else {}
    parts = [kind(train=train, **arguments) for train in (True, False)]
    pixels = parts[0].arrays[0]
    mean, deviation = pixels.mean(), pixels.std()
    train, test = (jt.data.TensorDataset((p.arrays[0] - mean) / deviation, p.arrays[1]) for p in parts)
    return train, test


def train_epoch(net: Net, loader: jt.data.DataLoader, optimizer: jt.optim.Optimizer, title: str) -> float:
    """One pass over the training set; returns the mean loss."""
    net.train()
    total = jt.array(0.0)
    progress = tqdm(loader, desc=title, unit="step", leave=False)
    for step, (images, labels) in enumerate(progress, 1):
        loss = nn.cross_entropy_loss(net(images), labels)
        optimizer.step(loss)  # backward and update; nothing is waited for
        total = total + loss.detach()
        if step % STEPS_BETWEEN_READS == 0:
            progress.set_postfix(loss=f"{total.item() / step:.4f}")
    return total.item() / len(loader)


def accuracy(net: Net, test: jt.data.TensorDataset) -> float:
    """The fraction of test images whose class is found."""
    net.eval()
    right = 0
    with jt.no_grad():
        for images, labels in jt.data.DataLoader(test, EVALUATION_BATCH):
            right += int((net(images).argmax(1) == labels).sum().item())
    return right / len(test)


def train(options: argparse.Namespace, seed: int) -> float:
    """Train a fresh net from `seed`; returns its accuracy on the test set."""
    jt.seed(seed)
    training, test = load(options)
    net = Net(side=training.arrays[0].shape[-1])
    optimizer = jt.optim.Adam(net.parameters(), lr=options.lr)
    schedule = jt.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs)
    loader = jt.data.DataLoader(training, options.batch_size, shuffle=True, drop_last=True)
    seconds = []
    for epoch in range(1, options.epochs + 1):
        start = time.perf_counter()
        loss = train_epoch(net, loader, optimizer, f"epoch {epoch}/{options.epochs}")
        seconds.append(time.perf_counter() - start)
        schedule.step()
        found = accuracy(net, test)
        print(f"epoch {epoch:2}  loss {loss:.4f}  test accuracy {100 * found:.2f} %  {seconds[-1]:.2f} s", flush=True)
    print(f"seed {seed}: test accuracy {100 * found:.2f} %, {np.median(seconds):.2f} s an epoch (median)")
    return found


def read_options() -> argparse.Namespace:
    """The command line, with the task's settings where none are given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=TASKS, default="digits", help="which images (default %(default)s)")
    parser.add_argument("--folder", help="where the IDX files of Fashion-MNIST are")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--lr", type=float, help="learning rate of Adam at the start")
    parser.add_argument("--seed", type=int, default=0, help="of initial weights, batches and dropout (default 0)")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="train N times, from seed to seed + N - 1")
    parser.add_argument("--budget", metavar="SIZE", help='bound on memory, such as "300MiB"')
    options = parser.parse_args()
    for name in ("epochs", "batch_size", "lr"):
        if getattr(options, name) is None:
            setattr(options, name, getattr(TASKS[options.data], name))
    return options


def main() -> None:
    options = read_options()
    if options.budget:
        jt.memory.budget(options.budget)
    found = [train(options, seed) for seed in range(options.seed, options.seed + options.seeds)]
    if len(found) > 1:
        print(f"{len(found)} seeds: mean accuracy {100 * np.mean(found):.2f} %, worst {100 * min(found):.2f} %")
    counted = jt.memory.stats()["peak_counted_nbytes"] / MIB
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory: {counted:.0f} MiB of Vars and work space, {resident:.0f} MiB of the whole process")


if __name__ == "__main__":
    main()
