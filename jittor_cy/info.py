"""`python -m jittor_cy.info`: what a bug report needs: versions, machine, compiler, cache, settings, a self-test."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

__all__ = ["collect", "main"]


def version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def first_line(command: list[str]) -> str:
    found = shutil.which(command[0])
    if found is None:
        return "not found"
    done = subprocess.run([found, *command[1:]], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[0] if done.stdout else f"{found} said nothing"


def cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def cache_state(folder: Path) -> str:
    if not folder.exists():
        return f"{folder} (not there yet)"
    files = [p for p in folder.rglob("*") if p.is_file()]
    return f"{folder}: {len(files)} files, {sum(p.stat().st_size for p in files) / 2**20:.1f} MiB"


def self_test() -> str:
    """Runs one fused kernel and compares it with NumPy."""
    import numpy as np

    import jittor_cy as jt

    start = time.perf_counter()
    x = np.linspace(-3, 3, 10_000, dtype=np.float32).reshape(100, 100)
    with jt.flags(wait_for_kernels=True):
        found = jt.softmax(jt.array(x), 1).numpy()
    wide = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    error = float(np.abs(found - wide / wide.sum(1, keepdims=True)).max())
    return f"softmax off by {error:.1e} in {time.perf_counter() - start:.2f} s: {'right' if error < 1e-6 else 'WRONG'}"


def collect() -> dict[str, str]:
    """The report, by name."""
    import jittor_cy as jt
    from jittor_cy import _plan, config

    settings = {s.name: s.default for s in config.SETTINGS}
    changed = {n: v for n, v in jt.flags.items() if settings[n] != v}
    return {
        "jittor_cy": jt.__version__,
        "python": f"{platform.python_version()} {sys.executable}",
        "numpy": version_of("numpy"),
        "cuda-python": version_of("cuda-python"),
        "nvrtc": version_of("nvidia-cuda-nvrtc"),
        "system": platform.platform(),
        "cpu": cpu_name(),
        "cores to use": str(len(os.sched_getaffinity(0))),
        "threads": str(_plan.threads()),
        "instruction set": _plan.isa(),
        "compiler": first_line([jt.flags.cc or "gcc", "--version"]),
        "kernel cache": cache_state(Path(_plan.cache_folder())),
        "settings not at default": ", ".join(f"{n}={v!r}" for n, v in changed.items()) or "none",
        "self-test": self_test(),
    }


def main() -> int:
    """Prints the report; 1 where the self-test was wrong."""
    report = collect()
    width = max(map(len, report))
    for name, value in report.items():
        print(f"{name:{width}}  {value}")
    return 1 if "WRONG" in report["self-test"] else 0


if __name__ == "__main__":
    sys.exit(main())
