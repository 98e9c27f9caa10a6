"""CUDA source → shared object for the simulated GPU: NVRTC's very text, compiled by g++ with simt.h before it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from jittor_cy.errors import CompileError

__all__ = ["compile_simulated", "kernel_names", "simulated_text"]

# As for the CPU's kernels (docs/bits.md). -O1: the text runs once or twice in a test, compiling it costs more.
FLAGS = (
    "-std=c++17",
    "-O1",
    "-fPIC",
    "-shared",
    "-w",
    "-fvisibility=hidden",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fwrapv",
    "-fno-strict-aliasing",
)

KERNEL = re.compile(r'extern "C" __global__ void (?:__launch_bounds__\([^)]*\) )?(\w+)\(')
WAITS = re.compile(r"__syncthreads|__syncwarp|_sync\(")


def kernel_names(text: str) -> list[str]:
    """The kernels that a CUDA text defines, in order."""
    return KERNEL.findall(text)


def simulated_text(text: str) -> str:
    """`text` with the lines behind it by which the simulated driver finds its kernels."""
    waits = int(WAITS.search(text) is not None)
    doors = ["SIMT_MODULE", *(f"SIMT_KERNEL({name}, {waits})" for name in kernel_names(text))]
    return text + "\n" + "\n".join(doors) + "\n"


def compile_simulated(text: str, target: Path, machine_flags: tuple[str, ...] = ()) -> Path:
    """Compile a CUDA text to the shared object `target`.

    Args:     machine_flags: the instruction set, as for the CPU's kernels
    Raises:   CompileError: with g++'s first diagnostic, or where there is no g++
    """
    compiler = shutil.which("g++")
    if compiler is None:
        raise CompileError(
            "the simulated GPU needs g++, and none is found", help="install g++, or leave simulate_cuda off"
        )
    source = target.with_suffix(".cpp")
    source.write_text(simulated_text(text))
    command = [compiler, *FLAGS, *machine_flags, "-include", str(simt_header()), str(source), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr)
        raise CompileError(f"{source}: g++ failed\n  {first}\n{done.stderr}")
    return target


def simt_header() -> Path:
    """simt.h as setup.py put it beside the generator, or in the source tree."""
    installed = Path(__file__).parent.parent / "codegen" / "include" / "simt.h"
    in_tree = Path(__file__).parents[3] / "runtime" / "device" / "simulated" / "simt.h"
    return in_tree if in_tree.exists() else installed
