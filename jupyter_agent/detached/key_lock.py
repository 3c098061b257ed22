"""Lock of an idempotency key: one submit at a time looks the key up and queues its task.

Kernels, scripts, servers and the command line hold it from the lookup until other processes can find the
task. It is a file lock, so it is released when its process dies. Where it cannot be acquired within
`LOCK_TIMEOUT` seconds (its process is stopped, or the file system has no locks), the submit goes on
without it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from ..system.files import make_private
from ..system.locks import FileLock
from ..system.paths import DataPaths

log = logging.getLogger(__name__)

LOCK_TIMEOUT = 10.0
"""Seconds that a submit waits for another submit with the same key."""

_POLL_INTERVAL = 0.01


@contextmanager
def hold_key(paths: DataPaths, key: str | None) -> Iterator[None]:
    """Hold the key's lock in the block; ``None`` has none."""
    attempt = _Attempt(paths, key)
    while not attempt.is_over():
        time.sleep(_POLL_INTERVAL)
    try:
        yield
    finally:
        attempt.release()


@asynccontextmanager
async def hold_key_on_loop(paths: DataPaths, key: str | None) -> AsyncIterator[None]:
    """Hold the key's lock in the block, as `hold_key` does, while other coroutines go on."""
    attempt = _Attempt(paths, key)
    while not attempt.is_over():  # noqa: ASYNC110 - another process releases it
        await asyncio.sleep(_POLL_INTERVAL)
    try:
        yield
    finally:
        attempt.release()


class _Attempt:
    """An acquisition of the key's lock, in steps that do not wait. 256 files serve all keys."""

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
            self._lock = FileLock.acquire(make_private(self._paths.root / "keys") / name)
        except OSError as error:
            log.debug("the lock of key %r cannot be acquired: %s", self._key, error)
            return True
        if self._lock is None and time.monotonic() >= self._deadline:
            log.warning("another process holds the lock of key %r; this submit goes on without it", self._key)
            return True
        return self._lock is not None

    def release(self) -> None:
        if self._lock is not None:
            self._lock.release()
