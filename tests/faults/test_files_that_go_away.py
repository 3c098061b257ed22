"""Folders and files that are deleted or replaced while processes use them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from jupyter_agent.system.locks import is_locked
from tests.faults.work import wait_lines
from tests.support.builders import until
from tests.support.kernels import Written, assert_story, script
from tests.support.servers import Server, Servers

pytestmark = pytest.mark.timeout(120)
Harm = Callable[[Path], object]
SPOOL_HARMS: dict[str, Harm] = {
    "its folder": shutil.rmtree,
    "the folder of all spools": lambda folder: shutil.rmtree(folder.parent),
    "its lock": lambda folder: (folder / "lock").unlink(),
    "its segments": lambda folder: _delete(folder.glob("*.seg")),
}


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink()


def _spool(server: Server, written: Written) -> Path:
    return server.agent / "spools" / written.producer


def _is_whole(folder: Path) -> bool:
    return is_locked(folder / "lock") and (folder / "spool.json").exists() and any(folder.glob("*.seg"))


@pytest.mark.parametrize("harm", SPOOL_HARMS)
def test_a_spool_that_is_deleted_beside_a_healthy_server_is_made_again(
    fresh: Servers, tmp_path: Path, harm: str
) -> None:
    server = fresh.start()
    with script(server, tmp_path / "lines", pause=0.001) as (process, written):
        written.wait()
        SPOOL_HARMS[harm](_spool(server, written))
        until(lambda: _is_whole(_spool(server, written)))
        wait_lines(written, 50)
        assert server.task(written.task)["state"] == "running"
        process.kill()
        process.wait()
    assert_story(server, written, "interrupted")


@pytest.mark.parametrize("harm", SPOOL_HARMS)
def test_a_spool_that_is_deleted_while_no_server_runs_loses_nothing(
    fresh: Servers, tmp_path: Path, harm: str
) -> None:
    server = fresh.start()
    server.kill()
    with script(server, tmp_path / "lines", pause=0.001) as (process, written):
        written.wait()
        SPOOL_HARMS[harm](_spool(server, written))
        until(lambda: _is_whole(_spool(server, written)))
        wait_lines(written, 50)
        process.kill()
        process.wait()
    server.restart()
    assert_story(server, written, "interrupted")


def test_a_deleted_spool_takes_megabytes_beside_a_healthy_server(fresh: Servers, tmp_path: Path) -> None:
    """More than a segment has: a new one needs the folder."""
    server = fresh.start()
    with script(server, tmp_path / "lines", count=40_000, pause=0) as (process, written):
        written.wait()
        shutil.rmtree(_spool(server, written))
        assert process.wait(60) == 0
    assert_story(server, written, "completed", 30)
    assert not server.events(written.task, "lost")
