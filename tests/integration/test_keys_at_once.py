"""One key from kernels, scripts and HTTP at the same moment: one task begins, and all get its handle."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support import kernels
from tests.support.builders import until
from tests.support.servers import Server, Servers, environment

ROUNDS = int(os.environ.get("KEY_ROUNDS", "6"))
PATIENT = """
from jupyter_agent.detached import key_lock
key_lock.LOCK_TIMEOUT = 120.0
"""
"""However slow the machine is, no submit goes on without the lock."""

SUBMITTER = (
    PATIENT
    + """
import sys, time
from pathlib import Path
import jupyter_agent as ja
from jupyter_agent.notebook import idempotency
idempotency.COMMIT_TIMEOUT = 120.0

def submit(folder, name, rounds):
    folder = Path(folder)
    ran = folder / f"ran-{name}"
    def work(number):
        with ran.open("a") as file:
            file.write(f"{number}\\n")
        return number
    ja.task(lambda: None, show=False).submit().result(30)
    (folder / f"ready-{name}").touch()
    for number in range(rounds):
        while not (folder / f"go-{number}").exists():
            time.sleep(0.0005)
        handle = ja.task(work, key=f"round {number}", show=False).submit(number)
        (folder / f"part-{name}-{number}").write_text(handle.id)
        (folder / f"part-{name}-{number}").rename(folder / f"got-{name}-{number}")
        handle.wait(60)
"""
)


@pytest.fixture
def server(fresh: Servers) -> Server:
    return fresh.start(config=PATIENT)


@pytest.fixture
def submitters(server: Server, tmp_path: Path) -> Iterator[list[str]]:
    """Two kernels of one server, and a script beside them; their names."""
    script = tmp_path / "submitter.py"
    script.write_text(SUBMITTER)
    names = ["kernel-1", "kernel-2", "script"]
    with ExitStack() as stack:
        for name in names[:2]:
            call = f"submit({str(tmp_path)!r}, {name!r}, {ROUNDS})"
            kernels.execute(server, server.start_kernel(), SUBMITTER + call)
        call = f"from submitter import submit; submit({str(tmp_path)!r}, 'script', {ROUNDS})"
        started = subprocess.Popen(
            [sys.executable, "-c", call], cwd=tmp_path, env=environment(server.home, server.agent)
        )
        stack.enter_context(started)
        stack.callback(started.kill)
        until(lambda: all((tmp_path / f"ready-{name}").exists() for name in names), 60)
        yield names


def post(server: Server, number: int) -> tuple[str, bool]:
    """Submit the round's key over HTTP, as the command line does; the task's id, and whether it is new."""
    body: dict[str, Any] = {"target": ["true"], "key": f"round {number}"}
    answer = server.ask("tasks", method="POST", body=body)
    assert answer.status in (200, 201), answer.body
    return answer.json["id"], answer.status == 201


def test_of_submits_with_one_key_at_one_moment_one_begins(
    server: Server, submitters: list[str], tmp_path: Path
) -> None:
    begun = []
    for number in range(ROUNDS):
        got = [tmp_path / f"got-{name}-{number}" for name in submitters]
        with ThreadPoolExecutor(2) as pool:
            (tmp_path / f"go-{number}").touch()
            posts = [post.result() for post in [pool.submit(post, server, number) for _ in range(2)]]
        until(lambda got=got: all(file.exists() for file in got), 60)  # type: ignore[misc]
        ids = {file.read_text() for file in got} | {ident for ident, _ in posts}
        assert len(ids) == 1, (number, ids)
        begun += [number] * sum(is_new for _, is_new in posts)
    until(lambda: all(task["state"] == "completed" for task in server.ask("tasks").json["tasks"]), 60)
    for name in submitters:
        ran = tmp_path / f"ran-{name}"
        begun += [int(line) for line in ran.read_text().split()] if ran.exists() else []
    assert sorted(begun) == list(range(ROUNDS))
