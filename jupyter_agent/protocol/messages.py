"""Wire messages of `v1.events.jupyter-agent`, one type for each, and close codes.

JSON text frames; ``type`` is the tag. Unknown fields are ignored.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from ..core.events import Count, Event, Positive, Ulid
from ..core.task import Task

SUBPROTOCOL = "v1.events.jupyter-agent"
VERSION = 1
SPOOL_TROUBLE = "spool_trouble"
"""Tag of the message, as a ``welcome`` lists it under ``accepts``."""

NOT_STORED = "not_stored"
"""Code of the error that answers a batch which the journal could not store."""


Right = Literal["read", "write", "execute"]
"""What the server's authorizer may allow a user."""

RIGHTS: tuple[Right, ...] = ("read", "write", "execute")


class Close(IntEnum):
    """WebSocket close codes. After 4000-4499 a client reconnects, after 4500-4999 it does not."""

    NORMAL = 1000
    GOING_AWAY = 1001
    TOO_BIG = 1009
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    RESTART = 4001
    TOO_SLOW = 4008
    RESUBSCRIBE = 4010
    REPLACED = 4011
    PROTOCOL = 4500
    UNAUTHENTICATED = 4501
    FORBIDDEN = 4503
    VERSION = 4506
    NO_HELLO = 4508


def should_reconnect(code: int | None) -> bool:
    """Return True if a client closed with *code* (``None``: no close frame came) should reconnect."""
    return code is None or not (4500 <= code <= 4999 or code == Close.TOO_BIG)


class Limits(Struct, frozen=True):
    """Limits of the server: bytes of a message, bytes of an event, snapshots in a page, bytes of an
    ``events`` frame (a single larger event is sent alone), batches in flight."""

    message: int
    event: int
    snapshots: int
    frame: int
    window: int


class _Message(Struct, frozen=True, omit_defaults=True, tag_field="type"):
    pass


class Hello(_Message, frozen=True, tag="hello"):
    """First frame of every client. A producer adds its id, the host it runs on, and what its clock says.

    ``acked``: the last number that was acknowledged to the producer; a journal that has less asks for more.
    """

    versions: list[int]
    role: Literal["subscriber", "producer"] = "subscriber"
    client: str = ""
    producer: Ulid | None = None
    host: str | None = None
    clock: float | None = None
    acked: Count = 0


class Subscribe(_Message, frozen=True, tag="subscribe"):
    """``after``: everything after that cursor, ``None`` from now. ``tail``: past events per task."""

    id: int
    tasks: Literal["*"] | list[str]
    after: str | None = None
    tail: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    types: list[str] | None = None


class Unsubscribe(_Message, frozen=True, tag="unsubscribe"):
    id: int


class CommandRequest(_Message, frozen=True, tag="command"):
    """``attempt`` of ``None`` means the present one."""

    id: int
    task: str
    command: str
    attempt: Positive | None = None
    args: dict[str, Any] = {}


class Publish(_Message, frozen=True, tag="publish"):
    """``base`` is the smallest number the producer still has; ``first`` that of ``events[0]``.

    ``notices``: what the server's health shows about the producer's spool from now on.
    """

    base: Positive
    first: Positive
    events: list[Event]
    notices: list[str] = []


class Handled(_Message, frozen=True, tag="handled"):
    """The producer has handled the command stored at ``offset``."""

    offset: Count


class SpoolTrouble(_Message, frozen=True, tag=SPOOL_TROUBLE):
    """What is wrong with the producer's spool from now on, in a sentence; empty: nothing any more.

    Sent only to a server whose ``welcome`` accepts it.
    """

    sentence: str = ""


class Welcome(_Message, frozen=True, tag="welcome"):
    """``trouble``: the sentences of the server's health, if there are any.

    ``accepts``: the types of a producer's messages that not every server of this version reads.
    ``rights``: what the subscriber's user may do, so that a view shows no button that would only be refused.
    """

    version: int
    connection: str
    user: str
    cursor: str
    now: float
    heartbeat: float
    limits: Limits
    trouble: list[str] = []
    accepts: list[str] = []
    rights: list[Right] = []


class Subscribed(_Message, frozen=True, tag="subscribed"):
    """``tasks`` and ``reason`` come when ``recovered`` is false; ``more``: there are more tasks."""

    id: int
    recovered: bool
    cursor: str
    tasks: list[Task] | None = None
    more: bool | None = None
    reason: Literal["initial", "expired", "epoch"] | None = None


class Events(_Message, frozen=True, tag="events"):
    """A client at ``prev`` applies it and is at ``cursor`` then; otherwise it subscribes again."""

    id: int
    prev: str
    cursor: str
    events: list[Event]


class Reply(_Message, frozen=True, tag="reply"):
    id: int
    ok: bool
    code: str | None = None
    message: str | None = None


class Ack(_Message, frozen=True, tag="ack"):
    """Everything up to and including ``upto`` is committed."""

    upto: Count


class Nack(_Message, frozen=True, tag="nack"):
    """Events are missing: publish again from ``expected``."""

    expected: Positive


class CommandOrder(_Message, frozen=True, tag="command"):
    """A stored command on its way to the task's producer."""

    offset: int
    task: str
    attempt: int
    command: str
    args: dict[str, Any] = {}


class Heartbeat(_Message, frozen=True, tag="heartbeat"):
    """``cursors``, by subscription: every event of it up to there was sent.

    ``trouble``: the sentences of the server's health, when they have changed.
    """

    now: float
    cursors: dict[str, str]
    trouble: list[str] | None = None


class ErrorMessage(_Message, frozen=True, tag="error"):
    """``temporary``: the same message may succeed later."""

    code: str
    message: str
    temporary: bool
    id: int | None = None


class Bye(_Message, frozen=True, tag="bye"):
    """The server shuts down; ``retry_ms`` is the delay before a reconnect."""

    reconnect: bool
    retry_ms: int


FromClient = Hello | Subscribe | Unsubscribe | CommandRequest | Publish | Handled | SpoolTrouble
FromServer = (
    Welcome | Subscribed | Events | Reply | Ack | Nack | CommandOrder | Heartbeat | ErrorMessage | Bye
)
