"""Content-addressed store of compiled kernels: private, bounded, safe with several processes and after kill -9.

Layout of the folder: `objects/<hash>.so` (one shared object, often of several kernels), its source `<hash>.c` beside
it, `keys/<KernelKey>`: one line "<hash> <checksum of the object>", and `plans/<key>`: a checksum and the bytes of a
plan. Everything is written under an unguessable name
and renamed, the key last, so that a key that exists names an object that was complete. Readers verify the checksum;
what does not fit is removed and built again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import time
from pathlib import Path

from jittor_cy import config
from jittor_cy.debug.trace import trace

__all__ = ["DiskCache", "default_folder"]

VERSION = "1"
PARTS = ("objects", "keys", "plans")
# A temporary file older than this belongs to a process that was killed.
STALE_S = 3600.0
# The folder's size is looked at once in this many insertions: a walk over some thousand files takes milliseconds.
TRIM_EVERY = 64


def default_folder() -> Path:
    """flags.cache_dir, else jittor_cy/<version> in XDG_CACHE_HOME or ~/.cache."""
    if config.flags.cache_dir:
        return Path(config.flags.cache_dir)
    root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(root) / "jittor_cy" / VERSION


def refusal(folder: Path) -> str | None:
    """Why the folder must not be used: others could put code there that this process would run."""
    about = folder.stat()
    if about.st_uid != os.getuid():
        return f"{folder} belongs to user {about.st_uid}, this process runs as {os.getuid()}"
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"{folder} can be written by others (mode {stat.S_IMODE(about.st_mode):o}); chmod 700 it"
    return None


def checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class DiskCache:
    """The store in one folder. `usable` False: it stays empty and everything is compiled again (said once, level 1)."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size = folder, size
        self.damaged = 0
        self.inserted = 0
        self.usable = size > 0 and self.prepare()

    def prepare(self) -> bool:
        try:
            for part in (self.folder, *(self.folder / name for name in PARTS)):
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
            why = refusal(self.folder)
        except OSError as error:
            why = f"{self.folder}: {error.strerror}"
        if why:
            trace(1, "cache", refused=why, effect="kernels are kept in this process only")
            return False
        self.remove_stale()
        return True

    def remove_stale(self) -> None:
        """Temporary files of killed processes."""
        limit = time.time() - STALE_S
        for part in PARTS:
            for path in (self.folder / part).glob("tmp-*"):
                with contextlib.suppress(OSError):
                    if path.stat().st_mtime < limit:
                        path.unlink()

    def find(self, key: str) -> Path | None:
        """The verified shared object of a kernel, or None."""
        if not self.usable:
            return None
        entry = self.folder / "keys" / key
        try:
            name, expected = entry.read_text().split()
            path = self.folder / "objects" / f"{name}.so"
            found = checksum(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            return self.drop(entry, str(error))
        if found != expected:
            return self.drop(entry, f"checksum of {path.name} is {found[:12]}, expected {expected[:12]}")
        with contextlib.suppress(OSError):
            os.utime(path)  # the age that trimming goes by
        return path

    def drop(self, entry: Path, why: str) -> None:
        self.damaged += 1
        trace(1, "cache", damaged=entry.name[:16], why=why, effect="built again")
        with contextlib.suppress(OSError):
            entry.unlink()

    def insert(self, keys: list[str], library: Path, source: str) -> Path | None:
        """Keeps a shared object for its kernels; gives its place, or None where that failed (said once)."""
        if not self.usable:
            return None
        try:
            data = library.read_bytes()
            name = checksum("\n".join(keys).encode() + data)[:32]
            place = self.folder / "objects" / f"{name}.so"
            self.write(place.with_suffix(".c"), source.encode())
            self.write(place, data)
            line = f"{name} {checksum(data)}\n".encode()
            for key in keys:
                self.write(self.folder / "keys" / key, line)
        except OSError as error:
            self.usable = False
            trace(1, "cache", failed=error.strerror, folder=self.folder, effect="kernels are kept in this process only")
            return None
        self.inserted += 1
        if self.inserted % TRIM_EVERY == 1:
            self.trim()
        return place

    def find_plan(self, key: str) -> bytes | None:
        """What insert_plan kept, verified, or None."""
        if not self.usable:
            return None
        place = self.folder / "plans" / key
        try:
            expected, data = place.read_bytes().split(b"\n", 1)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            return self.drop(place, str(error))
        if checksum(data).encode() != expected:
            return self.drop(place, "its checksum is another")
        with contextlib.suppress(OSError):
            os.utime(place)
        return data

    def insert_plan(self, key: str, data: bytes) -> None:
        if not self.usable:
            return
        try:
            self.write(self.folder / "plans" / key, checksum(data).encode() + b"\n" + data)
        except OSError as error:
            trace(1, "cache", failed=error.strerror, folder=self.folder, effect="this plan is made again next time")

    def write(self, place: Path, data: bytes) -> None:
        """Whole or not at all, for every reader at every moment."""
        temporary = place.parent / f"tmp-{secrets.token_hex(16)}"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(temporary, place)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    def trim(self) -> None:
        """Removes the objects and plans used longest ago until the folder fits; their keys then miss."""
        objects = []
        for path in (*(self.folder / "objects").glob("*.so"), *(self.folder / "plans").iterdir()):
            with contextlib.suppress(OSError):
                about = path.stat()
                objects.append((about.st_mtime, path.name, about.st_size, path))
        total = sum(size for _, _, size, _ in objects)
        for _, _, size, path in sorted(objects):
            if total <= self.size:
                break
            for part in (path, path.with_suffix(".c")):
                with contextlib.suppress(OSError):
                    part.unlink()
            total -= size
        self.forget_lost_keys()

    def forget_lost_keys(self) -> None:
        for entry in (self.folder / "keys").iterdir():
            with contextlib.suppress(OSError, ValueError):
                if not entry.name.startswith("tmp-"):
                    name = entry.read_text().split()[0]
                    if not (self.folder / "objects" / f"{name}.so").exists():
                        entry.unlink()
