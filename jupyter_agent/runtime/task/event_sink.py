"""Event sink of one task: emits its events and folds them into its snapshot."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...core.events import Data, Event, Log, Metric, encode_data
from ...core.task import Task
from ...producer.producer import Producer
from ...rendering.curves import Curves
from ...rendering.transcript import TAIL_LINES
from ..artifacts.checkpoints import Checkpoints
from ..surrogates import without_surrogates

_MAX_TAIL_PIECE = 2000
"""Characters of one log event that the log tail keeps: its end."""

Write = Callable[[str, int, str, Data], int]
"""Appends an event (task, attempt, type, data) to a spool; its number."""


class EventSink:
    """Appends the events of one task to its producer's spool and keeps the folded snapshot.

    ``lock`` guards ``fold``: its owner checks a transition and emits it under this lock, so that an attempt
    gets exactly one end.
    """

    def __init__(self, producer: Producer, fold: Task) -> None:
        self.id = fold.id
        self.fold = fold
        self.renew_locks()
        self.log_tail: deque[Log] = deque(maxlen=TAIL_LINES)
        """The last log events of the present attempt that were emitted here, each cut to its end."""
        self.curves: Curves | None = None
        """The metrics of the present attempt that were emitted here; ``None`` where no picture needs them."""
        self._producer = producer
        self._write: Write = producer.emit
        """Appends an event to the spool; `redirect` puts another function in its place for one attempt."""
        self._redirected: dict[int, Write] = {}
        self._checkpoints = Checkpoints(producer.paths)

    def renew_locks(self) -> None:
        """See `LockOwner`; its task calls this."""
        self.lock = threading.RLock()

    def emit(self, attempt: int, kind: str, data: Data) -> int:
        """Append one event and fold it; its number, or 0 in a forked child."""
        write = self._redirected.get(attempt, self._write)
        try:
            n = write(self.id, attempt, kind, data)
        except UnicodeEncodeError:
            data = without_surrogates(data)
            n = write(self.id, attempt, kind, data)
        if type(data) is Log:
            # The hot path: a log event changes nothing but these counts, so it takes no lock and no decoding.
            self.log_tail.append(
                data
                if len(data.text) <= _MAX_TAIL_PIECE
                else Log(data.stream, data.text[-_MAX_TAIL_PIECE:], data.level)
            )
            self.fold.logs += 1
            self.fold.events += 1
            return n
        if self._producer.muted:  # a forked child takes no lock for nothing
            return n
        with self.lock:
            raw = encode_data(data)
            now = time.time()
            self.fold.apply(Event(self.id, attempt, self._producer.id, n or 1, now, kind, raw))
            if self.curves is not None and type(data) is Metric and attempt == self.fold.attempt:
                self.curves.add(data.name, data.value, data.step, now)
        return n

    def clear_tail(self) -> None:
        """Forget what the previous attempt emitted."""
        self.log_tail.clear()
        if self.curves is not None:
            self.curves.clear()

    @contextmanager
    def redirect(self, attempt: int, write: Write) -> Iterator[None]:
        """Within the block, append the events of *attempt* by *write*."""
        self._redirected[attempt] = write
        try:
            yield
        finally:
            del self._redirected[attempt]

    def save_checkpoint(self, attempt: int, state: object) -> int:
        """Save *state*; its size in bytes. Raises as `Checkpoints.save` does."""
        return self._checkpoints.save(self.id, state, attempt)

    def load_checkpoint(self, default: object) -> object:
        """Return the newest complete checkpoint, or *default*; damaged ones become a warning in the log."""
        return self._checkpoints.load(self.id, default, warn=self._warn)

    def _warn(self, sentence: str) -> None:
        self.emit(self.fold.attempt, "log", Log("logging", sentence, "warning"))
