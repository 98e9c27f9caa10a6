"""Contender: a framework with its environment; a Process measures one case with it, apart from all others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jittor_cy.bench.frameworks import CLASSES, PACKAGES
from jittor_cy.errors import ArgumentError, RunError

__all__ = ["TUNED_ENVIRONMENT", "Contender", "Process", "peer"]

PACKAGE = Path(__file__).resolve().parents[1]
# A peer's process sees the bench folder of the package and nothing else of it: no extension is loaded there.
RUN_APART = f"""
import sys, types
package = types.ModuleType("jittor_cy")
package.__path__ = [{str(PACKAGE)!r}]
sys.modules["jittor_cy"] = package
from jittor_cy.bench.worker import main
main()
"""
# How the worker's trace begins where a compile failed.
COMPILE_FAILED = "[jtcy compile] failed="
# A worker ends by itself when nothing more is asked; one in the middle of a step is not waited for.
LAST_WORDS_S = 1.0
# The C library keeps what is freed: fresh pages cost PyTorch more than most of its operators.
KEPT_NBYTES = 8 << 30
TUNED_ENVIRONMENT = {
    "GLIBC_TUNABLES": f"glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold={KEPT_NBYTES}"
    f":glibc.malloc.trim_threshold={KEPT_NBYTES}"
}


@dataclass(frozen=True, slots=True)
class Contender:
    """`name` is what the report says, `framework` a key of frameworks.CLASSES; `environment` is added to ours."""

    name: str
    framework: str = "jittor_cy"
    environment: dict[str, str] = field(default_factory=dict)
    python: str = sys.executable

    @property
    def is_ours(self) -> bool:
        return CLASSES[self.framework][0] == "ours"


def peer(name: str, pythons: dict[str, str]) -> Contender:
    """The contender of this name, run by the interpreter that `pythons` has for its package."""
    package = PACKAGES[CLASSES[name][0]]
    environment = TUNED_ENVIRONMENT if name == "torch_tuned" else {}
    return Contender(name, name, environment, pythons.get(package, sys.executable))


class Process:
    """A worker for one contender and one case; a context manager. What it is asked for is answered before it returns.

    Raises: ArgumentError: the contender's package is not installed · RunError: the worker failed
    """

    def __init__(self, contender: Contender, case: str, threads: int, cache: Path) -> None:
        self.contender, self.case = contender, case
        launch = ["-m", "jittor_cy.bench.worker"] if contender.is_ours else ["-c", RUN_APART]
        self.errors = tempfile.NamedTemporaryFile("w+")
        try:
            self.process = subprocess.Popen(
                [contender.python, *launch, contender.framework, case, str(threads)],
                env=environment_of(contender, threads, cache),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.errors,
                text=True,
            )
        except OSError as error:
            self.errors.close()
            raise ArgumentError(f"bench: {contender.python} cannot be run: {error.strerror}") from None
        self.waited = False

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.stdin.close()  # type: ignore[union-attr]
        try:
            self.process.wait(LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()  # type: ignore[union-attr]
        self.errors.close()

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Sends one request and waits for its answer; the first waits for the worker's start too."""
        if not self.waited:
            self.waited = True
            self.read()
        self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")  # type: ignore[union-attr]
        self.process.stdin.flush()  # type: ignore[union-attr]
        return self.read()

    def read(self) -> dict[str, Any]:
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            raise RunError(f"bench: {self.contender.name} ended while measuring {self.case}", help=self.last_error())
        found = json.loads(line)
        if "missing" in found:
            raise missing(self.contender, found["missing"], found["error"])
        if "error" in found:
            raise RunError(f"bench: {self.contender.name} failed on {self.case}: {found['error']}")
        return found

    def failed_compile(self) -> str:
        """The trace of a kernel that could not be compiled, or nothing."""
        return next((line for line in self.said() if COMPILE_FAILED in line), "")

    def said(self) -> list[str]:
        """Lines of its stderr; read by a path, since the worker's own offset must stay."""
        return [line for line in Path(self.errors.name).read_text().splitlines() if line.strip()]

    def last_error(self) -> str:
        lines = self.said()
        return lines[-1] if lines else f"it said nothing; exit status {self.process.wait()}"


def missing(contender: Contender, module: str, message: str) -> ArgumentError:
    package = PACKAGES[CLASSES[contender.framework][0]]
    if module != package:
        return ArgumentError(f"bench: {contender.name}: {message} ({contender.python})")
    return ArgumentError(
        f"bench: {contender.name} needs the package {package}, which {contender.python} does not have",
        help=f"pip install {package}, or name an interpreter that has it: --python {package}=PATH",
    )


def environment_of(contender: Contender, threads: int, cache: Path) -> dict[str, str]:
    environment = dict(os.environ)
    for name in ("OMP", "MKL", "OPENBLAS"):
        environment[f"{name}_NUM_THREADS"] = str(threads)
    if contender.is_ours:
        environment |= {"JTCY_CACHE_DIR": str(cache), "JTCY_DEBUG": "1,compile"}
        environment["PYTHONPATH"] = os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")])
    return environment | contender.environment
