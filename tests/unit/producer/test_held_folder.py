"""A spool whose files are deleted or replaced while it is written."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_agent.core.events import Log
from jupyter_agent.errors import SpoolError
from jupyter_agent.producer import held_folder
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for, lock_of_dead, read_spool, spool_mentions
from jupyter_agent.system.files import identity
from jupyter_agent.system.locks import FileLock, is_locked
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import OTHER_TASK, TASK

Harm = Callable[[Path], object]


def _put_back(folder: Path) -> None:
    """Replace all of it, as a restored backup does."""
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    shutil.rmtree(folder)
    copy.rename(folder)


def _all_of(pattern: str, harm: Harm) -> Harm:
    return lambda folder: [harm(path) for path in folder.glob(pattern)]


def _emptied(path: Path) -> None:
    path.unlink()
    path.touch()


HARMS: dict[str, Harm] = {
    "the folder is deleted": shutil.rmtree,
    "the folder of all spools is deleted": lambda folder: shutil.rmtree(folder.parent),
    "the data folder is deleted": lambda folder: shutil.rmtree(folder.parent.parent),
    "the folder is replaced": _put_back,
    "the folder is renamed": lambda folder: folder.rename(folder.with_name("elsewhere")),
    "the lock is deleted": _all_of("lock", Path.unlink),
    "the lock is replaced": _all_of("lock", _emptied),
    "the header is deleted": _all_of("spool.json", Path.unlink),
    "the segments are deleted": _all_of("*.seg", Path.unlink),
    "one segment is deleted": lambda folder: sorted(folder.glob("*.seg"))[1].unlink(),
    "the segments are replaced": _all_of("*.seg", _emptied),
    "all files are deleted": _all_of("*", Path.unlink),
}


@pytest.fixture
def spool(paths: DataPaths, new_id: Callable[[], str]) -> Iterator[Spool]:
    """A spool with some segments, the first of them committed."""
    spool = Spool.create(paths, header_for(new_id(), "default", 0.0))
    for _ in range(6):
        append(spool, 900_000)
    spool.free(2)
    assert len(list(spool.folder.glob("*.seg"))) == 2
    yield spool
    spool.close()


def append(spool: Spool, size: int = 10) -> int:
    return spool.append(TASK, 1, "log", Log("stdout", "x" * size))


@pytest.mark.parametrize("harm", HARMS)
def test_everything_that_is_not_committed_is_written_again(spool: Spool, harm: str) -> None:
    HARMS[harm](spool.folder)
    assert spool.repair()
    assert append(spool) == 7
    header, records = read_spool(spool.folder)
    assert header.producer == spool.producer
    assert [n for n, _ in records] == [3, 4, 5, 6, 7]
    assert records == spool.records()
    assert is_locked(spool.folder / "lock")
    batch = spool.batch(5)
    assert batch is not None
    assert batch.first == 6
    assert not spool.repair(), "once is enough"


@pytest.mark.parametrize("harm", HARMS)
def test_a_spool_that_ends_before_anyone_looked_writes_it_again_too(spool: Spool, harm: str) -> None:
    append(spool)
    HARMS[harm](spool.folder)
    spool.close()
    assert [n for n, _ in read_spool(spool.folder)[1]] == [3, 4, 5, 6, 7]
    assert not is_locked(spool.folder / "lock")


@pytest.mark.parametrize("harm", HARMS)
def test_a_spool_that_is_committed_leaves_nothing(spool: Spool, harm: str) -> None:
    HARMS[harm](spool.folder)
    spool.free(6)
    spool.close()
    assert not spool.folder.exists()


def test_events_that_need_a_new_segment_make_the_folder_again_at_once(spool: Spool) -> None:
    shutil.rmtree(spool.folder)
    for _ in range(4):
        append(spool, 900_000)
    _, records = read_spool(spool.folder)
    assert [n for n, _ in records] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert all(b'"type":"log"' in body for _, body in records), "none was dropped"


def test_files_that_are_there_are_left_alone(spool: Spool) -> None:
    before = {path: identity(path) for path in spool.folder.iterdir()}
    assert not spool.repair()
    assert {path: identity(path) for path in spool.folder.iterdir()} == before


def test_it_is_logged_once(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    shutil.rmtree(spool.folder)
    spool.repair()
    spool.repair()
    assert not caplog.records, "not under the spool's lock"
    (sentence,) = spool.notices.report()
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert str(spool.folder) in record.getMessage() == sentence


def test_a_full_disk_is_logged_once_and_the_rest_follows_when_there_is_room(
    spool: Spool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    shutil.rmtree(spool.folder)
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        assert not spool.repair()
        assert not spool.repair()
        assert is_locked(spool.folder / "lock"), "no holder may take it for a dead one"
    assert spool.notices.report() == [], "it does not last"
    (record,) = caplog.records
    assert "No space left" in record.getMessage()
    spool.repair()
    assert [n for n, _ in read_spool(spool.folder)[1]] == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("step", "harm"),
    [
        ("create_spool_folder", "the folder is deleted"),
        ("write_private", "the header is deleted"),
        ("FileLock.rename", "the lock is deleted"),
        ("Segments.repair", "the segments are deleted"),
    ],
)
def test_an_interrupt_at_any_step_leaves_a_spool_that_the_next_check_repairs(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, step: str, harm: str
) -> None:
    HARMS[harm](spool.folder)
    with monkeypatch.context() as patch:
        patch.setattr(f"{held_folder.__name__}.{step}", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            spool.repair()
    spool.repair()
    assert [n for n, _ in read_spool(spool.folder)[1]] == [3, 4, 5, 6]
    assert is_locked(spool.folder / "lock")


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_where_it_cannot_be_made_again_the_spool_goes_on_in_memory(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(spool.folder.parent)
    spool.folder.parent.write_text("a file in the way")
    assert not spool.repair()
    assert append(spool) == 7
    assert [n for n, _ in spool.records()] == [3, 4, 5, 6, 7]
    spool.notices.report()
    assert "cannot be made again" in caplog.text
    spool.folder.parent.unlink()
    assert spool.repair()
    assert [n for n, _ in read_spool(spool.folder)[1]] == [3, 4, 5, 6, 7]
    assert SpoolError.__name__ not in caplog.text


def test_events_do_not_wait_for_a_file_system_that_does_not_answer(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = threading.Event(), threading.Event()
    in_place = FileLock.is_in_place

    def hangs(lock: FileLock) -> bool:
        asked.set()
        answered.wait(30)
        return in_place(lock)

    monkeypatch.setattr(FileLock, "is_in_place", hangs)
    with ThreadPoolExecutor(2) as threads:
        repair = threads.submit(spool.repair)
        assert asked.wait(30)
        try:
            assert threads.submit(append, spool).result(10) == 7
            assert not repair.done()
        finally:
            answered.set()
        assert not repair.result(10)


def test_a_folder_tells_which_tasks_it_has_something_of(spool: Spool) -> None:
    assert spool_mentions(spool.folder, [TASK])
    assert not spool_mentions(spool.folder, [OTHER_TASK])
    spool.append(OTHER_TASK, 1, "log", Log("stdout", "x"))
    assert spool_mentions(spool.folder, [OTHER_TASK])


def test_a_living_producer_on_a_disk_that_turned_read_only_is_not_taken_for_a_dead_one(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the server says that its events cannot be stored, while it gets them over the connection."""

    def refuse(*_: object, **__: object) -> FileLock | None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    assert lock_of_dead(spool.folder) is None
    spool.close()
    with pytest.raises(OSError, match="Read-only"):
        lock_of_dead(spool.folder)
