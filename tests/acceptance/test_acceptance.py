"""The measurements hold: short forms in every run, whole ones with --full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import nn
from tests.acceptance.models import LeNet, batch, mlp

ROOT = Path(__file__).resolve().parents[2]


def measure(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", f"tests.acceptance.{name}", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{name} fell short:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_killed_compiles_leave_a_valid_cache() -> None:
    assert "unchanged" in measure("killed", "--times", "4")


@pytest.mark.slow
def test_fifty_killed_compiles_leave_a_valid_cache() -> None:
    assert "unchanged" in measure("killed", "--times", "50")


def test_first_step_is_ready_soon_and_a_second_process_compiles_nothing() -> None:
    assert "warm" in measure("latency")


@pytest.mark.slow
@pytest.mark.parametrize("name,argument", [("latency", "gpt"), ("host_time", ""), ("dispatch", "")])
def test_what_the_host_takes_is_within_its_limits(name: str, argument: str) -> None:
    measure(name, *argument.split())


@pytest.mark.slow
def test_training_at_forty_percent_of_the_peak_gives_the_same_bits() -> None:
    try:
        jt.data.FashionMNIST(train=False)
    except FileNotFoundError as error:
        pytest.skip(str(error))
    assert "equal: True" in measure("budget")


def test_sum_of_twenty_million_ones_is_exact() -> None:
    assert jt.ones(20_000_000).sum().item() == 20_000_000


def test_variance_of_many_floats_is_right_to_six_digits() -> None:
    x = np.random.default_rng(3).standard_normal(1 << 24, dtype=np.float32)

    found = jt.array(x).var(correction=0).item()

    assert found == pytest.approx(x.astype(np.float64).var(), rel=1e-6)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_large_reductions_have_the_same_bits_for_any_number_of_threads(threads: int, settled) -> None:
    x = jt.array(np.random.default_rng(4).standard_normal(3_000_001, dtype=np.float32))

    with jt.flags(interpret=True, threads=1):
        expected = x.sum().item().hex()
    with jt.flags(threads=threads):
        found = x.sum().item().hex()

    assert found == expected


def steps_of(model: nn.Module, shape: tuple[int, ...], count: int, optimizer: object | None = None) -> None:
    optimizer = optimizer or jt.optim.SGD(model.parameters(), 0.01)
    x, y = batch(shape)
    for _ in range(count):
        loss = nn.cross_entropy_loss(model(x), y)
        optimizer.step(loss)
        jt.sync_all(True)


def test_a_plan_hit_runs_no_python_between_sync_and_the_last_kernel(settled) -> None:
    model, optimizer = mlp(), None
    optimizer = jt.optim.SGD(model.parameters(), 0.01)
    steps_of(model, (32, 784), 3, optimizer)
    x, y = batch((32, 784))
    jt.sync_all(True)
    loss = nn.cross_entropy_loss(model(x), y)
    optimizer.step(loss)
    calls: list[str] = []

    sys.setprofile(
        lambda frame, event, argument: (
            calls.append(frame.f_code.co_qualname if sys.version_info >= (3, 11) else frame.f_code.co_name)
            if event == "call"
            else None
        )
    )
    try:
        jt.sync_all(True)
    finally:
        sys.setprofile(None)

    assert [name for name in calls if "sync_all" not in name] == []


@pytest.mark.parametrize("change", ["learning rate", "batch size", "index constant"])
def test_changing_a_number_compiles_nothing(change: str, settled) -> None:
    model = mlp()
    optimizer = jt.optim.Adam(model.parameters(), 0.01)
    generator = np.random.default_rng(0)

    def step(rows: int, first: int, rate: float) -> None:
        optimizer.param_groups[0]["lr"] = rate
        x = jt.array(generator.standard_normal((rows, 800), dtype=np.float32))[:, first : first + 784]
        loss = nn.cross_entropy_loss(model(x), jt.array(generator.integers(0, 10, rows)))
        optimizer.step(loss)
        jt.sync_all(True)

    for _ in range(3):
        step(64, 2, 0.01)
    before = jt.stats()["kernels_compiled"]

    step(
        {"batch size": 48}.get(change, 64),
        {"index constant": 5}.get(change, 2),
        {"learning rate": 0.003}.get(change, 0.01),
    )

    assert jt.stats()["kernels_compiled"] == before


@pytest.mark.parametrize(("make", "shape"), [(mlp, (128, 784)), (LeNet, (64, 1, 28, 28))])
def test_nothing_is_compiled_after_the_third_of_two_hundred_steps(make, shape, settled) -> None:
    model = make()
    optimizer = jt.optim.SGD(model.parameters(), 0.01)
    steps_of(model, shape, 3, optimizer)
    before = jt.stats()

    steps_of(model, shape, 197, optimizer)

    after = jt.stats()
    assert after["kernels_compiled"] == before["kernels_compiled"]
    assert after["programs_compiled"] == before["programs_compiled"]


def test_adamw_over_sixty_tensors_is_one_launch(settled) -> None:
    shapes = [(64, 64)] * 20 + [(16, 48)] * 20 + [(64,)] * 20
    parameters = [jt.array(np.full(shape, 0.5, np.float32)) for shape in shapes]
    optimizer = jt.optim.AdamW(parameters, 1e-3)
    gradients = [jt.array(np.full(shape, 0.25, np.float32)) for shape in shapes]

    def step() -> None:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()
        jt.sync_all(True)

    for _ in range(3):
        step()
    before = jt.stats()["launches"]
    step()

    assert jt.stats()["launches"] - before == 1


def test_reading_each_loss_keeps_the_work_of_a_step_constant(settled) -> None:
    model = mlp()
    optimizer = jt.optim.Adam(model.parameters(), 1e-3)
    x, y = batch((32, 784))
    ran = []

    for _ in range(8):
        loss = nn.cross_entropy_loss(model(x), y)
        optimizer.step(loss)
        before = jt.stats()["ops_run"]
        loss.item()
        ran.append(jt.stats()["ops_run"] - before)

    assert len(set(ran[3:])) == 1, f"ops a step: {ran}"


# Contractions (each layer's product, and its gradients by the weight and, but for the first layer, by the input; two
# of each net go on into bias and activation), and fused kernels.
LAUNCHES = [(mlp, (128, 784), 8, 5), (LeNet, (64, 1, 28, 28), 14, 11)]


@pytest.mark.parametrize("reads", [False, True], ids=["nothing is read", "each loss is read"])
@pytest.mark.parametrize(("make", "shape", "contractions", "kernels"), LAUNCHES, ids=["mlp", "lenet"])
def test_launches_and_flushes_of_a_step(make, shape, contractions: int, kernels: int, reads: bool, settled) -> None:
    model = make()
    optimizer = jt.optim.Adam(model.parameters(), 1e-3)
    x, y = batch(shape)
    jt.sync_all(True)
    steps = 10
    counts = []

    for _ in range(steps):
        before = jt.stats()
        loss = nn.cross_entropy_loss(model(x), y)
        optimizer.step(loss)
        if reads:
            loss.item()
        after = jt.stats()
        counts.append(
            {
                name: after[name] - before[name]
                for name in after
                if name.startswith("flushes") or name in ("launches", "interpreted_launches", "plan_misses")
            }
        )

    reason = "flushes_read" if reads else "flushes_window"
    expected = {name: 0 for name in counts[0]} | {
        "launches": contractions + kernels,
        "interpreted_launches": contractions,
        "flushes": 1,
        reason: 1,
    }
    assert counts[3:] == [expected] * (steps - 3)
