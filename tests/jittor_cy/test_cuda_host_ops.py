"""Ops that have no kernel on a GPU: their operands are brought to the host, and the results back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy.compiler.schedule.heuristic import MAX_CONCAT

PARTS = MAX_CONCAT + 2
MATRIX = np.arange(24, dtype=np.float32).reshape(4, 6)
DOUBLE = """
for (int i = 0; i < in0_shape0; i++)
  for (int j = 0; j < in0_shape1; j++) { @out0(i, j) = @in0(i, j) * 2; @out1(j, i) = @in0(i, j) + data["more"]; }
"""
# Views, each taken alike from NumPy's array and from a Var in memory.
VIEWS: dict[str, Callable[[Any], Any]] = {
    "whole": lambda x: x,
    "transposed": lambda x: x.T,
    "every second": lambda x: x[1:, ::2],
    "reversed": lambda x: x[::-1],
    "reversed both ways": lambda x: x[::-1, ::-2],
    "repeated": lambda x: x[:1] + 0 * x[:, :1],
    "no rows": lambda x: x[:0],
    "no columns": lambda x: x[:, 3:3],
}


@pytest.fixture(autouse=True)
def cuda(capfd: pytest.CaptureFixture[str]):
    """New Vars live on the simulated GPU, whose memory the host cannot read; what runs on the host is traced."""
    with jt.flags(simulate_cuda=True, use_cuda=True, wait_for_kernels=True):
        jt.sync_all()
        with jt.flags(debug="1,fallback"):
            yield
            jt.sync_all()


def on_host(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """Names of the ops that the host has run since the last question."""
    lines = capfd.readouterr().err.splitlines()
    return [line.split()[2] for line in lines if line.startswith("[jtcy fallback]")]


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_concat_of_many_parts_is_numpys(view: Callable[[Any], Any], dim: int, capfd: Any) -> None:
    arrays = [MATRIX + 100 * i for i in range(PARTS)]
    parts = [jt.array(x) for x in arrays]
    jt.sync_all()

    joined = jt.concat([view(x) for x in parts], dim)

    np.testing.assert_array_equal(joined.numpy(), np.concatenate([view(x) for x in arrays], dim))
    assert (str(joined.device), on_host(capfd)) == ("cuda:0", ["op=Concat"])


@pytest.mark.parametrize("dtype", ["bool", "int8", "float16", "int64", "float64"])
def test_concat_of_many_parts_keeps_every_dtype(dtype: str, capfd: Any) -> None:
    arrays = [(np.arange(i % 3) + i).astype(dtype) for i in range(PARTS)]

    joined = jt.concat([jt.array(x) for x in arrays])

    np.testing.assert_array_equal(joined.numpy(), np.concatenate(arrays))
    assert (str(joined.dtype), on_host(capfd)) == (dtype, ["op=Concat"])


def test_concat_of_few_parts_stays_on_the_gpu(capfd: Any) -> None:
    joined = jt.concat([jt.array(MATRIX)] * MAX_CONCAT)

    np.testing.assert_array_equal(joined.numpy(), np.concatenate([MATRIX] * MAX_CONCAT))
    assert on_host(capfd) == []


def test_what_the_host_has_made_feeds_kernels_and_the_other_way_round(capfd: Any) -> None:
    x = jt.array(MATRIX)

    found = (jt.concat([x * i for i in range(PARTS)]) + 1).sum(0)

    factor = PARTS * (PARTS - 1) // 2
    np.testing.assert_array_equal(found.numpy(), factor * MATRIX.sum(0) + 4 * PARTS)
    assert on_host(capfd) == ["op=Concat"]


def test_gradient_goes_through_a_concat_on_the_host(capfd: Any) -> None:
    parts = [jt.array(MATRIX) for _ in range(PARTS)]

    gradients = jt.grad((jt.concat(parts) ** 2).sum(), parts)

    for gradient in gradients:
        np.testing.assert_array_equal(gradient.numpy(), 2 * MATRIX)
    assert "op=Concat" in on_host(capfd)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_code_reads_views_and_fills_several_outputs(view: Callable[[Any], Any], capfd: Any) -> None:
    x = jt.array(MATRIX)
    jt.sync_all()
    expected = view(MATRIX)
    shapes = [expected.shape, expected.shape[::-1]]

    doubled, more = jt.code(shapes, ["float32", "float64"], [view(x)], cpu_src=DOUBLE, data={"more": 0.5})

    np.testing.assert_array_equal(doubled.numpy(), expected * 2)
    np.testing.assert_array_equal(more.numpy(), expected.T.astype(np.float64) + 0.5)
    assert (str(doubled.device), on_host(capfd)) == ("cuda:0", ["op=Code"])


def test_code_without_inputs_fills_memory_of_the_gpu(capfd: Any) -> None:
    found = jt.code((5,), "int32", cpu_src="for (int i = 0; i < out0_shape0; i++) @out(i) = i * i;")

    assert (found + 1).tolist() == [1, 2, 5, 10, 17]
    assert on_host(capfd) == ["op=Code"]


def test_gradient_of_code_runs_its_own_source(capfd: Any) -> None:
    x = jt.array(MATRIX[0])

    y = jt.code(
        x.shape,
        x.dtype,
        [x],
        cpu_src="for (int i = 0; i < in0_shape0; i++) @out(i) = @in0(i) * @in0(i);",
        cpu_grad_src="for (int i = 0; i < in0_shape0; i++) @out(i) = 2 * @in0(i) * @dout(i);",
    )

    assert jt.grad(y.sum(), x).tolist() == (2 * MATRIX[0]).tolist()
    assert set(on_host(capfd)) == {"op=Code"}
