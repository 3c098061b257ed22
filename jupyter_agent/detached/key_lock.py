"""Lock of an idempotency key: one submit at a time looks the key up and queues its task.

Kernels, scripts, servers and the command line hold it from the lookup until other processes can find the
task. If that takes long, a thread holds it on, and the submit returns: see `KeyHold.keep`. It is a file lock,
so it is released when its process dies. Where it cannot be acquired within `LOCK_TIMEOUT` seconds (its
process is stopped, its server stores nothing, or the file system has no locks), the submit goes on without.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from ..system.files import make_private
from ..system.locks import FileLock
from ..system.paths import DataPaths

log = logging.getLogger(__name__)

LOCK_TIMEOUT = 10.0
"""Seconds that a submit waits for another submit with the same key."""

_POLL_INTERVAL = 0.01

_kept: dict[Path, KeyHold] = {}
"""What a thread of this process holds on, by file. The one that takes a lock out of it has to release it."""

_guard = threading.Lock()


def _after_fork_in_child() -> None:
    global _guard
    _guard = threading.Lock()  # another thread of the parent may have held the old one at the fork
    _kept.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


@contextmanager
def hold_key(paths: DataPaths, key: str | None) -> Iterator[KeyHold]:
    """Hold the key's lock in the block; ``None`` has none."""
    hold = KeyHold(paths, key)
    while not hold.is_over():
        time.sleep(_POLL_INTERVAL)
    try:
        yield hold
    finally:
        hold.release()


@asynccontextmanager
async def hold_key_on_loop(paths: DataPaths, key: str | None) -> AsyncIterator[None]:
    """Hold the key's lock in the block, as `hold_key` does, while other coroutines go on."""
    hold = KeyHold(paths, key)
    while not hold.is_over():  # noqa: ASYNC110 - another process releases it
        await asyncio.sleep(_POLL_INTERVAL)
    try:
        yield
    finally:
        hold.release()


class KeyHold:
    """The key's lock, from the first try to acquire it, in steps that do not wait. 256 files serve all."""

    def __init__(self, paths: DataPaths, key: str | None) -> None:
        self._paths = paths
        self._key = key
        self._deadline = time.monotonic() + LOCK_TIMEOUT
        self._lock: FileLock | None = None

    def is_over(self) -> bool:
        """Try once; return True if there is nothing to wait for any more: it is held, or goes without."""
        if self._key is None:
            return True
        name = hashlib.sha256(self._key.encode()).hexdigest()[:2]
        try:
            path = make_private(self._paths.root / "keys") / name
            # What this process holds on is as good, and an earlier event of it is stored first.
            self._lock = _taken_over(path) or FileLock.acquire(path)
        except OSError as error:
            log.debug("the lock of key %r cannot be acquired: %s", self._key, error)
            return True
        if self._lock is None and time.monotonic() >= self._deadline:
            log.warning("another process holds the lock of key %r; this submit goes on without it", self._key)
            return True
        return self._lock is not None

    def keep(self, until: Callable[[], object]) -> None:
        """Hold the lock on in a thread until the call of *until* returns, beyond the block of `hold_key`.

        A later submit of this process takes the lock over, and then has to hold it until its own end.
        """
        if self._lock is None:
            return
        with _guard:
            _kept[self._lock.path] = self
        threading.Thread(
            target=self._release_after, args=(self._lock, until), name="jupyter-agent-key", daemon=True
        ).start()

    def release(self) -> None:
        """Release the lock, unless it is kept."""
        if self._lock is not None and _kept.get(self._lock.path) is not self:
            self._lock.release()

    def given_away(self) -> FileLock | None:
        """Return the lock, which the caller has to release."""
        lock, self._lock = self._lock, None
        return lock

    def _release_after(self, lock: FileLock, until: Callable[[], object]) -> None:
        until()
        with _guard:
            if _kept.get(lock.path) is self:
                _kept.pop(lock.path)
                lock.release()


def _taken_over(path: Path) -> FileLock | None:
    with _guard:
        hold = _kept.pop(path, None)
        return hold.given_away() if hold is not None else None
