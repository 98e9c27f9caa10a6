"""Training steps on the simulated GPU, in both memory modes, give the losses of the CPU."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.jittor_cy.cuda_training import STEPS

ROOT = Path(__file__).resolve().parents[2]
# Three steps amplify a rounding of the first; sums are as long as 784.
TOLERANCE = 784 * 2.0**-23


@functools.cache
def train(network: str, device: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.jittor_cy.cuda_training", network, device],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "JTCY_DEBUG": "1"},
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout.splitlines()[-1]), "trace": done.stderr}


@pytest.mark.parametrize("memory", ["explicit", "managed"])
@pytest.mark.parametrize("network", ["mlp", "lenet"])
def test_training_on_the_simulated_gpu_equals_the_cpu(network: str, memory: str) -> None:
    on_cpu, on_gpu = train(network, "cpu"), train(network, memory)

    assert len(on_gpu["losses"]) == STEPS
    np.testing.assert_allclose(on_gpu["losses"], on_cpu["losses"], rtol=TOLERANCE)
    np.testing.assert_allclose(on_gpu["weights"], on_cpu["weights"], rtol=TOLERANCE)


@pytest.mark.parametrize("network", ["mlp", "lenet"])
def test_training_runs_in_kernels_of_the_gpu_alone(network: str) -> None:
    found = train(network, "explicit")

    assert found["launches"] > 10 * STEPS
    assert 'effect="on the host"' not in found["trace"]
