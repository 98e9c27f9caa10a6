"""Op families and random programs on the simulated GPU: NumPy's values, and the bits of a CPU that has FMA."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy.compiler.toolchain import nvrtc
from jittor_cy.testing.opspec import LAYOUTS, OpSpec, check_gradient, check_values
from jittor_cy.testing.programs import Program, random_program
from jittor_cy.testing.tolerance import assert_bits_equal
from tests.specs.rows import ROWS

PROGRAMS = 60
BATCH = 10


@pytest.fixture
def cuda():
    """New Vars live on the simulated GPU, which runs each launch in another order of its threads."""
    from jittor_cy import _cuda

    with jt.flags(simulate_cuda=True, use_cuda=True):
        _cuda.set_simulation(order=2)
        yield jt
        jt.sync_all()
    _cuda.set_simulation(order=0)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("spec", ROWS, ids=lambda spec: spec.name)
def test_value_equals_the_oracle(cuda: Any, spec: OpSpec, layout: str) -> None:
    check_values(spec, "float32", layout, cuda)


@pytest.mark.parametrize("spec", [s for s in ROWS if s.gradient], ids=lambda spec: spec.name)
def test_gradient_equals_central_differences(cuda: Any, spec: OpSpec) -> None:
    check_gradient(spec, cuda)


def runs_on_both(program: Program) -> tuple[list[np.ndarray], list[np.ndarray]]:
    with jt.flags(use_cuda=False):
        on_cpu = program.run(jt)
    return on_cpu, program.run(jt)


@pytest.mark.parametrize("first", range(0, PROGRAMS, BATCH))
def test_random_programs_have_the_bits_of_the_cpu(cuda: Any, first: int) -> None:
    for seed in range(first, first + BATCH):
        program = random_program(seed)

        on_cpu, on_gpu = runs_on_both(program)

        for found, expected in zip(on_gpu, on_cpu, strict=True):
            assert_bits_equal(found, expected, f"seed {seed}\n{program}")


def test_var_lives_on_the_gpu_and_numpy_brings_it_back(cuda: Any) -> None:
    x = cuda.array(np.arange(6, dtype=np.float32))

    y = x * 2

    assert str(y.device) == "cuda:0"
    np.testing.assert_array_equal(y.numpy(), np.arange(6, dtype=np.float32) * 2)


def test_index_out_of_range_on_the_gpu_is_an_index_error(cuda: Any) -> None:
    x, index = cuda.array(np.arange(6.0)), cuda.array(np.array([1, 9]))

    with pytest.raises(IndexError, match="getitem: index 9 is out of range for dim 0 of 6 elements"):
        x[index].numpy()


@pytest.mark.skipif(nvrtc.nvrtc_version() is None, reason="NVRTC is not installed (pip install .[cuda])")
def test_every_kernel_of_the_programs_compiles_for_sm_90_without_spills(cuda: Any, monkeypatch: Any) -> None:
    from jittor_cy.compiler.toolchain import gpu

    texts: dict[str, str] = {}
    compile_kernels = gpu.compile_gpu_kernels

    def remember(sources: Any, *rest: Any) -> None:
        texts.update((source.key, source.text) for source in sources)
        compile_kernels(sources, *rest)

    monkeypatch.setattr(gpu, "compile_gpu_kernels", remember)
    for seed in range(1000, 1000 + BATCH):
        random_program(seed).run(cuda)

    spills = {
        key: used
        for key, text in texts.items()
        for used in nvrtc.compile_cubin(text, 90).resources.values()
        if used.spill_nbytes
    }

    assert len(texts) >= BATCH
    assert spills == {}
