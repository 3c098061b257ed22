"""A disk that is full for spools and journal together."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.disks import NoMoreBytes, NoMoreFiles, ReadOnlyDisk, SmallDisk, small_disk
from tests.support.builders import until
from tests.support.kernels import Written, assert_story, script
from tests.support.servers import Server, Servers, assert_problem, environment
from tests.support.wire import wire

pytestmark = pytest.mark.timeout(120)
Disk = SmallDisk | NoMoreBytes
NOT_STORED = "cannot be stored and stay in their spools"


def _trouble(server: Server) -> list[str]:
    body = server.ask("health").json
    assert (body["status"] == "ok") is (body["trouble"] == [])
    return list(body["trouble"])


def _fill(disk: Disk, server: Server, written: Written, *pids: int) -> None:
    written.wait()
    until(lambda: server.task(written.task))
    disk.fill(server, *pids)
    until(lambda: _trouble(server), 20)


def _room_again(disk: Disk, server: Server, *pids: int) -> None:
    disk.empty(server, *pids)
    until(lambda: not _trouble(server), 20)


def test_a_script_that_ends_on_a_full_disk_is_told_everywhere_and_its_end_is_stored_later(
    fresh: Servers, tmp_path: Path
) -> None:
    with small_disk(fresh.home / "agent", "16m") as disk:
        server = fresh.start()
        lines = tmp_path / "lines"
        with script(server, lines, count=3000, pause=0.0005, stderr=subprocess.PIPE) as (process, written):
            _fill(disk, server, written, process.pid)
            _, said = process.communicate(timeout=60)
            assert process.returncode == 0
            assert said.count(b"they stay in the spool of this process") == 1
            assert said.count(b"\n") == 1, said
        assert written.ended
        assert _trouble(server), "while it lasts"
        assert server.task(written.task)["state"] == "running"
        assert disk.word in _status(server)
        _room_again(disk, server)
        assert_story(server, written, "completed")
        assert server.log_text().count(NOT_STORED) == 1
        server.stop()


def test_a_script_that_was_killed_on_a_full_disk_is_trouble_until_it_is_recovered(
    fresh: Servers, tmp_path: Path
) -> None:
    """Recovery alone has something to store: no connection tells that the journal cannot."""
    with small_disk(fresh.home / "agent", "16m") as disk:
        server = fresh.start()
        with script(server, tmp_path / "lines", pause=0.001) as (process, written):
            _fill(disk, server, written, process.pid)
            process.kill()
            process.wait()
        for _ in range(20):
            assert _trouble(server)
            assert server.task(written.task)["state"] == "running"
        _room_again(disk, server)
        assert_story(server, written, "interrupted")
        server.stop()


@pytest.mark.asyncio
async def test_a_view_is_told_when_nothing_can_be_stored_and_when_that_is_over(
    fresh: Servers, tmp_path: Path
) -> None:
    server = fresh.start()
    disk = NoMoreBytes()
    with script(server, tmp_path / "lines", pause=0.001) as (process, written):
        async with wire(server) as early, wire(server) as late:
            assert "trouble" not in await early.hello()
            await asyncio.to_thread(_fill, disk, server, written)
            (sentence,) = (await early.get("heartbeat", cursors={}))["trouble"]
            assert disk.word in sentence
            assert (await late.hello())["trouble"] == [sentence]
            await asyncio.to_thread(_room_again, disk, server)
            for view in (early, late):
                await view.get("heartbeat", cursors={}, trouble=[])
        process.kill()
        process.wait()
    assert_story(server, written, "interrupted")


@pytest.mark.parametrize("begin", ["sum(ja.track(range(5)))", "ja.submit(sum, [1, 2, 3, 4]).result()"])
def test_a_disk_that_is_full_from_the_start_fails_no_user_code(fresh: Servers, begin: str) -> None:
    with small_disk(fresh.home / "agent", "1m") as disk:
        if isinstance(disk, NoMoreBytes):  # nothing can be mounted: no folder can be made instead
            (fresh.home / "agent").mkdir(mode=0o700, parents=True, exist_ok=True)
            (fresh.home / "agent" / "spools").write_text("in the way")
        else:
            disk.fill(Server(fresh.home, "none", fresh.home / "agent"))
        code = f"import jupyter_agent as ja\nprint({begin})"
        env = environment(fresh.home)
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, timeout=60, check=True
        )
    assert done.stdout.splitlines()[-1] == b"10"
    said = done.stderr.decode()
    assert said.count("no spool can be made in") == 1
    assert "events stay in memory" in said
    assert "are lost" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("cause", ["full", "in the way"])
def test_a_server_that_starts_without_a_journal_begins_when_it_can_have_one(
    fresh: Servers, tmp_path: Path, cause: str
) -> None:
    agent = fresh.home / "agent"
    agent.mkdir(mode=0o700, parents=True)
    with small_disk(agent, "16m") as disk:
        is_full = cause == "full" and isinstance(disk, SmallDisk)
        blocked = agent / ("filler" if is_full else "journals")
        if is_full:
            disk.fill(Server(fresh.home, "none", agent))
        else:
            blocked.touch()
        server = fresh.start(wait=False)
        server.wait_until_listening()
        (sentence,) = _trouble(server)
        assert "jupyter_agent is off until a journal can be opened" in sentence
        assert str(agent / "journals") in sentence
        assert server.ask("health", token=None).json == {"status": "degraded"}
        for path in ("tasks", "schedules", "forwards", "ws", ""):
            assert_problem(server.ask(path), 503, "unavailable")
        if is_full:
            assert "nothing can be stored" in _status(server)
        with script(server, tmp_path / "lines", pause=0.001) as (process, written):
            written.wait(100)
            blocked.unlink()
            until(lambda: not _trouble(server), 30)
            until(lambda: list((agent / "spools").glob("*/*.seg")))  # a kill before that costs lines
            written.wait(len(written.lines) + 100)
            process.kill()
            process.wait()
        assert_story(server, written, "interrupted")
        assert server.log_text().count("jupyter_agent is off") == 1
        assert "Traceback" not in server.log_text()
        assert server.stop() == 0


def _status(server: Server) -> str:
    """What ``jupyter agent status`` prints."""
    env = environment(server.home, server.agent)
    command = [sys.executable, "-m", "jupyter_agent.cli", "status"]
    done = subprocess.run(command, env=env, capture_output=True, timeout=60, check=False, text=True)
    assert done.returncode == 1, done
    return done.stdout + done.stderr


@pytest.mark.parametrize("kind", [ReadOnlyDisk, NoMoreFiles])
def test_a_disk_that_takes_no_more_files_costs_nothing_while_there_is_a_server(
    fresh: Servers, tmp_path: Path, kind: type[SmallDisk]
) -> None:
    """Several segments, none of which gets a file, and the end; the disk is back only after the process."""
    with small_disk(fresh.home / "agent", "64m,nr_inodes=200", kind) as disk:
        server = fresh.start()
        lines = tmp_path / "lines"
        with script(server, lines, count=40_000, pause=0, stderr=subprocess.PIPE) as (process, written):
            written.wait()
            until(lambda: server.task(written.task))
            disk.fill(server, process.pid)
            _, said = process.communicate(timeout=60)
            assert process.returncode == 0
            assert said.count(b"\n") <= 1, said
        disk.empty(server, process.pid)
        assert_story(server, written, "completed", 15)
        assert not [event for event in server.events(written.task) if event["type"] == "lost"]
        until(lambda: not _trouble(server), 20)
        assert "Traceback" not in server.log_text()
        server.stop()


@pytest.mark.parametrize("what", ["spool.json", "00000000000000000001.seg", "lock"])
def test_a_spool_that_cannot_be_read_is_said_until_it_can(fresh: Servers, tmp_path: Path, what: str) -> None:
    """A folder is in the place of a file, which nobody can read, whatever rights it has."""
    server = fresh.start()
    server.stop()
    with script(server, tmp_path / "lines", pause=0.001) as (process, written):
        written.wait()
        process.kill()
        process.wait()
    spool = server.agent / "spools" / written.producer
    (spool / what).rename(spool / "aside")
    (spool / what).mkdir()
    server.restart()
    (sentence,) = until(lambda: _trouble(server), 20)
    assert "a spool cannot be stored" in sentence
    assert str(spool) in sentence
    assert str(spool) in _status(server)
    (spool / what).rmdir()
    (spool / "aside").rename(spool / what)
    assert_story(server, written, "interrupted", 15)
    until(lambda: not _trouble(server), 20)
    assert server.log_text().count("a spool cannot be stored") == 1
    assert "Traceback" not in server.log_text()
