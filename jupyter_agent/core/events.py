"""Events: immutable facts about a task, one frozen type of payload for each kind.

An `Event` is the envelope that is sent and stored. Its ``data`` stays encoded JSON (`msgspec.Raw`) until
code needs a field of it, so that a server forwards payloads undecoded; `decode_data` returns the typed one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from .nesting import NEVER_TOO_DEEP, refuse_too_deep

Ulid = Annotated[str, Meta(min_length=26, max_length=26)]
MAX_NUMBER = (1 << 53) - 1
"""Maximum whole number on the wire: every JSON reader and the journal's columns hold it exactly."""

Count = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
Positive = Annotated[int, Meta(ge=1, le=MAX_NUMBER)]
Number = int | float
MAX_EVENT_BYTES = 1 << 20
"""Maximum size of an encoded event, in bytes; longer logs are split, larger displays replaced by a note."""


class TaskState(StrEnum):
    """State of a task's present attempt."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """True for the four end states."""
        return self not in (TaskState.QUEUED, TaskState.RUNNING)


class _Data(Struct, frozen=True, omit_defaults=True):
    pass


class Error(Struct, frozen=True):
    """The exception that a failed attempt raised, as text."""

    type: str
    message: str
    traceback: str = ""


class Result(Struct, frozen=True):
    """The return value of a completed attempt: its (shortened) repr, and whether the object is on disk."""

    repr: str
    stored: bool = False


class _About(_Data, frozen=True):
    name: str  # in a base class, so that it alone may be positional


class About(_About, frozen=True, kw_only=True):
    """Description of a task in its ``queued`` event; ``None`` means unknown.

    ``run`` identifies one execution of its cell. ``view`` is how that execution shows the task:
    ``full``, ``slim`` (one line), or ``None`` for not at all. ``params`` are short texts by name, with
    secrets masked (see `core.params`). ``kind`` is what it runs: ``function``, ``cell``, ``loop``,
    ``notebook``, ``module``, ``command`` or ``agent``; ``on`` where: ``thread``, ``loop``, ``process``,
    ``detached``, ``foreground`` (in the cell itself), or the name of an executor's class. ``schedule`` is
    the id of the one that queued it. ``host`` and ``pid`` are those of the process that runs it, where that
    is known when it is queued. ``grace``: seconds to clean up after a cancel.
    """

    key: str | None = None
    tags: tuple[str, ...] = ()
    owner: str | None = None
    kernel: str | None = None
    notebook: str | None = None
    cell: str | None = None
    run: str | None = None
    view: str | None = None
    params: dict[str, str] | None = None
    kind: str | None = None
    on: str | None = None
    schedule: str | None = None
    host: str | None = None
    pid: Count | None = None
    grace: float | None = None


class State(_Data, frozen=True):
    """``state``: the attempt entered a state.

    ``about`` comes with ``queued``; so does ``producer`` when the attempt will run in another
    process than the one that queued it: both may then publish for it. ``host`` and ``pid`` come with
    ``running`` from such a process, and ``producer`` if it was not named before: that is its claim.
    """

    state: TaskState
    reason: str | None = None
    error: Error | None = None
    result: Result | None = None
    about: About | None = None
    producer: str | None = None
    host: str | None = None
    pid: Count | None = None


class Progress(_Data, frozen=True):
    """``progress``: how far the attempt is, in the user's own units; ``None`` means unknown."""

    done: Number | None = None
    total: Number | None = None
    message: str | None = None


class Log(_Data, frozen=True):
    """``log``: text; captured output may carry several lines. ``level`` is a logging level name.

    ``logger`` is the name of a record's logger, ``section`` the notebook's cell that the text is from.
    ``styles`` are parts of captured text that the program coloured: the index of the first character, that
    after the last one, and the values of the terminal's sequence (``1;31``).
    """

    stream: Literal["stdout", "stderr", "logging"]
    text: str
    level: str | None = None
    logger: str | None = None
    section: str | None = None
    styles: tuple[tuple[int, int, str], ...] = ()


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
    """``message``: part of a conversation. Deltas with one ``message_id`` are concatenated."""

    role: str
    text: str
    message_id: str
    delta: bool = False


class Prompt(_Data, frozen=True):
    """``prompt``: the task asks a question; ``choices`` of ``None`` means free text."""

    prompt_id: str
    text: str
    choices: tuple[str, ...] | None = None


class Input(_Data, frozen=True):
    """``input``: text from a person; ``prompt_id`` of ``None`` means that no prompt asked for it.

    ``role`` differs from ``user`` when no answer came in time: ``default``, the task used *text*;
    ``nobody``, the prompt was withdrawn and *text* is empty.
    """

    text: str
    prompt_id: str | None = None
    role: str = "user"


class Checkpoint(_Data, frozen=True):
    """``checkpoint``: a state was saved under ``key``; ``size`` is in bytes."""

    key: str
    size: Count


class Command(_Data, frozen=True):
    """``command``: the user ``by`` requested cancel, retry or input of the attempt."""

    command: str
    args: dict[str, Any] = {}
    by: str | None = None


class Stopping(_Data, frozen=True):
    """``stopping``: the attempt was asked to stop, because of ``why``, and still runs.

    ``seconds``: how long it may still clean up; ``None``: no end of that is known. ``where``: the line of the
    user's code that it has been in since ``since`` (Unix seconds); ``None``: unknown. ``note``: a sentence.
    ``resumed``: its code has caught the interrupt from the keyboard and goes on; it is not stopping any more.
    """

    why: Literal["cancel", "timeout", "signal"]
    seconds: float | None = None
    where: str | None = None
    since: float | None = None
    note: str | None = None
    resumed: bool = False


class Lost(_Data, frozen=True):
    """``lost``: the events ``first`` to ``last`` of ``producer``, both included, are gone for ``reason``.

    The event may be the first that a journal has of its task: ``producer`` is the one that runs it. Earlier
    versions did not say it (``None``).
    """

    first: Positive
    last: Positive
    reason: str
    producer: str | None = None


_Reported = State | Progress | Log | Metric | Display | Message | Prompt | Input | Checkpoint
Data = _Reported | Command | Stopping | Lost

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
    "stopping": Stopping,
    "lost": Lost,
}
"""Event types by name. A type here and in `Data` is all that wire, journal and schema need."""


class Event(Struct, frozen=True, omit_defaults=True, gc=False):
    """Envelope of an event. ``(producer, n)`` is unique; ``time`` is Unix seconds by the producer's clock.

    ``offset`` is 0 until a journal has stored the event. ``flag`` is ``None``, or names what the journal
    found wrong with the fact that it stored (``invalid_transition``, ``bad_data``). ``line`` is the number of
    the log's line in which the text of a ``log`` event begins, from 1; 0 where that is not known.
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
    line: int = 0


UNREADABLE = (msgspec.MsgspecError, RecursionError, UnicodeError)
"""Exceptions of decoding untrusted JSON: not this type, nested too deeply, not UTF-8."""

_encoder = msgspec.json.Encoder()
_event_decoder = msgspec.json.Decoder(Event)
_data_decoders = {name: msgspec.json.Decoder(kind) for name, kind in DATA_TYPES.items()}


def encode_event(event: Event) -> bytes:
    """Encode as JSON (UTF-8, no white space); ``offset``, ``flag`` and ``line`` are left out when unset."""
    return _encoder.encode(event)


def encode_data(data: Data) -> Raw:
    """Encode a payload as JSON, ready for an `Event`. NaN and infinities become null."""
    return Raw(_encoder.encode(data))


def decode_event(raw: bytes) -> Event:
    """Decode an event; raises one of `UNREADABLE`."""
    return _event_decoder.decode(raw)


def decode_data(event: Event) -> Data | None:
    """Return the typed payload; ``None`` for a type unknown to this version. Raises one of `UNREADABLE`."""
    if len(event.data) > NEVER_TOO_DEEP:
        refuse_too_deep(event.data)
    decoder = _data_decoders.get(event.type)
    return decoder.decode(event.data) if decoder else None


def with_offset(encoded: bytes, offset: int) -> bytes:
    """Return an encoded, unstored event with its ``offset``, which comes first."""
    return b'{"offset":%d,%s' % (offset, encoded[1:])
