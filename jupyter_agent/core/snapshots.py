"""Parts of a task's snapshot: progress, metrics, prompt and messages, each bounded.

The journal rewrites a snapshot with every commit, so it holds only a part of what the events say. The event
log keeps all of it.
"""

from __future__ import annotations

from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from .events import Number, Stopping

HUGE = 1 << 1000
"""Whole numbers from here on count as unknown: JSON can hold them, readers of a snapshot may not."""

MAX_METRICS = 500
"""Maximum number of metrics in one snapshot; the first names to come are kept."""

MAX_MESSAGES = 20
"""Maximum number of messages in one snapshot; the newest are kept."""

MAX_MESSAGE_BYTES = 8192
"""Maximum size of the text of all messages in one snapshot, in bytes (UTF-8)."""

_CUT = "…".encode()


class _Named(Struct, frozen=True):
    """Base of structs whose fields can also be read by name, as in ``point["value"]``."""

    def __getitem__(self, name: str) -> Any:
        if name not in self.__struct_fields__:
            raise KeyError(name)
        return getattr(self, name)


class MetricPoint(_Named, frozen=True):
    """The newest value of a metric, and the lowest and the highest of the attempt.

    ``min`` and ``max`` are ``None`` without a value, and where an older version has stored the first ones.
    """

    value: Number | None
    step: Number | None
    min: Number | None = None
    max: Number | None = None

    @classmethod
    def after(cls, known: Self | None, value: Number | None, step: Number | None) -> Self:
        """Return what a new *value* makes of *known*."""
        if known is None or (known.min is None and known.value is None):
            return cls(value, step, value, value)
        low, high = known.min, known.max
        if value is not None and low is not None and high is not None:
            if value < low:  # not by `min` and `max`, whose calls cost more: each value comes here
                low = value
            elif value > high:
                high = value
        return cls(value, step, low, high)


class ProgressSnapshot(_Named, frozen=True):
    """The newest progress; ``None`` means unknown."""

    done: Number | None
    total: Number | None
    message: str | None


class PromptSnapshot(_Named, frozen=True):
    """The question that a task waits on; ``choices`` of ``None`` means free text."""

    prompt_id: str
    text: str
    choices: tuple[str, ...] | None


class MessageSnapshot(_Named, frozen=True):
    """A message of the task's conversation, its deltas joined."""

    message_id: str
    role: str
    text: str


class StoppingSnapshot(_Named, frozen=True):
    """A task that was asked to stop and still runs; times are Unix seconds, ``None`` means unknown.

    ``until``: the end of its grace. ``where``, ``where_since`` and ``note``: as its process has said in a
    ``stopping`` event. ``again``: it was cancelled a second time. ``confirmed``: its process has said so.
    """

    since: float
    until: float | None = None
    why: str = "cancel"
    where: str | None = None
    where_since: float | None = None
    note: str | None = None
    again: bool = False
    confirmed: bool = False

    @classmethod
    def after_cancel(cls, known: Self | None, when: float, grace: float | None, *, now: bool) -> Self:
        """Return what a cancel makes of *known*; a second one, or one for *now*, ends the grace."""
        until = when if now or known is not None else when + grace if grace is not None else None
        again = now or known is not None
        return replace(known, until=until, again=True) if known else cls(when, until, again=again)

    @classmethod
    def confirmed_by(cls, data: Stopping, known: Self | None, when: float) -> Self:
        """Return what the event *data* of the task's process makes of *known*."""
        since, again = (known.since, known.again) if known is not None else (when, False)
        until = None if data.seconds is None else when + data.seconds
        return cls(since, until, data.why, data.where, data.since, data.note, again, confirmed=True)


class WaitingSnapshot(_Named, frozen=True):
    """What a queued task waits for: ``why`` is ``workers``, ``retry``, ``attempt`` or ``executor``.

    ``text`` says it in words; ``until``: Unix seconds, ``None`` when that is not known.
    """

    why: str
    text: str
    until: float | None = None


def bounded(value: Number | None) -> Number | None:
    """Return *value*, or ``None`` for one that is `HUGE`."""
    return None if value is None or abs(value) >= HUGE else value


def add_message(
    messages: list[MessageSnapshot], message: MessageSnapshot, *, delta: bool
) -> list[MessageSnapshot]:
    """Return *messages* with *message*, which replaces or, with *delta*, extends the one with its id."""
    for index, known in enumerate(messages):
        if known.message_id == message.message_id:
            text = known.text + message.text if delta else message.text
            messages[index] = MessageSnapshot(message.message_id, message.role, text)
            break
    else:
        messages.append(message)
    return _newest(messages)


def _newest(messages: list[MessageSnapshot]) -> list[MessageSnapshot]:
    """Return the last messages that fit into a snapshot, oldest first; the oldest may be cut at its start."""
    kept: list[MessageSnapshot] = []
    room = MAX_MESSAGE_BYTES
    for message in reversed(messages[-MAX_MESSAGES:]):
        text = message.text.encode("utf-8", "replace")
        if len(text) > room:
            if room > len(_CUT):
                end = text[len(_CUT) - room :].decode("utf-8", "ignore")
                kept.append(MessageSnapshot(message.message_id, message.role, f"…{end}"))
            break
        kept.append(message)
        room -= len(text)
    return kept[::-1]
