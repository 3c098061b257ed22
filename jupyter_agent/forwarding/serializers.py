"""Serializers of forwarded events: the JSON of the HTTP API, or CloudEvents.

CloudEvents 1.0, JSON format, structured mode (https://cloudevents.io); the subprotocol is the one of its
WebSocket binding.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from msgspec import Raw, Struct

from ..core.events import Event, decode_event
from .spec import Format

SUBPROTOCOLS: dict[str, list[str] | None] = {"json": None, "cloudevents": ["cloudevents.json"]}
_encode = msgspec.json.Encoder().encode


class CloudEvent(Struct, frozen=True, omit_defaults=True):
    """``id`` and ``source`` stay the same however often the event is sent.

    ``attempt``, ``offset`` and ``flag`` are extensions; an offset may be more than CloudEvents' integers
    hold, so it is text.
    """

    id: str
    source: str
    type: str
    subject: str
    data: Raw
    specversion: str
    datacontenttype: str
    attempt: int
    time: str | None = None
    offset: str | None = None
    flag: str | None = None


def serialize(encoded: bytes, format: Format) -> bytes:
    """Return the text of one frame for an event that is encoded as in a journal or a spool."""
    return encoded if format == "json" else _encode(_cloud_event(decode_event(encoded)))


def _cloud_event(event: Event) -> CloudEvent:
    return CloudEvent(
        id=f"{event.producer}/{event.n}",
        source=f"/jupyter-agent/tasks/{event.task}",
        type=f"jupyter_agent.task.{event.type}",
        subject=event.task,
        data=event.data,
        specversion="1.0",
        datacontenttype="application/json",
        attempt=event.attempt,
        time=_time(event.time),
        offset=str(event.offset) if event.offset else None,
        flag=event.flag,
    )


def _time(seconds: float) -> str | None:
    """Return RFC 3339 text; ``None`` for a time outside the calendar, which a broken clock can produce."""
    try:
        text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return None
    return text.replace("+00:00", "Z")
