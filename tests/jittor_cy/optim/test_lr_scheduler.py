"""Schedules give torch's learning rates."""

from __future__ import annotations

import pytest

import jittor_cy as jt
from jittor_cy import nn, optim

EPOCHS = 25
SCHEDULES = {
    "StepLR": lambda s, o: s.StepLR(o, 4, 0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [3, 7, 8], 0.1),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 20, 0.01),
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda epoch: 1 / (epoch + 1)),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.1, 1.0, 6),
    "SequentialLR": lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.2, 1.0, 5), s.StepLR(o, 3, 0.5)], [5]),
}


def optimizer() -> optim.Optimizer:
    return optim.SGD(
        [{"params": [nn.Parameter(jt.ones(1))]}, {"params": [nn.Parameter(jt.ones(1))], "lr": 0.3}], lr=0.1
    )


def torchs_optimizer(torch):
    return torch.optim.SGD(
        [{"params": [torch.ones(1, requires_grad=True)]}, {"params": [torch.ones(1, requires_grad=True)], "lr": 0.3}],
        lr=0.1,
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_gives_torchs_rates(name):
    torch = pytest.importorskip("torch")
    mine, other = optimizer(), torchs_optimizer(torch)
    schedule, theirs = SCHEDULES[name](optim.lr_scheduler, mine), SCHEDULES[name](torch.optim.lr_scheduler, other)

    for _ in range(EPOCHS):
        assert schedule.get_last_lr() == pytest.approx([group["lr"] for group in other.param_groups], rel=1e-6)
        schedule.step()
        theirs.step()


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_plateau_gives_torchs_rates(mode, threshold_mode):
    torch = pytest.importorskip("torch")
    mine, other = optimizer(), torchs_optimizer(torch)
    settings = {
        "mode": mode,
        "threshold_mode": threshold_mode,
        "patience": 2,
        "cooldown": 1,
        "threshold": 0.05,
        "factor": 0.5,
    }
    schedule = optim.lr_scheduler.ReduceLROnPlateau(mine, **settings)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(other, **settings)

    for metric in [5, 4, 4.1, 3.9, 3.85, 3.84, 4, 6, 6.1, 6.2, 6.3, 6.4, 6.5, 3, 2, 2, 2, 2, 2, 2]:
        schedule.step(metric)
        theirs.step(metric)
        assert schedule.get_last_lr() == pytest.approx([group["lr"] for group in other.param_groups])


def test_state_dict_goes_on_where_it_was():
    first = optim.lr_scheduler.CosineAnnealingLR(optimizer(), 10)
    for _ in range(4):
        first.step()

    second = optim.lr_scheduler.CosineAnnealingLR(optimizer(), 10)
    second.load_state_dict(first.state_dict())

    assert second.get_last_lr() == first.get_last_lr()


def test_optimizer_with_a_schedule_saves_and_loads_its_state():
    source, target = optimizer(), optimizer()
    optim.lr_scheduler.StepLR(source, 2)

    target.load_state_dict(source.state_dict())

    assert target.param_groups[1]["lr"] == 0.3


def test_changed_rate_compiles_nothing(settled):
    p = nn.Parameter(jt.ones(3))
    sgd = optim.SGD([p], 0.1)
    schedule = optim.lr_scheduler.ExponentialLR(sgd, 0.9)
    for _ in range(3):
        sgd.step((p * p).sum())
        p.sync()
    compiles = jt.stats()["compiles"]

    for _ in range(5):
        sgd.step((p * p).sum())
        p.sync()
        schedule.step()

    assert jt.stats()["compiles"] == compiles


def test_sequential_schedule_with_a_missing_milestone_is_refused():
    with pytest.raises(ValueError, match="SequentialLR: 2 schedules need 1 milestones, not 0"):
        sgd = optimizer()
        schedules = optim.lr_scheduler
        schedules.SequentialLR(sgd, [schedules.LinearLR(sgd), schedules.StepLR(sgd, 3)], [])
