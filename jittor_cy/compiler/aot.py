"""Which kernels are generated when the package is built, per instruction set.

`python -m jittor_cy.compiler.aot OUTDIR` writes OUTDIR/prebuilt_<instruction set>.c; setup.py compiles each with the
flags of its instruction set and links it into libjtcy.so, where runtime/exec/contraction.cpp finds its table.
"""

from __future__ import annotations

import sys
from pathlib import Path

from jittor_cy.compiler.codegen.contraction import INSTRUCTION_SETS, prebuilt_source
from jittor_cy.compiler.codegen.pasted import maths_text

__all__ = ["write_prebuilt"]

RUNTIME = Path(__file__).resolve().parents[2] / "runtime" / "exec"
ABI_BEGIN, ABI_END = "/* contraction-abi-begin */", "/* contraction-abi-end */"


def write_prebuilt(folder: Path, runtime: Path = RUNTIME) -> list[Path]:
    """Write the source of each instruction set; a file whose text is unchanged keeps its time stamp."""
    header = (runtime / "contraction.h").read_text(encoding="utf-8")
    abi = header[header.index(ABI_BEGIN) : header.index(ABI_END)]
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for isa in INSTRUCTION_SETS:
        path = folder / f"prebuilt_{isa.name}.c"
        text = prebuilt_source(isa, abi, maths_text())
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


if __name__ == "__main__":
    for written in write_prebuilt(Path(sys.argv[1])):
        print(written)
