"""A spool for which no folder can be made: it begins in memory."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_agent.core.events import Log
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for, read_spool
from jupyter_agent.system.locks import is_locked
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import TASK


@pytest.fixture
def in_the_way(paths: DataPaths) -> Path:
    paths.spools.write_text("a file in the way")
    return paths.spools


@pytest.fixture
def spool(paths: DataPaths, new_id: Callable[[], str], in_the_way: Path) -> Iterator[Spool]:
    spool = Spool.create(paths, header_for(new_id(), "default", 0.0))
    yield spool
    spool.close()


def append(spool: Spool, size: int = 10) -> int:
    return spool.append(TASK, 1, "log", Log("stdout", "x" * size))


def numbers(spool: Spool) -> list[int]:
    return [n for n, _ in read_spool(spool.folder)[1]]


def test_it_is_said_in_one_sentence(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    assert not spool.repair()
    assert spool.notices.report() == [], "it may pass"
    (record,) = caplog.records
    assert "no spool can be made in" in record.getMessage()
    assert "Not a directory" in record.getMessage()


def test_events_are_taken_and_can_be_sent(spool: Spool) -> None:
    assert append(spool) == 1
    batch = spool.batch(0)
    assert batch is not None
    assert (batch.first, batch.last) == (1, 1)


def test_everything_is_in_files_once_a_folder_can_be_made(spool: Spool, in_the_way: Path) -> None:
    append(spool)
    in_the_way.unlink()
    assert not spool.is_in_place()
    assert "no spool can be made in" in spool.trouble
    assert spool.repair()
    assert spool.trouble == ""
    assert spool.is_in_place()
    append(spool)
    assert numbers(spool) == [1, 2]
    assert is_locked(spool.folder / "lock")
    assert spool.notices.report() == [], "nothing was deleted"


def test_what_a_server_has_makes_room(spool: Spool) -> None:
    """More than one segment, while there is no file at all."""
    for _ in range(20):
        spool.free(append(spool, 900_000))
    assert [n for n, body in spool.records() if b'"lost"' in body] == []


@pytest.mark.parametrize(("most", "lost"), [(32, []), (1, [3, 4, 5])])
def test_what_no_server_has_is_kept_up_to_a_limit_and_more_is_named(
    spool: Spool, in_the_way: Path, most: int, lost: list[int]
) -> None:
    spool._segments._max_in_memory = most
    for _ in range(5):
        append(spool, 900_000)
    in_the_way.unlink()
    spool.repair()
    append(spool)
    _, records = read_spool(spool.folder)
    assert [n for n, _ in records] == [1, 2, 3, 4, 5, 6]
    assert [n for n, body in records if b'"type":"lost"' in body] == lost


def test_one_that_ends_is_written_if_that_works_by_then(spool: Spool, in_the_way: Path) -> None:
    append(spool)
    in_the_way.unlink()
    spool.retire()
    assert numbers(spool) == [1]


def test_one_that_ends_without_files_says_what_is_lost(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    append(spool)
    spool.retire()
    assert "are lost" in caplog.text


def test_one_that_ends_with_all_of_it_committed_says_nothing(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    spool.notices.report()
    caplog.clear()
    spool.free(append(spool))
    spool.retire()
    assert caplog.text == ""


def test_a_disk_that_is_full_from_the_start_leaves_nothing_behind(
    paths: DataPaths, new_id: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        spool = Spool.create(paths, header_for(new_id(), "default", 0.0))
        assert list(paths.spools.iterdir()) == []
        append(spool)
    assert spool.repair()
    assert numbers(spool) == [1]
    spool.close()
