"""What a task's function can say and ask: `TaskContext`, and which one is current.

Which task a piece of code belongs to is a context variable, copied when a task is submitted, so that
threads, coroutines and the output of ipykernel all agree on it.
"""

from __future__ import annotations

import math
import operator
import threading
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol

from ..core.events import Checkpoint, Data, Display, Log, Metric, Number, Progress
from ..errors import TaskCancelled
from .conversation import PART, Conversation
from .line_buffer import LineBuffer

_LARGEST = (1 << 63) - 1

Values = tuple[Number | None, Number | None, str | None]
"""Done, total and message of a progress."""


class TaskSink(Protocol):
    """The task that a context speaks for."""

    @property
    def id(self) -> str: ...

    def emit(self, attempt: int, kind: str, data: Data) -> int:
        """Make one event of it; its number, or 0 where nothing is emitted."""

    def save_checkpoint(self, attempt: int, state: object) -> int:
        """Keep *state*, which *attempt* has reached; its size in bytes. Raises `OSError` where it cannot."""

    def load_checkpoint(self, default: object) -> object:
        """The state kept last, or *default*."""


class Position(Protocol):
    """A loop that is being tracked."""

    def values(self) -> tuple[int, int | None]:
        """How many items were taken, and of how many (``None``: unknown)."""


class TaskContext:
    """One attempt of a task, seen from inside. Thread-safe; `current` gives it.

    Outside a task every call is accepted and does nothing.
    """

    def __init__(self, home: TaskSink | None, attempt: int, *, may_block: bool = True) -> None:
        self._home = home
        self._may_block = may_block
        self.id = home.id if home else ""
        self.attempt = attempt
        self._newest: Values = (None, None, None)
        self._written: Values = (None, None, None)
        self._lock = threading.Lock()
        self._sampling = threading.Lock()
        self._cancelled = False
        self._talk = Conversation(self._emit, self.raise_if_cancelled)
        self._streams: dict[str, LineBuffer] = {}
        self.positions: list[Position] = []

    def __repr__(self) -> str:
        return "<TaskContext>" if self.id else "<TaskContext of no task>"

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked this attempt to stop."""
        return self._cancelled

    def raise_if_cancelled(self) -> None:
        """Raise `TaskCancelled` when somebody asked this attempt to stop: a safe point."""
        if self._cancelled:
            raise TaskCancelled(f"task {self.id} was cancelled", task_id=self.id)

    def progress(
        self,
        done: Number | None = None,
        total: Number | None = None,
        message: str | None = None,
        advance: Number | None = None,
    ) -> None:
        """Say how far the attempt is, in units of your own; what is ``None`` stays as it was.

        *advance* adds to ``done``. Only the newest value is promised to be seen.
        """
        if advance is not None:
            self._advance(advance)
        old = self._newest
        self._newest = (
            old[0] if done is None else done,
            old[1] if total is None else total,
            old[2] if message is None else message,
        )

    def log(self, text: object, level: str = "info") -> None:
        """Record a line of text. When this returns the line survives the death of the process."""
        if self._home is None:
            return
        line = text if isinstance(text, str) else str(text)
        if len(line) <= PART:
            self._home.emit(self.attempt, "log", Log("logging", line, level))
        else:
            self.write_log("logging", line, level)

    def write_log(self, stream: Any, text: str, level: str | None = None) -> None:
        """Record captured text, in as many events as it needs."""
        if self._home is not None:
            for start in range(0, len(text), PART):
                part = text[start : start + PART]
                self._home.emit(self.attempt, "log", Log(stream, part, level))

    def metric(self, name: str, value: Any, step: Any = None) -> None:
        """Add a point to the series *name*; NaN and infinities are kept as null."""
        self._emit("metric", Metric(str(name), _number(value), _number(step)))

    def display(self, obj: object) -> None:
        """Record *obj* as IPython would show it; text where there is no IPython."""
        if self._home is None:
            return
        self.record_display(*_mime_bundle(obj))

    def record_display(
        self, data: dict[str, Any], metadata: dict[str, Any], display_id: str | None = None
    ) -> None:
        """Record a MIME bundle; one with a *display_id* takes the place of the last one with it."""
        try:
            self._emit("display", Display(data, metadata, display_id))
        except (TypeError, ValueError) as error:
            self._emit("display", Display({"text/plain": f"not recorded: {error}"}))

    def say(self, text: str, role: str = "assistant", stream: str | None = None) -> str:
        """Say *text* in the task's conversation; returns the message's id.

        Pass that id as *stream* to add to the same message, piece by piece.
        """
        return self._talk.say(str(text), role, stream)

    def ask(
        self, prompt: str, choices: Any = None, timeout: float | None = None, default: str | None = None
    ) -> str:
        """Ask a person and wait for the first answer, which need not be one of the *choices*.

        After *timeout* seconds the answer is *default*; without one: raises `TimeoutError`. Raises
        `TaskCancelled` on a cancel. Outside a task nobody can answer: *default*, or the empty string.
        """
        if self._home is None:
            return default or ""
        self._check_blocking("ask")
        chosen = None if default is None else str(default)
        return self._talk.ask(str(prompt), _options(choices), timeout, chosen)

    def receive(self, timeout: float | None = None) -> str:
        """Wait for the next text that somebody sends unasked; raises as `ask` does."""
        if self._home is None:
            return ""
        self._check_blocking("receive")
        return self._talk.receive(timeout)

    def checkpoint(self, state: object) -> bool:
        """Keep *state* (anything that pickles, up to 1 GiB) for a later attempt; whether it was kept.

        The one before stays until this one is complete. A disk that is full does not stop the task: the log
        says that nothing was kept. Raises `ValueError` for what is too large, and what pickling raises.
        """
        if self._home is None:
            return False
        try:
            size = self._home.save_checkpoint(self.attempt, state)
        except OSError as error:
            self.write_log("logging", f"the checkpoint was not kept: {error.strerror or error}", "warning")
            return False
        self._emit("checkpoint", Checkpoint(self.id, size))
        return True

    def restore(self, default: Any = None) -> Any:
        """What the last complete `checkpoint` of any attempt kept, or *default* when there was none."""
        return default if self._home is None else self._home.load_checkpoint(default)

    def request_cancel(self) -> None:
        """Ask the attempt to stop: wakes whatever waits in `ask` and `receive`."""
        self._cancelled = True
        self._talk.wake()

    def answer(self, text: str, prompt_id: str | None = None) -> bool:
        """A person said *text*; false when the question *prompt_id* is not open any more."""
        return self._talk.take(text, prompt_id)

    def leave(self, position: Position) -> None:
        """A tracked loop is left: keep where it was. Again is nothing."""
        with self._lock:
            if position in self.positions:
                outermost = self.positions[0] is position
                self.positions.remove(position)
                if outermost:
                    self._newest = _moved(self._newest, position)

    def stream(self, name: str) -> LineBuffer:
        """The buffer of what the attempt writes to *name* (``stdout`` or ``stderr``)."""
        buffer = self._streams.get(name)
        if buffer is None:
            buffer = self._streams.setdefault(name, LineBuffer(partial(self.write_log, name)))
        return buffer

    def sample(self) -> None:
        """Write what is new: progress, and lines that wait for their end."""
        self.sample_progress()
        for stream in list(self._streams.values()):
            stream.flush_waiting()

    def flush(self) -> None:
        """Write everything; before an end event."""
        for stream in list(self._streams.values()):
            stream.flush()
        self.sample_progress()

    def sample_progress(self) -> None:
        """Write the newest progress, if it is not written yet."""
        with self._sampling:
            self._sample_progress()

    def _sample_progress(self) -> None:
        newest = self._newest
        positions = self.positions[:1]
        if positions:
            newest = self._newest = _moved(newest, positions[0])
        if newest != self._written:
            self._written = newest
            done, total, message = newest
            text = None if message is None else str(message)[:PART]
            try:
                progress = Progress(_number(done), _number(total), text)
            except (TypeError, ValueError):
                sentence = f"progress() takes numbers, not {done!r:.60} of {total!r:.60}"
                self.write_log("logging", sentence, "warning")
            else:
                self._emit("progress", progress)

    def record_progress(self, done: Number, total: Number, message: str | None) -> None:
        """As `progress`, and an event of its own: every one is to be seen, not only the newest."""
        self.progress(done, total, message)
        self.sample_progress()

    def _advance(self, by: Number) -> None:
        with self._lock:
            done, total, message = self._newest
            self._newest = ((done or 0) + by, total, message)

    def _emit(self, kind: str, data: Data) -> None:
        if self._home is not None:
            self._home.emit(self.attempt, kind, data)

    def _check_blocking(self, word: str) -> None:
        if not self._may_block:
            raise RuntimeError(
                f"{word} would block the kernel's event loop; run this task with on='thread', not on='loop'"
            )


_NOBODY = TaskContext(None, 0)
_current: ContextVar[TaskContext] = ContextVar("jupyter_agent_task", default=_NOBODY)


def current() -> TaskContext:
    """The context of the task that this code runs in; outside a task, one whose calls do nothing."""
    return _current.get()


def set_current(context: TaskContext | None) -> TaskContext:
    """Make *context* (``None``: nobody's) current here; returns the one before."""
    before = _current.get()
    _current.set(context or _NOBODY)
    return before


def _options(choices: Any) -> tuple[str, ...] | None:
    if isinstance(choices, str):
        raise TypeError(f"choices takes a list of answers, such as ['yes', 'no'], not {choices!r:.60}")
    return tuple(map(str, choices or ())) or None


def _moved(values: Values, position: Position) -> Values:
    done, total = position.values()
    return done, values[1] if total is None else total, values[2]


def _number(value: Any) -> Number | None:
    """A plain number from whatever numpy, torch or Decimal call one."""
    if value is None:
        return None
    try:
        whole = operator.index(value)
    except TypeError:
        number = float(value)
        return number if math.isfinite(number) else None
    return whole if -_LARGEST <= whole <= _LARGEST else float(whole)


def _mime_bundle(obj: object) -> tuple[dict[str, Any], dict[str, Any]]:
    import sys

    if "IPython" in sys.modules:
        from IPython.core.interactiveshell import InteractiveShell

        if InteractiveShell.initialized():
            formatter = InteractiveShell.instance().display_formatter
            if formatter is not None:
                data, metadata = formatter.format(obj)
                return data, metadata
    return {"text/plain": repr(obj)}, {}
