"""Disks that are full, files that are garbage, folders that are not folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from tests.faults.disks import NoMoreBytes, SmallDisk, small_disk
from tests.support.builders import until
from tests.support.kernels import assert_story, script
from tests.support.servers import Server, Servers, loud, servers

T = TypeVar("T")
pytestmark = pytest.mark.timeout(120)


def test_a_full_disk_is_told_once_and_everything_is_there_when_it_has_room_again(
    fresh: Servers, tmp_path: Path
) -> None:
    journals = fresh.home / "agent" / "journals"
    with small_disk(journals, "3m") as disk:
        tell_a_story_through(disk, fresh.start(), tmp_path / "lines")


def test_files_that_may_not_grow_are_told_once_too(fresh: Servers, tmp_path: Path) -> None:
    tell_a_story_through(NoMoreBytes(), fresh.start(), tmp_path / "lines")


def tell_a_story_through(disk: SmallDisk | NoMoreBytes, server: Server, lines: Path) -> None:
    with script(server, lines, pause=0.001) as (process, written):
        written.wait()
        until(lambda: server.task(written.task))
        disk.fill(server)
        (trouble,) = until(lambda: server.ask("health").json["trouble"], 20)
        assert disk.word in trouble
        written.wait(len(written.lines) + 1000)
        disk.empty(server)
        until(lambda: server.ask("health").json["status"] == "ok", 20)
        process.kill()
        process.wait()
    assert_story(server, written, "interrupted")
    said = [line for line in server.log_text().splitlines() if "cannot be stored" in line]
    assert len(said) == 1
    assert disk.word in said[0]
    assert "Traceback" not in server.log_text()
    server.stop()


GARBAGE = (b"garbage" * 1000, b"", b"SQLite format 3\0" + b"\xff" * 8000)


def test_a_garbage_journal_is_moved_aside_and_the_server_starts(tmp_path: Path) -> None:
    _each(tmp_path, _starts_beside_garbage, GARBAGE)


def _each(folder: Path, one: Callable[[Servers, Path, T], None], cases: Sequence[T]) -> None:
    """Run *one* for each case, each with servers of its own, at the same time."""

    def run(number: int) -> None:
        with servers(folder / str(number) / "servers") as factory:
            one(factory, folder / str(number), cases[number])

    with ThreadPoolExecutor(len(cases)) as together:
        list(together.map(run, range(len(cases))))


def _starts_beside_garbage(fresh: Servers, folder: Path, content: bytes) -> None:
    slot = fresh.home / "agent" / "journals" / "default"
    slot.mkdir(parents=True, mode=0o700)
    (slot / "journal.sqlite").write_bytes(content)
    server = fresh.start()
    with script(server, folder / "lines", count=30) as (process, written):
        assert process.wait(30) == 0
    assert_story(server, written, "completed", 15)
    aside = list(slot.glob("journal.sqlite*.corrupt-*"))
    if content:
        assert [path.read_bytes() for path in aside] == [content]
        assert server.ask("health").json["status"] == "degraded"
        said = [line for line in server.log_text().splitlines() if "moved aside" in line]
        assert len(said) == 1
    assert "Traceback" not in server.log_text()


def test_a_journal_that_breaks_while_it_is_used_is_replaced_and_the_spools_go_on(
    fresh: Servers, tmp_path: Path
) -> None:
    server = fresh.start()
    with script(server, tmp_path / "first", count=200, pause=0) as (process, first):
        assert process.wait(20) == 0
    assert_story(server, first, "completed")
    server.stop()
    path = fresh.home / "agent" / "journals" / "default" / "journal.sqlite"
    content = bytearray(path.read_bytes())
    for start in range(4096 * 2, len(content) - 4096, 4096):
        content[start + 8 : start + 600] = os.urandom(592)
    path.write_bytes(content)
    server.restart()
    with script(server, tmp_path / "second", count=300, pause=0) as (process, second):
        assert process.wait(20) == 0
    until(lambda: server.task(second.task), 10)
    assert server.task(second.task)["state"] == "completed"
    assert server.ask("tasks").status == 200
    assert "Traceback" not in server.log_text()


BLOCKED = ("agent", "agent/journals/default", "agent/spools")


def test_a_file_where_a_folder_should_be_is_told_in_one_sentence_and_the_server_works(
    tmp_path: Path,
) -> None:
    _each(tmp_path, _starts_beside_a_file, BLOCKED)


def _starts_beside_a_file(fresh: Servers, _: Path, blocked: str) -> None:
    path = fresh.home / blocked
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    path.write_text("in the way")
    server = fresh.start(wait=False)
    until(lambda: "is running at" in server.log_text(), 30)
    info = fresh.home / "runtime" / f"jpserver-{server.pid}.json"
    until(info.exists)
    server.wait_until_listening()
    assert server.api("status").status == 200
    assert "Traceback" not in server.log_text()
    said = [line for line in server.log_text().splitlines() if str(path) in line]
    assert len(said) == (1 if blocked != "agent/spools" else len(said))
    assert server.stop() == 0


def test_a_read_only_folder_of_journals_is_told_in_one_sentence_and_the_server_works(
    fresh: Servers,
) -> None:
    journals = fresh.home / "agent" / "journals"
    with small_disk(journals, "1m,ro") as disk:
        if isinstance(disk, NoMoreBytes):  # nothing can be mounted here
            journals.chmod(0o500)
        server = fresh.start(wait=False)
        server.wait_until_listening()
        assert server.api("status").status == 200
        told = [line for line in server.log_text().splitlines() if str(journals) in line]
        assert len(told) == (0 if os.access(journals, os.W_OK) else 1)
        assert "Traceback" not in server.log_text()
        assert server.stop() == 0


def test_strange_things_among_the_spools_keep_nobody_from_being_taken_in(
    fresh: Servers, tmp_path: Path
) -> None:
    server = fresh.start()
    server.stop()
    with script(server, tmp_path / "lines", count=50, pause=0) as (process, written):
        assert process.wait(20) == 0
    spools = server.agent / "spools"
    spool = next(path for path in spools.iterdir() if path.is_dir())
    header = (spool / "spool.json").read_text()
    (spools / "0").write_text("a file")
    (spools / "00NOHEADER").mkdir()
    (spools / "00BADHEADER").mkdir()
    (spools / "00BADHEADER" / "spool.json").write_text("{")
    strange: dict[str, Callable[[Path], object]] = {
        "00SEGMENTISFOLDER": lambda folder: (folder / f"{1:020d}.seg").mkdir(),
        "00SEGMENTISGARBAGE": lambda folder: (folder / f"{1:020d}.seg").write_bytes(os.urandom(5000)),
        "00LOCKISFOLDER": lambda folder: (folder / "lock").mkdir(),
        "00DANGLING": lambda folder: (folder / f"{1:020d}.seg").symlink_to("/nowhere"),
    }
    for name, make in strange.items():
        folder = spools / name
        folder.mkdir()
        (folder / "spool.json").write_text(header.replace(written.producer, name.ljust(26, "X")))
        make(folder)
    server.restart()
    assert_story(server, written, "completed")
    assert not [line for line in loud(server.log_text()) if "Traceback" in line]
    assert server.ask("health").status == 200
