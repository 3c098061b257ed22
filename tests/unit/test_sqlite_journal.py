"""What only the SQLite adapter does."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support import event

from jupyter_agent.journal.base import Batch
from jupyter_agent.journal.sqlite import SQLiteJournal
from jupyter_agent.journal.tables import put_rows


@pytest.mark.parametrize("count", [0, 1, 3, 4, 15, 16, 85, 256, 341, 1000])
def test_every_row_goes_in_once_whatever_their_number(count: int) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE events (a INTEGER PRIMARY KEY, b)")
        put_rows(db.execute, "events", [(n, f"row {n}") for n in range(count)])
        assert db.execute("SELECT * FROM events ORDER BY a").fetchall() == [
            (n, f"row {n}") for n in range(count)
        ]


def test_an_event_is_never_written_over() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE events (a INTEGER PRIMARY KEY, b)")
        put_rows(db.execute, "events", [(1, "first")])
        with pytest.raises(sqlite3.IntegrityError):
            put_rows(db.execute, "events", [(1, "second")])


def test_an_event_damaged_on_disk_is_named_and_keeps_nobody_from_what_follows(
    tmp_path: Path, new_id: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.sqlite"
    task, producer = new_id(), new_id()
    with closing(SQLiteJournal(path, new_id(), new_id())) as journal:
        journal.append(
            [Batch(producer, 1, [event(n, task=task, producer=producer) for n in range(1, 4)])], 1.0
        )
    with closing(sqlite3.connect(path)) as db:
        db.execute('UPDATE events SET body = replace(body, \'"task"\', \'"tas""\') WHERE offset = 2')
        db.commit()
    with (
        caplog.at_level(logging.ERROR),
        closing(SQLiteJournal(path, new_id(), new_id())) as journal,
    ):
        assert [stored.offset for stored in journal.read(0, 10)] == [1, 3]
        assert [stored.offset for stored in journal.read(1, 10)] == [3]
        assert [stored.offset for stored in journal.tail(task, 10, ["log"])] == [1, 3]
    assert [record.getMessage() for record in caplog.records] == [
        "event 2 in the journal is damaged on disk and is passed over"
    ]
