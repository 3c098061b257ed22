"""Transcript: what log and message events print, as terminal-safe text."""

from __future__ import annotations

from ..core.events import UNREADABLE, Data, Event, Log, Message, decode_data
from ..core.sanitize import strip_controls

TEXT_TYPES = ("log", "message")
"""Types of events that `event_text` renders."""

TAIL_LINES = 12
"""Maximum number of last log lines shown under a task's static HTML."""


def log_text(stream: str, text: str) -> str:
    """Return the *text* of a log event as it prints: a logging record gets the line end it lacks."""
    return text if stream != "logging" else _end_line(text)


def event_text(event: Event) -> str:
    """Return what *event* prints, with its line ends and without control characters.

    Empty for events that are not text.
    """
    data = decode_payload(event)
    if isinstance(data, Log):
        return log_text(data.stream, strip_controls(data.text))
    if isinstance(data, Message):
        text = strip_controls(data.text if data.delta else f"{data.role}: {data.text}")
        return text if data.delta else _end_line(text)
    return ""


def decode_payload(event: Event) -> Data | None:
    """Return the typed payload; ``None`` for an unknown type and for a payload that cannot be decoded."""
    try:
        return decode_data(event)
    except UNREADABLE:
        return None


def _end_line(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
