"""The search itself, with a clock of the test's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from jittor_cy import config
from jittor_cy.compiler import autotune
from jittor_cy.compiler.autotune import Tuner
from jittor_cy.compiler.ir.program import KernelSource, Launch, Program
from jittor_cy.compiler.ir.schedule import Schedule, choices_of
from jittor_cy.compiler.pipeline import Options, compile_graph
from jittor_cy.compiler.toolchain import gcc
from tests.jittor_cy.compiler import patterns
from tests.jittor_cy.compiler.harness import Recorder


class Clock:
    """Every launch takes as long as `cost` says of its schedule."""

    def __init__(self, cost: object, extents: Sequence[int] = (40, 300)) -> None:
        self.cost, self.extents, self.seen = cost, list(extents), []

    def __call__(self, launches: Sequence[Launch], sources: Sequence[KernelSource], budget_s: float) -> list:
        self.seen += [launch.schedule for launch in launches]
        return [self.cost(launch.schedule) for launch in launches]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autotune, "TUNED", {})
    monkeypatch.setattr(gcc.compiler(), "cache", None)
    with config.flags(cache_dir=str(tmp_path)):
        yield


def compiled(clock: Clock, given: tuple = ()) -> Program:
    r = Recorder(given=given)
    graph = r.graph([patterns.softmax(r, r.leaf(np.zeros((40, 300), np.float32)))])
    return compile_graph(graph, Options(isa="portable", verify=True), Tuner("portable", 2, clock))


def schedule_of(program: Program) -> Schedule:
    return program.launches[0].schedule


def without_buffers(schedule: Schedule) -> float:
    return 1.0 if schedule.row_buffer == 0 else 2.0


def test_fastest_schedule_is_taken() -> None:
    assert schedule_of(compiled(Clock(without_buffers))).differences() == "row_buffer=0"


def test_best_choices_are_taken_together() -> None:
    def cost(schedule: Schedule) -> float:
        return 4.0 - (schedule.row_buffer == 0) - 2 * (schedule.prefetch == 2)

    assert schedule_of(compiled(Clock(cost))).differences() == "row_buffer=0 prefetch=2"


def test_small_gain_is_taken_for_chance() -> None:
    found = schedule_of(compiled(Clock(lambda s: 0.98 if s.row_buffer == 0 else 1.0)))

    assert found.differences() == ""


def test_only_schedules_of_the_same_bits_are_tried() -> None:
    clock = Clock(without_buffers)

    compiled(clock, choices_of({"reduction": "tree"}))

    assert len(clock.seen) > 3
    assert {s.reduction for s in clock.seen} == {"tree"}


def test_choice_by_hand_stays() -> None:
    clock = Clock(without_buffers)

    found = schedule_of(compiled(clock, choices_of({"row_buffer": 3})))

    assert found.row_buffer == 3
    assert {s.row_buffer for s in clock.seen} == {3}


def test_second_time_nothing_is_measured() -> None:
    first, second = Clock(without_buffers), Clock(without_buffers)

    compiled(first)
    found = schedule_of(compiled(second))

    assert found.row_buffer == 0
    assert second.seen == []


def test_choice_is_read_from_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(Clock(without_buffers))
    monkeypatch.setattr(autotune, "TUNED", {})
    second = Clock(without_buffers)

    found = schedule_of(compiled(second))

    assert found.row_buffer == 0
    assert second.seen == []
    (record,) = autotune.TUNED.values()
    assert str(record).endswith("2000000.0 us -> 1000000.0 us, row_buffer=0 (remembered)")


def test_other_extents_of_the_same_power_of_two_share_a_choice() -> None:
    compiled(Clock(without_buffers, (40, 300)))
    near, far = Clock(without_buffers, (60, 500)), Clock(without_buffers, (40, 600))

    compiled(near)
    compiled(far)

    assert near.seen == []
    assert far.seen != []


def test_candidate_that_does_not_compile_is_left_out() -> None:
    found = schedule_of(compiled(Clock(lambda s: None if s.row_buffer == 0 else 2.0 - (s.unroll == 2))))

    assert found.differences() == "unroll=2"


def test_candidate_that_cannot_be_built_leaves_the_default_and_is_traced(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from jittor_cy.compiler import pipeline

    true = pipeline.build_kernel

    def faulty(graph: object, canonical: object, chain: object, schedule: Schedule, *rest: object) -> object:
        if schedule.row_buffer == 0:
            raise ArithmeticError("planted")
        return true(graph, canonical, chain, schedule, *rest)

    monkeypatch.setattr(pipeline, "build_kernel", faulty)
    monkeypatch.setattr(pipeline, "MEMO", pipeline.KernelMemo())
    with config.flags(debug="1,autotune"):
        found = schedule_of(compiled(Clock(without_buffers)))

    assert found.differences() == ""
    assert "why=planted effect=the default stays" in capfd.readouterr().err


def test_fault_of_the_clock_leaves_the_default() -> None:
    def broken(schedule: Schedule) -> float:
        raise MemoryError

    assert schedule_of(compiled(Clock(broken))).differences() == ""
    assert autotune.TUNED == {}


def test_no_room_in_memory_leaves_the_default_and_is_traced(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Clock, "__call__", lambda *arguments: None)

    with config.flags(debug="1,autotune"):
        found = schedule_of(compiled(Clock(without_buffers)))

    assert found.differences() == ""
    assert "failed=no room in memory effect=the default stays" in capfd.readouterr().err
