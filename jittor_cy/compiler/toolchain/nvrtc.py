"""Source → cubin for one GPU architecture through cuda-python's NVRTC; log and resource use come back with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import ModuleType

from jittor_cy.errors import CompileError

__all__ = ["OPTIONS", "Cubin", "Resources", "compile_cubin", "nvrtc_version"]

# Part of the bits (docs/bits.md): a fused multiply-add stands only where the text says so, division and square root are
# the IEEE ones (NVRTC's default). --minimal: the texts need no header, not even the built-in ones.
OPTIONS = (
    "--fmad=false",
    "--std=c++17",
    "-default-device",
    "--device-int128",
    "--minimal",
    "--disable-warnings",
    "--ptxas-options=-v",
)


@dataclass(frozen=True, slots=True)
class Resources:
    """What ptxas says of one kernel; a spill is a register that lives in memory."""

    registers: int
    stack_nbytes: int
    spill_nbytes: int
    shared_nbytes: int


@dataclass(frozen=True, slots=True)
class Cubin:
    """A binary for exactly one architecture, and the resources of each of its kernels."""

    image: bytes
    resources: dict[str, Resources]
    log: str


def nvrtc_version() -> tuple[int, int] | None:
    """Major and minor version of NVRTC, or None where cuda-python or the library is not installed."""
    try:
        nvrtc = load_nvrtc()
        result, major, minor = nvrtc.nvrtcVersion()
    except Exception:  # noqa: BLE001 - cuda-python raises ImportError, RuntimeError or its own class, by version
        return None
    return (major, minor) if result == nvrtc.nvrtcResult.NVRTC_SUCCESS else None


def compile_cubin(source: str, architecture: int, name: str = "kernel.cu") -> Cubin:
    """Compile `source` to a cubin for sm_<architecture>.

    Args:     architecture: 90 for sm_90
              name: stands in the diagnostics
    Raises:   CompileError: with NVRTC's first diagnostic, the line it names and the whole log
    """
    nvrtc = load_nvrtc()
    ok = nvrtc.nvrtcResult.NVRTC_SUCCESS
    result, program = nvrtc.nvrtcCreateProgram(source.encode(), name.encode(), 0, [], [])
    if result != ok:
        raise CompileError(f"{name}: NVRTC refused the program, {result.name}")
    try:
        options = [option.encode() for option in (f"-arch=sm_{architecture}", *OPTIONS)]
        (result,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
        log = read_log(nvrtc, program)
        if result != ok:
            raise CompileError(failure_text(name, source, log))
        _, size = nvrtc.nvrtcGetCUBINSize(program)
        image = bytearray(size)
        nvrtc.nvrtcGetCUBIN(program, image)
    finally:
        nvrtc.nvrtcDestroyProgram(program)
    return Cubin(bytes(image), resources_in(log), log)


def load_nvrtc() -> ModuleType:
    """cuda-python's module, imported only here: nothing of CUDA is loaded before it is asked for."""
    from cuda.bindings import nvrtc

    return nvrtc


def read_log(nvrtc: ModuleType, program: object) -> str:
    _, size = nvrtc.nvrtcGetProgramLogSize(program)
    log = bytearray(size)
    nvrtc.nvrtcGetProgramLog(program, log)
    return log.decode(errors="replace").rstrip("\0\n ")


def failure_text(name: str, source: str, log: str) -> str:
    """The first diagnostic with the line it names, then the log."""
    first = re.search(re.escape(name) + r"\((\d+)\): (.*)", log)
    if first is None:
        return f"{name}: NVRTC failed\n{log}"
    number = int(first.group(1))
    lines = source.splitlines()
    line = lines[number - 1].strip() if number <= len(lines) else ""
    return f"{name}:{number}: {first.group(2)}\n  {number} | {line}\n{log}"


def resources_in(log: str) -> dict[str, Resources]:
    """Registers, stack, spills and shared memory of each entry function in the output of ptxas -v."""
    found = {}
    for part in re.split(r"Compiling entry function '", log)[1:]:
        symbol = part.split("'", 1)[0]
        used = re.search(r"Used (\d+) registers", part)
        memory = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", part)
        shared = re.search(r"(\d+) bytes smem", part)
        found[symbol] = Resources(
            registers=int(used.group(1)) if used else 0,
            stack_nbytes=int(memory.group(1)) if memory else 0,
            spill_nbytes=int(memory.group(2)) + int(memory.group(3)) if memory else 0,
            shared_nbytes=int(shared.group(1)) if shared else 0,
        )
    return found
