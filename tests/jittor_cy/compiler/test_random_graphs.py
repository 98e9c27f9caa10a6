"""Random graphs: the bits do not depend on fusion, on where a range is cut, or on what is written past the caches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.jittor_cy.compiler.random_graphs import random_graph

QUICK, MANY = 40, 1000


def check(seed: int, folder: Path) -> None:
    r, outputs = random_graph(seed)

    unfused = r.run(outputs, folder, fuse=False)
    fused = r.run(outputs, folder, cuts=3, large=True)

    for node, a, b in zip(outputs, fused, unfused, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=f"seed {seed}, {r.ops[node.producer][0]} {node.shape} {node.dtype}")


@pytest.mark.parametrize("seed", range(QUICK))
def test_fused_equals_unfused(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(QUICK, MANY))
def test_fused_equals_unfused_in_many_graphs(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)
