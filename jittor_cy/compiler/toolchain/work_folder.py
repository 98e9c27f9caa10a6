"""WorkFolder: where one process compiles. In memory where there is one, private, and removed also after kill -9."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

__all__ = ["WorkFolder"]

PREFIX = "jittor_cy-"
MEMORY = Path("/dev/shm")
# A folder without a lock is being made, or its maker was killed in between.
UNLOCKED_STALE_S = 3600.0


class WorkFolder:
    """Its lock is held while the process (or a child of it) lives; whoever comes next removes what is not locked."""

    def __init__(self, root: Path | None = None) -> None:
        in_memory = MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
        root = root or (MEMORY if in_memory else Path(tempfile.gettempdir()))
        remove_stale(root)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        self.lock = (self.path / "lock").open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self.lock.close()


def remove_stale(root: Path) -> None:
    """Removes the folders of processes that ended without removing theirs."""
    for path in sorted(root.glob(f"{PREFIX}*")):
        with contextlib.suppress(OSError):  # gone meanwhile, not ours, or locked
            if path.stat().st_uid == os.getuid() and is_left(path):
                shutil.rmtree(path, ignore_errors=True)


def is_left(folder: Path) -> bool:
    lock = folder / "lock"
    if not lock.exists():
        return folder.stat().st_mtime < time.time() - UNLOCKED_STALE_S
    with lock.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return True
