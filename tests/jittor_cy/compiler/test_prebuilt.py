"""What the package is built with: the prebuilt contraction kernels of each instruction set."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from jittor_cy.compiler.aot import write_prebuilt
from jittor_cy.compiler.codegen.contraction import INSTRUCTION_SETS
from jittor_cy.compiler.toolchain.gcc import flags_for

NAMES = [isa.name for isa in INSTRUCTION_SETS]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return dict(zip(NAMES, write_prebuilt(tmp_path_factory.mktemp("prebuilt")), strict=True))


def test_there_is_a_source_for_each_instruction_set(sources: dict[str, Path]) -> None:
    assert NAMES == ["avx512", "avx2", "portable"]
    assert [path.name for path in sources.values()] == [f"prebuilt_{name}.c" for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_it_compiles_without_a_header_or_a_warning(name: str, sources: dict[str, Path], tmp_path: Path) -> None:
    text = sources[name].read_text()
    flags = [f for f in flags_for(name) if f != "-w"]
    done = subprocess.run(
        ["gcc", *flags, "-Wall", "-Werror=implicit-function-declaration", "-fsyntax-only", str(sources[name])],
        capture_output=True,
        text=True,
    )

    assert "#include" not in text
    assert done.returncode == 0, done.stderr


def test_unchanged_text_is_not_written_again(tmp_path: Path) -> None:
    first = write_prebuilt(tmp_path)
    before = [path.stat().st_mtime_ns for path in first]
    texts = [path.read_text() for path in first]
    first[0].write_text("something else")

    again = write_prebuilt(tmp_path)

    assert [path.read_text() for path in again] == texts
    assert [path.stat().st_mtime_ns for path in again[1:]] == before[1:]
