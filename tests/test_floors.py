"""Import edges point down: who may import whom is the picture in docs/architecture.md, and this test keeps it true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = ROOT / "runtime"
PACKAGE = ROOT / "jittor_cy"

RUNTIME_FLOORS = {"base": 0, "device": 1, "memory": 2, "graph": 3, "autograd": 4, "plan": 4, "exec": 5}
# Plain C texts shared by all floors: the kernel ABI and the scalar maths that generated kernels paste.
PLAIN_TEXTS = {"exec/kernel_abi.h", "exec/kernel_math.h"}
# Headers of pure constants and views that the floor below may name: the tables of the graph's primitives.
SIDE_A_ALLOWED = {"config", "errors", "debug.trace"}
PYTHON_FLOORS = {
    "ops": 7,
    "autograd": 7,
    "random": 7,
    "io": 8,
    "nn": 8,
    "optim": 8,
    "data": 8,
    "models": 8,
    "amp": 8,
    "compat": 8,
    "bench": 8,
    "testing": 8,
    "__init__": 9,
    "array_api": 9,
    "info": 9,
}


def runtime_files() -> list[Path]:
    return sorted(p for p in RUNTIME.rglob("*") if p.suffix in {".h", ".cpp"} and p.parent != RUNTIME)


@pytest.mark.parametrize("path", runtime_files(), ids=lambda p: str(p.relative_to(RUNTIME)))
def test_runtime_includes_point_down(path: Path) -> None:
    own = RUNTIME_FLOORS[path.relative_to(RUNTIME).parts[0]]

    included = re.findall(r'#include "([^"]+)"', path.read_text())

    upward = [
        name
        for name in included
        if name not in PLAIN_TEXTS and "/" in name and RUNTIME_FLOORS.get(name.split("/")[0], 0) > own
    ]
    assert not upward, f"{path.relative_to(ROOT)} includes a higher floor: {upward}"


@pytest.mark.parametrize("path", runtime_files(), ids=lambda p: str(p.relative_to(RUNTIME)))
def test_runtime_never_sees_python(path: Path) -> None:
    assert "Python.h" not in re.findall(r'#include [<"]([^>"]+)[>"]', path.read_text())


def python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported_modules(path: Path) -> list[str]:
    """Names below jittor_cy that a file imports anywhere, also inside functions."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name.removeprefix("jittor_cy.") for name in names if name.startswith("jittor_cy.")]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


@pytest.mark.parametrize("path", python_files(), ids=module_of)
def test_compiler_imports_only_its_own_side(path: Path) -> None:
    if not module_of(path).startswith("compiler"):
        return

    outside = [
        name
        for name in imported_modules(path)
        if not name.startswith("compiler") and not any(name.startswith(ok) for ok in SIDE_A_ALLOWED)
    ]

    assert not outside, f"{module_of(path)} imports {outside}: the compiler must run before any extension exists"


@pytest.mark.parametrize("path", python_files(), ids=module_of)
def test_python_imports_point_down(path: Path) -> None:
    own = PYTHON_FLOORS.get(module_of(path).split(".")[0])
    if own is None:
        return

    upward = [name for name in imported_modules(path) if PYTHON_FLOORS.get(name.split(".")[0], 0) > own]

    assert not upward, f"{module_of(path)} imports a higher floor: {upward}"


@pytest.mark.parametrize("path", python_files(), ids=module_of)
def test_config_and_errors_need_only_the_standard_library(path: Path) -> None:
    if module_of(path) not in {"config", "errors"}:
        return
    assert not [name for name in imported_modules(path) if name.split(".")[0] not in {"config", "errors"}]


def test_siblings_of_the_compiler_do_not_know_each_other() -> None:
    siblings = {"passes", "schedule", "codegen", "toolchain"}
    wrong = []

    for path in python_files():
        parts = module_of(path).split(".")
        if parts[0] != "compiler" or len(parts) < 3 or parts[1] not in siblings:
            continue
        for name in imported_modules(path):
            other = name.split(".")
            if other[0] == "compiler" and len(other) > 1 and other[1] in siblings - {parts[1]}:
                wrong.append(f"{module_of(path)} -> {name}")

    assert not wrong


def every_source() -> list[Path]:
    return sorted(
        p
        for root in (RUNTIME, PACKAGE, ROOT / "tests", ROOT / "tutorials")
        for p in root.rglob("*")
        if p.suffix in {".h", ".cpp", ".pyx", ".pxd", ".py"}
        and not p.name.startswith("__init__")
        and "include" not in p.parts
        and not (p.suffix == ".cpp" and p.parent == PACKAGE)
    )


@pytest.mark.parametrize("path", every_source(), ids=lambda p: str(p.relative_to(ROOT)))
def test_first_line_says_what_the_file_is_for(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    assert re.match(r'(//|#|"""|r"""|/\*|#!)', first) and len(first) > 12, f"{path.name} starts with {first!r}"
