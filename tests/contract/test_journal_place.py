"""A journal whose files are deleted or replaced while its holder has them open."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from jupyter_agent.core.events import Log, decode_event
from jupyter_agent.errors import JournalError
from jupyter_agent.journal import holder as holder_module
from jupyter_agent.journal import place
from jupyter_agent.journal.base import AppendResult, Batch, HolderEvent, Journal
from jupyter_agent.journal.holder import Holder
from jupyter_agent.journal.slots import Slot, try_slot
from jupyter_agent.journal.sqlite import journal as sqlite_journal
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.system.files import read_json
from jupyter_agent.system.locks import FileLock, is_locked
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.discovery import HolderFile
from tests.support.builders import PRODUCER, TASK, story

Harm = Callable[[Path], object]
STORY = story(logs=8)


def _delete(*names: str) -> Harm:
    def harm(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return harm


def _restored_backup(folder: Path) -> None:
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    shutil.rmtree(folder)
    copy.rename(folder)


def _other_file(folder: Path) -> None:
    (folder / "journal.sqlite").unlink()
    (folder / "journal.sqlite").write_bytes(b"something else")


HARMS: dict[str, Harm] = {
    "the folder is deleted": shutil.rmtree,
    "the folder of all journals is deleted": lambda folder: shutil.rmtree(folder.parent),
    "the data folder is deleted": lambda folder: shutil.rmtree(folder.parent.parent),
    "the folder is renamed": lambda folder: folder.rename(folder.with_name("elsewhere")),
    "the folder is replaced by a copy": _restored_backup,
    "the journal is deleted": _delete("journal.sqlite"),
    "the write-ahead log is deleted": _delete("journal.sqlite-wal"),
    "both are deleted": _delete("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-reserved"),
    "another file is there": _other_file,
    "the lock is deleted": _delete("lock"),
    "the address is deleted": _delete("holder.json"),
}


@pytest.fixture
def slot(paths: DataPaths) -> Slot:
    slot = try_slot(paths, "default")
    assert slot is not None
    return slot


@pytest.fixture
def holder(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Holder]:
    """One that has committed half of a story, and looks at its files each time."""
    monkeypatch.setattr(holder_module, "PLACE_INTERVAL", 0.0)
    monkeypatch.setattr(holder_module, "RESTORE_INTERVAL", 0.0)
    with Holder(slot) as holder:
        slot.announce(HolderFile("server", 1, "host", "http://127.0.0.1:1/", "key"))
        append(holder, 0, 5)
        yield holder


def append(holder: Holder, start: int, stop: int) -> None:
    holder.append(Batch(PRODUCER, 1, STORY[start:stop])).result(20)


def numbers(holder: Holder) -> list[int]:
    """The numbers of all events, as SQLite has them."""
    return holder.call(lambda session: stored(session.journal)).result(20)


def stored(journal: Journal) -> list[int]:
    pages = journal.read(0, 100)
    return [decode_event(event.encoded).n for event in pages]


@pytest.mark.parametrize("harm", HARMS)
def test_everything_is_written_again_and_the_cursors_stay(holder: Holder, harm: str) -> None:
    epoch = holder.epoch
    HARMS[harm](holder.slot.folder)
    append(holder, 5, 8)
    assert holder.epoch == epoch
    head = holder.call(lambda session: session.journal.head).result(20)
    assert len(holder.health.notices) == 1
    assert is_locked(holder.slot.folder / "lock")
    assert (read_json(holder.slot.folder / "holder.json") or {})["key"] == "key"
    append(holder, 8, len(STORY))
    holder.close()
    journal = SQLiteJournal(holder.slot.file, "next", "next")
    assert stored(journal) == list(range(1, len(STORY) + 1))
    assert journal.epoch == epoch
    assert journal.head > head
    assert journal.recoverable(head, None)
    journal.close()


@pytest.mark.parametrize("harm", HARMS)
def test_a_holder_that_closes_first_writes_it_again_too(holder: Holder, harm: str) -> None:
    HARMS[harm](holder.slot.folder)
    holder.close()
    journal = SQLiteJournal(holder.slot.file, "next", "next")
    assert stored(journal) == [1, 2, 3, 4, 5]
    journal.close()


def test_files_that_are_there_are_left_alone(holder: Holder) -> None:
    append(holder, 5, 8)
    assert holder.health.notices == []
    assert sorted(path.name for path in holder.slot.folder.iterdir()) == [
        "holder.json", "journal.sqlite", "journal.sqlite-reserved", "journal.sqlite-wal", "lock",
    ]  # fmt: skip


def test_the_other_file_is_kept(holder: Holder) -> None:
    _other_file(holder.slot.folder)
    append(holder, 5, 8)
    (aside,) = holder.slot.folder.glob("*.replaced-*")
    assert aside.read_bytes() == b"something else"
    assert aside.name in holder.health.notices[0]


def test_nothing_is_acknowledged_while_it_cannot_be_written_again(
    holder: Holder, caplog: pytest.LogCaptureFixture
) -> None:
    journals = holder.slot.folder.parent
    shutil.rmtree(journals)
    journals.write_text("in the way")
    for _ in range(3):
        with pytest.raises(JournalError, match="Not a directory"):
            append(holder, 5, 8)
    with pytest.raises(JournalError, match="Not a directory"):
        holder.call(lambda session: session.append(Batch(PRODUCER, 1, STORY[5:8]))).result(20)
    assert numbers(holder) == [1, 2, 3, 4, 5], "what it has can still be read"
    assert "Not a directory" in (holder.health.trouble or "")
    assert len(caplog.records) == 1
    journals.unlink()
    append(holder, 5, 8)
    assert not holder.health.trouble
    assert numbers(holder) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_files_that_are_put_back_are_used_again(holder: Holder) -> None:
    folder = holder.slot.folder
    away = folder.rename(folder.with_name("away"))
    folder.write_text("in the way")
    with pytest.raises(JournalError):
        append(holder, 5, 8)
    folder.unlink()
    away.rename(folder)
    append(holder, 5, 8)
    assert numbers(holder) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert not holder.health.notices


def test_a_file_that_is_gone_before_its_place_is_noted_is_missed(
    holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when ``rm -r`` is not through yet while the journal is written again."""

    class Journal(SQLiteJournal):
        def __init__(self, path: Path, *names: str) -> None:
            super().__init__(path, *names)
            _delete("journal.sqlite", "journal.sqlite-wal")(path.parent)

    shutil.rmtree(holder.slot.folder)
    with monkeypatch.context() as patch:
        patch.setattr(place, "SQLiteJournal", Journal)
        append(holder, 5, 8)
    numbers(holder)
    assert holder.slot.file.exists()
    holder.close()
    journal = SQLiteJournal(holder.slot.file, "next", "next")
    assert stored(journal) == [1, 2, 3, 4, 5, 6, 7, 8]
    journal.close()


def test_a_place_that_another_process_has_taken_is_left_to_it(holder: Holder) -> None:
    shutil.rmtree(holder.slot.folder)
    holder.slot.folder.mkdir()
    other = FileLock.acquire(holder.slot.folder / "lock")
    assert other is not None
    (holder.slot.folder / "journal.sqlite").write_bytes(b"its own")
    with pytest.raises(JournalError, match="another process holds"):
        append(holder, 5, 8)
    assert holder.slot.file.read_bytes() == b"its own"
    other.release()
    append(holder, 5, 8)
    assert numbers(holder) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_requests_are_served_while_it_is_written_again_and_batches_wait(
    holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal of gigabytes is copied for seconds."""
    monkeypatch.setattr(holder_module, "SERVED_AFTER", 0.0)
    monkeypatch.setattr(sqlite_journal, "COPIED_PAGES", 1)
    real = place.JournalPlace.restore
    batches: list[Future[AppendResult]] = []
    parts: list[bool] = []

    def restore(
        self: place.JournalPlace, journal: SQLiteJournal, name: str, between: Callable[[], None]
    ) -> tuple[SQLiteJournal, str]:
        def part() -> None:
            batches.append(holder.append(Batch(PRODUCER, 1, STORY[5:8])))
            read = holder.call(lambda session: session.journal.head)
            add = holder.call(lambda session: session.append(HolderEvent(TASK, 1, "log", Log("stdout", "x"))))
            between()
            assert read.result(0) == 5
            with pytest.raises(JournalError, match="is written again now"):
                add.result(0)
            parts.append(not batches[0].done() and "written again" in (holder.health.trouble or ""))

        return real(self, journal, name, part)

    monkeypatch.setattr(place.JournalPlace, "restore", restore)
    holder.slot.file.unlink()
    append(holder, 5, 8)  # it waits for the copy
    assert len(parts) > 10, "one for each page"
    assert all(parts)
    assert [batch.result(20).upto for batch in batches] == [8] * len(batches)
    assert holder.health.trouble is None
    assert numbers(holder) == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("step", ["JournalPlace._move_aside", "sync_folder"])
def test_a_kill_in_the_middle_is_made_good_by_the_next_holder(
    holder: Holder, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The copy is complete; the rest of the steps is not."""
    holder.slot.file.unlink()
    monkeypatch.setattr(f"{place.__name__}.{step}", _killed)
    with pytest.raises(KeyboardInterrupt):
        holder._place.restore(holder._journal, "holder", lambda: None)
    monkeypatch.undo()
    place.finish_restoring(holder.slot.file)
    journal = SQLiteJournal(holder.slot.file, "next", "next")
    assert stored(journal) == [1, 2, 3, 4, 5]
    journal.close()


def _killed(*_: object) -> str:
    raise KeyboardInterrupt
