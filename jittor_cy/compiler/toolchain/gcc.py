"""C text → shared object: gcc's own cc1, as and ld called directly where they are found, the gcc driver otherwise.

All missing kernels of a flush go into as many translation units as there are jobs, in the background.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from jittor_cy import config
from jittor_cy.compiler.ir.program import KernelSource
from jittor_cy.compiler.toolchain.disk_cache import DiskCache, default_folder
from jittor_cy.compiler.toolchain.processes import Processes
from jittor_cy.compiler.toolchain.work_folder import WorkFolder
from jittor_cy.debug.trace import is_on, trace
from jittor_cy.errors import CompileError

__all__ = ["MACHINE_FLAGS", "Compiler", "compile_shared", "compiler", "compiler_version", "flags_for"]

# Part of the bits: docs/bits.md. Every kernel and the interpreter are compiled with these.
EXACT = ("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fwrapv", "-fno-strict-aliasing")
# -O1 with the vectorizers compiles in less than half the time of -O2, and the kernels are as fast or faster (short rows
# twice); loops that copy and values that are computed twice need the two passes that it lacks (3x3 max_pool2d with its
# gradient: 58 ms, 34 ms). Peeling unrolls the loops over a reduction's lanes, which then stay in registers (softmax:
# 12 % less time). Jumps that are threaded, and values of conditions that are carried along them, keep a loop of selects
# from becoming vectors (max_pool2d: 1850 us, 640 us). Conditions that a loop does not change are asked once before it
# (rows of a table by their index: 2.5 ms, 1.6 ms). One region for the allocation of registers compiles in a tenth less
# time, and the kernels are as fast.
OPTIMIZE = (
    "-O1",
    "-fgcse",
    "-ftree-loop-distribute-patterns",
    "-fpeel-loops",
    "-ftree-loop-vectorize",
    "-ftree-slp-vectorize",
    "-fvect-cost-model=dynamic",
    "-fno-tree-pre",
    "-fno-thread-jumps",
    "-funswitch-loops",
    "-fira-region=one",
    "-fPIC",
    "-w",
    "-fno-asynchronous-unwind-tables",
)
MACHINE_FLAGS = {
    "avx512": ("-march=x86-64-v4", "-mprefer-vector-width=512", "-DJT_HAS_FMA=1"),
    "avx2": ("-march=x86-64-v3", "-DJT_HAS_FMA=1"),
    "portable": ("-march=x86-64",),
}


def flags_for(isa: str) -> tuple[str, ...]:
    """Every flag of a kernel's compile; part of its KernelKey."""
    return (*OPTIMIZE, *EXACT, *MACHINE_FLAGS[isa])


@dataclass(frozen=True, slots=True)
class Programs:
    """Paths of what turns text into a library. cc1 is None where only the driver can be used."""

    driver: str
    cc1: str | None
    assembler: str | None
    linker: str | None


def ask(path: str, *question: str) -> str:
    return subprocess.run([path, *question], capture_output=True, text=True, check=False).stdout.strip()


@functools.cache
def find_programs(driver: str) -> Programs | None:
    """None where there is no gcc."""
    path = shutil.which(driver)
    if path is None:
        return None
    cc1, assembler, linker = (shutil.which(ask(path, f"-print-prog-name={name}")) for name in ("cc1", "as", "ld"))
    if not (cc1 and assembler and linker):
        cc1 = None
    return Programs(path, cc1, assembler, linker)


@functools.cache
def version_of(driver: str) -> str:
    path = shutil.which(driver)
    return f"{ask(path, '-dumpfullversion')} {ask(path, '-dumpmachine')}" if path else "none"


def compiler_version() -> str:
    """Version and target of the compiler, or "none"; part of every KernelKey."""
    return version_of(config.flags.cc or "gcc")


def compile_shared(
    text: str, folder: Path, name: str, flags: Sequence[str], processes: Processes | None = None
) -> Path:
    """Compiles headerless C to `folder`/`name`.so.

    Raises: CompileError: path of the source, the numbered line and the first diagnostic; or no compiler on the machine
    """
    programs = find_programs(config.flags.cc or "gcc")
    if programs is None:
        raise CompileError(
            f"compile: no C compiler ({config.flags.cc or 'gcc'}) on this machine",
            help="install gcc, or name a compiler with JTCY_CC",
        )
    processes = processes or Processes()
    source, library = folder / f"{name}.c", folder / f"{name}.so"
    source.write_text(text)
    for command in commands(programs, source, library, flags):
        code, log = processes.run(command, folder)
        if code != 0:
            raise CompileError(failure_text(source, text, log))
    return library


def commands(programs: Programs, source: Path, library: Path, flags: Sequence[str]) -> list[list[str]]:
    if programs.cc1 is None:
        return [[programs.driver, "-shared", "-nostdlib", *flags, str(source), "-o", str(library)]]
    assembly, unit = source.with_suffix(".s"), source.with_suffix(".o")
    return [
        [programs.cc1, "-quiet", *flags, str(source), "-o", str(assembly)],
        [str(programs.assembler), "--64", "-o", str(unit), str(assembly)],
        [str(programs.linker), "-shared", "-o", str(library), str(unit)],
    ]


def failure_text(source: Path, text: str, log: str) -> str:
    first = re.search(re.escape(str(source)) + r":(\d+):\d+: (?:fatal )?error: (.*)", log)
    if first is None:
        return f"{source}: the compiler failed\n{log.strip()}"
    number = int(first.group(1))
    line = text.splitlines()[number - 1].strip()
    return f"{source}:{number}: {first.group(2)}\n  {number} | {line}"


# Kernels of a translation unit where there are many: what a short run compiled is there for the next one.
FEW_KERNELS = 4
# A worker waits for the others to start no longer than this.
START_S = 1.0


class Compiler:
    """Compiles kernels in the background, through the cache; one for the process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pool: ThreadPoolExecutor | None = None
        self.running: set[Future] = set()
        self.cache: DiskCache | None = None
        self.processes = Processes()
        self.folder: WorkFolder | None = None
        self.compiled = 0  # kernels that went through the compiler, not the cache

    def disk_cache(self) -> DiskCache:
        folder, size = default_folder(), config.flags.cache_size
        if self.cache is None or self.cache.folder != folder or self.cache.size != size:
            self.cache = DiskCache(folder, size)
        return self.cache

    def compile_kernels(
        self,
        sources: Sequence[KernelSource],
        flags: Sequence[str],
        on_ready: Callable[[str, str], None],
        on_failed: Callable[[str, str], None],
        wait: bool,
    ) -> None:
        """Calls `on_ready(key, path)` or `on_failed(key, message)` for each source, from here or from a worker.

        What the cache holds is ready on return; the rest is compiled in the background, with `wait` before returning.
        """
        cache, missing = self.disk_cache(), []
        for source in sources:
            path = cache.find(source.key)
            if path is None:
                missing.append(source)
            else:
                on_ready(source.key, str(path))
        units = split(missing, max(self.jobs(), len(missing) // FEW_KERNELS))
        futures = [self.executor().submit(self.compile_unit, unit, tuple(flags), on_ready, on_failed) for unit in units]
        with self.lock:
            self.running.update(futures)
        for future in futures:
            future.add_done_callback(self.finished)
        if wait:
            self.wait(futures)

    def compile_unit(
        self,
        unit: list[KernelSource],
        flags: tuple[str, ...],
        on_ready: Callable[[str, str], None],
        on_failed: Callable[[str, str], None],
    ) -> None:
        """One translation unit; where several kernels fail together each is tried by itself, to name the guilty one."""
        text = "\n".join(unit_text(unit))
        name = hashlib.sha256("".join(s.key for s in unit).encode()).hexdigest()[:24]
        try:
            library = compile_shared(text, self.work_folder(), name, flags, self.processes)
        except (CompileError, OSError, subprocess.SubprocessError) as error:
            if self.processes.stopped:
                return
            if len(unit) > 1:
                for source in unit:
                    self.compile_unit([source], flags, on_ready, on_failed)
                return
            trace(1, "compile", failed=unit[0].name, why=str(error).splitlines()[0], effect="the interpreter serves")
            on_failed(unit[0].key, str(error))
            return
        assembly = library.with_suffix(".s")  # the driver, where it must be used, keeps none
        if is_on(6, "assembly") and assembly.exists():
            trace(6, "assembly", kernels=",".join(s.name for s in unit), text="\n" + assembly.read_text())
        with self.lock:
            self.compiled += len(unit)
        place = self.disk_cache().insert([s.key for s in unit], library, text) or library
        remove_work(library, keep_library=place == library)
        for source in unit:
            trace(2, "kernel", key=source.key[:16], name=source.name, cache="built", file=place)
            on_ready(source.key, str(place))

    def jobs(self) -> int:
        return config.flags.compile_jobs or len(os.sched_getaffinity(0))

    def executor(self) -> ThreadPoolExecutor:
        with self.lock:
            if self.pool is None:
                self.pool = ThreadPoolExecutor(self.jobs(), thread_name_prefix="jittor_cy-compile")
                atexit.register(self.stop)
            return self.pool

    def start_threads(self) -> None:
        """Starts the workers from here: they, and the compilers that they run, inherit this thread's priority."""
        with self.lock:
            if self.pool is not None:
                return
        jobs = self.jobs()
        together = threading.Barrier(jobs)
        for _ in range(jobs):
            self.executor().submit(together.wait, START_S)

    def work_folder(self) -> Path:
        with self.lock:
            if self.folder is None:
                self.folder = WorkFolder()
            return self.folder.path

    def finished(self, future: Future) -> None:
        with self.lock:
            self.running.discard(future)

    def wait(self, futures: Sequence[Future] | None = None) -> None:
        """Until the given compiles (default: all) are done; their own errors went to on_failed."""
        with self.lock:
            pending = list(self.running if futures is None else futures)
        wait(pending)

    def stop(self) -> None:
        """At exit: compiles that did not start are dropped, those at work are ended."""
        pool, self.pool = self.pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
            self.processes.stop()
            pool.shutdown(wait=True)
        folder, self.folder = self.folder, None
        if folder is not None:
            folder.remove()

    def after_fork(self) -> None:
        """In a child: the parent's threads and folder are not ours."""
        self.lock = threading.Lock()
        self.pool, self.folder, self.running, self.processes = None, None, set(), Processes()


def remove_work(library: Path, keep_library: bool) -> None:
    """The cache has the source and the object; without a cache the object is loaded from here."""
    for suffix in (".c", ".s", ".o") if keep_library else (".c", ".s", ".o", ".so"):
        library.with_suffix(suffix).unlink(missing_ok=True)


def split(sources: list[KernelSource], count: int) -> list[list[KernelSource]]:
    """At most `count` units of about equal text, in a fixed order."""
    units: list[list[KernelSource]] = [[] for _ in range(min(count, len(sources)))]
    sizes = [0] * len(units)
    for source in sorted(sources, key=lambda s: (-len(s.text), s.key)):
        smallest = sizes.index(min(sizes))
        units[smallest].append(source)
        sizes[smallest] += len(source.text)
    return units


def unit_text(unit: list[KernelSource]) -> list[str]:
    """The kernels' texts one after the other; a part that several paste (the ABI, maths) stands once."""
    seen: set[str] = set()
    out = []
    for source in unit:
        for part in source.text.split("\n\n"):
            shared = part.lstrip().startswith(("static ", "typedef", "#"))
            if shared and part in seen:
                continue
            seen.add(part)
            out.append(part + "\n")
    return out


@functools.cache
def compiler() -> Compiler:
    """The process's Compiler."""
    made = Compiler()
    os.register_at_fork(after_in_child=made.after_fork)
    return made
