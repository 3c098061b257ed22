"""Events that are appended while a process ends: stored in a new folder, or never appended."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from jupyter_agent.core.events import Log, State, TaskState, decode_event
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for, read_ending, read_spool, write_ending
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.locks import is_locked
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import TASK, until

END = State(TaskState.CANCELLED)


@pytest.fixture
def spool(paths: DataPaths) -> Iterator[Spool]:
    made = Spool.create(paths, header_for(new_id(), "default", 0.0))
    yield made
    made.close()


def line(spool: Spool, text: str) -> int:
    return spool.append(TASK, 1, "log", Log("stdout", text))


def stored(spool: Spool) -> list[int]:
    return [n for n, _ in read_spool(spool.folder)[1]]


def test_a_spool_that_is_committed_retires_and_takes_later_events_into_a_new_folder(spool: Spool) -> None:
    line(spool, "one")
    spool.free(line(spool, "two"))
    spool.retire()
    assert not spool.folder.exists()
    assert line(spool, "late") == 3
    assert line(spool, "later") == 4
    assert stored(spool) == [3, 4]
    assert is_locked(spool.folder / "lock")
    spool.retire()
    assert line(spool, "last") == 5
    assert stored(spool) == [3, 4, 5]


def test_a_spool_with_events_that_are_not_committed_stays_open_and_locked(spool: Spool) -> None:
    spool.free(line(spool, "one"))
    line(spool, "two")
    spool.retire()
    assert line(spool, "late") == 3
    assert stored(spool) == [1, 2, 3]
    assert is_locked(spool.folder / "lock")


def test_where_no_new_folder_can_be_made_the_writer_is_not_disturbed(
    spool: Spool, paths: DataPaths, caplog: pytest.LogCaptureFixture
) -> None:
    spool.free(line(spool, "one"))
    spool.retire()
    paths.spools.rmdir()
    paths.spools.touch()
    assert line(spool, "late") == 0
    spool.notices.report()
    assert "cannot be made again" in caplog.text
    paths.spools.unlink()
    assert line(spool, "later") == 2


def test_no_event_follows_the_last_one_and_whoever_appends_later_does_not_return(spool: Spool) -> None:
    returned = threading.Event()
    begun = threading.Event()

    def late() -> None:
        begun.set()
        line(spool, "late")
        returned.set()

    line(spool, "one")
    assert spool.append_last(TASK, 1, "state", END) == 2
    threading.Thread(target=late, daemon=True).start()
    until(begun.is_set)
    for _ in range(20):  # others go on meanwhile: the waiting thread does not keep the lock
        spool.free(0)
        assert not returned.wait(0.01)
    spool.free(2)
    spool.retire()
    assert not returned.wait(0.1)
    assert not spool.folder.exists()


def test_the_last_event_is_the_last_of_many_writers(spool: Spool) -> None:
    def write() -> None:
        while True:
            line(spool, "more")

    for _ in range(3):
        threading.Thread(target=write, daemon=True).start()
    until(lambda: spool.last > 100)
    last = spool.append_last(TASK, 1, "state", END)
    bodies = [decode_event(body) for _, body in read_spool(spool.folder)[1]]
    assert bodies[-1].type == "state"
    assert spool.last == last == len(bodies)


def test_why_a_process_ends_is_read_back_and_has_a_bound(spool: Spool) -> None:
    first, file = State(TaskState.INTERRUPTED, reason="the process ended"), spool.folder / "ending"
    assert read_ending(spool.folder) is None
    write_ending(spool.folder, first)
    assert read_ending(spool.folder) == first
    write_ending(spool.folder, State(TaskState.INTERRUPTED, reason="later"))
    assert read_ending(spool.folder) == first
    file.unlink()
    write_ending(spool.folder, State(TaskState.INTERRUPTED, reason="x" * 100_000))
    assert read_ending(spool.folder) == first
    for damaged in (b"", b"some words", b'{"state":"running"}', b'{"state":"', b"\xff"):
        file.write_bytes(damaged)
        assert read_ending(spool.folder) == first
    write_ending(spool.folder / "gone", first)
