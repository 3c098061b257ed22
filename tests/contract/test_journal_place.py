"""A journal whose files are deleted or replaced while its holder has them open."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, suppress
from pathlib import Path
from typing import cast

import pytest

from jupyter_agent.core.events import Command, Log, decode_event
from jupyter_agent.errors import JournalError
from jupyter_agent.journal import holder as holder_module
from jupyter_agent.journal import place
from jupyter_agent.journal.base import AppendResult, Batch, HolderEvent, Journal
from jupyter_agent.journal.holder import Holder
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.journal.slots import Slot, try_slot
from jupyter_agent.journal.sqlite import journal as sqlite_journal
from jupyter_agent.journal.sqlite.connection import OverwrittenJournal, immediate
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.system.files import read_json
from jupyter_agent.system.ids import new_id
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


def backup(holder: Holder) -> Path:
    """A copy of what the journal has now."""
    copy = holder.slot.folder.with_name("backup.sqlite")
    holder.call(lambda session: cast(SQLiteJournal, session.journal).copy_to(copy, lambda: None)).result(20)
    return copy


def other_journal(holder: Holder) -> Path:
    """As large as the open one, and with other content: the head of the file says the same."""
    path = holder.slot.folder.with_name("other.sqlite")
    with closing(SQLiteJournal(path, "other", new_id())) as journal:
        journal.append([Batch(PRODUCER, 1, STORY[:5])], 1.0)
    return path


OVERWRITTEN: dict[str, Callable[[Holder], Path]] = {"a backup": backup, "another journal": other_journal}


@pytest.mark.parametrize("what", OVERWRITTEN)
@pytest.mark.parametrize("noticed", ["by a batch", "by a read", "at the close"])
def test_what_is_copied_over_the_open_file_is_used_and_begins_an_epoch(
    holder: Holder, what: str, noticed: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = OVERWRITTEN[what](holder)
    append(holder, 5, len(STORY))
    epoch, head = holder.epoch, holder.call(lambda session: session.journal.head).result(20)
    shutil.copyfile(source, holder.slot.file)
    if noticed == "by a batch":
        append(holder, 5, 8)
        assert numbers(holder) == [1, 2, 3, 4, 5, 6, 7, 8]
    elif noticed == "by a read":
        assert numbers(holder) == [1, 2, 3, 4, 5]
    holder.close()
    assert "journal.sqlite was overwritten by another program" in caplog.text
    with closing(SQLiteJournal(holder.slot.file, "next", "next")) as journal:
        assert stored(journal)[:5] == [1, 2, 3, 4, 5]
        assert journal.epoch != epoch
        assert journal.head > head, "no offset is given out twice"
    assert not list(holder.slot.folder.glob("*.corrupt-*"))


def test_a_log_that_is_copied_with_the_file_is_used_too(holder: Holder) -> None:
    copies = [holder.slot.folder.parent / name for name in ("journal.sqlite", "journal.sqlite-wal")]
    for copy in copies:  # all five events are in the log
        shutil.copyfile(holder.slot.folder / copy.name, copy)
    holder.call(
        lambda session: cast(SQLiteJournal, session.journal)._db.execute("PRAGMA wal_checkpoint")
    ).result(20)
    append(holder, 5, 8)
    for copy in copies:
        shutil.copyfile(copy, holder.slot.folder / copy.name)
    assert numbers(holder) == [1, 2, 3, 4, 5]


def test_a_folder_that_is_copied_back_is_noticed_before_anything_was_written_to_the_file(
    holder: Holder,
) -> None:
    """All that came after the copy is in the log, whose header is the same."""
    names = ("journal.sqlite", "journal.sqlite-wal")
    copies = [shutil.copyfile(holder.slot.folder / name, holder.slot.folder.parent / name) for name in names]
    append(holder, 5, 8)
    for copy in copies:
        shutil.copyfile(copy, holder.slot.folder / copy.name)
    assert numbers(holder) == [1, 2, 3, 4, 5]
    append(holder, 5, 8)
    assert numbers(holder) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert "was overwritten by another program" in holder.health.notices[0]


@pytest.mark.parametrize("log", ["deleted", "put there by a rename"])
def test_the_old_log_is_not_written_over_what_was_copied(holder: Holder, log: str) -> None:
    source, other = backup(holder), holder.slot.folder.parent / "copy-wal"
    append(holder, 5, 8)
    wal = holder.slot.folder / "journal.sqlite-wal"
    if log == "deleted":
        wal.unlink()
    else:
        other.write_bytes(b"")
        other.replace(wal)
    shutil.copyfile(source, holder.slot.file)
    assert numbers(holder) == [1, 2, 3, 4, 5]
    assert not list(holder.slot.folder.glob("*.corrupt-*"))


def test_what_is_stored_while_no_epoch_can_be_begun_is_not_acknowledged(
    holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = backup(holder)
    renew, left = SQLiteJournal.renew, [JournalError("the disk is full")]

    def fail_once(journal: SQLiteJournal, epoch: str) -> None:
        if left:
            raise left.pop()
        renew(journal, epoch)

    monkeypatch.setattr(SQLiteJournal, "renew", fail_once)
    epoch = holder.epoch
    shutil.copyfile(source, holder.slot.file)
    with suppress(JournalError):
        append(holder, 5, 8)
        pytest.fail("it was acknowledged in an epoch that is over")
    append(holder, 5, 8)
    assert numbers(holder) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert holder.epoch != epoch


def test_a_file_that_was_overwritten_and_deleted_is_made_again(holder: Holder) -> None:
    holder.slot.file.write_bytes(b"something else")
    holder.slot.file.unlink()
    append(holder, 0, 5)
    assert numbers(holder) == [1, 2, 3, 4, 5]


def test_what_is_copied_over_the_file_within_a_transaction_is_noticed(holder: Holder) -> None:
    source = backup(holder)

    def job(session: JournalSession) -> None:
        journal = cast(SQLiteJournal, session.journal)
        with pytest.raises(OverwrittenJournal), immediate(journal._db) as run:
            run("UPDATE meta SET value = value")
            shutil.copyfile(source, holder.slot.file)

    append(holder, 5, 8)
    holder.call(job).result(20)
    assert numbers(holder) == [1, 2, 3, 4, 5]
    assert "was overwritten by another program" in holder.health.notices[0]


def test_garbage_over_the_open_file_is_moved_aside(holder: Holder) -> None:
    holder.slot.file.write_bytes(b"something else")
    append(holder, 0, 5)
    assert numbers(holder) == [1, 2, 3, 4, 5]
    assert len(holder.health.notices) == 2
    (aside,) = holder.slot.folder.glob("journal.sqlite.corrupt-*")
    assert aside.read_bytes() == b"something else"


def test_own_commits_are_not_taken_for_those_of_others(holder: Holder) -> None:
    """Each way to write, with the copy of the log to the file at each commit."""

    def job(session: JournalSession) -> None:
        journal = cast(SQLiteJournal, session.journal)
        journal._db.execute("PRAGMA wal_autocheckpoint=1")
        session.append(HolderEvent(TASK, 1, "command", Command("cancel")))
        journal.handled(journal.head)
        journal.put_record("kind", "one", b"1")
        journal.delete_record("kind", "one")
        journal.probe()
        journal.forget([TASK])
        while journal.purge(1):
            pass
        assert journal.overwritten() is None

    append(holder, 5, 8)
    holder.call(job).result(20)
    assert numbers(holder) == []
    assert not holder.health.notices


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
        def __init__(self, path: Path, holder: str, new_epoch: str) -> None:
            super().__init__(path, holder, new_epoch)
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
