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
from ...system.ids import new_id
from ...system.paths import DataPaths
from ...transport.discovery import DEFAULT
from ..base import Batch, BatchOrigin, Journal, ProducerRow, StoredEvent
from ..session import JournalSession
from ..slots import Slot, existing_slots, try_slot
from ..sqlite.journal import SQLiteJournal
from .forwards import adopt_forwards, forwards_with_marks, without_forwards
from .retention import without_observed_time

log = logging.getLogger(__name__)
CHUNK = 2000
"""Maximum number of events merged in one transaction."""


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
        rows = {row.id: row for row in source.producers()}
        records = without_observed_time(without_forwards(source.export_records()))
        to_send = forwards_with_marks(source)
        unhandled = {command.offset for row in rows for command in source.pending(row)}
    # Forwards come first, at the present head, so that they send every event that is merged after them.
    adopt_forwards(session.journal, to_send)
    after = 0
    while page := _page(source, after):
        after = page[-1].offset
        runs = groupby(_readable(page), key=lambda event: event.producer)
        session.append(*(_batch(rows, producer, list(run), unhandled) for producer, run in runs))
        session.yield_to_others()
    session.append(
        *(Batch(row.id, row.last_n + 1, (), BatchOrigin.MERGED, row.host) for row in rows.values())
    )
    session.journal.import_records(records)


def _page(source: Journal, after: int) -> list[StoredEvent]:
    with _source_errors():
        return source.read(after, CHUNK)


def _readable(page: list[StoredEvent]) -> Iterator[Event]:
    for stored in page:
        try:
            yield decode_event(stored.encoded)
        except UNREADABLE as error:
            log.warning(
                "event %d of another journal cannot be read and is passed over: %s", stored.offset, error
            )


def _batch(rows: dict[str, ProducerRow], producer: str, events: list[Event], unhandled: set[int]) -> Batch:
    handled = frozenset(event.n for event in events if event.offset not in unhandled)
    own = [msgspec.structs.replace(event, offset=0, flag=None) for event in events]
    row = rows.get(producer)
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
