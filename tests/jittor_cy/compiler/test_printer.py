"""Kernel IR as text."""

from __future__ import annotations

import numpy as np
import pytest

from jittor_cy import config
from jittor_cy.compiler.ir.printer import kernel_text
from jittor_cy.compiler.schedule.fusion import fuse
from jittor_cy.compiler.schedule.loops import build_kernel
from jittor_cy.compiler.schedule.values import canonical_axes
from tests.jittor_cy.compiler import patterns
from tests.jittor_cy.compiler.harness import Recorder


def softmax_text() -> str:
    r = Recorder()
    graph = r.graph([patterns.softmax(r, r.leaf(np.zeros((40, 300), np.float32)))])
    (chain,), _ = fuse(graph)
    return kernel_text(build_kernel(graph, canonical_axes(graph), chain))


def test_softmax_is_two_reductions_and_a_loop() -> None:
    lines = [line.strip() for line in softmax_text().splitlines()]

    assert lines[:3] == [
        "kernel max_sub_exp_sum_5_float32(in0:float32, out0:float32)",
        "local row0:float32[d1]",
        "phase 0 over (p0 < d0)",
    ]
    assert [line.split()[0] for line in lines if line.startswith(("reduce", "lanes"))] == ["reduce", "reduce", "lanes"]
    assert lines[-1].endswith("<- Div(row0[r1], s1)")


def test_trace_shows_each_pass(capsys: pytest.CaptureFixture[str]) -> None:
    r = Recorder()
    with config.flags(debug="4,pass"):
        r.compile([r.op("Neg", [r.leaf(np.zeros(50, np.float32))])])

    shown = capsys.readouterr().err
    assert (
        "[jtcy pass] name=donate kernel=neg_float32 ir=\nkernel neg_float32(in0:float32 aliased, out0:float32 aliased)"
        in shown
    )
    assert "before: " not in shown.split("name=donate")[1].split("[jtcy")[0]
