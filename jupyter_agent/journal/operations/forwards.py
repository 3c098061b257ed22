"""Records of forwards in the journal: add, list, remove, save the position, merge."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from ...core.events import UNREADABLE
from ...core.ids import Cursor
from ...errors import NotNow
from ...forwarding.spec import (
    ForwardRecord,
    ForwardSpec,
    ForwardStatus,
    decode_record,
    encode_record,
    status_of,
)
from ..base import Journal, StoredEvent
from ..records import RecordsExport

log = logging.getLogger(__name__)
KIND = "forward"
MAX_FORWARDS = 200
"""Maximum number of forwards in a journal."""

PAGE = 2000
T = TypeVar("T")
Steps = Generator[None, None, T]
"""Long work with pauses, in which others may be served."""


def forwards(journal: Journal) -> list[ForwardRecord]:
    """Return every forward that can be decoded, oldest first."""
    found = (_read(body) for _, body in journal.records(KIND))
    return sorted((record for record in found if record is not None), key=lambda r: (r.created, r.id))


def idle_status(record: ForwardRecord, head: int, error: str | None = None) -> ForwardStatus:
    """Return the status of a forward that no process runs now, in a journal with this *head*."""
    return status_of(record, "waiting", max(0, head - Cursor.parse(record.cursor).offset), error)


def add_forward(journal: Journal, wanted: ForwardSpec, ident: str, now: float) -> tuple[ForwardRecord, bool]:
    """Return the forward that does what is *wanted*, and whether it is new.

    An existing one that sends the same events to the same URL keeps its position and gets the new headers.
    Raises `NotNow` when there are too many.
    """
    known = forwards(journal)
    same = next((record for record in known if record.is_of(wanted)), None)
    if same is None and len(known) >= MAX_FORWARDS:
        raise NotNow(f"there are {MAX_FORWARDS} forwards already; remove one first")
    record = replace(same, headers=wanted.headers) if same else _new_record(journal, wanted, ident, now)
    if record != same:
        _put(journal, record)
    return record, same is None


def remove_forward(journal: Journal, ident: str) -> bool:
    """Delete the forward; return True if it existed."""
    return journal.record(KIND, ident) is not None and journal.delete_record(KIND, ident)


def forward(journal: Journal, ident: str) -> ForwardRecord | None:
    """Return one forward, or ``None``."""
    return _read(journal.record(KIND, ident))


def save_position(journal: Journal, ident: str, offset: int, delivered: int) -> None:
    """Store the position of a forward; no effect for one that was removed."""
    record = forward(journal, ident)
    if record is not None:
        _put(journal, replace(record, cursor=str(Cursor(journal.epoch, offset)), delivered=delivered))


def without_forwards(export: RecordsExport) -> RecordsExport:
    """Return the export of a journal to be merged, without the records that `adopt_forwards` handles."""
    return export._replace(records=[record for record in export.records if record[0] != KIND])


def forwards_with_marks(source: Journal) -> Steps[list[ForwardRecord]]:
    """Return, in steps, the forwards of a journal to be merged; their marks say what each has sent."""
    marked = []
    for record in forwards(source):
        marks = yield from _marks(source, record.cursor)
        marked.append(replace(record, marks=marks))
    return marked


def adopt_forwards(journal: Journal, adopted: list[ForwardRecord]) -> None:
    """Store `forwards_with_marks` of another journal in *journal*, before its events are merged.

    Each continues behind the present head and skips events up to its marks. One that exists already, or
    equals another, stays as it is: it sends the merged events anyway.
    """
    here = forwards(journal)
    for record in adopted:
        if not any(other.id == record.id or other.is_of(record) for other in here):
            _put(journal, replace(record, cursor=str(Cursor(journal.epoch, journal.head))))


def _marks(source: Journal, cursor: str) -> Steps[dict[str, int]]:
    """Return, for each producer, the last number before *cursor*."""
    start = Cursor.parse(cursor)
    marks: dict[str, int] = {}
    if start.epoch != source.epoch:
        return marks
    last = ""
    while rows := source.producers(last, PAGE):
        last = rows[-1].id
        marks |= {row.id: row.last_n for row in rows}
        yield
    after, seen = start.offset, set[str]()
    while page := source.read(after, PAGE):
        yield
        after = page[-1].offset
        for name in map(name_of, page):
            if name.producer not in seen:
                seen.add(name.producer)
                marks[name.producer] = name.n - 1
    return marks


class EventName(msgspec.Struct):
    """What makes an event unique."""

    producer: str
    n: int


_name = msgspec.json.Decoder(EventName)


def name_of(event: StoredEvent) -> EventName:
    """Return the producer and number of a stored event."""
    return _name.decode(event.encoded)


def _new_record(journal: Journal, wanted: ForwardSpec, ident: str, now: float) -> ForwardRecord:
    cursor = str(Cursor(journal.epoch, 0 if wanted.from_first else journal.head))
    return ForwardRecord(
        ident, wanted.url, cursor, now, wanted.tasks, wanted.types, wanted.headers, wanted.format
    )


def _put(journal: Journal, record: ForwardRecord) -> None:
    journal.put_record(KIND, record.id, encode_record(record))


def _read(body: bytes | None) -> ForwardRecord | None:
    try:
        return None if body is None else decode_record(body)
    except UNREADABLE:
        log.debug("a forward that another version wrote is left alone")
        return None
