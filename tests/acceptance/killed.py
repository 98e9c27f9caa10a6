"""kill -9 at random moments during compilation: the cache stays valid and the program's result unchanged.

python -m tests.acceptance.killed [--times 50]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

SEED = 5


def work() -> None:
    """Some dozen different kernels; prints a digest of their results."""
    import numpy as np

    import jittor_cy as jt

    digest = hashlib.sha256()
    x = jt.array(np.linspace(-2, 2, 4096, dtype=np.float32).reshape(64, 64))
    functions = (jt.exp, jt.tanh, jt.sin, jt.cos, jt.sigmoid, jt.abs, jt.log1p)
    with jt.flags(wait_for_kernels=True):
        for first in functions:
            for second in functions:
                y = first(x * x) + second(x * 0.25).sum(1, keepdims=True)
                digest.update(y.numpy().tobytes())
    print(digest.hexdigest(), jt.stats()["cache_damaged"], flush=True)


def command(cache: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.acceptance.killed", "--work"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "JTCY_CACHE_DIR": cache},
    )


def finish(cache: str) -> list[str]:
    process = command(cache)
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0, f"the program ended with {process.returncode}"
    return out.split()


def main(times: int) -> int:
    generator = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder:
        clean, killed = os.path.join(folder, "clean"), os.path.join(folder, "killed")
        for path in (clean, killed):
            os.mkdir(path, 0o700)
        start = time.perf_counter()
        expected = finish(clean)[0]
        full = time.perf_counter() - start
        for _ in range(times):
            process = command(killed)
            time.sleep(generator.uniform(0.05, full))
            process.send_signal(signal.SIGKILL)
            process.wait()
        found, damaged = finish(killed)
    print(
        f"{times} kills within {full:.1f} s of work: result {'unchanged' if found == expected else 'CHANGED'}, "
        f"{damaged} damaged entries"
    )
    return 0 if found == expected and damaged == "0" else 1


if __name__ == "__main__":
    if "--work" in sys.argv:
        work()
        sys.exit(0)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    sys.exit(main(parser.parse_args().times))
