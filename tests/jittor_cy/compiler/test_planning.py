"""What planning costs, counted in calls; and kernels that were built before."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import numpy as np
import pytest

from jittor_cy.compiler import pipeline
from jittor_cy.compiler.ir.graph import Graph
from jittor_cy.compiler.ir.program import Program
from jittor_cy.compiler.pipeline import Options, compile_graph
from jittor_cy.compiler.schedule.fusion import Fusion
from jittor_cy.compiler.schedule.reuse import KernelMemo
from tests.jittor_cy.compiler import patterns
from tests.jittor_cy.compiler.harness import Node, Recorder

# A graph may need this much more an op than one of a fifth of its size: two rounds of fusion instead of one, at most.
MORE_AN_OP = 1.5


@pytest.fixture
def memo(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Forgets what was built; called at the test's start, too."""

    def forget() -> None:
        monkeypatch.setattr(pipeline, "MEMO", KernelMemo())

    forget()
    return forget


def values(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def chain(length: int) -> Graph:
    r = Recorder()
    x = r.leaf(values(40, 30))
    for _ in range(length // 2):
        x = r.op("Add", [r.op("Sin", [x]), x])
    return r.graph([x])


def rows(length: int) -> Graph:
    """Softmax behind softmax, each weighted by its own leaf."""
    r = Recorder()
    x = r.leaf(values(40, 30))
    weights = [r.leaf(values(40, 30)) for _ in range(length // 9)]
    for weight in weights:
        x = r.op("Add", [r.op("Mul", [patterns.softmax(r, x), weight]), x])
    return r.graph([x])


def updates(length: int) -> Graph:
    r = Recorder()
    state = [[r.leaf(values(20 + i % 7, 30)) for _ in range(4)] for i in range(length // 16)]
    return r.graph([out for p, g, m, v in state for out in patterns.adam(r, p, g, m, v, 1)])


def calls_of(graph: Graph) -> int:
    """Calls of Python functions while `graph` is compiled."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        compile_graph(graph, Options())
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("make", [chain, rows, updates])
def test_planning_costs_an_op_the_same_in_large_graphs(make: Callable[[int], Graph], memo: Callable[[], None]) -> None:
    small, large = make(400), make(2000)
    calls_of(small)  # what is built once is there

    a_small, a_large = calls_of(small) / len(small.ops), calls_of(large) / len(large.ops)

    assert a_large <= MORE_AN_OP * a_small


def test_groups_of_one_form_are_built_once(memo: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    build = pipeline.build_kernel
    monkeypatch.setattr(pipeline, "build_kernel", lambda *given: built.append(given) or build(*given))

    program = compile_graph(updates(16 * 20), Options())

    assert (len(program.launches), len(built)) == (20, 1)


def softmax(r: Recorder) -> list[Node]:
    return [patterns.softmax(r, r.leaf(values(37, 300)))]


def total(r: Recorder) -> list[Node]:
    """A reduction of everything: its grid counts axes together."""
    x = r.leaf(values(50, 3, 70))
    return [r.reduce(0, r.op("Exp", [x]), 0, 3)]


def strided(r: Recorder) -> list[Node]:
    x = r.leaf(np.ones((60, 90), np.float32).T)
    return [r.op("Exp", [x])]


def normalized(r: Recorder) -> list[Node]:
    x, weight, bias = r.leaf(values(8, 20, 9, 9)), r.leaf(values(20)), r.leaf(values(20))
    return list(patterns.batch_norm(r, x, weight, bias))


def update(r: Recorder) -> list[Node]:
    return patterns.adam(r, *[r.leaf(values(70, 80)) for _ in range(4)], 1)


@pytest.mark.parametrize("make", [softmax, total, strided, normalized, update])
def test_a_kernel_found_again_is_launched_as_one_that_is_built(
    make: Callable[[Recorder], list[Node]], memo: Callable[[], None]
) -> None:
    def behind_others() -> Program:
        """Vars, ops and extents have other numbers here."""
        r = Recorder()
        first = r.op("Neg", [r.leaf(values(33, 44, 55))])
        return r.compile([first, *make(r)])

    expected = behind_others()
    memo()
    r = Recorder()
    r.compile(make(r))

    assert behind_others() == expected


def test_a_value_that_its_home_stores_is_not_stored_again(monkeypatch: pytest.MonkeyPatch) -> None:
    r = Recorder()
    mean = r.reduce(0, r.leaf(values(40, 30)), 1, 2)
    graph = r.graph([mean, r.op("Neg", [mean])])
    fusion = Fusion(graph, True, {})
    monkeypatch.setattr(fusion, "candidates", lambda reach, *_: [])  # as where no group takes it at first

    fusion.run()

    stores = [v for group in fusion.groups.groups for v in group.stores]
    assert sorted(stores) == sorted(set(stores))
