"""Opening the SQLite file: settings, tables, epoch, and the first free offset."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection, DatabaseError

import msgspec

from ...core.ids import Cursor
from ...errors import JournalError
from ...system.files import create_private
from . import cell_index, listing, pruning, records
from .connection import CHECKPOINT_PAGES, MAX_LOG_SIZE, GuardedConnection, immediate, unsynced
from .errors import CorruptJournal, row_errors, sqlite_errors
from .migration import check_schema
from .offset_reservation import MAX_LOST_RANGES, LostRange, OffsetAllocator
from .schema import SCHEMA, SCHEMA_VERSION, add_table

_PRAGMAS = (
    "auto_vacuum=INCREMENTAL",  # has an effect only before the first table exists
    "locking_mode=EXCLUSIVE",
    "journal_mode=WAL",
    "synchronous=FULL",
    "temp_store=MEMORY",  # else a large statement opens a temporary file and keeps it open
    f"wal_autocheckpoint={CHECKPOINT_PAGES}",
    f"journal_size_limit={MAX_LOG_SIZE}",
)

CHECKED_WHOLE = 8 << 20
"""Bytes up to which a journal is checked as a whole when it is opened, which takes about 20 ms."""

_SIZE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"


@dataclass(slots=True)
class Opened:
    """An open file. ``pruned``: the largest offset of a deleted event; ``is_mended``: whether damaged indexes
    were built again; for the others see `listing`."""

    db: GuardedConnection
    epoch: str
    head: int
    pruned: int
    unlisted: str
    unplaced: bool
    lost_ranges: list[LostRange]
    is_mended: bool = False


def open_file(path: Path, new_epoch: str, offsets: OffsetAllocator) -> Opened:
    """Open the journal in *path*; a new one gets the epoch *new_epoch*.

    Raises `CorruptJournal` when the file is damaged, `NewerJournal` when another version has written it, and
    `JournalError` when it cannot be opened.
    """
    _create_private(path)
    check_schema(path)
    with sqlite_errors(path):
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=GuardedConnection)
        try:
            return _prepare(db, new_epoch, offsets)
        except BaseException:
            db.close()
            raise


def _create_private(path: Path) -> None:
    """Create the file for this user only: SQLite follows the umask, and its side files copy the mode."""
    try:
        create_private(path).close()
    except FileExistsError:
        return
    except OSError as error:
        raise JournalError(f"{path} cannot be used: {error.strerror or error}") from error


def _prepare(db: GuardedConnection, new_epoch: str, offsets: OffsetAllocator) -> Opened:
    for pragma in _PRAGMAS:
        db.execute(f"PRAGMA {pragma}")
    with unsynced(db):  # a slow disk would take its time for each table; what it loses is created again
        if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            _create_tables(db, new_epoch, offsets)
    opened = _read_meta(db)
    opened.is_mended = _mend_small(db)
    with unsynced(db):
        _add_newer_tables(db)
        opened.unlisted, opened.unplaced = listing.unlisted(db), listing.is_unplaced(db)
        if not opened.unlisted:
            listing.drop_old_indexes(db)
    if offsets.free_after(opened.head) > opened.head:
        _skip_lost(opened, offsets.free_after(opened.head))
    # Touch both large tables, so that a damaged file is found now and not at the first commit.
    db.execute("SELECT id FROM tasks LIMIT 1").fetchone()
    db.execute("SELECT offset FROM events ORDER BY offset DESC LIMIT 1").fetchone()
    offsets.opened()
    return opened


def _create_tables(db: GuardedConnection, epoch: str, offsets: OffsetAllocator) -> None:
    offsets.release()
    with immediate(db) as run:
        for statement in SCHEMA.split(";\n"):
            run(statement)
        for row in (("schema", str(SCHEMA_VERSION)), ("epoch", epoch)):
            run("INSERT INTO meta VALUES (?, ?)", row)


def _add_newer_tables(db: GuardedConnection) -> None:
    """Create the tables that older journals do not have."""
    add_table(db, "cells", cell_index.CREATE)
    add_table(db, "keys", listing.CREATE_KEYS)
    add_table(db, "ends", pruning.CREATE_ENDS)
    add_table(db, "forgotten", pruning.CREATE_FORGOTTEN)
    add_table(db, "listed", listing.CREATE_LISTED)
    records.add_tables(db)


def _read_meta(db: GuardedConnection) -> Opened:
    meta = dict(db.execute("SELECT key, value FROM meta").fetchall())
    if meta.get("schema") != str(SCHEMA_VERSION):
        raise CorruptJournal(f"the journal has schema {meta.get('schema')!r}")
    with row_errors("meta"):
        row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
        return Opened(
            db,
            epoch=Cursor.parse(f"{meta['epoch']}:0").epoch,
            head=int(row[0]) if row else 0,
            pruned=int(meta.get("pruned", 0)),
            unlisted="",
            unplaced=False,
            lost_ranges=msgspec.json.decode(meta.get("voids", "[]"), type=list[LostRange]),
        )


def _skip_lost(opened: Opened, upto: int) -> None:
    """Continue behind *upto*: the journal was not closed, or is an older copy, and has lost the newest."""
    opened.lost_ranges = [*opened.lost_ranges, (opened.head, upto)][-MAX_LOST_RANGES:]
    opened.head = upto + 1
    lost = msgspec.json.encode(opened.lost_ranges).decode()
    with immediate(opened.db) as run:
        run("DELETE FROM sqlite_sequence WHERE name = 'events'")
        run("INSERT INTO sqlite_sequence VALUES ('events', ?)", [opened.head])
        run("INSERT OR REPLACE INTO meta VALUES ('voids', ?)", [lost])


def _mend_small(db: Connection) -> bool:
    """Check all of a small journal, and build its indexes again if that makes it whole; True if it did.

    What is damaged in a table is found when it is read; the index of a large journal is checked in steps.
    """
    if int(db.execute(_SIZE).fetchone()[0]) > CHECKED_WHOLE or _is_whole(db):
        return False
    try:
        db.execute("REINDEX")
    except DatabaseError:  # a table is damaged, too: SQLite has undone it
        return False
    return _is_whole(db)


def _is_whole(db: Connection) -> bool:
    return bool(db.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",))
