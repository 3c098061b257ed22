"""The text in an event, as a terminal gets it."""

from __future__ import annotations

import re

import msgspec

from ..core.events import Data, Event, Log, Message, decode_data

SAID_TYPES = ("log", "message")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def said(event: Event) -> str:
    """What the event prints, with its line ends; nothing for events that are not text."""
    data = payload(event)
    if isinstance(data, Log):
        return _line(data.text) if data.stream == "logging" else data.text
    if isinstance(data, Message):
        return data.text if data.delta else _line(f"{data.role}: {data.text}")
    return ""


def payload(event: Event) -> Data | None:
    """The typed payload; ``None`` for an unknown type and for one that a journal has flagged as bad."""
    try:
        return decode_data(event)
    except msgspec.MsgspecError:
        return None


def plain(text: str) -> str:
    """*text* as one line without escape sequences and control characters, which would move the view."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\t", "    ").replace("\n", " ")))


def _line(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
