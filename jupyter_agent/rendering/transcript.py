"""The text in an event, as a terminal gets it."""

from __future__ import annotations

from ..core.events import UNREADABLE, Data, Event, Log, Message, decode_data
from ..core.sanitize import strip_controls
from ..core.sanitize import to_single_line as plain

SAID_TYPES = ("log", "message")


def said(event: Event) -> str:
    """What the event prints, with its line ends and nothing that steers a terminal; nothing for events
    that are not text."""
    data = payload(event)
    if isinstance(data, Log):
        text = strip_controls(data.text)
        return _line(text) if data.stream == "logging" else text
    if isinstance(data, Message):
        return strip_controls(data.text) if data.delta else _line(strip_controls(f"{data.role}: {data.text}"))
    return ""


def payload(event: Event) -> Data | None:
    """The typed payload; ``None`` for an unknown type and for one that a journal has flagged as bad."""
    try:
        return decode_data(event)
    except UNREADABLE:
        return None


def _line(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


__all__ = ["SAID_TYPES", "payload", "plain", "said"]
