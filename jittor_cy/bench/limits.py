"""The machine's own limits, measured: multiply-adds at full rate, and bandwidth of memory and of the last cache.

A C kernel is compiled with the project's toolchain and run on as many threads as the figures are for. Nothing is kept.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jittor_cy.bench.case import Case
from jittor_cy.compiler.toolchain.gcc import compile_shared, flags_for

__all__ = ["Limits", "measure_limits", "usable_sets"]

VECTOR_BYTES = {"avx512": 64, "avx2": 32, "portable": 16}
NEEDS = {"avx512": ("avx512f", "avx512bw", "avx512dq", "avx512vl"), "avx2": ("avx2", "fma"), "portable": ()}
CHAINS = 12  # independent accumulators: more than latency times issue width of any core so far
TURNS = 5  # the best of so many counts: a limit is what the machine can do
MULTIPLY_ADDS = 2_000_000
CACHE_SHARE = 0.5  # of the last cache is worked on, so that it surely stays there
MEMORY_TIMES = 4  # the last cache: so large are the arrays that do not stay there
SMALLEST, LARGEST = 16 << 20, 256 << 20
DEFAULT_CACHE = 32 << 20

SOURCE = """
typedef float v __attribute__((vector_size(BYTES)));
typedef long long w __attribute__((vector_size(BYTES)));

void multiply_add(long long count, float* sink) {
  const v a = (v){} + 0.999999f, b = (v){} + 1e-6f;
  v DECLARE;
  for (long long i = 0; i < count; i++) { STEPS }
  *(v*)sink = SUM;
}

void read(const char* x, char* y, long long count, float* sink) {
  (void)y;
  v s0 = {}, s1 = {}, s2 = {}, s3 = {};
  for (long long i = 0; i < count; i += 4 * BYTES) {
    s0 += *(const v*)(x + i);
    s1 += *(const v*)(x + i + BYTES);
    s2 += *(const v*)(x + i + 2 * BYTES);
    s3 += *(const v*)(x + i + 3 * BYTES);
  }
  *(v*)sink = s0 + s1 + s2 + s3;
}

void copy(const char* x, char* y, long long count, float* sink) {
  (void)sink;
  for (long long i = 0; i < count; i += BYTES) *(v*)(y + i) = *(const v*)(x + i);
}

void copy_past(const char* x, char* y, long long count, float* sink) {
  (void)sink;
  for (long long i = 0; i < count; i += 8) __builtin_ia32_movnti64((long long*)(y + i), *(const long long*)(x + i));
  __builtin_ia32_sfence();
}

void update(const char* x, char* y, long long count, float* sink) {
  (void)sink;
  for (long long i = 0; i < count; i += BYTES) *(v*)(y + i) += *(const v*)(x + i);
}
"""
# How many of its two arrays' bytes a pass moves, counted as least traffic: a plain store fetches its line first.
PASSES = {"read": 1, "copy": 2, "copy_past": 2, "update": 3}


@dataclass(frozen=True, slots=True)
class Limits:
    """`gflops` by instruction set; bandwidths are the best of reading, copying (also past the caches) and updating."""

    threads: int
    cache_nbytes: int
    gflops: dict[str, float]
    memory_gbs: float
    cache_gbs: float

    def least_s(self, case: Case) -> float:
        """Below this the machine cannot do the case: its traffic, or its multiply-adds; 0 where neither is stated."""
        rate = self.cache_gbs if case.nbytes <= self.cache_nbytes else self.memory_gbs
        return max(case.nbytes / rate / 1e9, case.flops / max(self.gflops.values()) / 1e9)

    def describe(self) -> str:
        peaks = ", ".join(f"{name} {rate:.0f}" for name, rate in self.gflops.items())
        return (
            f"limits of {self.threads} thread(s), measured now: multiply-adds {peaks} GFLOP/s; "
            f"memory {self.memory_gbs:.1f} GB/s, "
            f"last cache ({self.cache_nbytes / 2**20:.0f} MiB) {self.cache_gbs:.1f} GB/s"
        )


def usable_sets() -> list[str]:
    """The instruction sets that this machine has, the widest first."""
    flags = set()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            flags = set(line.split(":", 1)[1].split())
            break
    return [name for name in VECTOR_BYTES if flags.issuperset(NEEDS[name])]


def measure_limits(threads: int) -> Limits:
    """Measures; about a second.

    Raises: CompileError: there is no compiler
    """
    cache = last_cache_nbytes()
    with tempfile.TemporaryDirectory(prefix="jittor_cy-bench-") as folder:
        libraries = {name: library(name, Path(folder)) for name in usable_sets()}
        gflops = {name: multiply_add_gflops(lib, name, threads) for name, lib in libraries.items()}
        widest = next(iter(libraries.values()))
        large = min(max(MEMORY_TIMES * cache, SMALLEST), LARGEST)
        memory = bandwidth_gbs(widest, large, threads)
        inside = bandwidth_gbs(widest, max(1 << 20, int(cache * CACHE_SHARE) // 2), threads)
    return Limits(threads, cache, gflops, memory, max(inside, memory))


def library(isa: str, folder: Path) -> ctypes.CDLL:
    names = [f"s{i}" for i in range(CHAINS)]
    text = SOURCE.replace("DECLARE", ", ".join(f"{s} = (v){{}} + {i + 1}" for i, s in enumerate(names)))
    text = text.replace("STEPS", " ".join(f"{s} = {s} * a + b;" for s in names)).replace("SUM", " + ".join(names))
    # Here, unlike in kernels, the compiler may make one instruction of a multiply and an add.
    flags = [
        *(f for f in flags_for(isa) if f != "-ffp-contract=off"),
        "-ffp-contract=fast",
        f"-DBYTES={VECTOR_BYTES[isa]}",
    ]
    return ctypes.CDLL(str(compile_shared(text, folder, f"limits_{isa}", flags)))


def multiply_add_gflops(lib: ctypes.CDLL, isa: str, threads: int) -> float:
    sinks = [aligned(4096) for _ in range(threads)]
    seconds = best_s(threads, lambda t: lib.multiply_add(ctypes.c_longlong(MULTIPLY_ADDS), sinks[t][1]))
    lanes = VECTOR_BYTES[isa] // 4
    return 2.0 * CHAINS * lanes * MULTIPLY_ADDS * threads / seconds / 1e9


def bandwidth_gbs(lib: ctypes.CDLL, nbytes: int, threads: int) -> float:
    """The best of PASSES over two arrays of `nbytes`, each thread on its own part."""
    part = nbytes // threads // 4096 * 4096
    (keep_x, x), (keep_y, y), (keep_sink, sink) = aligned(nbytes), aligned(nbytes), aligned(4096 * threads)
    repeats = max(1, LARGEST // nbytes)
    best = 0.0
    for name, arrays in PASSES.items():
        function = getattr(lib, name)

        def work(thread: int, function: Callable[..., int] = function) -> None:
            at = part * thread
            for _ in range(repeats):
                function(
                    ctypes.c_void_p(x.value + at),
                    ctypes.c_void_p(y.value + at),
                    ctypes.c_longlong(part),
                    ctypes.c_void_p(sink.value + 4096 * thread),
                )

        best = max(best, arrays * part * threads * repeats / best_s(threads, work) / 1e9)
    del keep_x, keep_y, keep_sink
    return best


def aligned(nbytes: int) -> tuple[mmap.mmap, ctypes.c_void_p]:
    """Zeroed pages, huge ones where they can be had, touched; the memory lives as long as the first value."""
    memory = mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    ctypes.memset(address, 0, nbytes)
    return memory, ctypes.c_void_p(address)


def best_s(threads: int, work: Callable[[int], object]) -> float:
    """Seconds from the common start until the last thread is done, the best of TURNS."""
    found = []
    for _ in range(TURNS):
        barrier = threading.Barrier(threads)
        spans: list[tuple[float, float]] = []

        def run(thread: int, barrier: threading.Barrier = barrier, spans: list[tuple[float, float]] = spans) -> None:
            barrier.wait()
            start = time.perf_counter()
            work(thread)
            spans.append((start, time.perf_counter()))

        workers = [threading.Thread(target=run, args=(thread,)) for thread in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        found.append(max(end for _, end in spans) - min(start for start, _ in spans))
    return min(found)


def last_cache_nbytes() -> int:
    """Of the largest cache that the first core sees."""
    sizes = [DEFAULT_CACHE] if not os.path.isdir("/sys/devices/system/cpu/cpu0/cache") else []
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        sizes.append(int(path.read_text().strip().removesuffix("K")) << 10)
    return max(sizes, default=DEFAULT_CACHE)
