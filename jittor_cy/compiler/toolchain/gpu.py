"""Kernels of a GPU: found in the disk cache, or compiled in the background (NVRTC, simulated GPU), then loaded."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jittor_cy.compiler.ir.program import KernelSource
from jittor_cy.compiler.toolchain.disk_cache import DiskCache
from jittor_cy.compiler.toolchain.gcc import MACHINE_FLAGS, compiler
from jittor_cy.compiler.toolchain.nvrtc import OPTIONS, compile_cubin, nvrtc_version
from jittor_cy.compiler.toolchain.simulated import FLAGS, compile_simulated, simt_header
from jittor_cy.debug.trace import trace

__all__ = ["GpuTarget", "compile_gpu_kernels"]


@dataclass(frozen=True, slots=True)
class GpuTarget:
    """The device that kernels are compiled for. `machine`: the CPU's instruction set, for the simulated GPU."""

    architecture: int
    simulated: bool
    machine: str = "portable"

    def cache_key(self, source: KernelSource) -> str:
        """The kernel's key with everything else that decides the binary."""
        parts = [source.key, source.text]
        if self.simulated:
            parts += ["simulated", simt_header().read_text(), *FLAGS, *MACHINE_FLAGS[self.machine]]
        else:
            parts += [f"sm_{self.architecture}", str(nvrtc_version()), *OPTIONS]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def compile_gpu_kernels(
    sources: Sequence[KernelSource],
    target: GpuTarget,
    on_ready: Callable[[KernelSource, bytes], None],
    on_failed: Callable[[str, str], None],
) -> None:
    """Calls `on_ready(source, image)` or `on_failed(key, message)` for each source from a worker; returns at once.

    The image is what the driver loads: a cubin, or the path of a shared object for the simulated GPU.
    """
    for source in sources:
        compiler().executor().submit(serve, source, target, on_ready, on_failed)


def serve(
    source: KernelSource,
    target: GpuTarget,
    on_ready: Callable[[KernelSource, bytes], None],
    on_failed: Callable[[str, str], None],
) -> None:
    """One kernel; whatever goes wrong is told, because somebody waits for the answer."""
    try:
        on_ready(source, image_of(find_or_build(source, target), target))
    except Exception as error:  # noqa: BLE001 - the driver's and cuda-python's errors have many classes
        trace(1, "compile", failed=source.name, why=str(error).splitlines()[0], effect="the host serves")
        on_failed(source.key, str(error))


def image_of(path: Path, target: GpuTarget) -> bytes:
    return bytes(path) if target.simulated else path.read_bytes()


def find_or_build(source: KernelSource, target: GpuTarget) -> Path:
    cache: DiskCache = compiler().disk_cache()
    key = target.cache_key(source)
    found = cache.find(key)
    if found is not None:
        trace(2, "kernel", key=source.key[:16], name=source.name, cache="disk", file=found)
        return found
    built = build(source, target, Path(tempfile.mkdtemp(dir=compiler().work_folder())) / f"{source.key[:16]}.so")
    place = cache.insert([key], built, source.text) or built
    if place != built:
        shutil.rmtree(built.parent)
    trace(2, "kernel", key=source.key[:16], name=source.name, cache="built", file=place)
    return place


def build(source: KernelSource, target: GpuTarget, place: Path) -> Path:
    """Compiles to the file `place`."""
    if target.simulated:
        return compile_simulated(source.text, place, MACHINE_FLAGS[target.machine])
    place.write_bytes(compile_cubin(source.text, target.architecture, f"{source.name}.cu").image)
    return place
