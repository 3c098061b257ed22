"""Envelope: an event as a spool stores it, before it is encoded; and batches of encoded ones."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import Struct

from ..core.events import MAX_EVENT_BYTES, Data, Display
from ..core.nesting import MAX_NESTING, too_deep


class Envelope(Struct):
    """An event whose ``data`` is not encoded yet, unlike that of `core.events.Event`."""

    task: str
    attempt: int
    producer: str
    n: int
    time: float
    type: str
    data: Data


_encode = msgspec.json.Encoder().encode


def encode(event: Envelope) -> bytes:
    """Encode an envelope, and its data with it, in one step.

    Raises `ValueError` for more than `MAX_EVENT_BYTES` and for a display nested more than `MAX_NESTING` deep,
    and what the encoder raises.
    """
    body = _encode(event)
    if isinstance(event.data, Display) and too_deep(event.data.data):
        raise ValueError(f"a display nested more than {MAX_NESTING} deep cannot be read everywhere")
    if len(body) > MAX_EVENT_BYTES:
        raise ValueError(
            f"a {event.type} event of {len(body):,} bytes is over the limit of {MAX_EVENT_BYTES:,}; "
            "store it in a file and log its path"
        )
    return body


class SpoolBatch(NamedTuple):
    """Encoded events *first* to *last*; *base* is the smallest number the spool still has."""

    base: int
    first: int
    last: int
    bodies: list[bytes]
