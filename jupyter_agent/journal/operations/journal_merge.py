"""Merge of abandoned journals: slots that no process holds, into the default journal."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from itertools import groupby

import msgspec

from ...core.events import UNREADABLE, Event, decode_event
from ...errors import JournalError
from ...forwarding.spec import ForwardRecord
from ...system.ids import new_id
from ...system.paths import DataPaths
from ...transport.discovery import DEFAULT
from ..base import Batch, BatchOrigin, Journal, ProducerRow, StoredEvent
from ..session import JournalSession
from ..slots import Slot, existing_slots, try_slot
from ..sqlite.journal import SQLiteJournal
from .forwards import adopt_forwards, forwards_with_marks, without_forwards
from .pace import first_pace
from .retention import without_observed_time

log = logging.getLogger(__name__)
CHUNK, PRODUCERS = 2000, 200
"""Maximum number of events merged in one transaction, and of producers."""


def merge_journals(session: JournalSession, paths: DataPaths) -> int:
    """Merge every other slot that no process holds, and delete it; return how many."""
    merged = 0
    for name in existing_slots(paths):
        slot = None if name == DEFAULT else try_slot(paths, name)
        if slot is not None:
            merged += _merge_slot(session, slot)
    return merged


def _merge_slot(session: JournalSession, slot: Slot) -> bool:
    if not slot.file.exists():
        slot.delete()
        return False
    try:
        with _source_errors():
            source = SQLiteJournal(slot.file, new_id(), new_id())
        with closing(source):
            _merge(session, source)
    except _SourceError as error:
        _log_once(f"the journal {slot.name} is left where it is: {error}")
        slot.release()
        return False
    except BaseException:
        slot.release()
        raise
    for aside in slot.folder.glob("*.corrupt-*"):  # keep what was moved aside in this slot
        aside.rename(slot.folder.with_name(DEFAULT) / f"{slot.name}.{aside.name}")
    slot.delete()  # only now: everything in it is committed here
    return True


class _SourceError(Exception):
    """The journal to be merged cannot be read; the one that it is merged into is fine."""


def _merge(session: JournalSession, source: Journal) -> None:
    with _source_errors():
        records = without_observed_time(without_forwards(source.export_records()))
        unhandled = source.pending_offsets()
    to_send = _to_send(session, source)
    # Forwards come first, at the present head, so that they send every event that is merged after them.
    adopt_forwards(session.journal, to_send)
    after, pace = 0, first_pace(CHUNK)
    while True:
        with pace.step() as size:
            page = _page(source, after, size)
            runs = groupby(_readable(page), key=lambda event: event.producer)
            session.append(*[_batch(source, producer, list(run), unhandled) for producer, run in runs])
        if not page:
            break
        after = page[-1].offset
        session.yield_to_others()
    for rows in _producers(source):  # each has or had tasks here, so there may be as many
        session.append(*(Batch(row.id, row.last_n + 1, (), BatchOrigin.MERGED, row.host) for row in rows))
        session.yield_to_others()
    session.journal.import_records(records)


def _to_send(session: JournalSession, source: Journal) -> list[ForwardRecord]:
    """Return the forwards with their marks; a mark may be far back."""
    with _source_errors():
        steps = forwards_with_marks(source)
    while True:
        with _source_errors():
            try:
                next(steps)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
        session.yield_to_others()


def _page(source: Journal, after: int, size: int) -> list[StoredEvent]:
    with _source_errors():
        return source.read(after, size)


def _producers(source: Journal) -> Iterator[list[ProducerRow]]:
    after = ""
    while True:
        with _source_errors():
            rows = source.producers(after, PRODUCERS)
        if not rows:
            return
        yield rows
        after = rows[-1].id


def _readable(page: list[StoredEvent]) -> Iterator[Event]:
    for stored in page:
        try:
            yield decode_event(stored.encoded)
        except UNREADABLE as error:
            log.warning(
                "event %d of another journal cannot be read and is passed over: %s", stored.offset, error
            )


def _batch(source: Journal, producer: str, events: list[Event], unhandled: set[int]) -> Batch:
    handled = frozenset(event.n for event in events if event.offset not in unhandled)
    own = [msgspec.structs.replace(event, offset=0, flag=None) for event in events]
    with _source_errors():
        row = source.producer(producer)
    return Batch(producer, own[0].n, own, BatchOrigin.MERGED, row.host if row else None, handled)


@contextmanager
def _source_errors() -> Iterator[None]:
    try:
        yield
    except JournalError as error:
        raise _SourceError(str(error)) from error


@cache
def _log_once(sentence: str) -> None:
    log.error("%s", sentence)
