"""Producer: one incarnation of a process that runs tasks. It owns the spool and the forwarder.

A process has at most one (`current_producer`), made when the first task starts. A forked child has
none: what it emits is dropped, because its numbers and its lock would be its parent's.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..core.events import Data, State, TaskState
from ..errors import SpoolError
from ..protocol.messages import CommandOrder
from ..system.ids import new_id
from ..system.locks import FileLock
from ..system.orphaned_locks import renew_at_finalization
from ..system.paths import DataPaths, data_paths
from ..transport.discovery import Address, find_address, find_journal
from .spool import DEFAULT_CAP, Spool
from .spool_folder import header_for, write_ending

log = logging.getLogger(__name__)
FLUSH_AT_EXIT = 5.0
"""Seconds that an ending process waits for its last events to be committed. The rest stays in the spool, from
which the next holder recovers it."""

FLUSH_FROM_MEMORY = 30.0
"""The same, where the disk takes no events: what is only in memory is gone with the process."""


class Producer:
    """Emits events of tasks and dispatches their commands. Never waits for a server.

    *identity* is a ULID that the parent process has chosen, or ``None`` for a new one.
    """

    def __init__(self, paths: DataPaths | None = None, *, identity: str | None = None) -> None:
        from .forwarder import Forwarder  # imports a WebSocket client: not before there is a task

        self.paths = paths or data_paths()
        self.id = identity or new_id()
        self.journal = find_journal(self.paths)
        self.muted = False
        self.closed = False
        self._outlasted = False
        self._samplers: dict[object, Callable[[], None]] = {}
        self._handlers: dict[str, Callable[[CommandOrder], None]] = {}
        self._closing = threading.Lock()
        cap = _spool_bytes()
        self.spool = Spool.create(self.paths, header_for(self.id, self.journal, time.time()), cap=cap)
        self._append = self.spool.append
        self.forwarder = Forwarder(self.spool, self, self.locate)
        self.forwarder.start()

    @property
    def is_ending(self) -> bool:
        """Whether its process ends, or was forked from the one that has it: it starts nothing anew."""
        return self.muted or self.closed or self._outlasted

    def locate(self) -> Address | None:
        """Return the server that holds this producer's journal now, if one does."""
        return find_address(self.paths, self.journal)

    def emit(self, task: str, attempt: int, kind: str, data: Data) -> int:
        """Append one event to the spool; its number, or 0 in a forked child (which emits nothing).

        When this returns, the event survives ``kill -9``. Raises `ValueError` for one that is too large.
        """
        if self.muted:
            return 0
        return self._append(task, attempt, kind, data)

    def emit_last(self, task: str, attempt: int, kind: str, data: Data) -> int:
        """As `emit`, for the end of the attempt of a process that exits now, while its work may still emit.

        A thread that emits after that end does not return from it.
        """
        if self.muted or kind != "state":
            return self.emit(task, attempt, kind, data)
        return self.spool.append_last(task, attempt, kind, data)

    def wake(self) -> None:
        """Send emitted events now, rather than within some hundredths of a second."""
        if not self.muted:
            self.forwarder.wake()

    def add_sampler(self, key: object, sampler: Callable[[], None]) -> None:
        """Call *sampler* from the forwarder's thread about 20 times a second until it is removed."""
        self._samplers[key] = sampler
        self.wake()

    def remove_sampler(self, key: object) -> None:
        """Stop calling the sampler added under *key*. Idempotent."""
        self._samplers.pop(key, None)

    def on_command(self, task: str, handler: Callable[[CommandOrder], None]) -> None:
        """Call *handler*, on the forwarder's thread, with each command for *task*."""
        self._handlers[task] = handler

    def forget_command(self, task: str) -> None:
        """Stop calling the handler of *task*. Idempotent."""
        self._handlers.pop(task, None)

    def sample(self) -> bool:
        for sampler in list(self._samplers.values()):
            try:
                sampler()
            except Exception:  # an error of one task must not stop the thread that serves all of them
                log.exception("a task's progress could not be sampled")
        return bool(self._samplers)

    def command(self, order: CommandOrder) -> None:
        handler = self._handlers.get(order.task)
        if handler is None:
            log.debug("ignored a command for a task that this process does not have: %s", order)
            return
        try:
            handler(order)
        except Exception:  # as above
            log.exception("the command %s failed", order.command)

    def flush(self, timeout: float, *, upto: int | None = None) -> bool:
        """Wait until all emitted events are committed; false after *timeout* seconds, and once closed.

        *upto*: the number of the last event that is waited for; ``None`` for all that were emitted so far.
        """
        return not self.muted and not self.closed and self.forwarder.flush(timeout, upto=upto)

    def close(self, timeout: float = FLUSH_AT_EXIT) -> None:
        """Flush for at most *timeout* seconds if there is a server, then stop forwarding. Idempotent.

        What is emitted later is stored all the same, and recovered by a holder after the process has ended.
        """
        if self.muted or not self._closing.acquire(blocking=False):
            return
        self._append = self._append_at_end  # here, so that `emit` checks nothing before that
        self.sample()
        if self.locate() is not None:
            self.flush(max(timeout, FLUSH_FROM_MEMORY) if self.spool.is_in_memory else timeout)
        if self._outlasted:
            return
        self.closed = True
        self.forwarder.close()
        self.spool.retire()

    def leave_end_to_holder(self, reason: str) -> None:
        """This process ends for some *reason* while its work goes on, until the process is gone.

        Spool and forwarder stay open until then, so that the work's last events are stored, and sent, as any
        other. The holder that finds the lock released records the interruption, which thereby comes last.
        """
        self._outlasted = True
        write_ending(self.spool.folder, State(TaskState.INTERRUPTED, reason=reason))

    def _append_at_end(self, task: str, attempt: int, kind: str, data: Data) -> int:
        renew_at_finalization()
        return self.spool.append(task, attempt, kind, data)


_current: Producer | None = None
_guard = threading.Lock()


def current_producer() -> Producer:
    """Return this process's producer, made at the first call. Raises `SpoolError` when it cannot be made."""
    global _current
    with _guard:
        if _current is None:
            _current = Producer(identity=os.environ.pop("JUPYTER_AGENT_PRODUCER", None))
            atexit.register(_current.close)
        return _current


def existing_producer() -> Producer | None:
    """Return this process's producer, if it has one."""
    return _current


def _after_fork_in_child() -> None:
    global _current, _guard
    # A new lock: another thread of the parent may have held the old one at the fork.
    _guard = threading.Lock()
    if _current is not None:
        # Muted, not closed: spool, lock and connection are the parent's, and user code may keep a reference.
        _current.muted = True
        atexit.unregister(_current.close)
        _current = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def adopt_spool(paths: DataPaths, producer: str) -> Spool | None:
    """Open the spool of a dead producer, to append how it ended.

    ``None`` when a holder is recovering the spool, or has done so.
    """
    folder: Path = paths.spools / producer
    try:
        lock = FileLock.acquire(folder / "lock", create=False)
    except FileNotFoundError:
        return None
    return Spool.adopt(folder, lock) if lock else None


def _spool_bytes() -> int:
    """Return how large the spool may become. Raises `SpoolError` for a setting that is no number of bytes."""
    text = os.environ.get("JUPYTER_AGENT_SPOOL_BYTES", str(DEFAULT_CAP))
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise SpoolError(
            f"JUPYTER_AGENT_SPOOL_BYTES={text[:40]!r} is not a number of bytes; set one such as {DEFAULT_CAP}"
        )
    return int(text)
