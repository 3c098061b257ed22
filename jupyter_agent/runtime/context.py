"""`TaskContext`: what a task's function can report and ask, and which context is current.

The current context is a context variable, copied when a task is submitted, so that threads, coroutines and
the output of ipykernel all agree on which task a piece of code belongs to.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

from ..core.events import Checkpoint, Data, Display, Log, Metric, Number, Progress, Stopping
from .conversation import PART, Conversation
from .followed_bars import Bar
from .output.line_buffer import LineBuffer
from .output.mime import displayed, recordable
from .output.outlets import Outlets
from .output.screen import Screen
from .payloads import choice_texts, plain_number
from .progress_sampler import Position, ProgressSampler, Values
from .stopping.cancellation import Cancellation


class TaskSink(Protocol):
    """Where the events and checkpoints of a context go."""

    @property
    def id(self) -> str:
        """The task's id."""

    def emit(self, attempt: int, kind: str, data: Data) -> int:
        """Append one event; its number, or 0 where nothing is emitted."""

    def save_checkpoint(self, attempt: int, state: object) -> int:
        """Save *state*, which *attempt* has reached; its size in bytes. Raises `OSError` where it cannot."""

    def load_checkpoint(self, default: object) -> object:
        """Return the state saved last, or *default*."""


class TaskContext:
    """One attempt of a task, seen from inside. Thread-safe; `current` returns it.

    Outside a task every call is accepted and does nothing.
    """

    def __init__(self, sink: TaskSink | None, attempt: int, *, may_block: bool = True) -> None:
        self._sink = sink
        self._may_block = may_block
        self.id = sink.id if sink else ""
        self.attempt = attempt
        self.cancellation = Cancellation(self.id)
        self.closed = False
        """Whether the attempt has ended: nothing is captured for it any more."""
        self.place: Callable[[], str | None] | None = None
        """Returns where the work is that another process does for this attempt."""
        self.replaced_by: TaskContext | None = None
        """What is current where this still is: the loop whose context this is was left."""
        self.born = next(order)
        self.submitter = current().id if sink else ""
        self._progress = ProgressSampler(self._write_progress)
        self._conversation = Conversation(self._emit, self.raise_if_cancelled)
        self.screen = Screen(self.write_log, self.record_display, f"shown-{attempt}")
        self.outlets = Outlets(self.id)

    def __repr__(self) -> str:
        return "<TaskContext>" if self.id else "<TaskContext of no task>"

    @property
    def cancelled(self) -> bool:
        """Whether this attempt was asked to stop."""
        return self.cancellation.requested

    def raise_if_cancelled(self) -> None:
        """Raise `TaskCancelled` if this attempt was asked to stop: a safe point."""
        if self.cancellation.requested:
            self.cancellation.check()

    def progress(
        self,
        done: Number | None = None,
        total: Number | None = None,
        message: str | None = None,
        advance: Number | None = None,
    ) -> None:
        """Report how far the attempt is, in units of your own; what is ``None`` stays as it was.

        *advance* adds to ``done``. Only the newest value is guaranteed to be recorded.
        """
        sampler = self._progress
        if advance is not None:
            sampler.advance(advance)
        old = sampler.newest
        sampler.newest = (
            old[0] if done is None else done,
            old[1] if total is None else total,
            old[2] if message is None else message,
        )

    def end_message(self, message: str) -> None:
        """Clear the message of the progress, if it still is *message*."""
        done, total, newest = self._progress.newest
        if newest == message:
            self._progress.newest = done, total, None

    def log(self, text: object, level: str = "info") -> None:
        """Record a line of text. When this returns, the line survives the death of the process."""
        if self._sink is None:
            return
        line = text if isinstance(text, str) else str(text)
        if len(line) <= PART:
            self._sink.emit(self.attempt, "log", Log("logging", line, level))
        else:
            self.write_log("logging", line, level)

    def write_log(self, stream: Any, text: str, level: str | None = None) -> None:
        """Record captured text, in as many events as it needs."""
        if self._sink is not None and not self.closed:
            for start in range(0, len(text), PART):
                part = text[start : start + PART]
                self._sink.emit(self.attempt, "log", Log(stream, part, level))

    def metric(self, name: str, value: Any, step: Any = None) -> None:
        """Add a point to the series *name*; NaN and infinities are kept as null."""
        self._emit("metric", Metric(str(name), plain_number(value), plain_number(step)))

    def display(self, obj: object) -> None:
        """Record *obj* as IPython would show it; text where there is no IPython."""
        if self._sink is None:
            return
        for data, metadata in displayed(obj):
            self.record_display(recordable(data), metadata)

    def record_display(
        self, data: dict[str, Any], metadata: dict[str, Any], display_id: str | None = None
    ) -> None:
        """Record a MIME bundle; it replaces an earlier one with the same *display_id*."""
        try:
            self._emit("display", Display(data, metadata, display_id))
        except (TypeError, ValueError) as error:
            self._emit("display", Display({"text/plain": f"not recorded: {error}"}))

    def say(self, text: str, role: str = "assistant", stream: str | None = None) -> str:
        """Say *text* in the task's conversation; returns the message's id.

        Pass that id as *stream* to append to the same message, piece by piece.
        """
        return self._conversation.say(str(text), role, stream)

    def ask(
        self, prompt: str, choices: Any = None, timeout: float | None = None, default: str | None = None
    ) -> str:
        """Ask a person and wait for the first answer, which need not be one of the *choices*.

        After *timeout* seconds the answer is *default*; without one: raises `TimeoutError`. Raises
        `TaskCancelled` on a cancel. Outside a task the answer is *default*, or the empty string.
        """
        if self._sink is None:
            return default or ""
        self._check_blocking("ask")
        chosen = None if default is None else str(default)
        return self._conversation.ask(str(prompt), choice_texts(choices), timeout, chosen)

    def receive(self, timeout: float | None = None) -> str:
        """Wait for the next text that a person sends without being asked; raises as `ask` does."""
        if self._sink is None:
            return ""
        self._check_blocking("receive")
        return self._conversation.receive(timeout)

    def checkpoint(self, state: object) -> bool:
        """Save *state* (anything that pickles, up to 1 GiB) for a later attempt; false if it was not saved.

        The previous one stays until this one is complete. A full disk does not stop the task: the log
        says that nothing was saved. Raises `ValueError` for what is too large, and what pickling raises.
        """
        if self._sink is None:
            return False
        try:
            size = self._sink.save_checkpoint(self.attempt, state)
        except OSError as error:
            self.write_log("logging", f"the checkpoint was not kept: {error.strerror or error}", "warning")
            return False
        self._emit("checkpoint", Checkpoint(self.id, size))
        return True

    def restore(self, default: Any = None) -> Any:
        """Return the last complete `checkpoint` of any attempt, or *default* when there is none."""
        return default if self._sink is None else self._sink.load_checkpoint(default)

    def renew_locks(self) -> None:
        """See `LockOwner`; its attempt calls this."""
        self.cancellation.renew_locks()
        self._progress.renew_locks()
        self._conversation.renew_locks()
        self.screen.renew_locks()

    def request_cancel(self) -> None:
        """Ask the attempt to stop: wakes threads that sleep, or wait in `ask` and `receive`."""
        self.cancellation.request()
        self._conversation.wake()

    def answer(self, text: str, prompt_id: str | None = None) -> bool:
        """Deliver a person's *text*; false when the question *prompt_id* is no longer open."""
        return self._conversation.deliver(text, prompt_id)

    @property
    def positions(self) -> list[Position]:
        """The loops being tracked, the outermost first; its first position is the progress."""
        return self._progress.positions

    def leave(self, position: Position, *, all_taken: bool = True) -> None:
        """Stop tracking a loop, keeping where it was. Idempotent.

        *all_taken*: the item taken last is done, too.
        """
        self._progress.leave(position, all_taken=all_taken)

    def stream(self, name: str) -> LineBuffer:
        """Return the buffer of what the attempt writes to *name* (``stdout`` or ``stderr``)."""
        return self.screen.stream(name)

    def sample(self) -> None:
        """Write new progress, and unfinished lines that have waited since the last sample."""
        for bar in self._progress.bars.open_ones():
            if bar.is_over:
                self.end_bar(bar)
        self._progress.sample()
        self.screen.sample()

    def flush(self) -> None:
        """Write everything; called before an end event."""
        for bar in self._progress.bars.open_ones():
            self.end_bar(bar)
        self.screen.flush()
        self.outlets.flush()
        self._progress.sample()

    def begin_bar(self, bar: Bar) -> bool:
        """Follow a progress bar of the user's, until `end_bar`; return whether another one is open."""
        return self._progress.begin_bar(bar)

    def end_bar(self, bar: Bar) -> None:
        """Record the last state of a bar, as progress and as the line that it leaves. Idempotent."""
        if self._progress.end_bar(bar) and (line := bar.last_line()):
            self.write_log("stderr", line + "\n")

    def record_progress(self, done: Number, total: Number, message: str | None) -> None:
        """As `progress`, but written at once: every value is recorded, not only the newest."""
        self.progress(done, total, message)
        self._progress.sample()

    def record_stopping(self, stopping: Stopping) -> None:
        """Record that the attempt was asked to stop and still runs."""
        self._emit("stopping", stopping)

    def _write_progress(self, values: Values) -> None:
        done, total, message = values
        text = None if message is None else str(message)[:PART]
        try:
            progress = Progress(plain_number(done), plain_number(total), text)
        except (TypeError, ValueError):
            sentence = f"progress() takes numbers, not {done!r:.60} of {total!r:.60}"
            self.write_log("logging", sentence, "warning")
        else:
            self._emit("progress", progress)

    def _emit(self, kind: str, data: Data) -> None:
        if self._sink is not None:
            self._sink.emit(self.attempt, kind, data)

    def _check_blocking(self, word: str) -> None:
        if not self._may_block:
            raise RuntimeError(
                f"{word} would block the kernel's event loop; run this task with on='thread', not on='loop'"
            )


order = itertools.count(1)
"""Tells which came first, a task or a redirection of the streams."""

_NO_TASK = TaskContext(None, 0)
_current: ContextVar[TaskContext] = ContextVar("jupyter_agent_task", default=_NO_TASK)


def current() -> TaskContext:
    """Return the context of the task that this code runs in; outside a task, one whose calls do nothing."""
    context = _current.get()
    while context.replaced_by is not None:
        context = context.replaced_by
    return context


def set_current(context: TaskContext | None) -> TaskContext:
    """Make *context* current here (``None``: no task's); returns the previous one."""
    before = current()
    _current.set(context or _NO_TASK)
    return before
