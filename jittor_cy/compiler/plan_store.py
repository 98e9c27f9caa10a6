"""Programs on disk: what one process planned, the next one loads at its first sight of the same structure."""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path

from jittor_cy.compiler.codegen.pasted import pasted_file
from jittor_cy.compiler.ir.program import Program
from jittor_cy.compiler.toolchain.gcc import compiler, compiler_version, flags_for

__all__ = ["keep", "key_of", "recall"]

PACKAGE = Path(__file__).resolve().parents[1]


@functools.cache
def code_stamp() -> str:
    """Changes whenever a file that decides Programs does: this folder, and what was built from runtime/."""
    found = []
    for folder, _, names in os.walk(PACKAGE / "compiler"):
        found += [os.path.join(folder, name) for name in names if not name.endswith(".pyc")]
    maths = pasted_file("kernel_math.h")
    pasted = (pasted_file("kernel_abi.h"), *maths.parent.glob("kernel_math*.h"))
    found += [str(path) for path in (*PACKAGE.glob("*.so"), *pasted)]
    about = [(path, os.stat(path)) for path in sorted(found)]
    return repr([(path, entry.st_size, entry.st_mtime_ns) for path, entry in about]) + sys.version


def key_of(signature: str, isa: str, options: str) -> str:
    """The hash of everything that a Program follows from."""
    parts = (signature, isa, options, *flags_for(isa), compiler_version(), code_stamp())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def keep(key: str, program: Program) -> None:
    """Without the kernels' texts: what cannot be loaded any more is planned again."""
    bare = replace(program, kernels=tuple(replace(kernel, text="") for kernel in program.kernels), notes=())
    compiler().disk_cache().insert_plan(key, pickle.dumps(bare))


def recall(key: str) -> Program | None:
    """The Program, or None. The folder is this user's alone, as its shared objects need it to be."""
    data = compiler().disk_cache().find_plan(key)
    return None if data is None else pickle.loads(data)
