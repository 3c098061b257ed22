"""Disks that are full: a real small one, or files that may not grow."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.servers import Server


class SmallDisk:
    """A real disk of a few MiB (a tmpfs) at a folder, that can be filled."""

    word = "full"

    def __init__(self, at: Path) -> None:
        self._at = at
        self._filler = at / "filler"

    @classmethod
    def mounted(cls, at: Path, size: str) -> SmallDisk | None:
        """Mount it; ``None`` on machines where nothing can be mounted."""
        at.mkdir(parents=True, mode=0o700, exist_ok=True)
        options = f"size={size},mode=0700"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)]
        done = subprocess.run(command, capture_output=True, check=False)
        return None if done.returncode else cls(at)

    def fill(self, server: Server, *others: int) -> None:
        with self._filler.open("wb") as file:
            _fill(file.fileno())

    def empty(self, server: Server, *others: int) -> None:
        self._filler.unlink()

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self._at)], check=True)


class NoMoreBytes:
    """The stand-in where nothing can be mounted: the files of these processes may not grow."""

    word = "disk"

    def fill(self, server: Server, *others: int) -> None:
        size = max(path.stat().st_size for path in (server.agent / "journals" / "default").iterdir())
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        for pid in others:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))

    def empty(self, server: Server, *others: int) -> None:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        for pid in (server.pid, *others):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)

    def close(self) -> None:
        """Nothing was made."""


@contextmanager
def small_disk(at: Path, size: str) -> Iterator[SmallDisk | NoMoreBytes]:
    disk = SmallDisk.mounted(at, size) or NoMoreBytes()
    try:
        yield disk
    finally:
        disk.close()


def _fill(descriptor: int) -> None:
    block = bytes(4096)
    try:
        while True:
            os.write(descriptor, block)
    except OSError:
        return
