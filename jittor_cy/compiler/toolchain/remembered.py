"""Choices that were measured, on disk beside the compiled kernels: one small checked file each."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from jittor_cy.compiler.toolchain.disk_cache import DiskCache, checksum
from jittor_cy.debug.trace import trace

__all__ = ["Remembered"]

# Files that are kept; a large model has some hundred kernels.
MOST_FILES = 16384
# The number of files is looked at once in this many writes.
TRIM_EVERY = 64


class Remembered:
    """Key → text, in a folder of the cache's; whole or not at all, and what is damaged is as if it were not there."""

    def __init__(self, cache: DiskCache) -> None:
        self.cache, self.folder, self.written = cache, cache.folder / "schedules", 0

    def find(self, key: str) -> str | None:
        if not self.cache.usable:
            return None
        try:
            expected, _, text = (self.folder / key).read_text().partition("\n")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            return self.drop(key, str(error))
        return text if checksum(text.encode()) == expected else self.drop(key, "its checksum is another")

    def drop(self, key: str, why: str) -> None:
        trace(1, "autotune", damaged=key[:16], why=why, effect="measured again")
        with contextlib.suppress(OSError):
            (self.folder / key).unlink()

    def keep(self, key: str, text: str) -> None:
        """Quietly nothing where the folder cannot be written."""
        if not self.cache.usable:
            return
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self.cache.write(self.folder / key, f"{checksum(text.encode())}\n{text}".encode())
        except OSError as error:
            trace(1, "autotune", failed=error.strerror, effect="the choice is kept in this process only")
            return
        self.written += 1
        if self.written % TRIM_EVERY == 1:
            self.trim()

    def trim(self) -> None:
        """Removes the oldest files beyond MOST_FILES, and what killed processes left."""
        files = sorted(self.folder.iterdir(), key=modified)
        for path in files[: max(0, len(files) - MOST_FILES)]:
            with contextlib.suppress(OSError):
                path.unlink()


def modified(path: Path) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
