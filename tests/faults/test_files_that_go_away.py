"""Folders and files that are deleted or replaced while processes use them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from jupyter_agent.detached.worker_slots import load_limits
from jupyter_agent.system.locks import is_locked
from tests.faults.work import wait_lines
from tests.support.builders import until
from tests.support.kernels import Written, assert_story, script
from tests.support.servers import Server, Servers, assert_problem, environment

pytestmark = pytest.mark.timeout(120)
Harm = Callable[[Path], object]
SPOOL_HARMS: dict[str, Harm] = {
    "its folder": lambda folder: remove(folder),
    "the folder of all spools": lambda folder: remove(folder.parent),
    "its lock": lambda folder: (folder / "lock").unlink(),
    "its segments": lambda folder: _delete(folder.glob("*.seg")),
}


def remove(folder: Path) -> None:
    """As ``rm -rf``: what is made again meanwhile may stay."""
    shutil.rmtree(folder, ignore_errors=True)


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink()


def _spool(server: Server, written: Written) -> Path:
    return server.agent / "spools" / written.producer


def _trouble(server: Server) -> list[str]:
    return list(server.ask("health").json["trouble"])


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
        (sentence,) = until(lambda: server.ask("health").json["trouble"])
        assert str(_spool(server, written)) in sentence
        assert server.log_text().count(sentence) == 1
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


JOURNAL_HARMS: dict[str, Harm] = {
    "its folder": lambda folder: remove(folder),
    "the data folder": lambda folder: remove(folder.parent.parent),
    "its file": lambda folder: (folder / "journal.sqlite").unlink(),
    "its log": lambda folder: (folder / "journal.sqlite-wal").unlink(),
    "another file in its place": lambda folder: _replace(folder / "journal.sqlite"),
}


def _replace(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.write_bytes(b"something else")


@pytest.mark.parametrize("harm", JOURNAL_HARMS)
def test_a_journal_that_is_deleted_while_its_server_runs_is_written_again(
    fresh: Servers, tmp_path: Path, harm: str
) -> None:
    server = fresh.start()
    with script(server, tmp_path / "before", count=100, pause=0) as (process, before):
        assert process.wait(20) == 0
    assert_story(server, before, "completed")
    with script(server, tmp_path / "lines", pause=0.001) as (process, written):
        written.wait()
        JOURNAL_HARMS[harm](server.agent / "journals" / "default")
        wait_lines(written, 50)
        until(lambda: any("while it is in use" in sentence for sentence in _trouble(server)))
        assert server.ask("health").json["status"] == "degraded"
        assert all(server.log_text().count(sentence) == 1 for sentence in _trouble(server))
        until(lambda: _is_whole(_spool(server, written)))  # deleted, too, if the data folder was
        wait_lines(written, 50)
        server.kill()
        process.kill()
        process.wait()
    server.restart()
    assert_story(server, written, "interrupted")
    assert_story(server, before, "completed")
    assert server.ask("health").json["status"] == "ok"


def test_a_backup_that_is_copied_over_the_journal_in_use_is_used_and_spools_fill_it(
    fresh: Servers, tmp_path: Path
) -> None:
    """The same file with older content; what processes still have comes again, in a new epoch."""
    server = fresh.start()
    journal, backup = server.agent / "journals" / "default" / "journal.sqlite", tmp_path / "backup"
    with script(server, tmp_path / "before", count=100, pause=0) as (process, before):
        assert process.wait(20) == 0
    assert_story(server, before, "completed")
    assert server.stop() == 0
    shutil.copyfile(journal, backup)
    server.restart()
    with script(server, tmp_path / "lines", pause=0.001) as (process, written):
        written.wait(200)
        was = until(lambda: server.task(written.task) and server.ask("health").json["journal"])
        until(lambda: journal.read_bytes() != backup.read_bytes(), 60)  # the log was copied to the file
        process.send_signal(signal.SIGSTOP)  # what is copied while a commit waits for the disk is not noticed
        until(lambda: _is_idle(server, written.task))
        shutil.copyfile(backup, journal)
        process.send_signal(signal.SIGCONT)
        (sentence,) = until(lambda: _trouble(server))
        assert "was overwritten by another program" in sentence
        assert server.log_text().count(sentence) == 1
        wait_lines(written, 50)
        process.kill()
        process.wait()
    assert_story(server, written, "interrupted")
    assert_story(server, before, "completed")
    now = server.ask("health").json["journal"]
    assert now["epoch"] != was["epoch"]
    assert now["head"] > was["head"] + len(written.lines)
    assert server.stop() == 0
    assert "Traceback" not in server.log_text()
    server.restart()
    assert_story(server, written, "interrupted")
    assert server.ask("health").json["status"] == "ok"


def _is_idle(server: Server, task: str) -> bool:
    """Nothing was committed while the journal's thread answered."""
    before = server.ask("health").json["journal"]
    server.task(task)
    return bool(server.ask("health").json["journal"] == before)


@pytest.mark.parametrize("since", ["the start", "later"])
def test_a_living_process_that_cannot_write_its_spool_is_trouble_until_it_can(
    fresh: Servers, tmp_path: Path, since: str
) -> None:
    """A file is in the place of all spools: nothing is lost, as there is a server."""
    server = fresh.start()
    spools = server.agent / "spools"
    aside = server.agent / "aside"
    if since == "the start":
        remove(spools)
        spools.touch()
    with script(server, tmp_path / "lines", pause=0.001) as (process, written):
        written.wait()
        if since == "later":
            spools.rename(aside)
            spools.touch()
        until(lambda: [one for one in _trouble(server) if written.producer in one])
        assert server.ask("health").json["status"] == "degraded"
        wait_lines(written, 50)
        spools.unlink()
        if since == "later":
            aside.rename(spools)
        until(lambda: not _trouble(server), 20)
        assert server.ask("health").json["status"] == "ok"
        assert _is_whole(_spool(server, written))
        wait_lines(written, 50)
        process.kill()
        process.wait()
    assert_story(server, written, "interrupted")


FOLDERS = ("results", "checkpoints", "calls", "orders", "workers", "keys")
RESULT = """
import sys
import jupyter_agent as ja

@ja.task(key="k", show=False)
def work():
    print(ja.current().restore("nothing"), flush=True)
    ja.current().checkpoint({"step": 3})
    return [1, 2, 3]

handle = work.submit()
handle.wait()
print(handle.id)
"""
LOAD = "import sys, jupyter_agent as ja; print(ja.attach(sys.argv[1]).result())"


def _run(server: Server, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    env = environment(server.home, server.agent)
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def _detached(server: Server, command: list[str]) -> str:
    """Add a detached task; its id, once it has completed."""
    task = str(server.ask("tasks", method="POST", body={"target": command}).json["id"])
    until(lambda: server.task(task)["state"] == "completed", 30)
    return task


def test_the_other_folders_are_made_again_and_what_is_gone_is_said(fresh: Servers) -> None:
    server = fresh.start(config="c.JupyterAgent.worker_limit = 3")
    kept = _run(server, RESULT).stdout.split()[-1]
    added = _detached(server, ["true"])
    with script(server, server.home / "lines", pause=0.001) as (process, written):
        written.wait()
        for name in FOLDERS:
            remove(server.agent / name)
        until(lambda: load_limits(server.paths).workers == 3)
        gone = _run(server, LOAD, kept)
        assert gone.returncode == 1
        assert "was not kept" in gone.stderr.splitlines()[-1]
        retried = server.ask(f"tasks/{added}/commands", method="POST", body={"command": "retry"})
        assert_problem(retried, 409)
        assert "add it again" in retried.json["detail"]
        again = _run(server, RESULT.replace('"k"', '"other"'))
        assert again.stdout.split()[0] == "nothing", again.stderr
        assert _run(server, LOAD, again.stdout.split()[-1]).stdout == "[1, 2, 3]\n"
        _detached(server, ["true"])
        assert server.task(written.task)["state"] == "running"
        process.kill()
        process.wait()
    assert_story(server, written, "interrupted")
    assert server.ask("health").json["status"] == "ok"
