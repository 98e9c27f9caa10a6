"""Processes: programs that run for us, and that end when we do."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

__all__ = ["Processes"]

TIMEOUT_S = 300


class Processes:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: set[subprocess.Popen] = set()
        self.stopped = False

    def run(self, command: Sequence[str], folder: Path) -> tuple[int, str]:
        """(exit status, what it wrote to stderr).

        Raises: subprocess.TimeoutExpired; OSError: the program cannot be started
        """
        with self.lock:
            if self.stopped:
                return 1, "the process is ending"
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                cwd=folder,
            )
            self.running.add(process)
        try:
            _, log = process.communicate(timeout=TIMEOUT_S)
        finally:
            with self.lock:
                self.running.discard(process)
            if process.returncode is None:
                process.kill()
                process.wait()
        return process.returncode, log

    def stop(self) -> None:
        """Ends what runs; nothing starts afterwards."""
        with self.lock:
            self.stopped = True
            for process in self.running:
                process.kill()
