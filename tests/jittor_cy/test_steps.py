"""Where recorded ops are cut: a steady loop settles on few Programs, whatever it reads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import nn
from jittor_cy._plan import forget_kernels

STEPS = 24
SETTLED = 3  # from the step behind this one on, every Program is known


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(12, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 5))


def batches(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(3)
    return [(generator.standard_normal((8, 12), dtype=np.float32), generator.integers(0, 5, 8)) for _ in range(count)]


def train(
    reads: Callable[[int], bool], before: bool = False, prepared: bool = False, optimizer: type = jt.optim.Adam
) -> tuple[list[int], list[np.ndarray]]:
    """(plan misses of each step, the parameters at the end)"""
    jt.seed(7)
    model = net()
    jt.sync_all(True)
    optimizer = optimizer(model.parameters(), 1e-2)
    total, misses = jt.array(0.0), []
    for step, (x, y) in enumerate(batches(STEPS), 1):
        known = jt.stats()["plan_misses"]
        x = jt.array(x) * 2 - 1 if prepared else jt.array(x)
        loss = nn.cross_entropy_loss(model(x), jt.array(y))
        if before and reads(step):
            loss.item()
        optimizer.step(loss)
        total = total + loss.detach()
        if not before and reads(step):
            total.item()
        misses.append(jt.stats()["plan_misses"] - known)
    known = jt.stats()["plan_misses"]
    jt.sync_all(True)
    misses.append(jt.stats()["plan_misses"] - known)
    return misses, [p.numpy() for p in model.parameters()]


READS = {
    "never": lambda step: False,
    "each step": lambda step: True,
    "each fifth": lambda step: step % 5 == 0,
    "each third": lambda step: step % 3 == 0,
}


@pytest.mark.parametrize("optimizer", [jt.optim.SGD, jt.optim.Adam])
@pytest.mark.parametrize("reads", READS.values(), ids=READS)
def test_a_steady_loop_meets_nothing_new_after_its_third_step(reads, optimizer, settled) -> None:
    forget_kernels()

    misses, _ = train(reads, optimizer=optimizer)

    assert sum(misses) <= SETTLED
    assert misses[SETTLED:] == [0] * (STEPS + 1 - SETTLED)


@pytest.mark.parametrize("reads", ["never", "each step"])
def test_inputs_prepared_in_front_of_a_step_go_with_it(reads, settled) -> None:
    forget_kernels()

    misses, _ = train(READS[reads], prepared=True)

    assert misses[SETTLED:-1] == [0] * (STEPS - SETTLED)


def test_a_loss_read_in_front_of_each_step_settles_too(settled) -> None:
    forget_kernels()

    misses, _ = train(lambda step: True, before=True)

    assert misses[SETTLED:-1] == [0] * (STEPS - SETTLED)


def test_what_is_read_changes_no_bit(settled) -> None:
    first, *others = [train(reads)[1] for reads in READS.values()]

    for other in others:
        assert all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_training_with_evaluation_needs_four_programs(settled) -> None:
    forget_kernels()
    known = jt.stats()["plan_misses"]
    model = net()
    optimizer = jt.optim.Adam(model.parameters(), 1e-2)

    for _ in range(3):
        model.train()
        total = jt.array(0.0)
        for step, (x, y) in enumerate(batches(7), 1):
            loss = nn.cross_entropy_loss(model(jt.array(x)), jt.array(y))
            optimizer.step(loss)
            total = total + loss.detach()
            if step % 5 == 0:
                total.item()
        total.item()
        model.eval()
        with jt.no_grad():
            for x, y in batches(2):
                (model(jt.array(x)).argmax(1) == jt.array(y)).sum().item()

    assert jt.stats()["plan_misses"] - known <= 4


def test_a_step_stays_pending_until_it_is_needed(settled) -> None:
    model = net()
    jt.sync_all(True)
    optimizer = jt.optim.SGD(model.parameters(), 0.1)
    x, y = batches(1)[0]
    before = jt.stats()["ops_run"]

    optimizer.step(nn.cross_entropy_loss(model(jt.array(x)), jt.array(y)))
    pending = jt.stats()["pending_ops"]
    assert jt.array([1.0, 2.0]).sum().item() == 3  # needs nothing of the step

    assert jt.stats()["pending_ops"] == pending > 0
    assert jt.stats()["ops_run"] - before < pending


def test_a_window_without_steps_is_cut_after_whole_periods(settled) -> None:
    forget_kernels()
    x = jt.array(np.linspace(0, 1, 64, dtype=np.float32))
    known, expected = jt.stats(), x.numpy()

    with jt.flags(window_ops=64):
        for _ in range(150):  # seven ops of Python, with their constants: no divisor of 64
            x = ((x + 0.5).sin() * 0.5 - 0.25).abs()
            expected = np.abs(np.sin(expected + np.float32(0.5)) * np.float32(0.5) - np.float32(0.25))
        found = x.numpy()

    stats = jt.stats()
    assert stats["flushes_window"] - known["flushes_window"] > 10
    assert stats["plan_misses"] - known["plan_misses"] <= 3  # with the rest at the end
    np.testing.assert_allclose(found, expected, rtol=1e-4)
