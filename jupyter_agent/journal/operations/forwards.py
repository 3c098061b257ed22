"""The forwards that a journal keeps, among its small records."""

from __future__ import annotations

import logging

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
PAGE = 2000


def forwards(journal: Journal) -> list[ForwardRecord]:
    """Every forward, oldest first."""
    found = (_read(body) for _, body in journal.records(KIND))
    return sorted((record for record in found if record is not None), key=lambda r: (r.created, r.id))


def at_rest(record: ForwardRecord, head: int, error: str | None = None) -> ForwardStatus:
    """A forward that nobody runs now, in a journal with this *head*."""
    return status_of(record, "waiting", max(0, head - Cursor.parse(record.cursor).offset), error)


def add_forward(journal: Journal, wanted: ForwardSpec, ident: str, now: float) -> tuple[ForwardRecord, bool]:
    """The forward that does what is *wanted*, and whether it is new.

    One that sends the same to the same place is kept, with its place, and gets the headers that are wanted
    now. Raises `NotNow` when there are too many.
    """
    known = forwards(journal)
    same = next((record for record in known if record.is_of(wanted)), None)
    if same is None and len(known) >= MAX_FORWARDS:
        raise NotNow(f"there are {MAX_FORWARDS} forwards already; remove one first")
    record = replace(same, headers=wanted.headers) if same else _made(journal, wanted, ident, now)
    if record != same:
        _put(journal, record)
    return record, same is None


def remove_forward(journal: Journal, ident: str) -> bool:
    """Forget it; whether it was there."""
    return journal.record(KIND, ident) is not None and journal.delete_record(KIND, ident)


def forward(journal: Journal, ident: str) -> ForwardRecord | None:
    """One forward, if it is there."""
    return _read(journal.record(KIND, ident))


def save_place(journal: Journal, ident: str, place: int, delivered: int) -> None:
    """Store how far a forward has got; nothing for one that was removed."""
    record = forward(journal, ident)
    if record is not None:
        _put(journal, replace(record, cursor=str(Cursor(journal.epoch, place)), delivered=delivered))


def without_forwards(kept: RecordsExport) -> RecordsExport:
    """*kept* of a journal that is taken in, less what `bring_forwards` brings."""
    return kept._replace(records=[record for record in kept.records if record[0] != KIND])


def sent_so_far(source: Journal) -> list[ForwardRecord]:
    """The forwards of a journal that is to be taken in, each with what it has sent as marks."""
    return [replace(record, marks=_marks(source, record.cursor)) for record in forwards(source)]


def bring_forwards(journal: Journal, brought: list[ForwardRecord]) -> None:
    """Go on with `sent_so_far` of another journal in *journal*, before its events come here.

    Each goes on behind all that is here, and passes over its marks. One that is here already, or does what
    another here does, stays as it is: it is to send what comes anyway.
    """
    here = forwards(journal)
    for record in brought:
        if not any(other.id == record.id or other.is_of(record) for other in here):
            _put(journal, replace(record, cursor=str(Cursor(journal.epoch, journal.head))))


def _marks(source: Journal, cursor: str) -> dict[str, int]:
    """Of each producer, the last number before *cursor*."""
    place = Cursor.parse(cursor)
    if place.epoch != source.epoch:
        return {}
    marks = {row.id: row.last_n for row in source.producers()}
    after, seen = place.offset, set[str]()
    while page := source.read(after, PAGE):
        after = page[-1].offset
        for name in map(name_of, page):
            if name.producer not in seen:
                seen.add(name.producer)
                marks[name.producer] = name.n - 1
    return marks


class Name(msgspec.Struct):
    """What makes an event unique."""

    producer: str
    n: int


_name = msgspec.json.Decoder(Name)


def name_of(event: StoredEvent) -> Name:
    """The producer and number of a stored event."""
    return _name.decode(event.encoded)


def _made(journal: Journal, wanted: ForwardSpec, ident: str, now: float) -> ForwardRecord:
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
