"""`python -m jittor_cy.info` tells versions, machine, compiler, cache and settings, and notices a wrong kernel."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

from jittor_cy import info


def run_info(tmp_path: Path, **settings: str) -> subprocess.CompletedProcess:
    cache = tmp_path / "cache"
    environment = {**os.environ, "JTCY_CACHE_DIR": str(cache), **settings}
    return subprocess.run(
        [sys.executable, "-m", "jittor_cy.info"], env=environment, capture_output=True, text=True, check=False
    )


def test_info_prints_every_line_and_succeeds(tmp_path: Path) -> None:
    done = run_info(tmp_path, JTCY_WINDOW_OPS="77")

    assert done.returncode == 0, done.stderr
    report = {line[:24].strip(): line[24:].strip() for line in done.stdout.splitlines()}
    text = done.stdout
    for name in ("jittor_cy", "python", "numpy", "cpu", "threads", "instruction set", "compiler", "kernel cache"):
        assert any(line.startswith(name) for line in text.splitlines()), name
    assert platform.python_version() in text
    assert np.__version__ in text
    assert "window_ops=77" in text
    assert str(tmp_path / "cache") in text
    assert "right" in text and "WRONG" not in text
    assert len(report) >= 13


def test_info_is_not_held_up_by_a_missing_compiler(tmp_path: Path) -> None:
    done = run_info(tmp_path, JTCY_CC="no-such-compiler")

    assert done.returncode == 0, done.stderr
    assert "not found" in done.stdout
    assert "right" in done.stdout


def test_info_fails_where_the_self_test_is_wrong(monkeypatch, capsys) -> None:
    monkeypatch.setattr(info, "self_test", lambda: "softmax off by 1.0e+00 in 0.10 s: WRONG")

    assert info.main() == 1
    assert "WRONG" in capsys.readouterr().out
