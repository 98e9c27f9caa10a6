"""`python -m jittor_cy.bench`: each option on workloads that take no time, and the words of its errors."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

from jittor_cy.bench import ablation
from jittor_cy.bench.__main__ import main
from jittor_cy.bench.workloads import FAMILIES, select

TINY = ["--seconds", "0.01", "--rounds", "2", "--threads", "1"]


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments, *TINY]) == 2
    return capsys.readouterr().err


def test_list_names_every_workload_and_measures_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    text = capsys.readouterr().out

    assert all(f"\n  {case.name} " in text for cases in FAMILIES.values() for case in cases)
    assert "limits of" not in text


def test_help_explains_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out

    assert "first, warm" in text
    assert "--ablate" in text


def test_figures_of_two_workloads_are_printed_and_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "out.json"

    assert main(["-k", "softmax_small,matmul_64", "--json", str(path), *TINY]) == 0
    text, found = capsys.readouterr().out, json.loads(path.read_text())

    assert "limits of 1 thread(s), measured now" in text
    assert "WRONG" not in text
    assert list(found["workloads"]) == ["softmax_small", "matmul_64"]
    for name, row in found["workloads"].items():
        figures = row["jittor_cy"]
        assert len(figures["rounds_s"]) == 2
        assert min(figures["rounds_s"]) <= figures["median_s"] <= max(figures["rounds_s"])
        assert figures["first_s"] > figures["median_s"]
        assert figures["host_s"] > 0
        assert 0 < figures["error"] <= select(name)[0].tolerance


def test_a_training_step_is_checked_by_its_gradients_and_losses(tmp_path: Path) -> None:
    path = tmp_path / "out.json"

    assert main(["-k", "mlp", "--json", str(path), *TINY]) == 0
    figures = json.loads(path.read_text())["workloads"]["mlp"]["jittor_cy"]

    assert figures["right"]
    assert figures["error"] < 1e-4


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_against_torch_prints_ratios_and_imports_it_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    before = "torch" in sys.modules

    assert main(["-k", "softmax_small", "--against", "torch_tuned", *TINY]) == 0
    text = capsys.readouterr().out

    assert "torch_tuned takes" in text
    assert "slower than the fastest peer" in text
    assert ("torch" in sys.modules) == before


def test_ablation_prints_what_each_brings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen = {"fuse=False": ablation.variants()["fuse=False"]}
    monkeypatch.setattr(ablation, "variants", lambda: chosen)
    path = tmp_path / "out.json"

    assert main(["--ablate", "softmax_small", "--json", str(path), *TINY]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert lines[-2].startswith(ablation.DEFAULT)
    assert lines[-1].startswith("fuse=False")
    assert lines[-1].endswith("equal")
    assert list(json.loads(path.read_text())["workloads"]["softmax_small"]) == [ablation.DEFAULT, "fuse=False"]


def test_plot_without_matplotlib_names_the_package(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)

    assert "--plot needs the package matplotlib" in error_of(capsys, "--plot", "figures.png")


@pytest.mark.parametrize(
    "arguments,words",
    [
        (["-k", "sofmax"], ["no workload 'sofmax'", "did you mean softmax"]),
        (["-k", "zzzzzz"], ["no workload 'zzzzzz'", "--list"]),
        (["--against", "torhc"], ["there is no such peer", "did you mean torch"]),
        (["--against", "numpy"], ["there is no such peer", "peers are torch, torch_tuned, jax"]),
        (["--ablate", "conv1x1"], ["means 2 workloads", "conv1x1_grad, conv1x1_stride2_grad"]),
        (["--ablate", "gpt", "--against", "torch"], ["--ablate and --against exclude each other"]),
        (["--python", "torch"], ["write torch=PATH or jax=PATH"]),
        (["--json", "no/such/folder/out.json"], ["there is no folder no/such/folder"]),
        (["-k", "matmul_64", "--against", "jax", "--python", "jax=/no/such/python"], ["/no/such/python cannot be run"]),
    ],
)
def test_what_cannot_be_had_is_said(capsys: pytest.CaptureFixture[str], arguments: list[str], words: list[str]) -> None:
    text = error_of(capsys, *arguments)

    assert all(word in text for word in words), text


def test_more_threads_than_cores_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--threads", "4096"]) == 2

    assert f"this process may use {len(os.sched_getaffinity(0))} core(s)" in capsys.readouterr().err


def test_no_rounds_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--rounds", "0"])

    assert "0 is not at least 1" in capsys.readouterr().err
