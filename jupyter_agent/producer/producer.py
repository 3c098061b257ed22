"""The producer: one process incarnation that runs tasks. It owns the spool and the forwarder.

There is at most one in a process (`current_producer`), made when the first task starts. A forked
child has none: what it emits is dropped, because its numbers and its lock would be its parent's.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..core.events import Data
from ..protocol.messages import CommandOrder
from ..system.ids import new_id
from ..system.locks import FileLock
from ..system.paths import DataPaths, data_paths
from ..transport.discovery import Address, find_address, find_journal
from .spool import DEFAULT_CAP, Spool
from .spool_folder import header_for

log = logging.getLogger(__name__)
FLUSH_AT_EXIT = 5.0
"""Seconds that a process which ends waits for its last events to be committed; the rest stays in the
spool, where the next holder finds it."""


class Producer:
    """Emits events of tasks, hands their commands on, and never waits for anybody.

    *identity* is a ULID chosen by whoever started this process, or ``None`` for a new one.
    """

    def __init__(self, paths: DataPaths | None = None, *, identity: str | None = None) -> None:
        from .forwarder import Forwarder  # brings a WebSocket client: not before there is a task

        self.paths = paths or data_paths()
        self.id = identity or new_id()
        self.journal = find_journal(self.paths)
        self.muted = False
        self._samplers: dict[object, Callable[[], None]] = {}
        self._handlers: dict[str, Callable[[CommandOrder], None]] = {}
        self._closed = threading.Lock()
        cap = int(os.environ.get("JUPYTER_AGENT_SPOOL_BYTES", DEFAULT_CAP))
        self.spool = Spool.create(self.paths, header_for(self.id, self.journal, time.time()), cap=cap)
        self.forwarder = Forwarder(self.spool, self, self.locate)
        self.forwarder.start()

    def locate(self) -> Address | None:
        """The server that holds this producer's journal now, if one does."""
        return find_address(self.paths, self.journal)

    def emit(self, task: str, attempt: int, kind: str, data: Data) -> int:
        """Put one event into the spool; its number, or 0 in a forked child (which emits nothing).

        When this returns, the event survives ``kill -9``. Raises `ValueError` for one that is too large.
        """
        if self.muted:
            return 0
        return self.spool.append(task, attempt, kind, data)

    def wake(self) -> None:
        """Send now what was emitted, rather than within some hundredths of a second."""
        if not self.muted:
            self.forwarder.wake()

    def add_sampler(self, key: object, sampler: Callable[[], None]) -> None:
        """Call *sampler* from the forwarder's thread about 20 times a second until it is removed."""
        self._samplers[key] = sampler
        self.wake()

    def remove_sampler(self, key: object) -> None:
        """Stop calling the sampler added under *key*; an unknown key is nothing."""
        self._samplers.pop(key, None)

    def on_command(self, task: str, handler: Callable[[CommandOrder], None]) -> None:
        """Call *handler*, on the forwarder's thread, with each command for *task*."""
        self._handlers[task] = handler

    def forget_command(self, task: str) -> None:
        """Stop handing on commands for *task*; an unknown one is nothing."""
        self._handlers.pop(task, None)

    def sample(self) -> bool:
        for sampler in list(self._samplers.values()):
            try:
                sampler()
            except Exception:  # one task's trouble must not stop the thread that serves them all
                log.exception("a task's progress could not be sampled")
        return bool(self._samplers)

    def command(self, order: CommandOrder) -> None:
        handler = self._handlers.get(order.task)
        if handler is None:
            log.debug("a command for a task that this process does not have: %s", order)
            return
        try:
            handler(order)
        except Exception:  # as above
            log.exception("the command %s could not be carried out", order.command)

    def flush(self, timeout: float) -> bool:
        """Wait until what was emitted is committed; false after *timeout* seconds, or with no server."""
        return not self.muted and self.forwarder.flush(timeout)

    def close(self, timeout: float = FLUSH_AT_EXIT) -> None:
        """Flush for at most *timeout* seconds when a server is there, then stop; again is nothing."""
        if self.muted or not self._closed.acquire(blocking=False):
            return
        self.sample()
        if self.locate() is not None:
            self.flush(timeout)
        self.muted = True
        self.forwarder.close()
        self.spool.close()


_current: Producer | None = None
_guard = threading.Lock()


def current_producer() -> Producer:
    """This process's producer, made at the first call. Raises `SpoolError` when it cannot be made."""
    global _current
    with _guard:
        if _current is None:
            _current = Producer(identity=os.environ.pop("JUPYTER_AGENT_PRODUCER", None))
            atexit.register(_current.close)
        return _current


def existing_producer() -> Producer | None:
    """This process's producer, if it has one."""
    return _current


def close_current() -> None:
    """Close this process's producer, if it has one; the next task makes a new one."""
    global _current
    with _guard:
        producer, _current = _current, None
    if producer is not None:
        atexit.unregister(producer.close)
        producer.close()


def _after_fork_in_child() -> None:
    global _current, _guard
    _guard = threading.Lock()
    if _current is not None:
        _current.muted = True
        atexit.unregister(_current.close)
        _current = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def adopt_spool(paths: DataPaths, producer: str) -> Spool | None:
    """Go on writing for a dead producer, to say how it ended.

    ``None`` when a holder has its spool in hand already or has taken it in.
    """
    folder: Path = paths.spools / producer
    try:
        lock = FileLock.acquire(folder / "lock", create=False)
    except FileNotFoundError:
        return None
    return Spool.adopt(folder, lock) if lock else None
