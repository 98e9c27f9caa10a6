"""Builds and runs the C++ tests beside this file: plain, under ASan and UBSan, and under TSan where threads matter."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RUNTIME = ROOT / "runtime"
# A test links the sources of its own floor and those below.
FLOORS = ("base", "device", "memory", "graph", "plan", "autograd", "exec")
CONFIGURATIONS = {
    "plain": ["-O1", "-g", *os.environ.get("CXXFLAGS", "").split()],  # --coverage comes this way (tests/coverage.py)
    "asan": ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"],
    "tsan": ["-O1", "-g", "-fsanitize=thread"],
}
THREADED = ("thread", "pool", "executor")
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}
SECONDS = 240


@cache
def package_build() -> ModuleType:
    """setup.py as a module: the flags of the tests are the flags of the package."""
    spec = importlib.util.spec_from_file_location("jittor_cy_setup", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def units_of(floor: str, configuration: str, folder: Path) -> list:
    """The translation units of one floor."""
    build = package_build()
    flags = ["-std=c++20", f"-I{RUNTIME}", *build.COMMON, *build.EXACT, *CONFIGURATIONS[configuration]]
    units = []
    for source in sorted((RUNTIME / floor).rglob("*.cpp")):
        target = folder / source.relative_to(RUNTIME).with_suffix(".o")
        if not source.stem.endswith("_isa"):
            units.append(build.Compile(source, target, flags, "g++"))
            continue
        for isa, isa_flags in build.INSTRUCTION_SETS.items():
            isa_flags = [*flags, *build.VECTORIZE, f"-DJTCY_ISA_NAME={isa}", *isa_flags]
            units.append(build.Compile(source, target.with_suffix(f".{isa}.o"), isa_flags, "g++"))
    if floor == "exec":
        units += build.BuildExt.prebuilt_kernels(None, folder)
    return units


@cache
def archive(floor: str, configuration: str, folder: Path) -> Path:
    """The static library of one floor; made anew only where an object is newer."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda unit: unit.run(), units_of(floor, configuration, folder)))
    library = folder / f"lib{floor}.a"
    if not library.exists() or any(o.stat().st_mtime > library.stat().st_mtime for o in objects):
        library.unlink(missing_ok=True)
        subprocess.run(["ar", "rcs", str(library), *map(str, objects)], check=True)
    return library


def build_test(source: Path, configuration: str, folder: Path) -> Path:
    """The executable of one test."""
    floor = source.relative_to(HERE).parts[0]
    libraries = [str(archive(f, configuration, folder)) for f in FLOORS[: FLOORS.index(floor) + 1]]
    build = package_build()
    flags = ["-std=c++20", f"-I{RUNTIME}", f"-I{HERE}", *build.COMMON, *build.EXACT, *CONFIGURATIONS[configuration]]
    unit = build.Compile(source, folder / "tests" / source.relative_to(HERE).with_suffix(".o"), flags, "g++").run()
    program = unit.with_suffix("")
    link = [
        "g++",
        *CONFIGURATIONS[configuration],
        "-pthread",
        "-o",
        str(program),
        str(unit),
        "-Wl,--start-group",
        *libraries,
        "-Wl,--end-group",
        "-ldl",
    ]
    subprocess.run(link, check=True)
    return program


def cases() -> list:
    """Every test with every configuration that applies to it."""
    found = []
    for source in sorted(HERE.rglob("test_*.cpp")):
        for configuration in CONFIGURATIONS:
            if configuration == "tsan" and not any(word in source.stem for word in THREADED):
                continue
            found.append(pytest.param(source, configuration, id=f"{source.relative_to(HERE)}-{configuration}"))
    return found


@pytest.mark.parametrize(("source", "configuration"), cases())
def test_cpp_unit_passes(
    source: Path, configuration: str, pytestconfig: pytest.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)  # setup.py names its folders from there
    folder = Path(pytestconfig.cache.mkdir("runtime_cpp")) / configuration
    program = build_test(source, configuration, folder)

    environment = os.environ | ENVIRONMENT | {"JTCY_SPILL_DIR": str(tmp_path)}
    result = subprocess.run(
        [str(program)],
        check=False,
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
    )

    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-6000:]
