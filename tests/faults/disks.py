"""Disks that are full, read-only or without inodes: real small ones, or files that may not grow."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
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


class ReadOnlyDisk(SmallDisk):
    """A disk that turns read-only under its users: what is open stays so, and nothing else can be changed."""

    def fill(self, server: Server, *others: int) -> None:
        for options in (["--bind", str(self._at)], ["-o", "remount,bind,ro"]):
            subprocess.run(["mount", *options, str(self._at)], check=True)

    def empty(self, server: Server, *others: int) -> None:
        subprocess.run(["umount", str(self._at)], check=True)

    def close(self) -> None:
        """Also what a test that failed has left mounted over it."""
        while self._at.is_mount():
            super().close()


class NoMoreFiles(SmallDisk):
    """A disk with room for bytes, and none for another file."""

    def fill(self, server: Server, *others: int) -> None:
        self._filler.mkdir()
        with suppress(OSError):
            for number in count():
                (self._filler / str(number)).touch()

    def empty(self, server: Server, *others: int) -> None:
        shutil.rmtree(self._filler)


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
def small_disk(at: Path, size: str, kind: type[SmallDisk] = SmallDisk) -> Iterator[SmallDisk | NoMoreBytes]:
    disk = kind.mounted(at, size) or NoMoreBytes()
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
