"""gcc and the disk cache: what is kept, what is refused, what is said, and what happens to damage."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jittor_cy import config
from jittor_cy.compiler.ir.program import KernelSource
from jittor_cy.compiler.toolchain import gcc
from jittor_cy.compiler.toolchain.disk_cache import STALE_S, DiskCache
from jittor_cy.compiler.toolchain.processes import Processes
from jittor_cy.compiler.toolchain.work_folder import WorkFolder
from jittor_cy.errors import CompileError

FLAGS = gcc.flags_for("portable")
MIB = 1 << 20


def source(number: int, body: str = "return 41 + x;") -> KernelSource:
    key = f"{number:064x}"
    helper = f"static inline int helper_{number}(int x) {{ {body} }}"
    text = f"{helper}\n\nint value_{number}(void) {{ return helper_{number}(1); }}\n"
    return KernelSource(key, f"kernel{number}", text, 1)


class Answers:
    """What the compiler called back."""

    def __init__(self) -> None:
        self.ready: dict[str, str] = {}
        self.failed: dict[str, str] = {}

    def value(self, number: int) -> int:
        return getattr(ctypes.CDLL(self.ready[f"{number:064x}"]), f"value_{number}")()


@pytest.fixture
def compiler(tmp_path: Path) -> Iterator[gcc.Compiler]:
    with config.flags(cache_dir=str(tmp_path / "cache"), compile_jobs=2):
        made = gcc.Compiler()
        yield made
        made.stop()


def build(compiler: gcc.Compiler, sources: list[KernelSource]) -> Answers:
    answers = Answers()
    compiler.compile_kernels(sources, FLAGS, answers.ready.__setitem__, answers.failed.__setitem__, wait=True)
    return answers


def test_kernels_are_compiled_together_and_load(compiler: gcc.Compiler) -> None:
    answers = build(compiler, [source(n) for n in range(5)])

    assert not answers.failed
    assert len(set(answers.ready.values())) == 2
    assert [answers.value(n) for n in range(5)] == [42] * 5


def test_many_kernels_are_compiled_a_few_at_a_time(compiler: gcc.Compiler) -> None:
    answers = build(compiler, [source(n) for n in range(6 * gcc.FEW_KERNELS)])

    units = list(answers.ready.values())
    assert not answers.failed
    assert max(units.count(unit) for unit in units) == gcc.FEW_KERNELS


def test_helpers_that_several_kernels_paste_stand_once_in_their_unit(compiler: gcc.Compiler) -> None:
    helper = "static __attribute__((noinline)) int shared(int x) { return x + 1; }"
    sources = [
        KernelSource(f"{n:064x}", f"kernel{n}", f"{helper}\n\nint value_{n}(void) {{ return shared({n}); }}\n", 1)
        for n in range(3 * gcc.FEW_KERNELS)
    ]

    answers = build(compiler, sources)

    assert len(set(answers.ready.values())) == 3  # each unit compiled as a whole
    assert [answers.value(n) for n in range(3)] == [1, 2, 3]


def test_threads_keep_the_priority_of_who_starts_them(compiler: gcc.Compiler) -> None:
    def found() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def use_from_behind() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        answers.extend(compiler.executor().submit(found).result() for _ in range(4))

    answers: list[int] = []
    compiler.start_threads()
    behind = threading.Thread(target=use_from_behind)
    behind.start()
    behind.join()

    assert answers == [found()] * 4


def test_second_compiler_finds_everything_in_the_cache(compiler: gcc.Compiler) -> None:
    build(compiler, [source(1), source(2)])
    later = gcc.Compiler()

    answers = build(later, [source(1), source(2)])

    assert later.compiled == 0
    assert answers.value(1) == 42
    later.stop()


def test_failure_names_path_line_and_diagnostic_and_spares_the_others(compiler: gcc.Compiler) -> None:
    with config.flags(compile_jobs=1):
        answers = build(compiler, [source(1), source(2, "return nothing_of_this_name;")])

    assert list(answers.ready) == [source(1).key]
    (message,) = answers.failed.values()
    first, second = message.splitlines()
    assert ".c:1: ‘nothing_of_this_name’ undeclared" in first or ".c:1: 'nothing_of_this_name' undeclared" in first
    assert second.strip().startswith("1 | static inline int helper_2")


def test_no_compiler_is_said_with_its_cure(tmp_path: Path) -> None:
    with config.flags(cc="no-such-compiler"), pytest.raises(CompileError, match=r"no C compiler \(no-such-compiler\)"):
        gcc.compile_shared("int x;", tmp_path, "x", FLAGS)


def test_driver_serves_where_cc1_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = gcc.find_programs("gcc")
    monkeypatch.setattr(gcc, "find_programs", lambda driver: gcc.Programs(found.driver, None, None, None))

    library = gcc.compile_shared("int value(void) { return 7; }", tmp_path, "unit", FLAGS)

    assert ctypes.CDLL(str(library)).value() == 7


def test_no_space_for_the_cache_still_compiles(
    compiler: gcc.Compiler, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: DiskCache, place: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DiskCache, "write", full)
    with config.flags(debug=1):
        answers = build(compiler, [source(1)])
        build(compiler, [source(2)])

    assert answers.value(1) == 42
    assert capsys.readouterr().err.count("No space left on device") == 1


def filled(folder: Path, size: int = MIB) -> tuple[DiskCache, Path]:
    cache = DiskCache(folder / "cache", size)
    library = folder / "unit.so"
    library.write_bytes(b"object" * 100)
    return cache, library


def test_entry_is_found_with_its_source_beside_it(tmp_path: Path) -> None:
    cache, library = filled(tmp_path)
    cache.insert(["a" * 64, "b" * 64], library, "int x;")

    place = DiskCache(tmp_path / "cache", MIB).find("b" * 64)

    assert place.read_bytes() == library.read_bytes()
    assert place.with_suffix(".c").read_text() == "int x;"


def test_damaged_object_is_forgotten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache, library = filled(tmp_path)
    place = cache.insert(["a" * 64], library, "int x;")
    place.write_bytes(b"damage")

    with config.flags(debug=1):
        found = cache.find("a" * 64)

    assert found is None
    assert cache.damaged == 1
    assert "effect=built again" in capsys.readouterr().err
    assert cache.insert(["a" * 64], library, "int x;") == place
    assert cache.find("a" * 64) == place


def test_damaged_key_is_forgotten(tmp_path: Path) -> None:
    cache, library = filled(tmp_path)
    cache.insert(["a" * 64], library, "int x;")
    (tmp_path / "cache" / "keys" / ("a" * 64)).write_text("half")

    assert cache.find("a" * 64) is None


def test_folder_that_others_can_write_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(0o777)

    with config.flags(debug=1):
        cache = DiskCache(folder, MIB)

    assert not cache.usable
    assert "can be written by others (mode 777); chmod 700 it" in capsys.readouterr().err


def test_new_folder_is_private(tmp_path: Path) -> None:
    DiskCache(tmp_path / "cache", MIB)

    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


def test_left_over_temporary_files_go_when_they_are_old(tmp_path: Path) -> None:
    cache, _ = filled(tmp_path)
    old, young = (cache.folder / "objects" / name for name in ("tmp-old", "tmp-young"))
    old.touch()
    young.touch()
    before = time.time() - STALE_S - 60
    os.utime(old, (before, before))

    DiskCache(cache.folder, MIB)

    assert not old.exists()
    assert young.exists()


def test_oldest_objects_go_where_the_folder_is_too_big(tmp_path: Path) -> None:
    cache, library = filled(tmp_path, size=1500)
    for number in range(4):
        library.write_bytes(bytes([number]) * 600)
        place = cache.insert([f"{number:064x}"], library, "")
        os.utime(place, (number, number))

    cache.trim()

    assert [cache.find(f"{n:064x}") is not None for n in range(4)] == [False, False, True, True]
    assert len(list((cache.folder / "keys").iterdir())) == 2


# ---- what is left behind ----


def test_compiled_files_move_to_the_cache(compiler: gcc.Compiler) -> None:
    build(compiler, [source(n) for n in range(3)])

    assert [p.name for p in compiler.work_folder().iterdir()] == ["lock"]


def test_without_a_cache_the_objects_stay_until_the_end(tmp_path: Path) -> None:
    with config.flags(cache_size=0):
        compiler = gcc.Compiler()
        answers = build(compiler, [source(1)])
        folder = compiler.work_folder()

        assert answers.value(1) == 42
        assert sorted(p.suffix for p in folder.iterdir()) == ["", ".so"]
        compiler.stop()
    assert not folder.exists()


def test_folder_of_a_killed_process_is_removed_by_the_next(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from jittor_cy.compiler.toolchain.work_folder import WorkFolder
print(WorkFolder(Path({str(tmp_path)!r})).path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    left = Path(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip())
    assert left.exists()

    mine = WorkFolder(tmp_path)
    other = WorkFolder(tmp_path)

    assert not left.exists()
    assert mine.path.exists()
    other.remove()
    mine.remove()
    assert not list(tmp_path.iterdir())


def test_stopping_ends_what_runs(tmp_path: Path) -> None:
    processes, codes = Processes(), []
    thread = threading.Thread(target=lambda: codes.append(processes.run(["sleep", "60"], tmp_path)[0]))
    thread.start()
    while not processes.running:
        time.sleep(0.001)

    processes.stop()
    thread.join(10)

    assert codes == [-9]
    assert processes.run(["true"], tmp_path) == (1, "the process is ending")
