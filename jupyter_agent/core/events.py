"""Events: immutable facts about a task, one frozen type for each kind.

An `Event` is the envelope that travels and is stored. Its ``data`` stays encoded JSON
(`msgspec.Raw`) until somebody needs to look inside, so that a server can pass on what it does not
read; `decode_data` gives the typed payload.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct

Ulid = Annotated[str, Meta(min_length=26, max_length=26)]
MAX_NUMBER = (1 << 53) - 1
"""The largest whole number on the wire: every JSON reader and the journal's columns hold it exactly."""

Count = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
Positive = Annotated[int, Meta(ge=1, le=MAX_NUMBER)]
Number = int | float
MAX_EVENT_BYTES = 1 << 20
"""The largest encoded event, in bytes; longer logs are split, larger displays replaced by a note."""


MAX_NESTING = 200
"""The deepest nesting of free JSON (a display, a command's args): far below where decoders give up,
and with them the connection that brought it."""


def too_deep(value: object) -> bool:
    """Whether dicts, lists and tuples are nested in *value* more than `MAX_NESTING` deep."""
    level = [value]
    for _ in range(MAX_NESTING + 1):
        inner: list[object] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()
            elif isinstance(one, list | tuple):
                inner += one
        if not inner:
            return False
        level = inner
    return True


class TaskState(StrEnum):
    """Where a task is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """Whether this is one of the four end states."""
        return self not in (TaskState.QUEUED, TaskState.RUNNING)


class _Data(Struct, frozen=True, omit_defaults=True):
    pass


class Error(Struct, frozen=True):
    """What a failed attempt raised, as text."""

    type: str
    message: str
    traceback: str = ""


class Result(Struct, frozen=True):
    """What a completed attempt returned: its (shortened) repr, and whether the object is on disk."""

    repr: str
    stored: bool = False


class About(_Data, frozen=True):
    """What a task's first ``queued`` event says of it; ``None`` means unknown.

    ``run`` tells one execution of its cell from another. ``view`` is how that execution shows the task:
    ``full``, ``slim`` (one line), or ``None`` for not at all.
    """

    name: str
    key: str | None = None
    tags: tuple[str, ...] = ()
    owner: str | None = None
    kernel: str | None = None
    notebook: str | None = None
    cell: str | None = None
    run: str | None = None
    view: str | None = None


class State(_Data, frozen=True):
    """``state``: the attempt entered a state.

    ``about`` comes with ``queued``; so does ``producer`` when the attempt will run in another
    process than the one that queued it, and both may then publish for it.
    """

    state: TaskState
    reason: str | None = None
    error: Error | None = None
    result: Result | None = None
    about: About | None = None
    producer: str | None = None


class Progress(_Data, frozen=True):
    """``progress``: how far the attempt is, in the user's own units; ``None`` means unknown."""

    done: Number | None = None
    total: Number | None = None
    message: str | None = None


class Log(_Data, frozen=True):
    """``log``: text; captured output may carry several lines. ``level`` is a logging level name."""

    stream: Literal["stdout", "stderr", "logging"]
    text: str
    level: str | None = None


class Metric(_Data, frozen=True):
    """``metric``: one point of a named series; ``value`` is ``None`` for NaN and infinities."""

    name: str
    value: Number | None = None
    step: Number | None = None


class Display(_Data, frozen=True):
    """``display``: a MIME bundle, as in Jupyter's messaging protocol."""

    data: dict[str, Any]
    metadata: dict[str, Any] = {}
    display_id: str | None = None


class Message(_Data, frozen=True):
    """``message``: a part of a conversation. Deltas of one ``message_id`` are concatenated."""

    role: str
    text: str
    message_id: str
    delta: bool = False


class Prompt(_Data, frozen=True):
    """``prompt``: the task asks a person; ``choices`` of ``None`` means free text."""

    prompt_id: str
    text: str
    choices: tuple[str, ...] | None = None


class Input(_Data, frozen=True):
    """``input``: what a person said; ``prompt_id`` of ``None`` means unasked.

    ``role`` is another than ``user`` where nobody answered in time: ``default``, the task took *text*;
    ``nobody``, the question is not asked any more, and *text* is empty.
    """

    text: str
    prompt_id: str | None = None
    role: str = "user"


class Checkpoint(_Data, frozen=True):
    """``checkpoint``: a state was saved under ``key``; ``size`` is in bytes."""

    key: str
    size: Count


class Command(_Data, frozen=True):
    """``command``: somebody (``by``) asked the attempt for something: cancel, retry or input."""

    command: str
    args: dict[str, Any] = {}
    by: str | None = None


class Lost(_Data, frozen=True):
    """``lost``: the producer's numbers ``first`` to ``last``, both included, are gone, and why."""

    first: Positive
    last: Positive
    reason: str


Data = State | Progress | Log | Metric | Display | Message | Prompt | Input | Checkpoint | Command | Lost

DATA_TYPES: dict[str, type[Data]] = {
    "state": State,
    "progress": Progress,
    "log": Log,
    "metric": Metric,
    "display": Display,
    "message": Message,
    "prompt": Prompt,
    "input": Input,
    "checkpoint": Checkpoint,
    "command": Command,
    "lost": Lost,
}
"""The event types by name. Adding one here is all the wire, the journal and the schema need."""


class Event(Struct, frozen=True, omit_defaults=True, gc=False):
    """The envelope. ``(producer, n)`` is unique; ``time`` is Unix seconds by the producer's clock.

    ``offset`` is 0 until a journal has stored the event. ``flag`` is ``None``, or a journal's word
    for what is wrong with the fact it stored (``invalid_transition``, ``bad_data``).
    """

    task: Ulid
    attempt: Positive
    producer: Ulid
    n: Positive
    time: float
    type: str
    data: Raw
    offset: int = 0
    flag: str | None = None


UNREADABLE = (msgspec.MsgspecError, RecursionError, UnicodeError)
"""What decoding hostile JSON raises: not this type, nested too deeply, not UTF-8."""

_encoder = msgspec.json.Encoder()
_event_decoder = msgspec.json.Decoder(Event)
_data_decoders = {name: msgspec.json.Decoder(kind) for name, kind in DATA_TYPES.items()}


def encode_event(event: Event) -> bytes:
    """The event as JSON (UTF-8, no white space); ``offset`` and ``flag`` are left out when unset."""
    return _encoder.encode(event)


def encode_data(data: Data) -> Raw:
    """A payload as JSON, ready for an `Event`. NaN and infinities become null."""
    return Raw(_encoder.encode(data))


def decode_event(raw: bytes) -> Event:
    """Read an event; raises one of `UNREADABLE`."""
    return _event_decoder.decode(raw)


def decode_data(event: Event) -> Data | None:
    """The typed payload, or ``None`` for a type this version does not know.

    Raises one of `UNREADABLE` when the payload does not fit its type.
    """
    decoder = _data_decoders.get(event.type)
    return None if decoder is None else decoder.decode(event.data)


def with_offset(encoded: bytes, offset: int) -> bytes:
    """An encoded, unstored event as a journal gives it out: ``offset`` comes first."""
    return b'{"offset":%d,%s' % (offset, encoded[1:])
