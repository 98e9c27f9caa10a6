"""The simulated GPU: what a wrong kernel or a forgotten copy would do on a real one shows here too."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from jittor_cy.compiler.toolchain.simulated import compile_simulated

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = sum(i % 13 for i in range(1000))
ARGS = "typedef struct { void* ptr[2]; long long dim[1]; void* shared; int* error; char* local; long long n; } Args;\n"
KERNEL = (
    'extern "C" __global__ void __launch_bounds__(64) '
    "{name}(const __grid_constant__ Args args, long long end) {{{body}}}\n"
)
PARTS = """
  __shared__ float part[64];
  const float* x = (const float*)args.ptr[0];
  float sum = 0;
  for (long long i = threadIdx.x; i < args.dim[0]; i += 64) sum += x[i];
"""
TREE = (
    PARTS
    + """
  part[threadIdx.x] = sum;
  __syncthreads();
  for (int w = 32; w; w >>= 1) { if (threadIdx.x < w) part[threadIdx.x] += part[threadIdx.x + w]; __syncthreads(); }
  if (threadIdx.x == 0) ((float*)args.ptr[1])[0] = part[0];
"""
)
SHUFFLE = (
    PARTS
    + """
  for (int w = 16; w; w >>= 1) sum += __shfl_xor_sync(~0u, sum, w);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) ((float*)args.ptr[1])[0] = part[0] + part[1];
"""
)
ATOMIC = (
    PARTS
    + """
  float* y = (float*)args.ptr[1];
  if (threadIdx.x == 0) *y = 0;
  __syncthreads();
  atomicAdd(y, sum);
"""
)
KERNELS = {
    "tree": TREE,
    "shuffle": SHUFFLE,
    "atomic": ATOMIC,
    "no_barrier": TREE.replace("  __syncthreads();\n  for", "  for"),
    "unwritten": PARTS + "if (threadIdx.x == 0) ((float*)args.ptr[1])[0] = part[1];",
    "divergent": PARTS + "if (threadIdx.x & 1) __syncthreads();",
    "lane_missing": PARTS + "if (threadIdx.x & 1) sum = __shfl_sync(~0u, sum, 0); ((float*)args.ptr[1])[0] = sum;",
    "error": PARTS + "if (threadIdx.x == 5) *args.error = 1; ((float*)args.ptr[1])[0] = 0;",
}


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("simulated")
    program = folder / "cuda_launch"
    subprocess.run(
        [
            "g++",
            "-std=c++20",
            "-O1",
            f"-I{ROOT / 'runtime'}",
            str(Path(__file__).parent / "cuda_launch.cpp"),
            str(ROOT / "jittor_cy" / "libjtcy.so"),
            f"-Wl,-rpath,{ROOT / 'jittor_cy'}",
            "-o",
            str(program),
        ],
        check=True,
    )
    text = ARGS + "".join(KERNEL.format(name=name, body=body) for name, body in KERNELS.items())
    module = compile_simulated(text, folder / "kernels.so")

    def run(kernel: str, order: int = 0, memory: str = "explicit", *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(program), str(module), kernel, str(order), memory, *more], capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("kernel", ["tree", "shuffle", "atomic"])
def test_right_kernel_gives_the_sum_in_every_order(launch, kernel: str, order: int) -> None:
    assert launch(kernel, order).stdout.startswith(f"{EXPECTED} ")


def test_missing_barrier_shows_in_some_order(launch) -> None:
    results = [launch("no_barrier", order).stdout.split()[0] for order in (0, 1, 2)]

    assert any(result != str(EXPECTED) for result in results)


def test_unwritten_shared_memory_is_nan(launch) -> None:
    assert "nan" in launch("unwritten").stdout


def test_barrier_that_some_threads_skip_is_reported(launch) -> None:
    done = launch("divergent")

    assert done.returncode == 1
    assert "CUDA_ERROR_LAUNCH_FAILED" in done.stdout
    assert "barrier divergence" in done.stdout


def test_shuffle_that_waits_for_ever_is_reported_as_deadlock(launch) -> None:
    assert "deadlock: thread 1 at __shfl_sync" in launch("lane_missing").stdout


def test_error_word_reaches_the_host_at_the_next_wait(launch) -> None:
    assert "error=1" in launch("error").stdout


def test_host_access_to_explicit_memory_faults(launch) -> None:
    assert launch("tree", 0, "explicit", "touch").returncode == -signal.SIGSEGV


def test_host_reads_managed_memory_in_place(launch) -> None:
    done = launch("tree", 0, "managed", "touch")

    assert done.stdout.split() == [str(EXPECTED), "error=0", "managed=4004"]
