"""Two servers of one user at once: each has its own journal, and nothing is lost when they come and go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.work import begin, wait_lines
from tests.support.builders import until
from tests.support.kernels import Written, assert_story, execute
from tests.support.servers import Server, Servers, environment, loud_of_ours

pytestmark = pytest.mark.timeout(90)


def _kernel_at_work(server: Server, path: Path) -> Written:
    execute(server, server.start_kernel(), begin({path: "thread"}))
    written = Written(path)
    wait_lines(written, 20)
    return written


def test_two_servers_serve_their_own_kernels_and_the_first_one_inherits_everything(
    fresh: Servers, tmp_path: Path
) -> None:
    first, second = fresh.start(), fresh.start()
    assert {first.slot, second.slot} == {"default", "default-2"}
    mine, other = _kernel_at_work(first, tmp_path / "first"), _kernel_at_work(second, tmp_path / "second")
    assert (mine.journal, other.journal) == (first.slot, second.slot)
    until(lambda: first.task(mine.task) and second.task(other.task))
    assert first.task(other.task) is None
    assert second.task(mine.task) is None

    second.kill()  # its kernel ends with it, and its journal is merged
    assert_story(first, other, "interrupted", 20)
    until(lambda: not (first.agent / "journals" / "default-2").exists())

    wait_lines(mine, 20)
    third = fresh.start()
    late = _kernel_at_work(third, tmp_path / "third")
    first.kill()  # `default` waits for its next holder; the third server goes on
    wait_lines(late, 20)
    first.restart()
    assert first.slot == "default"
    assert_story(first, mine, "interrupted", 20)
    third.stop()  # its kernel is asked to end, and does so in order
    assert_story(first, late, "interrupted", 20)
    assert first.events(late.task)[-1]["data"]["reason"] == "its kernel was shut down"
    assert_story(first, other, "interrupted", 20)
    for server in (first, second, third):
        assert not loud_of_ours(server.log_text())


KEYED = """
import jupyter_agent as ja
from jupyter_agent.client import connect
from jupyter_agent.producer.producer import current_producer

handle = ja.task(print, key="once", show=False).submit("done")
handle.wait()
with connect() as client:
    print(handle.id, current_producer().journal, client.health()["journal"]["slot"])
"""


def _submit(home: Path) -> list[str]:
    """Submit the key in a script; the task's id, the script's journal, the journal of the server it finds."""
    done = subprocess.run(
        [sys.executable, "-c", KEYED], env=environment(home), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()


def test_a_second_server_that_is_left_is_found_by_scripts_and_clients(fresh: Servers) -> None:
    first, second = fresh.start(), fresh.start()
    task, *found = _submit(fresh.home)
    assert found == ["default", "default"]
    first.stop()
    again, *found = _submit(fresh.home)
    assert found == ["default-2", "default-2"] == [second.slot, second.slot]
    assert again == task, "the key is looked up in the journal of the first server, too"
