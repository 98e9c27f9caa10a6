"""Every tutorial runs from its command line and shows what it promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jittor_cy

TUTORIALS = Path(__file__).resolve().parent.parent / "tutorials"
FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")


def run(name: str, *arguments: str, timeout: float = 300) -> str:
    package = Path(jittor_cy.__file__).resolve().parent.parent  # the one under test, installed or not
    done = subprocess.run(
        [sys.executable, TUTORIALS / name, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "PYTHONPATH": str(package)},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_first_var_shows_laziness_gradients_and_an_error():
    shown = run("01_first_var.py")

    assert "not computed yet: Var(float32[2], cpu, pending: " in shown
    assert "w^3 at 3: value 27.0, slope 27.0, second derivative 18.0" in shown
    assert "ShapeError: matmul: inner sizes differ, 3 and 2" in shown


def test_training_reports_accuracy_time_and_memory():
    pytest.importorskip("sklearn")

    shown = run("02_train_on_images.py", "--epochs", "3")

    (found,) = re.findall(r"seed 0: test accuracy ([\d.]+) %, [\d.]+ s an epoch", shown)
    assert float(found) >= 90
    assert re.search(r"peak memory: \d+ MiB of Vars and work space, \d+ MiB of the whole process", shown)


@pytest.mark.slow
def test_training_on_digits_reaches_the_accuracy_of_the_readme():
    pytest.importorskip("sklearn")

    shown = run("02_train_on_images.py", "--seeds", "5", timeout=1200)

    ((mean, worst),) = re.findall(r"5 seeds: mean accuracy ([\d.]+) %, worst ([\d.]+) %", shown)
    assert float(mean) >= 97
    assert float(worst) >= 96


@pytest.mark.slow
@pytest.mark.skipif(not FASHION_FOLDER.exists(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_training_on_fashion_mnist_reaches_the_accuracy_of_the_readme():
    shown = run("02_train_on_images.py", "--data", "fashion-mnist", timeout=3600)

    (found,) = re.findall(r"seed 0: test accuracy ([\d.]+) %", shown)
    assert float(found) >= 90


def test_training_within_a_budget_gives_the_same_numbers():
    pytest.importorskip("sklearn")
    numbers = r"epoch +1  loss ([\d.]+)  test accuracy ([\d.]+) %"

    free = re.findall(numbers, run("02_train_on_images.py", "--epochs", "1"))
    bound = re.findall(numbers, run("02_train_on_images.py", "--epochs", "1", "--budget", "64MiB"))

    assert len(free) == 1
    assert free == bound


def test_custom_operators_agree_with_their_gradients():
    shown = run("03_custom_operator.py")

    assert shown.count("agrees with the closed form: True") == 3


def test_look_inside_shows_graph_kernel_and_source():
    shown = run("04_look_inside.py")

    assert "void kernel_" in shown
    assert "kernel 0:" in shown
