"""Journals of other versions: newer ones are refused untouched, older ones are migrated after a copy."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_agent.cli.main import run as cli
from jupyter_agent.core.events import Command, State, TaskState
from jupyter_agent.errors import NewerJournal
from jupyter_agent.journal.base import Batch, HolderEvent
from jupyter_agent.journal.holder import Holder
from jupyter_agent.journal.records import Firing
from jupyter_agent.journal.slots import take_server_slot, try_slot
from jupyter_agent.journal.sqlite.connection import Run
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.journal.sqlite.migration import migrate, stored_schema
from jupyter_agent.journal.sqlite.schema import SCHEMA_VERSION
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import HOLDER, OTHER_TASK, PRODUCER, TASK, python, state, story

REFERENCE = Path(__file__).with_name("journals")
"""Journals as released code has written them, one for each schema; made by `write_reference`."""

LEAVE = """
import os, sys
from pathlib import Path
from tests.unit.journal.test_migration import write_reference
write_reference(Path(sys.argv[1]), close=False)
os._exit(0)
"""


def write_reference(path: Path, *, close: bool = True) -> None:
    """Write something of every kind that a journal keeps."""
    journal = SQLiteJournal(path, HOLDER, "reference")
    journal.append([Batch(PRODUCER, 1, story())], 1_700_000_100.0)
    journal.append([Batch(PRODUCER, 1, [state(7, TaskState.QUEUED, task=OTHER_TASK, about="waiting")])], 2.0)
    journal.append([HolderEvent(OTHER_TASK, 1, "command", Command("cancel", {}, "ada"))], 3.0)
    journal.put_record("schedule", "nightly", b'{"kept": "as it is"}')
    journal.claim(Firing("nightly", 60.0, 60.5, "claimed", TASK, PRODUCER))
    if close:
        journal.close()


def content(journal: SQLiteJournal) -> list[object]:
    return [
        journal.epoch,
        [(task.id, task.name, task.state, task.events, task.logs) for task in journal.tasks()],
        [(event.offset, event.type) for event in journal.read(0, 100)],
        [pending.event.type for pending in journal.pending(PRODUCER)],
        journal.record("schedule", "nightly"),
        [firing.task for firing in journal.open_firings()],
    ]


def set_schema(path: Path, version: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE meta SET value = ? WHERE key = 'schema'", [version])
        db.commit()


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "lock"}


@pytest.fixture
def path(paths: DataPaths) -> Path:
    folder = paths.journals / "default"
    folder.mkdir(parents=True, mode=0o700)
    return folder / "journal.sqlite"


@pytest.mark.parametrize("kept", sorted(REFERENCE.glob("*.sqlite")), ids=lambda path: path.stem)
def test_every_schema_that_was_ever_written_is_read(kept: Path, path: Path, tmp_path: Path) -> None:
    shutil.copy(kept, path)
    write_reference(tmp_path / "new")
    with closing(SQLiteJournal(tmp_path / "new", HOLDER, "x")) as journal:
        wanted = content(journal)
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        assert content(journal) == wanted


def test_a_reference_is_kept_of_every_schema() -> None:
    kept = {path.stem for path in REFERENCE.glob("*.sqlite")}
    assert kept == {f"schema-{version}" for version in range(1, SCHEMA_VERSION + 1)}


@pytest.mark.parametrize("left_open", [False, True], ids=["closed", "killed"])
@pytest.mark.parametrize("version", ["2", "99"])
def test_a_newer_journal_is_refused_and_not_touched(path: Path, version: str, left_open: bool) -> None:
    if left_open:
        with python(LEAVE, path) as process:
            process.wait()
        assert path.with_name("journal.sqlite-wal").stat().st_size
        with closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE meta SET value = ? WHERE key = 'schema'", [version])
            db.commit()
            before = files(path.parent)  # with its write-ahead log, as a server that was killed leaves it
            shutil.copytree(path.parent, path.parent.with_name("copy"))
        shutil.rmtree(path.parent)
        path.parent.with_name("copy").rename(path.parent)
        path.with_name("journal.sqlite-shm").unlink(missing_ok=True)
        before.pop("journal.sqlite-shm", None)
    else:
        write_reference(path)
        set_schema(path, version)
        before = files(path.parent)
    with pytest.raises(NewerJournal, match=rf"written by a newer version .*schema {version}.*upgrade"):
        SQLiteJournal(path, HOLDER, "x")
    assert files(path.parent) == before


def test_a_server_of_an_older_version_uses_another_journal_meanwhile(path: Path, paths: DataPaths) -> None:
    write_reference(path)
    set_schema(path, "2")
    before = files(path.parent)
    with take_server_slot(paths, Holder) as holder:
        assert (holder.slot.name, holder.health.notices) == ("default-2", [])
        holder.append(HolderEvent(TASK, 1, "state", State(TaskState.QUEUED))).result(20)
    assert files(path.parent) == before
    set_schema(path, str(SCHEMA_VERSION))  # and the newer one comes back
    slot = try_slot(paths, "default")
    assert slot is not None
    with Holder(slot) as holder:
        assert holder.epoch == "reference"


def test_the_command_line_says_so_and_does_not_succeed(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_reference(path)
    set_schema(path, "2")
    for words in ("tasks list", f"tasks show {TASK}", "schedule list", "tasks add -- true"):
        assert cli(words.split()) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert "was written by a newer version of jupyter_agent" in captured.err


def add_column(run: Run) -> None:
    run("ALTER TABLE tasks ADD COLUMN extra TEXT")


def fail(_run: Run) -> None:
    raise OSError("no room")


def columns(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [row[1] for row in db.execute("PRAGMA table_info(tasks)")]


@pytest.mark.parametrize("left_open", [False, True], ids=["closed", "killed"])
def test_an_older_journal_is_migrated_after_a_copy(path: Path, left_open: bool) -> None:
    if left_open:
        with python(LEAVE, path) as process:
            process.wait()
    else:
        write_reference(path)
    migrate(path, 1, {1: add_column}, to=2)
    assert stored_schema(path) == 2
    assert "extra" in columns(path)
    copy = path.with_name("journal.sqlite-schema-1")
    assert stored_schema(copy) == 1
    assert "extra" not in columns(copy)
    with closing(SQLiteJournal(copy, HOLDER, "x")) as journal:
        assert len(journal.tasks()) == 2
    assert copy.stat().st_mode & 0o077 == 0


def test_a_migration_that_fails_leaves_the_journal_as_it_was(path: Path) -> None:
    write_reference(path)
    steps = {1: add_column, 2: fail}
    with pytest.raises(OSError, match="no room"):
        migrate(path, 1, steps, to=3)
    assert stored_schema(path) == 1
    assert "extra" not in columns(path)
    with closing(SQLiteJournal(path, HOLDER, "x")) as journal:
        assert len(journal.tasks()) == 2


@pytest.mark.parametrize("content_", [b"", b"no database" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_what_is_no_journal_has_no_schema(path: Path, content_: bytes) -> None:
    path.write_bytes(content_)
    assert stored_schema(path) is None
    assert os.listdir(path.parent) == ["journal.sqlite"]
