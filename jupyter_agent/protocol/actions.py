"""Actions: what a side of the protocol tells its transport to do."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec import Struct

from .messages import Close

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Send:
    """Write this text frame."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class CloseWith:
    """Close the socket with this code; nothing may be written after it."""

    code: Close
    reason: str


def encode(message: Struct) -> bytes:
    """Encode a message as a text frame (UTF-8 JSON)."""
    return _encode(message)


def send(message: Struct) -> Send:
    """Return the action that writes *message*."""
    return Send(_encode(message))
