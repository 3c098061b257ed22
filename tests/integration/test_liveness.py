"""Kernels and servers that go away in every way: the right end, every line once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.builders import until
from tests.support.kernels import assert_story, script, stream_in_kernel
from tests.support.servers import Server, Servers, loud_of_ours

pytestmark = [pytest.mark.alone, pytest.mark.timeout(60)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose kernels die in these tests."""
    factory = Servers(tmp_path_factory.mktemp("house"))
    try:
        yield factory.start()
    finally:
        factory.close()


def test_a_kernel_that_is_killed_leaves_its_task_interrupted(house: Server, tmp_path: Path) -> None:
    kernel = house.start_kernel()
    written = stream_in_kernel(house, kernel, tmp_path / "lines")
    written.wait()
    os.kill(written.pid, signal.SIGKILL)
    task = assert_story(house, written, "interrupted")
    assert task["kernel"] == kernel
    house.api(f"kernels/{kernel}", "DELETE")


def test_a_kernel_that_is_restarted_leaves_its_task_interrupted(house: Server, tmp_path: Path) -> None:
    kernel = house.start_kernel()
    written = stream_in_kernel(house, kernel, tmp_path / "lines")
    written.wait()
    assert house.api(f"kernels/{kernel}/restart", "POST", {}).status == 200
    assert_story(house, written, "interrupted")
    again = stream_in_kernel(house, kernel, tmp_path / "again", count=20)
    until(lambda: again.ended)
    assert_story(house, again, "completed")
    assert again.producer != written.producer
    house.api(f"kernels/{kernel}", "DELETE")


def test_a_kernel_that_is_shut_down_leaves_its_task_interrupted(house: Server, tmp_path: Path) -> None:
    kernel = house.start_kernel()
    written = stream_in_kernel(house, kernel, tmp_path / "lines")
    written.wait()
    assert house.api(f"kernels/{kernel}", "DELETE").status == 204
    assert_story(house, written, "interrupted")


def test_a_task_that_ended_stays_as_it_ended_when_its_kernel_goes(house: Server, tmp_path: Path) -> None:
    kernel = house.start_kernel()
    written = stream_in_kernel(house, kernel, tmp_path / "lines", count=30)
    until(lambda: written.ended)
    house.api(f"kernels/{kernel}", "DELETE")
    assert_story(house, written, "completed")
    until(lambda: not (house.agent / "spools" / written.producer).exists())
    assert house.task(written.task)["state"] == "completed"


def test_none_of_this_was_loud(house: Server) -> None:
    assert not loud_of_ours(house.log_text())


def test_a_server_that_is_killed_with_a_running_kernel_has_the_whole_story_when_it_is_back(
    fresh: Servers, tmp_path: Path
) -> None:
    server = fresh.start()
    written = stream_in_kernel(server, server.start_kernel(), tmp_path / "lines")
    written.wait()
    server.kill()
    until(lambda: not _alive(written.pid), 15)
    server.restart()
    assert_story(server, written, "interrupted")


def test_a_server_that_is_stopped_with_a_running_kernel_has_the_whole_story_when_it_is_back(
    fresh: Servers, tmp_path: Path
) -> None:
    server = fresh.start()
    written = stream_in_kernel(server, server.start_kernel(), tmp_path / "lines")
    written.wait()
    assert server.stop() == 0
    until(lambda: not _alive(written.pid), 15)
    server.restart()
    assert_story(server, written, "interrupted")
    assert not loud_of_ours(server.log_text())


def test_a_script_goes_on_while_its_server_is_killed_and_comes_back(fresh: Servers, tmp_path: Path) -> None:
    server = fresh.start()
    with script(server, tmp_path / "lines", count=1500) as (process, written):
        written.wait()
        server.kill()
        before = len(written.lines)
        written.wait(before + 100)
        server.restart()
        assert process.wait(20) == 0
    assert_story(server, written, "completed")


def test_a_script_that_is_killed_without_any_server_is_told_by_the_next_one(
    fresh: Servers, tmp_path: Path
) -> None:
    server = fresh.start()
    server.stop()
    with script(server, tmp_path / "lines") as (process, written):
        written.wait()
        process.kill()
        process.wait()
    server.restart()
    assert_story(server, written, "interrupted")


def test_a_script_that_ended_without_any_server_is_complete_for_the_next_one(
    fresh: Servers, tmp_path: Path
) -> None:
    server = fresh.start()
    server.stop()
    with script(server, tmp_path / "lines", count=300, pause=0) as (process, written):
        assert process.wait(20) == 0
    server.restart()
    assert_story(server, written, "completed")
    assert list((server.agent / "spools").iterdir()) == []


def test_a_script_whose_server_and_self_are_killed_at_once_loses_nothing(
    fresh: Servers, tmp_path: Path
) -> None:
    server = fresh.start()
    with script(server, tmp_path / "lines") as (process, written):
        written.wait(200)
        os.kill(server.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        server.kill()
    server.restart()
    assert_story(server, written, "interrupted")


def _alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
