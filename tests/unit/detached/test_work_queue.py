"""The work queue: an item is claimed once or withdrawn once, and leftovers are swept."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from jupyter_agent.detached.leftovers import sweep_workers
from jupyter_agent.detached.work_queue import (
    claim_work_item,
    claimed_work_items,
    enqueue_work_item,
    waiting_work_items,
    withdraw_work_item,
)
from jupyter_agent.detached.work_state import is_waiting
from jupyter_agent.system.files import make_private
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.paths import DataPaths
from tests.support.detached import work_item
from tests.support.runtime import own_producer  # noqa: F401


def test_an_item_is_claimed_once(paths: DataPaths) -> None:
    one = work_item()
    enqueue_work_item(paths, one)
    assert is_waiting(paths, one.producer)
    assert claim_work_item(paths, one.producer) == one
    assert claim_work_item(paths, one.producer) is None
    assert not withdraw_work_item(paths, one.producer)
    assert claimed_work_items(paths) == [replace(one, leader=os.getpid())]


def test_an_item_is_claimed_once_where_the_folders_are_on_two_file_systems(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def on_one_disk(self: Path, target: Path) -> Path:
        if self.parent != target.parent:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", on_one_disk)
    one, other = work_item(), work_item()
    enqueue_work_item(paths, one)
    assert claim_work_item(paths, one.producer) == one
    assert claim_work_item(paths, one.producer) is None
    assert claimed_work_items(paths) == [replace(one, leader=os.getpid())]
    enqueue_work_item(paths, other)
    assert withdraw_work_item(paths, other.producer)
    assert claim_work_item(paths, other.producer) is None
    assert list(paths.orders.iterdir()) == []


@pytest.mark.parametrize("suffix", ["log", "stop"])
def test_files_without_a_worker_are_swept(paths: DataPaths, suffix: str) -> None:
    waits, runs, over = work_item(), work_item(), work_item()
    enqueue_work_item(paths, waits)
    make_private(paths.spools / runs.producer)
    make_private(paths.workers)
    for one in (waits, runs, over):
        (paths.workers / f"{one.producer}.{suffix}").touch()
    sweep_workers(paths)
    kept = {path.stem for path in paths.workers.glob(f"*.{suffix}")}
    assert kept == {waits.producer, runs.producer}


def test_an_item_that_was_withdrawn_cannot_be_claimed(paths: DataPaths) -> None:
    one = work_item()
    enqueue_work_item(paths, one)
    assert withdraw_work_item(paths, one.producer)
    assert claim_work_item(paths, one.producer) is None
    assert list(waiting_work_items(paths)) == []


def test_of_many_claims_and_withdrawals_one_succeeds(paths: DataPaths) -> None:
    one = work_item()
    enqueue_work_item(paths, one)
    got: list[object] = []
    begin = threading.Barrier(8)

    def want(number: int) -> None:
        begin.wait()
        take = claim_work_item if number % 2 else withdraw_work_item
        got.append(take(paths, one.producer))

    threads = [threading.Thread(target=want, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(bool(answer) for answer in got) == 1


def test_items_wait_in_the_order_of_their_ids(paths: DataPaths) -> None:
    placed = [work_item() for _ in range(20)]
    for one in reversed(placed):
        enqueue_work_item(paths, one)
    assert list(waiting_work_items(paths)) == placed


def test_a_file_that_is_no_item_is_skipped(paths: DataPaths) -> None:
    one = work_item()
    enqueue_work_item(paths, one)
    (paths.orders / f"{new_id()}.json").write_text("{")
    assert list(waiting_work_items(paths)) == [one]


def test_the_file_of_an_item_whose_withdrawal_was_cut_short_is_swept(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = work_item()
    enqueue_work_item(paths, one)
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(Path, "unlink", _interrupted)
        withdraw_work_item(paths, one.producer)
    assert list(waiting_work_items(paths)) == []
    assert len(list(paths.orders.iterdir())) == 1
    sweep_workers(paths)
    assert list(paths.orders.iterdir()) == []


def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
