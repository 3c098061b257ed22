"""Users' code reads every file below HOME; no lock falls by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_agent.system.locks import FileLock, is_locked
from tests.faults.backups import READS, lines_without_a_server, read_and_attach
from tests.support.kernels import assert_story
from tests.support.servers import Servers

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("how", READS)
def test_a_task_that_reads_its_own_lock_goes_on_without_a_server(tmp_path: Path, how: str) -> None:
    written = read_and_attach(tmp_path, tmp_path / "lines", how)
    assert lines_without_a_server(tmp_path, written.task) == written.lines


@pytest.mark.parametrize("how", READS)
def test_a_task_that_reads_its_own_lock_goes_on_with_a_server(
    fresh: Servers, tmp_path: Path, how: str
) -> None:
    server = fresh.start()
    written = read_and_attach(server.home, tmp_path / "lines", how)
    assert_story(server, written, "completed")


def test_reading_the_lock_of_a_server_through_it_does_not_open_its_journal_to_others(
    fresh: Servers,
) -> None:
    server = fresh.start()
    lock = server.agent / "journals" / "default" / "lock"
    answer = server.api(f"contents/{lock.relative_to(server.home)}")
    assert answer.status == 200, "the test is about a file that can be read there"
    assert is_locked(lock)
    assert FileLock.acquire(lock) is None
    second = fresh.start()
    assert (server.slot, second.slot) == ("default", "default-2")
    assert server.ask("health").json["status"] == "ok"
