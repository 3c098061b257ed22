"""A holder that was killed, whose lock a child that it forked keeps for a moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_agent.journal.one_shot.session import run_in_session
from jupyter_agent.journal.slots import holder_of, take_server_slot
from jupyter_agent.system.locks import is_locked
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.discovery import DEFAULT, find_address
from tests.support.builders import PACKAGE_ROOT

PROGRAM = """
import ctypes, os, sys
from pathlib import Path
from jupyter_agent.journal.slots import try_slot
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.discovery import this_holder
slot = try_slot(DataPaths(Path(sys.argv[1])), "default")
slot.announce(this_holder("server", url="http://127.0.0.1:9/", key="k"))
child = ctypes.PyDLL(None).fork()  # as C code does, without the hooks of Python
if child:
    print(child, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def paths(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path / "agent")


@pytest.fixture
def child(paths: DataPaths) -> Iterator[int]:
    """A child, as it is between its fork and the start of its program; its parent is killed."""
    command = [sys.executable, "-c", PROGRAM, str(paths.root)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=PACKAGE_ROOT, **pipes) as process:  # type: ignore[call-overload]
        child = int(process.stdout.readline())
        assert find_address(paths, DEFAULT) is not None
        process.kill()
        process.wait()
        assert is_locked(paths.journals / DEFAULT / "lock")
        yield child
        end(child)


def end(child: int) -> None:
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_it_is_not_asked(paths: DataPaths, child: int) -> None:
    assert find_address(paths, DEFAULT) is None
    assert holder_of(paths, DEFAULT) is None


def test_a_job_waits_for_the_lock(paths: DataPaths, child: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: end(child))
    assert run_in_session(paths, DEFAULT, lambda session: session.journal.head) == 0


def test_a_server_that_starts_waits_for_the_lock(paths: DataPaths, child: int) -> None:
    slot = take_server_slot(paths, lambda slot: slot, wait=lambda _: end(child))
    assert slot.name == DEFAULT
    slot.release()
