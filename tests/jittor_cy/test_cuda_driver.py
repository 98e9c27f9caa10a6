"""What jittor_cy._cuda says of a device, and how it takes a driver that is missing or is not the expected one."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import _cuda

PRELUDE = "import sys\nimport types\nimport jittor_cy as jt\nfrom jittor_cy import _cuda\n"
# A cydriver whose capsules are those that the test names; `real` are cuda-python's own.
DRIVER = """
from cuda.bindings import cydriver as real_module
real = real_module.__pyx_capi__
found = dict(real)
{change}
import cuda.bindings
cuda.bindings.cydriver = sys.modules["cuda.bindings.cydriver"] = types.SimpleNamespace(__pyx_capi__=found)
print(_cuda.enable(), _cuda.enabled())
"""
INSTALLED = """
try:
    import cuda.bindings.cydriver
except ImportError:
    sys.exit(77)
"""
NOT_INSTALLED = 77
ORDERS = {"ascending": 0, "descending": 1, "shuffled": 2}


class Output(NamedTuple):
    """What a program has printed."""

    stdout: str
    stderr: str


Run = Callable[..., Output]


def run_program(program: str) -> None:
    exec(PRELUDE + program, {"__name__": "program"})


@pytest.fixture
def run_apart(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """Runs in a process of its own: a device that was enabled stays so until the process ends.

    Through multiprocessing, so that tests.coverage sees the lines that run there.
    """

    def run(program: str, **environment: str) -> Output:
        for name, value in {"JTCY_DEBUG": "0", "JTCY_USE_CUDA": "0", **environment}.items():
            monkeypatch.setenv(name, value)
        child = multiprocessing.get_context("spawn").Process(target=run_program, args=(program,))
        child.start()
        child.join()
        stdout, stderr = capfd.readouterr()
        if child.exitcode == NOT_INSTALLED:
            pytest.skip("cuda-python is not installed (pip install .[cuda])")
        assert child.exitcode == 0, stderr
        return Output(stdout, stderr)

    return run


@pytest.fixture
def simulated():
    """New Vars live on the simulated GPU."""
    with jt.flags(simulate_cuda=True, use_cuda=True, wait_for_kernels=True):
        jt.sync_all()
        yield
        jt.sync_all()
    _cuda.set_simulation(order=0)


@pytest.mark.parametrize("call", ["_cuda.describe()", "_cuda.load_kernel('key', b'image', [])"])
def test_device_asked_before_it_is_enabled_is_a_device_error(run_apart: Run, call: str) -> None:
    program = f"try:\n    {call}\nexcept jt.errors.DeviceError as error:\n    print(error, _cuda.enabled())"

    done = run_apart(program)

    assert done.stdout == "CUDA is not enabled\n  help: set jt.flags.use_cuda = 1 False\n"


@pytest.mark.parametrize(
    "change,reason",
    [
        ("del found['cuMemAlloc']", "cuda-python offers no cuMemAlloc"),
        ("found['cuMemAlloc'] = real['cuInit']", "cuda-python's cuMemAlloc is "),
        ("found.clear()", "cuda-python offers no cu"),
    ],
    ids=["missing", "another signature", "nothing"],
)
def test_driver_table_that_is_not_the_expected_one_is_refused_by_name(run_apart: Run, change: str, reason: str) -> None:
    done = run_apart(INSTALLED + DRIVER.format(change=change))

    assert done.stdout == "False False\n"
    assert done.stderr.startswith(f"jittor_cy: use_cuda is on, but there is no CUDA here ({reason}")
    assert done.stderr.endswith("); running on the CPU\n")
    assert done.stderr.count("\n") == 1


def test_missing_driver_is_said_in_one_line_and_may_be_asked_for_again(run_apart: Run) -> None:
    program = "print(_cuda.enable(simulated=False), _cuda.enabled())\n" * 2

    # No device is visible even where there is a driver.
    done = run_apart(INSTALLED + program, CUDA_VISIBLE_DEVICES="")

    assert done.stdout == "False False\n" * 2
    lines = done.stderr.splitlines()
    assert len(lines) == 2 and lines[0] == lines[1]
    assert lines[0].startswith("jittor_cy: use_cuda is on, but there is no CUDA here (")
    assert lines[0].endswith("); running on the CPU")


def test_device_enabled_once_stays_the_same(simulated: None) -> None:
    before = _cuda.describe()

    assert _cuda.enable(simulated=False)
    assert _cuda.enable(simulated=True, managed=True)
    assert _cuda.describe() == before


def test_simulated_gpu_describes_itself(simulated: None) -> None:
    about = _cuda.describe()

    assert _cuda.enabled()
    assert (about["name"], about["architecture"], about["managed"]) == (_cuda.SIMULATED, 90, False)
    assert about["managed_nbytes"] == 0
    assert about["managed_limit"] > 0


def test_managed_memory_is_counted_and_bounded_below_the_memory_there_is(run_apart: Run) -> None:
    program = """
with jt.flags(simulate_cuda=True, managed_memory=True, use_cuda=True):
    x = jt.ones(1 << 20) + 1
    print(float(x.sum().item()), x.device)
    about = _cuda.describe()
    print(about["managed"], about["managed_nbytes"] >= 4 << 20, about["managed_nbytes"] <= about["managed_limit"])
"""

    done = run_apart(program)

    assert done.stdout == f"{float(2 << 20)} cuda:0\nTrue True True\n"


def test_launches_are_counted(simulated: None) -> None:
    x = jt.array(np.arange(5, dtype=np.float32))
    jt.sync_all()
    before = _cuda.simulated_launch_count()

    first = (x * 3 + 1).tolist()
    after_one = _cuda.simulated_launch_count()
    second = (x * 3 + 1).tolist()

    assert first == second == [1.0, 4.0, 7.0, 10.0, 13.0]
    assert (after_one - before, _cuda.simulated_launch_count() - after_one) == (1, 1)


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_every_order_of_threads_gives_the_same_values(simulated: None, order: int) -> None:
    values = np.arange(600, dtype=np.int32).reshape(20, 30)
    _cuda.set_simulation(order=order)

    x = jt.array(values)

    np.testing.assert_array_equal((x * 2).sum(1).numpy(), 2 * values.sum(1))
    np.testing.assert_array_equal(x.max(0).numpy(), values.max(0))


def test_simulated_memory_is_what_it_was_set_to(run_apart: Run) -> None:
    program = """
_cuda.set_simulation(order=1, nbytes=64 << 20)
with jt.flags(simulate_cuda=True, use_cuda=True):
    print(jt.ones(1 << 20).sum().item())
    try:
        (jt.rand(1 << 26) + 1).numpy()
    except MemoryError as error:
        print(type(error).__name__)
"""

    done = run_apart(program)

    assert done.stdout == f"{float(1 << 20)}\nMemoryBudgetError\n"


def test_image_that_cannot_be_loaded_is_an_error_with_the_drivers_words(simulated: None) -> None:
    with pytest.raises(jt.errors.DeviceError, match="cuLibraryLoadData failed with CUDA_ERROR_INVALID_IMAGE"):
        _cuda.load_kernel("0" * 32, b"/nowhere.so", [])

    assert (jt.ones(3) + 1).tolist() == [2.0, 2.0, 2.0]
