"""A forked child: what is realized is read, everything else starts anew or says why not; nothing hangs."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def run(code: str) -> str:
    """What a program prints that forks; its child prints first."""
    program = """
        import os, sys
        import jittor_cy as jt
        def child(work):
            sys.stdout.flush()
            pid = os.fork()
            if pid == 0:
                try:
                    print("child", work(), flush=True)
                except Exception as error:
                    print(type(error).__name__, str(error).splitlines()[0], flush=True)
                os._exit(0)
            os.waitpid(pid, 0)
    """
    text = textwrap.dedent(program) + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_child_reads_what_is_there_and_computes_anew() -> None:
    found = run("""
        x = jt.ones(300, 300)
        y = (x @ x).sum()
        y.item()
        pending = (x + 1).sum()
        child(lambda: [y.item(), (jt.ones(1000) * 2).sum().item(), pending.item(), (x @ x).sum().item()])
        print("parent", pending.item())
    """)

    assert found.splitlines() == ["child [27000000.0, 2000.0, 180000.0, 27000000.0]", "parent 180000.0"]


def test_a_child_of_a_process_that_uses_the_gpu_is_told() -> None:
    found = run("""
        jt.flags.simulate_cuda = 1
        jt.flags.use_cuda = 1
        x = jt.ones(100)
        (x * 2).sum().item()
        child(lambda: (x + 1).sum().item())
        print("parent", (x + 1).sum().item())
    """)

    assert found.splitlines() == [
        "ForkError cuda: this process was forked from one that uses the GPU, and a driver does not survive that",
        "parent 200.0",
    ]


def test_a_child_compiles_what_its_parent_was_compiling() -> None:
    found = run("""
        x = jt.ones(1000)
        ((x * 3).sin() + 1).sum().sync()  # its kernel is being compiled
        jt.flags.wait_for_kernels = 1
        child(lambda: round(((x * 3).sin() + 1).sum().item(), 2))
        print("parent", round(((x * 3).sin() + 1).sum().item(), 2))
    """)

    assert found.splitlines() == ["child 1141.12", "parent 1141.12"]
