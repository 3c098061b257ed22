"""`TaskContext`: what a task's function can report and ask, and which context is current.

The current context is a context variable, copied when a task is submitted, so that threads, coroutines and
the output of ipykernel all agree on which task a piece of code belongs to.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar, overload

from ..core.events import Checkpoint, Data, Display, Log, Metric, Number, Stopping
from ..rendering.signatures import readable
from .conversation import Conversation
from .followed_bars import Bar
from .output.line_buffer import LineBuffer
from .output.log_parts import PART, log_parts
from .output.mime import displayed, recordable
from .output.outlets import Outlets
from .output.screen import Screen
from .payloads import choice_texts, plain_number, progress_of
from .progress_sampler import Position, ProgressSampler, Values
from .stopping.cancellation import Cancellation
from .task.keyboard import Keyboard
from .task.ports import FOR_USERS, Alternating, TaskSink

T = TypeVar("T")


@readable
class TaskContext:
    """One attempt of a task, seen from inside. Thread-safe; `current` returns it.

    Outside a task its calls do nothing; `ask` and `receive` read from the keyboard.
    """

    is_settled = True

    def __init__(self, sink: TaskSink | None, attempt: int, *, may_block: bool = True) -> None:
        self._sink = sink
        self.id = sink.id if sink else ""
        self.attempt = attempt
        self.cancellation = Cancellation(self.id)
        self.closed = False
        """Whether the attempt has ended: nothing is captured for it any more."""
        self.place: Callable[[], str | None] | None = None
        """Returns where the work is that another process does for this attempt."""
        self.replaced_by: AnyContext | None = None
        """What is current where this still is: the loop whose context this is was left, for good."""
        self.born = next(order)
        self.submitter = current().id if sink else ""
        self._progress = ProgressSampler(self._write_progress)
        talk = Conversation if sink else Keyboard
        self._conversation = talk(self._emit, self.raise_if_cancelled, may_block=may_block)
        self.screen = Screen(self.write_log, self.record_display, f"shown-{attempt}")
        self.outlets = Outlets(self.id)

    def __repr__(self) -> str:
        return "<TaskContext>" if self.id else "<TaskContext of no task>"

    def __dir__(self) -> list[str]:
        """Return what completion should offer: nothing that is for this package only."""
        return [name for name in super().__dir__() if name.startswith("__") or name in FOR_USERS]

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

    def write_log(self, stream: str, text: str, level: str | None = None, logger: str | None = None) -> None:
        """Record captured text, in as many events as it needs."""
        if self._sink is not None and not self.closed:
            for data in log_parts(stream, text, level, logger, self.screen.section):
                self._sink.emit(self.attempt, "log", data)

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
        `TaskCancelled` on a cancel. Outside a task it asks at the keyboard, and *timeout* does not count.
        """
        self._conversation.check_blocking("ask")
        chosen = None if default is None else str(default)
        return self._conversation.ask(str(prompt), choice_texts(choices), timeout, chosen)

    def receive(self, timeout: float | None = None) -> str:
        """Wait for the next text that a person sends without being asked; raises as `ask` does."""
        self._conversation.check_blocking("receive")
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

    @overload
    def restore(self, default: None = None) -> Any: ...
    @overload
    def restore(self, default: T) -> T: ...
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
        try:
            progress = progress_of(*values)
        except TypeError as error:
            self.write_log("logging", str(error), "warning")
        else:
            self._emit("progress", progress)

    def _emit(self, kind: str, data: Data) -> None:
        if self._sink is not None:
            self._sink.emit(self.attempt, kind, data)


order = itertools.count(1)
"""Tells which came first, a task or a redirection of the streams."""


AnyContext = TaskContext | Alternating

_NO_TASK = TaskContext(None, 0)
_current: ContextVar[Any] = ContextVar("jupyter_agent_task", default=_NO_TASK)


@readable
def current() -> TaskContext:
    """Return the context of the task that this code runs in; outside a task, that of no task."""
    context: Any = _current.get()
    while (other := context.replaced_by) is not None:
        context = other
    found: TaskContext = context  # what stands for others is always replaced
    return found


def set_current(context: AnyContext | None) -> AnyContext:
    """Make *context* current here (``None``: no task's); returns the previous one."""
    before: AnyContext = _current.get()
    while before.is_settled and before.replaced_by is not None:
        before = before.replaced_by
    _current.set(context or _NO_TASK)
    return before


def restore_current(before: AnyContext, context: AnyContext) -> None:
    """Make *before* current again, where *context* was made current last."""
    if _current.get() is context:
        _current.set(before)
