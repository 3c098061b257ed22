"""Files that cannot be opened or deleted, whatever rights one has: a folder is in their place."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.kernels import assert_story, script
from tests.support.servers import Servers

pytestmark = pytest.mark.timeout(60)
STOP_TIMEOUT = 5.0


def _block(path: Path) -> Path:
    """Put a folder that cannot be deleted at *path*; return where what was there is now."""
    aside = path.with_name(f"{path.name}-aside")
    if path.exists():
        path.rename(aside)
    (path / "in the way").mkdir(parents=True)
    return aside


def _unblock(path: Path, aside: Path) -> None:
    (path / "in the way").rmdir()
    path.rmdir()
    if aside.exists():
        aside.rename(path)


def test_a_server_stops_whose_address_cannot_be_deleted(fresh: Servers, tmp_path: Path) -> None:
    server = fresh.start()
    with script(server, tmp_path / "lines", count=50, pause=0) as (process, written):
        assert process.wait(20) == 0
    address = server.agent / "journals" / "default" / "holder.json"
    aside = _block(address)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < STOP_TIMEOUT
    assert "Traceback" not in server.log_text()
    _unblock(address, aside)
    server.restart()
    assert_story(server, written, "completed")


def test_a_worker_slot_that_cannot_be_looked_at_is_taken_and_the_health_answers(fresh: Servers) -> None:
    server = fresh.start()
    path = server.agent / "workers" / "slot-0"
    aside = _block(path)
    assert server.ask("health").json["workers"]["running"] == 1, "no worker can have it"
    assert server.ask("tasks").status == 200
    assert "Traceback" not in server.log_text()
    _unblock(path, aside)
    assert server.ask("health").json["workers"]["running"] == 0
