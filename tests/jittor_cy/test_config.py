"""Settings: attribute, environment, with, decorator; unknown names suggest; values are checked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jittor_cy as jt
from jittor_cy import config
from jittor_cy.errors import ArgumentError, ArgumentTypeError

READ = "import jittor_cy as jt; print(repr(getattr(jt.flags, {name!r})))"


def in_new_process(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_there_are_few_settings_and_each_is_explained() -> None:
    assert len(config.SETTINGS) <= 31
    assert all(s.doc.endswith(".") and s.accepts for s in config.SETTINGS)


@pytest.mark.parametrize(
    "name,text,value",
    [
        ("fuse", "0", "False"),
        ("window_ops", "100", "100"),
        ("cache_size", "2MiB", "2097152"),
        ("debug", "3,fuse", "'3,fuse'"),
        ("isa", "portable", "'portable'"),
        ("threads", "1", "1"),
    ],
)
def test_environment_sets_a_flag(name: str, text: str, value: str) -> None:
    found = in_new_process(READ.format(name=name), **{f"JTCY_{name.upper()}": text})

    assert found.stdout.strip() == value, found.stderr


def test_environment_of_a_wrong_type_says_so() -> None:
    found = in_new_process("import jittor_cy", JTCY_FUSE="perhaps")

    assert "JTCY_FUSE: 'perhaps' is not a bool" in found.stderr


def test_with_sets_and_puts_back_also_after_an_exception() -> None:
    with pytest.raises(KeyError), jt.flags(fuse=False, window_ops=7):
        assert (jt.flags.fuse, jt.flags.window_ops) == (False, 7)
        raise KeyError

    assert (jt.flags.fuse, jt.flags.window_ops) == (True, 4096)


def test_decorator_sets_for_the_call() -> None:
    @jt.flags(interpret=True)
    def read() -> bool:
        return jt.flags.interpret

    assert read() is True
    assert jt.flags.interpret is False


def test_unknown_name_suggests_near_ones() -> None:
    with pytest.raises(AttributeError, match="did you mean fuse"):
        jt.flags.fues = 1
    with pytest.raises(ArgumentError, match="did you mean window_ops"):
        jt.flags(window_op=1)


def test_value_of_a_wrong_type_names_what_is_accepted() -> None:
    with pytest.raises(ArgumentTypeError, match="'many' is not an int"):
        jt.flags.window_ops = "many"


def test_refused_value_leaves_the_old_one() -> None:
    with pytest.raises(ArgumentError, match="there is no instruction set 'sse9'"):
        jt.flags.isa = "sse9"

    assert jt.flags.isa == ""


@pytest.mark.parametrize(
    "value,nbytes", [(300, 300), ("300", 300), ("1.5KiB", 1536), ("2 MB", 2_000_000), ("1GiB", 2**30)]
)
def test_bytes_are_read_with_units(value: object, nbytes: int) -> None:
    assert config.parse_nbytes(value) == nbytes


def test_bytes_of_an_unknown_unit_are_an_error() -> None:
    with pytest.raises(ArgumentError, match="300MiB"):
        config.parse_nbytes("3 bushels")


def test_debug_gives_level_and_channels() -> None:
    with jt.flags(debug="3,fuse,plan"):
        assert (config.trace_level(), config.trace_channels()) == (3, "fuse,plan")


@pytest.mark.parametrize("flag", ["fuse", "interpret", "eager", "plan_cache", "wait_for_kernels"])
@pytest.mark.parametrize("value", [True, False])
def test_results_do_not_depend_on_how_they_are_run(flag: str, value: bool) -> None:
    def program() -> bytes:
        x = jt.arange(1000).float() * 0.01
        return (jt.softmax(x.sin().reshape(10, 100), 1).sum(0) * x[:100].exp()).numpy().tobytes()

    expected = program()

    with jt.flags(**{flag: value}):
        assert program() == expected


def test_eager_runs_each_operation_at_once() -> None:
    with jt.flags(eager=True):
        x = jt.ones(3) + 1

        assert x.realized


def test_threads_do_not_change_the_bits() -> None:
    x = jt.rand(300, 1000).sync()
    expected = x.sum().numpy().tobytes()

    for threads in (1, 2, 3):
        with jt.flags(threads=threads):
            assert (x + 0).sum().numpy().tobytes() == expected


def test_import_starts_nothing() -> None:
    code = (
        "import sys, threading, numpy; before = set(sys.modules); import jittor_cy as jt; "
        "print(threading.active_count(), 'jittor_cy.compiler.pipeline' in sys.modules, 'cuda' in sys.modules, "
        "'jittor_cy.nn' in sys.modules, len([t for t in __import__('os').listdir('/proc/self/task')]))"
    )

    found = in_new_process(code, OPENBLAS_NUM_THREADS="1")

    assert found.stdout.split() == ["1", "False", "False", "False", "1"], found.stderr


def flags_of_mapping(address: int) -> list[str]:
    """VmFlags of the mapping that holds `address`: hg is advised to be of huge pages, nh not to be."""
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
        if found:
            inside = int(found[1], 16) <= address < int(found[2], 16)
        elif inside and line.startswith("VmFlags:"):
            return line.split()[1:]
    return []


@pytest.mark.parametrize("on,word", [(True, "hg"), (False, "nh")])
def test_huge_pages_are_asked_for_as_the_flag_says(on: bool, word: str) -> None:
    jt.memory.trim()
    with jt.flags(huge_pages=on):
        x = (jt.zeros(5 << 20) + 1).numpy()

    assert word in flags_of_mapping(x.ctypes.data)


def test_a_setting_that_is_on_says_what_switches_it_off() -> None:
    assert [s.name for s in config.SETTINGS if s.default is True and s.off is None] == []
