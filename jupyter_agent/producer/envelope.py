"""Envelope: an event as a spool stores it, before it is encoded; and batches of encoded ones."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import Struct

from ..core.events import Data


class Envelope(Struct):
    """An event whose ``data`` is not encoded yet, unlike that of `core.events.Event`."""

    task: str
    attempt: int
    producer: str
    n: int
    time: float
    type: str
    data: Data


encode = msgspec.json.Encoder().encode
"""Encodes an envelope, and its data with it, in one step."""


class SpoolBatch(NamedTuple):
    """Encoded events *first* to *last*; *base* is the smallest number the spool still has."""

    base: int
    first: int
    last: int
    bodies: list[bytes]
