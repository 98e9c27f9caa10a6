"""The bar charts: written where matplotlib is installed; formats and folders are checked beforehand."""

from __future__ import annotations

from pathlib import Path

import pytest

from jittor_cy.bench.limits import Limits
from jittor_cy.bench.plot import check_plot, plot_ablation, plot_shares
from jittor_cy.bench.runner import Figures
from jittor_cy.bench.workloads import select
from jittor_cy.errors import ArgumentError

pytest.importorskip("matplotlib")

PNG = b"\x89PNG"


def figures(name: str, seconds: float) -> Figures:
    return Figures(name, "softmax", 1.0, rounds_s=[seconds])


@pytest.mark.parametrize("draw", ["shares", "ablation"])
def test_a_picture_is_written(tmp_path: Path, draw: str) -> None:
    path, case = tmp_path / "out.png", select("softmax")[0]
    found = [figures("jittor_cy", 0.01), figures("torch", 0.02)]

    if draw == "shares":
        plot_shares(str(path), [(case, found)], Limits(2, 1 << 25, {"avx2": 100.0}, 40.0, 80.0))
    else:
        plot_ablation(str(path), case, found)

    assert path.read_bytes().startswith(PNG)


@pytest.mark.parametrize("name,words", [("out.xyz", "'xyz' is no format"), ("none/out.png", "there is no folder")])
def test_where_no_picture_can_be_written(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        check_plot(str(tmp_path / name))
